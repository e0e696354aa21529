/* Networks: made, loaded, saved, asked. */
#include <stdio.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/core/version.h"
#include "model/train/loop/train.h"
#include "sw/lib/api.h"

const char *bitdial_version(void)
{
    return BD_VERSION;
}

bitdial_status bd_api_fail(struct bitdial_error *err, bitdial_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    err->status = status;
    vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    return status;
}

bitdial_status bd_api_check_switch(int index, int count, struct bitdial_error *err)
{
    return index >= 0 && index < count
               ? BITDIAL_OK
               : bd_api_fail(err, BITDIAL_BAD_INPUT, "no switch %d: there are %d, from 0", index, count);
}

bitdial_status bitdial_network_create(const char *description_path, uint64_t seed, struct bitdial_network **network,
                                      struct bitdial_error *err)
{
    struct bd_error here;
    struct bd_train_plan plan;
    struct bitdial_network *made = bd_xcalloc(1, sizeof *made);
    bd_checkpoint_init(&made->checkpoint);
    bd_status status = bd_graph_load(&made->checkpoint.graph, description_path, &here);
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    bd_train_plan_init(&plan);
    plan.seed = (int64_t)(seed >> 1); /* plans count from zero up */
    bd_train_initialise(&made->checkpoint, &plan);
    *network = made;
    return BITDIAL_OK;
}

bitdial_status bitdial_network_load(const char *path, struct bitdial_network **network, struct bitdial_error *err)
{
    struct bd_error here;
    struct bitdial_network *made = bd_xcalloc(1, sizeof *made);
    bd_status status = bd_checkpoint_load(&made->checkpoint, path, &here);
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    *network = made;
    return BITDIAL_OK;
}

bitdial_status bitdial_network_save(const struct bitdial_network *network, const char *path, struct bitdial_error *err)
{
    struct bd_error here;
    return bd_api_give(bd_checkpoint_save(&network->checkpoint, path, &here), &here, err);
}

void bitdial_network_free(struct bitdial_network *network)
{
    if (network) {
        bd_checkpoint_release(&network->checkpoint);
        free(network);
    }
}

struct bitdial_network_info bitdial_network_info(const struct bitdial_network *network)
{
    const struct bd_graph *g = &network->checkpoint.graph;
    return (struct bitdial_network_info){.name = g->name,
                                         .height = g->input_height,
                                         .width = g->input_width,
                                         .channels = g->input_channels,
                                         .classes = g->classes,
                                         .switch_count = g->switch_count,
                                         .layer_count = g->layer_count,
                                         .group_count = g->prune_group_count};
}

const char *bitdial_network_switch_name(const struct bitdial_network *network, int switch_index)
{
    const struct bd_graph *g = &network->checkpoint.graph;
    return switch_index >= 0 && switch_index < g->switch_count ? g->switches[switch_index].name : NULL;
}

int bitdial_network_switch(const struct bitdial_network *network, const char *name)
{
    return bd_graph_switch(&network->checkpoint.graph, name);
}
