#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/prune/prune.h"

static int compare_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void bd_prune_choose(const struct bd_graph *graph, int *const *orders, const int *channels,
                     struct bd_prune_choice *choice)
{
    choice->group_count = graph->prune_group_count;
    choice->count = bd_xcalloc((size_t)choice->group_count, sizeof(int));
    choice->kept = bd_xcalloc((size_t)choice->group_count, sizeof(int *));
    for (int g = 0; g < choice->group_count; g++) {
        int full = bd_graph_group_channels(graph, g), keep = channels[g] < full ? channels[g] : full;
        choice->count[g] = keep;
        choice->kept[g] = bd_xcalloc((size_t)keep, sizeof(int));
        memcpy(choice->kept[g], orders[g] + (full - keep), (size_t)keep * sizeof(int));
        qsort(choice->kept[g], (size_t)keep, sizeof(int), compare_int);
    }
}

void bd_prune_choice_release(struct bd_prune_choice *choice)
{
    for (int g = 0; g < choice->group_count; g++) {
        free(choice->kept[g]);
    }
    free(choice->kept);
    free(choice->count);
    memset(choice, 0, sizeof(*choice));
}

/* The channels of one side of a layer that stay: kept[k], or k itself where the side belongs to no group. */
struct side {
    int count;
    const int *kept;
};

static int channel(const struct side *side, int k)
{
    return side->kept ? side->kept[k] : k;
}

static struct side group_side(const struct bd_prune_choice *choice, int group, int channels)
{
    if (group < 0) {
        return (struct side){.count = channels};
    }
    return (struct side){.count = choice->count[group], .kept = choice->kept[group]};
}

static struct side output_side(const struct bd_prune_choice *choice, const struct bd_layer *layer)
{
    return group_side(choice, layer->prune_group, layer->out_channels);
}

/* Input channels of one filter. */
static int filter_channels(const struct bd_layer *layer)
{
    return layer->in_channels / layer->groups;
}

/* A layer reads the channels of whoever emits its codes; a depthwise filter reads its own channel, which goes with it.
 */
static struct side input_side(const struct bd_graph *graph, const struct bd_prune_choice *choice,
                              const struct bd_layer *layer)
{
    if (layer->groups != 1) {
        return (struct side){.count = 1};
    }
    int producer = layer->in_quantizer < 0 ? -1 : bd_graph_producer(graph, layer->in_quantizer);
    return group_side(choice, producer < 0 ? -1 : graph->layers[producer].prune_group, layer->in_channels);
}

static bd_status find(const struct bd_checkpoint *checkpoint, int64_t count, const char *name,
                      const struct bd_array **array, struct bd_error *err)
{
    *array = bd_checkpoint_find(checkpoint, "%s", name);
    if (!*array || (count && (*array)->count != count)) {
        return bd_fail(err, BD_BAD_INPUT, "the checkpoint of '%s' has no whole '%s'", checkpoint->graph.name, name);
    }
    return BD_OK;
}

/* Copies the rows `out` (and columns `in`) of an array (OC, IC, spatial). */
static void cut(const struct bd_array *from, struct bd_array *to, const struct side *out, const struct side *in,
                int in_channels, int spatial)
{
    float *target = to->data;
    for (int o = 0; o < out->count; o++) {
        for (int i = 0; i < in->count; i++) {
            size_t row = (size_t)channel(out, o) * (size_t)in_channels + (size_t)channel(in, i);
            memcpy(target, from->data + row * (size_t)spatial, (size_t)spatial * sizeof(float));
            target += spatial;
        }
    }
}

static bd_status cut_vector(const struct bd_checkpoint *checkpoint, struct bd_checkpoint *pruned, const char *name,
                            const struct side *out, int channels, struct bd_error *err)
{
    const struct bd_array *from;
    bd_status status = find(checkpoint, channels, name, &from, err);
    if (status == BD_OK) {
        const struct side one = {.count = 1};
        int64_t shape[1] = {out->count};
        cut(from, bd_checkpoint_put(pruned, 1, shape, "%s", name), out, &one, 1, 1);
    }
    return status;
}

static bd_status copy(const struct bd_checkpoint *checkpoint, struct bd_checkpoint *pruned, const char *name,
                      struct bd_error *err)
{
    const struct bd_array *from;
    bd_status status = find(checkpoint, 0, name, &from, err);
    if (status == BD_OK) {
        struct bd_array *to = bd_checkpoint_put(pruned, from->rank, from->shape, "%s", name);
        memcpy(to->data, from->data, (size_t)from->count * sizeof(float));
    }
    return status;
}

static const char *const norm_arrays[] = {"gamma", "beta", "mean", "var"};

/* What a layer holds for one switch. */
static bd_status cut_switch(const struct bd_checkpoint *checkpoint, struct bd_checkpoint *pruned,
                            const struct bd_layer *layer, const struct bd_switch *sw, const struct side *out,
                            struct bd_error *err)
{
    char name[2 * BD_NAME_SIZE];
    snprintf(name, sizeof(name), "%s.%s.wscale", layer->name, sw->name);
    bd_status status = bd_checkpoint_unit_count(&checkpoint->graph, layer, sw) == 1
                           ? copy(checkpoint, pruned, name, err)
                           : cut_vector(checkpoint, pruned, name, out, layer->out_channels, err);
    if (status == BD_OK && bd_checkpoint_weight_level_name(&checkpoint->graph, layer, sw, name, sizeof(name))) {
        status = copy(checkpoint, pruned, name, err); /* the level stays, and with it every code */
    }
    for (size_t k = 0; k < 4 && status == BD_OK && bd_layer_row(layer)->norm; k++) {
        snprintf(name, sizeof(name), "%s.%s.%s", layer->name, sw->name, norm_arrays[k]);
        status = cut_vector(checkpoint, pruned, name, out, layer->out_channels, err);
    }
    return status;
}

static bd_status cut_layer(const struct bd_checkpoint *checkpoint, const struct bd_prune_choice *choice,
                           struct bd_checkpoint *pruned, const struct bd_layer *layer, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    struct side out = output_side(choice, layer), in = input_side(graph, choice, layer);
    const struct bd_array *weight;
    char name[2 * BD_NAME_SIZE];
    if (layer->groups != 1 && (layer->groups != layer->in_channels || layer->groups != layer->out_channels)) {
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' is a grouped convolution, which surgery does not cut",
                       layer->name);
    }
    if (layer->weight_bits > 8) {
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' has float weights: surgery keeps codes, and it has none",
                       layer->name);
    }
    int spatial = layer->kernel_h * layer->kernel_w;
    snprintf(name, sizeof(name), "%s.weight", layer->name);
    bd_status status =
        find(checkpoint, (int64_t)layer->out_channels * filter_channels(layer) * spatial, name, &weight, err);
    if (status == BD_OK) {
        int64_t shape[4] = {out.count, in.count, layer->kernel_h, layer->kernel_w};
        cut(weight, bd_checkpoint_put(pruned, 4, shape, "%s", name), &out, &in, filter_channels(layer), spatial);
    }
    for (int s = 0; s < graph->switch_count && status == BD_OK; s++) {
        status = cut_switch(checkpoint, pruned, layer, &graph->switches[s], &out, err);
    }
    if (status == BD_OK && bd_layer_row(layer)->bias) {
        snprintf(name, sizeof(name), "%s.bias", layer->name);
        status = cut_vector(checkpoint, pruned, name, &out, layer->out_channels, err);
    }
    return status;
}

static bd_status copy_clip_levels(const struct bd_checkpoint *checkpoint, struct bd_checkpoint *pruned,
                                  struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    bd_status status = BD_OK;
    for (int q = 0; q < graph->quantizer_count; q++) {
        for (int s = 0; s < graph->switch_count && status == BD_OK; s++) {
            const char *kind = bd_checkpoint_level_kind(graph, q, &graph->switches[s]);
            char name[2 * BD_NAME_SIZE];
            if (kind) {
                snprintf(name, sizeof(name), "%s.%s.%s", graph->quantizers[q].name, graph->switches[s].name, kind);
                status = copy(checkpoint, pruned, name, err);
            }
        }
    }
    return status;
}

bd_status bd_prune_surgery(const struct bd_checkpoint *checkpoint, const struct bd_prune_choice *choice,
                           struct bd_checkpoint *pruned, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    bd_checkpoint_init(pruned);
    bd_status status = bd_graph_resize(graph, choice->count, &pruned->graph, err);
    pruned->metadata = checkpoint->metadata ? bd_xstrdup(checkpoint->metadata) : NULL;
    for (int l = 0; l < graph->layer_count && status == BD_OK; l++) {
        if (bd_layer_has_weights(&graph->layers[l])) {
            status = cut_layer(checkpoint, choice, pruned, &graph->layers[l], err);
        }
    }
    if (status == BD_OK) {
        status = copy_clip_levels(checkpoint, pruned, err);
    }
    if (status == BD_OK) {
        status = bd_checkpoint_check(pruned, err);
    }
    if (status == BD_OK) {
        status = bd_prune_verify(checkpoint, choice, pruned, err);
    }
    if (status != BD_OK) {
        bd_checkpoint_release(pruned);
    }
    return status;
}

/* ---- verification: by the codes and names, not by the cutting above ---- */

static bd_status verify_codes(const struct bd_checkpoint *checkpoint, const struct bd_prune_choice *choice,
                              const struct bd_checkpoint *pruned, int l, int s, struct bd_error *err)
{
    const struct bd_layer *before = &checkpoint->graph.layers[l], *after = &pruned->graph.layers[l];
    struct side out = output_side(choice, before), in = input_side(&checkpoint->graph, choice, before);
    size_t spatial = (size_t)before->kernel_h * (size_t)before->kernel_w;
    const size_t old_channels = (size_t)filter_channels(before), new_channels = (size_t)filter_channels(after);
    uint8_t *old = bd_xcalloc((size_t)before->out_channels * old_channels, spatial);
    uint8_t *new = bd_xcalloc((size_t)after->out_channels * new_channels, spatial);
    bd_status status = bd_checkpoint_codes(checkpoint, before, s, old, err);
    if (status == BD_OK) {
        status = bd_checkpoint_codes(pruned, after, s, new, err);
    }
    for (int o = 0; o < after->out_channels && status == BD_OK; o++) {
        for (int i = 0; i < (int)new_channels && status == BD_OK; i++) {
            size_t from = (size_t)channel(&out, o) * old_channels + (size_t)channel(&in, i);
            size_t to = (size_t)o * new_channels + (size_t)i;
            if (memcmp(old + from * spatial, new + to *spatial, spatial) != 0) {
                status = bd_fail(err, BD_FAIL, "layer '%s': a weight code of filter %d, input channel %d changed",
                                 before->name, channel(&out, o), channel(&in, i));
            }
        }
    }
    free(old);
    free(new);
    return status;
}

static bd_status verify_norms(const struct bd_checkpoint *checkpoint, const struct bd_prune_choice *choice,
                              const struct bd_checkpoint *pruned, int l, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    const struct bd_layer *layer = &graph->layers[l];
    struct side out = output_side(choice, layer);
    for (int s = 0; s < graph->switch_count; s++) {
        const char *sw = graph->switches[s].name;
        for (int k = 0; k < 5; k++) { /* batch norm, then the weight unit */
            const char *what = k < 4 ? norm_arrays[k] : "wscale";
            const struct bd_array *a = bd_checkpoint_find(checkpoint, "%s.%s.%s", layer->name, sw, what);
            const struct bd_array *b = bd_checkpoint_find(pruned, "%s.%s.%s", layer->name, sw, what);
            const bool one = k == 4 && bd_checkpoint_unit_count(graph, layer, &graph->switches[s]) == 1;
            int count = one ? 1 : out.count;
            if (!a || !b || b->count != count) {
                return bd_fail(err, BD_FAIL, "layer '%s': %s of switch %s is missing", layer->name, what, sw);
            }
            for (int o = 0; o < count; o++) {
                if (a->data[one ? 0 : channel(&out, o)] != b->data[o]) {
                    return bd_fail(err, BD_FAIL, "layer '%s': %s of switch %s changed for filter %d", layer->name, what,
                                   sw, channel(&out, o));
                }
            }
        }
    }
    return BD_OK;
}

bd_status bd_prune_verify(const struct bd_checkpoint *checkpoint, const struct bd_prune_choice *choice,
                          const struct bd_checkpoint *pruned, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    bd_status status = BD_OK;
    for (int l = 0; l < graph->layer_count && status == BD_OK; l++) {
        const int views = bd_weight_nests(graph->weights) ? 1 : graph->switch_count;
        for (int s = 0; s < views && bd_layer_has_weights(&graph->layers[l]) && status == BD_OK; s++) {
            status = verify_codes(checkpoint, choice, pruned, l, s, err);
        }
        if (bd_layer_row(&graph->layers[l])->norm && status == BD_OK) {
            status = verify_norms(checkpoint, choice, pruned, l, err);
        }
    }
    return status;
}
