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

void bd_cosim_merge(struct bd_cosim_totals *to, const struct bd_cosim_totals *from)
{
    to->images += from->images;
    to->mismatches += from->mismatches;
    to->cycle_mismatches += from->cycle_mismatches;
    to->untimed += from->untimed;
    to->loads += from->loads;
    to->load_cycles += from->load_cycles;
    to->queue_checked += from->queue_checked;
    to->queue_different += from->queue_different;
    to->bytes_load = from->bytes_load > to->bytes_load ? from->bytes_load : to->bytes_load;
    to->bytes_min =
        to->bytes_max == 0 || (from->bytes_max && from->bytes_min < to->bytes_min) ? from->bytes_min : to->bytes_min;
    to->bytes_max = from->bytes_max > to->bytes_max ? from->bytes_max : to->bytes_max;
    to->stray_bytes += from->stray_bytes;
    to->violations += from->violations;
    to->clocks += from->clocks;
    to->run_nanoseconds += from->run_nanoseconds;
    to->binary_macs += from->binary_macs;
    to->networks += from->networks;
    to->layers += from->layers;
    to->shared |= from->shared;
    to->unstored |= from->unstored;
    for (int l = 0; l < BD_PROGRAM_MAX_LAYERS; l++) {
        to->layer_mismatches[l] += from->layer_mismatches[l];
    }
    for (int s = 0; s < BD_PROGRAM_MAX_SWITCHES; s++) {
        to->at[s].frames += from->at[s].frames;
        for (int store = 0; store < 2; store++) {
            to->at[s].simulated[store] += from->at[s].simulated[store];
            to->at[s].predicted[store] += from->at[s].predicted[store];
            to->at[s].compared[store] += from->at[s].compared[store];
        }
    }
    if (!to->first[0]) {
        memcpy(to->first, from->first, sizeof to->first);
    }
    if (!to->first_cycles[0]) {
        memcpy(to->first_cycles, from->first_cycles, sizeof to->first_cycles);
    }
}

bd_status bd_cosim_judge(const struct bd_cosim_totals *t, struct bd_error *err)
{
    if (t->first[0] || t->first_cycles[0]) {
        return bd_fail(err, BD_FAIL, "%.1000s", t->first[0] ? t->first : t->first_cycles);
    }
    if (t->violations) {
        return bd_fail(err, BD_FAIL, "%" PRIu64 " writes into the sealed program", t->violations);
    }
    if (t->stray_bytes) {
        return bd_fail(err, BD_FAIL,
                       "%" PRIu64 " bytes that are neither image nor registers were written after loading",
                       t->stray_bytes);
    }
    return BD_OK;
}
