/* The dial itself: on the hardware that the shipped networks are priced for, every step down in bits costs fewer
 * clocks, less energy and less memory traffic, and no more over the bus. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/memory.h"
#include "model/cost/pricer.h"

static const char *const networks[] = {"resnet8",     "resnet8_pruned",  "resnet20_w1",     "resnet20_pruned",
                                       "resnet20_wa", "resnet18_narrow", "mobilenet_narrow"};
/* Each step goes one to the right; a network has the switches that it has. */
static const char *const families[][4] = {{"w8a8", "w4a4", "w2a2", "w1a1"}, {"w1a8", "w1a4", "w1a2", "w1a1"}};

/* What a frame costs, from its description; false where the network has no such switch. */
static bool price(const struct bd_graph *graph, const struct bd_hardware *hardware, const char *name,
                  struct bd_frame_cost *cost)
{
    struct bd_error err;
    struct bd_pricer pricer;
    const int s = bd_graph_switch(graph, name);
    if (s < 0)
        return false;
    cr_assert_eq(bd_pricer_init(&pricer, graph, hardware, s, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_pricer_price(&pricer, NULL, &err), BD_OK, "%s", err.message);
    *cost = *pricer.cost;
    bd_pricer_release(&pricer);
    return true;
}

/* Number of steps taken. */
static int descend(const struct bd_graph *graph, const struct bd_hardware *hardware, const char *const *family,
                   const char *why[2])
{
    struct bd_frame_cost *above = bd_xcalloc(1, sizeof *above), *cost = bd_xcalloc(1, sizeof *cost), *swap;
    const char *before = NULL;
    int steps = 0;
    why[0] = NULL;
    for (int i = 0; i < 4; i++) {
        if (!price(graph, hardware, family[i], cost))
            continue;
        if (before) {
            const uint64_t bus = cost->read_bytes + cost->write_bytes,
                           bus_above = above->read_bytes + above->write_bytes;
            steps++;
            if (cost->cycles >= above->cycles || cost->energy_nj >= above->energy_nj ||
                cost->memory_bytes >= above->memory_bytes || bus > bus_above) {
                why[0] = before;
                why[1] = family[i];
            }
        }
        before = family[i];
        swap = above, above = cost, cost = swap;
    }
    free(above);
    free(cost);
    return steps;
}

static void check(const char *path, int *steps, int *failed)
{
    struct bd_error err;
    struct bd_hardware hardware;
    cr_assert_eq(bd_hardware_load(&hardware, path, &err), BD_OK, "%s", err.message);
    for (size_t n = 0; n < sizeof networks / sizeof *networks; n++) {
        char file[96];
        struct bd_checkpoint checkpoint;
        snprintf(file, sizeof file, "model/zoo/%s.h5", networks[n]);
        cr_assert_eq(bd_checkpoint_load(&checkpoint, file, &err), BD_OK, "%s", err.message);
        for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
            const char *why[2];
            *steps += descend(&checkpoint.graph, &hardware, families[f], why);
            if (why[0]) {
                (*failed)++;
                fprintf(stderr, "%s on %s: %s costs no less than %s\n", networks[n], hardware.name, why[1], why[0]);
            }
        }
        bd_checkpoint_release(&checkpoint);
    }
    bd_hardware_release(&hardware);
}

Test(dial, every_step_down_costs_less)
{
    int steps = 0, failed = 0;
    check("yaml-configs/hardware/mid.yaml", &steps, &failed);
    cr_assert_eq(failed, 0);
    cr_assert_geq(steps, 26, "%d steps", steps);
}
