/* Every kind of configuration. A network that is accepted must be written out and read again as it was. */
#include <stdlib.h>
#include <string.h>

#include "model/compare/compare.h"
#include "model/graph/graph.h"
#include "model/program/hardware.h"
#include "model/prune/pipeline.h"
#include "model/train/loop/train.h"
#include "tests/fuzz/fuzz.h"

void fuzz_network(const uint8_t *data, size_t size)
{
    const struct bd_graph_shape same = {0};
    struct bd_graph graph, again;
    struct bd_error err = {0};
    if (fuzz_accepted(bd_graph_parse(&graph, "fuzz", (const char *)data, size, &err), &err)) {
        fuzz_demand(bd_graph_adapt(&graph, &same, &again, &err) == BD_OK, "a network cannot be written out");
        fuzz_demand(again.layer_count == graph.layer_count, "a network changes when it is written out");
        bd_graph_release(&again);
        bd_graph_release(&graph);
    }
}

void fuzz_hardware(const uint8_t *data, size_t size)
{
    struct bd_hardware hardware;
    struct bd_error err = {0};
    if (fuzz_accepted(bd_hardware_load(&hardware, fuzz_file(data, size), &err), &err)) {
        bd_hardware_geometry_hash(&hardware);
        bd_hardware_release(&hardware);
    }
}

void fuzz_training(const uint8_t *data, size_t size)
{
    struct bd_train_config config;
    struct bd_error err = {0};
    if (fuzz_accepted(bd_train_config_load(&config, fuzz_file(data, size), &err), &err)) {
        free(bd_train_plan_text(&config.plan));
        bd_train_config_release(&config);
    }
}

void fuzz_search(const uint8_t *data, size_t size)
{
    struct bd_prune_config config;
    struct bd_error err = {0};
    if (fuzz_accepted(bd_prune_config_load(&config, fuzz_file(data, size), &err), &err)) {
        bd_prune_config_release(&config);
    }
}

void fuzz_comparison(const uint8_t *data, size_t size)
{
    struct bd_comparison comparison;
    struct bd_error err = {0};
    if (fuzz_accepted(bd_comparison_load(&comparison, fuzz_file(data, size), &err), &err)) {
        bd_comparison_release(&comparison);
    }
}
