/* The cost model: what is sure without a simulator. Equality with the RTL is part of tests/cli/cosim_test.sh. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/cost/pricer.h"
#include "model/program/random_network.h"

static void load_demo(struct bd_hardware *hardware)
{
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK, "%s", err.message);
}

Test(cost, parts_sum_to_the_whole)
{
    struct bd_hardware hardware;
    struct bd_error err;
    load_demo(&hardware);
    struct bd_frame_cost *c = bd_xcalloc(1, sizeof(*c));
    for (uint32_t index = 0; index < 32; index++) {
        struct bd_program program;
        cr_assert_eq(bd_random_network(9, index, &hardware, &program, &err), BD_OK, "%s", err.message);
        for (unsigned s = 0; s < program.header->switch_count; s++) {
            uint64_t plain = 0;
            for (int store = 0; store < 2; store++) {
                uint64_t total = 0;
                cr_assert_eq(bd_cost_frame(&program, &hardware, s, store, c, &err), BD_OK);
                cr_assert_eq(c->compute + c->weight_stall + c->input_stall + c->output_stall + c->overhead, c->cycles);
                for (unsigned l = 0; l < c->layer_count; l++) {
                    total += c->layers[l].total;
                }
                cr_assert_eq(total, c->cycles);
                cr_assert(!store || c->cycles > plain, "stores are free");
                plain = c->cycles;
            }
        }
        cr_assert_eq(bd_cost_frame(&program, &hardware, 99, false, c, &err), BD_BAD_INPUT);
        bd_program_release(&program);
    }
    free(c);
    bd_hardware_release(&hardware);
}

Test(cost, a_slower_memory_is_never_faster)
{
    struct bd_hardware hardware;
    struct bd_error err;
    static const struct bd_memory_model models[] = {{1, 1, 4}, {20, 1, 4}, {20, 1, 1}, {20, 3, 1}, {90, 3, 1}};
    load_demo(&hardware);
    struct bd_frame_cost *c = bd_xcalloc(1, sizeof(*c));
    for (uint32_t index = 0; index < 16; index++) {
        struct bd_program program;
        uint64_t last = 0;
        cr_assert_eq(bd_random_network(4, index, &hardware, &program, &err), BD_OK);
        for (size_t m = 0; m < sizeof(models) / sizeof(*models); m++) {
            hardware.memory = models[m];
            cr_assert_eq(bd_cost_frame(&program, &hardware, 0, false, c, &err), BD_OK);
            cr_assert_geq(c->cycles, last);
            last = c->cycles;
        }
        bd_program_release(&program);
    }
    free(c);
    bd_hardware_release(&hardware);
}

/* All that is read goes over one bus, the image too: no frame is quicker than its beats. */
Test(cost, no_frame_is_quicker_than_the_bus)
{
    struct bd_hardware hardware;
    struct bd_error err;
    load_demo(&hardware);
    struct bd_frame_cost *c = bd_xcalloc(1, sizeof(*c));
    for (uint32_t index = 0; index < 24; index++) {
        struct bd_program program;
        cr_assert_eq(bd_random_network(12, index, &hardware, &program, &err), BD_OK);
        for (int64_t interval = 1; interval <= 400; interval += 133) {
            hardware.memory = (struct bd_memory_model){1, interval, 4};
            cr_assert_eq(bd_cost_frame(&program, &hardware, 0, false, c, &err), BD_OK);
            cr_assert_geq(c->cycles, c->read_bytes / 8 * (uint64_t)interval, "network %u, a beat in %d clocks", index,
                          (int)interval);
        }
        bd_program_release(&program);
    }
    free(c);
    bd_hardware_release(&hardware);
}

/* The arrays' walk of a layer, clock by clock: those in which products are added. Depth is in channels of the codes. */
static uint64_t walk(const struct bd_descriptor *d, const struct bd_program_header *h)
{
    const bool xnor = d->datapath == BD_DATAPATH_XNOR, depthwise = d->flags & BD_FLAG_DEPTHWISE;
    const uint32_t eight = d->in_layout == BD_LAYOUT_CHANNEL ? 72 : d->in_layout == BD_LAYOUT_BYTE ? 2 : 8;
    const uint32_t word = d->in_bits == 1 && eight != 2 ? 2 * eight : eight; /* channels of a word */
    uint64_t clocks = 0;
    for (uint32_t row = 0; row < d->out_channels; row += h->rows)
        for (uint32_t pixel = 0; pixel < d->out_height * d->out_width; pixel++)
            for (uint32_t ky = 0; ky < d->kernel_h; ky += 3)
                for (uint32_t kx = 0; kx < d->kernel_w; kx += 3)
                    for (uint32_t c = 0; c < (depthwise ? 1 : d->in_channels); c += word) {
                        if (xnor) { /* a pair of activation planes with one of the weights */
                            for (uint32_t plane = 0; plane < d->in_bits; plane += 2)
                                clocks += d->weight_bits;
                            continue;
                        }
                        const uint32_t most = d->in_layout == BD_LAYOUT_CHANNEL ? word / 9 : word;
                        uint32_t channels = depthwise ? 1 : d->in_channels - c < word ? d->in_channels - c : word;
                        channels = d->in_layout == BD_LAYOUT_CHANNEL ? most : channels;
                        for (uint32_t at = 0; at < channels; at += depthwise ? 1 : h->mac_channels)
                            clocks += d->weight_bits;
                    }
    return clocks;
}

Test(cost, fill_is_the_clocks_of_the_walk)
{
    static const char *const files[] = {"demo", "mid", "large", "xnor_only", "mac_only"};
    struct bd_frame_cost *c = bd_xcalloc(1, sizeof(*c));
    unsigned kinds[2] = {0, 0};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct bd_hardware hardware;
        struct bd_error err;
        char *path = bd_asprintf("yaml-configs/hardware/%s.yaml", files[f]);
        cr_assert_eq(bd_hardware_load(&hardware, path, &err), BD_OK, "%s", err.message);
        for (uint32_t index = 0; index < 40; index++) {
            struct bd_program program;
            cr_assert_eq(bd_random_network(15, index, &hardware, &program, &err), BD_OK, "%s", err.message);
            for (unsigned s = 0; s < program.header->switch_count; s++) {
                double work = 0, clocks = 0;
                cr_assert_eq(bd_cost_frame(&program, &hardware, s, false, c, &err), BD_OK);
                for (unsigned l = 0; l < c->layer_count; l++) {
                    const struct bd_descriptor *d = bd_program_descriptor(&program, s, l);
                    const uint64_t walked = d->operation == BD_OP_POOL ? 0 : walk(d, program.header);
                    cr_assert_float_eq(c->layers[l].fill * (double)c->layers[l].total, (double)walked, 1e-6,
                                       "%s, network %u, switch %u, layer %u: %g of %llu clocks, %llu walked", files[f],
                                       index, s, l, c->layers[l].fill, (unsigned long long)c->layers[l].total,
                                       (unsigned long long)walked);
                    cr_assert_leq(walked, c->layers[l].compute + d->row_groups, "more work than clocks of the walk");
                    if (d->operation == BD_OP_CONV) {
                        kinds[d->datapath]++;
                        work += d->datapath == BD_DATAPATH_XNOR ? (double)walked : 0;
                        clocks += d->datapath == BD_DATAPATH_XNOR ? (double)c->layers[l].total : 0;
                    }
                }
                cr_assert_float_eq(c->xnor_fill, clocks > 0 ? work / clocks : 0, 1e-9);
            }
            bd_program_release(&program);
        }
        free(path);
        bd_hardware_release(&hardware);
    }
    cr_assert(kinds[0] > 100 && kinds[1] > 100, "%u and %u layers on a datapath", kinds[0], kinds[1]);
    free(c);
}

Test(cost, another_geometry_is_refused)
{
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_error err;
    load_demo(&hardware);
    cr_assert_eq(bd_random_network(4, 0, &hardware, &program, &err), BD_OK);
    hardware.act_words *= 2;
    struct bd_frame_cost *c = bd_xcalloc(1, sizeof(*c));
    cr_assert_eq(bd_cost_frame(&program, &hardware, 0, false, c, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "another geometry"), "%s", err.message);
    free(c);
    bd_program_release(&program);
    bd_hardware_release(&hardware);
}

/* Every count between two of the grid costs what the larger costs: nothing distinct is left out. */
Test(cost, grid_is_what_the_hardware_tells_apart)
{
    struct bd_hardware hardware;
    struct bd_graph graph;
    struct bd_error err;
    load_demo(&hardware);
    cr_assert_eq(bd_graph_load(&graph, "yaml-configs/networks/resnet8.yaml", &err), BD_OK);
    struct bd_pricer pricer;
    cr_assert_eq(bd_pricer_init(&pricer, &graph, &hardware, bd_graph_switch(&graph, "w1a1"), &err), BD_OK);
    for (int g = 0; g < graph.prune_group_count; g++) {
        int counts[64], channels[BD_MAX_LAYERS];
        for (int k = 0; k < graph.prune_group_count; k++) {
            channels[k] = bd_graph_group_channels(&graph, k);
        }
        int full = channels[g];
        size_t count = bd_pricer_grid(&pricer, g, 1, counts);
        cr_assert_eq(counts[count - 1], full);
        uint64_t above = 0;
        for (size_t i = 0; i < count; i++) {
            channels[g] = counts[i];
            uint64_t price = bd_pricer_cycles(&pricer, channels);
            cr_assert(i == 0 || price > above, "two counts of the grid cost the same");
            for (int c = i ? counts[i - 1] + 1 : 1; c < counts[i]; c++) {
                channels[g] = c;
                cr_assert_geq(bd_pricer_cycles(&pricer, channels), price, "%d channels are cheaper than %d", c,
                              counts[i]);
            }
            above = price;
        }
    }
    bd_pricer_release(&pricer);
    bd_graph_release(&graph);
    bd_hardware_release(&hardware);
}
