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
