#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "sw/cosim/cosim_parts.h"

void bd_cosim_note_in(struct bd_cosim_worker *w, char first[1536], const struct bd_cosim_item *item,
                      const char *difference)
{
    if (first[0]) {
        return;
    }
    char line[768];
    bd_cosim_repeat_line(w, item, line, sizeof line);
    snprintf(first, 1536, "%s %u, switch %s, %s; repeat with: %s", w->options->path ? "image" : "network", item->id,
             w->program->switches[item->switch_index].name, difference, line);
}

static void note(struct bd_cosim_worker *w, const struct bd_cosim_item *item, const char *difference)
{
    bd_cosim_note_in(w, w->totals.first, item, difference);
}

/* Compares one array (H, W, C); `agrees` says that the layer's stream is the same where its codes differ. */
static void compare_array(struct bd_cosim_worker *w, const struct bd_cosim_item *item, unsigned layer, bool codes,
                          const struct bd_layer_output *expected, const struct bd_layer_output *found)
{
    size_t count = (size_t)expected->height * (size_t)expected->width * (size_t)expected->channels;
    uint64_t different = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t should = codes ? expected->codes[i] : expected->z[i], is = codes ? found->codes[i] : found->z[i];
        if (should == is) {
            continue;
        }
        if (different++ == 0) {
            char text[384];
            size_t pixel = i / (size_t)expected->channels;
            bool same_z = codes && expected->z && found->z && expected->z[i] == found->z[i];
            snprintf(text, sizeof text,
                     "layer %s (%s), channel %zu, pixel (%zu,%zu): expected %d, the device gave %d%s",
                     w->program->names[layer], codes ? "codes" : "z", i % (size_t)expected->channels,
                     pixel / (size_t)expected->width, pixel % (size_t)expected->width, should, is,
                     same_z ? " from the same z" : "");
            note(w, item, text);
        }
    }
    w->totals.layer_mismatches[layer] += different;
    w->totals.mismatches += different;
}

void bd_cosim_compare_layer(struct bd_cosim_worker *w, const struct bd_cosim_item *item, unsigned layer)
{
    struct bd_layer_output found;
    const struct bd_layer_output *expected = &item->reference->outputs[layer];
    if (bd_program_descriptor(w->program, item->switch_index, layer)->operation == BD_OP_LOAD) {
        return; /* what it loads was compared where it was stored */
    }
    bd_store_unpack(w->program, item->switch_index, layer, w->store, &found);
    if (found.z && expected->z) {
        compare_array(w, item, layer, false, expected, &found);
    }
    if (found.codes && expected->codes) {
        compare_array(w, item, layer, true, expected, &found);
    }
    if ((!found.z && !found.codes) || (expected->codes && !found.codes)) {
        char text[128];
        snprintf(text, sizeof text, "layer %s: the program does not ask the device to store it",
                 w->program->names[layer]);
        note(w, item, text);
        w->totals.layer_mismatches[layer]++;
        w->totals.mismatches++;
    }
    free(found.codes);
    free(found.z);
}

void bd_cosim_compare_result(struct bd_cosim_worker *w, const struct bd_cosim_item *item, const int32_t *found)
{
    unsigned last = w->program->header->layer_count - 1;
    for (unsigned c = 0; c < w->program->header->classes; c++) {
        if (found[c] != item->logits[c]) {
            char text[256];
            snprintf(text, sizeof text, "layer %s (result), channel %u, pixel (0,0): expected %d, the device gave %d",
                     w->program->names[last], c, item->logits[c], found[c]);
            note(w, item, text);
            w->totals.layer_mismatches[last]++;
            w->totals.mismatches++;
        }
    }
}

bd_status bd_cosim_find_price(struct bd_cosim_worker *w, unsigned switch_index, bool store, uint64_t *cycles,
                              struct bd_error *err)
{
    struct bd_cosim_price *price = &w->prices[switch_index][store];
    if (!price->known) {
        struct bd_hardware hardware = w->session.hardware;
        hardware.memory = w->memory;
        struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
        bd_status status = bd_cost_frame(w->program, &hardware, switch_index, store, cost, err);
        *price = (struct bd_cosim_price){.known = status == BD_OK,
                                         .cycles = cost->cycles,
                                         .parts = {cost->cycles, cost->compute, cost->weight_stall, cost->input_stall,
                                                   cost->output_stall, cost->overhead}};
        free(cost);
        if (status != BD_OK) {
            return status;
        }
    }
    *cycles = price->cycles;
    return BD_OK;
}

uint64_t bd_cosim_load_cycles(struct bd_cosim_worker *w, bool count)
{
    uint64_t bytes;
    const uint64_t cycles =
        bd_cost_load(w->program->header, bd_program_load_descriptor(w->program), &w->memory, &bytes);
    if (count) {
        w->totals.loads++;
        w->totals.load_cycles += cycles;
    }
    return cycles;
}

/* Whether the device's own counters are those of the prediction; else `text` names the part that differs most. */
static bool counters_agree(struct bd_cosim_worker *w, const struct bd_device_counters *predicted, char *text,
                           size_t size)
{
    static const char *const names[] = {"all", "compute", "weight stall", "input stall", "output stall", "overhead"};
    struct bd_device_counters c;
    if (bd_device_read_counters(&w->session.device, &c) != BD_DEVICE_OK) {
        snprintf(text, size, "; its counters cannot be read");
        return false;
    }
    const uint64_t is[] = {c.total, c.compute, c.weight_stall, c.input_stall, c.output_stall, c.overhead};
    const uint64_t should[] = {predicted->total,       predicted->compute,      predicted->weight_stall,
                               predicted->input_stall, predicted->output_stall, predicted->overhead};
    size_t worst = 1;
    for (size_t i = 2; i < sizeof is / sizeof *is; i++) {
        if (llabs((long long)(is[i] - should[i])) > llabs((long long)(is[worst] - should[worst]))) {
            worst = i;
        }
    }
    snprintf(text, size, "; it counts %" PRIu64 " of %s, %" PRIu64 " were predicted", is[worst], names[worst],
             should[worst]);
    return memcmp(is, should, sizeof is) == 0;
}

void bd_cosim_compare_cycles(struct bd_cosim_worker *w, const struct bd_cosim_item *item, bool store,
                             uint64_t simulated)
{
    struct bd_cosim_switch *at = &w->totals.at[item->switch_index];
    struct bd_cosim_price price = w->prices[item->switch_index][store];
    const uint64_t load = w->loads ? bd_cosim_load_cycles(w, true) : 0;
    char part[160];
    at->simulated[store] += simulated - load;
    at->predicted[store] += price.cycles;
    price.cycles += load;
    price.parts.total += load;
    price.parts.weight_stall += load;
    at->compared[store]++;
    if (!w->session.is_timed) {
        w->totals.untimed++;
    } else if (!counters_agree(w, &price.parts, part, sizeof part) || simulated != price.cycles) {
        char text[384];
        snprintf(text, sizeof text, "layers %s: the device takes %" PRIu64 " clocks, %" PRIu64 " were predicted%s",
                 store ? "stored" : "not stored", simulated, price.cycles, part);
        bd_cosim_note_in(w, w->totals.first_cycles, item, text);
        w->totals.cycle_mismatches++;
    }
}
