#include "model/cost/pricer.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/layer_table.h"
#include "model/program/plan_fit.h"

/* What all candidates share. */
struct bd_pricer_layers {
    bool ready, usable;            /* usable: the widest network has a plan, and keys hold its channels */
    struct bd_memory_model memory; /* for which clocks are right */
    struct bd_plan_fit fit;
    uint64_t image_words[2];        /* of the activation memory: [whole codes] */
    struct bd_first_layer first[2]; /* but for `end` */
    struct bd_layer_table table;
    struct bd_layer_price *last[BD_MAX_LAYERS]; /* of the candidate before; NULL: none */
    char *kept;                                 /* layers' descriptors, for candidates that fetch row groups */
    size_t kept_count;
    struct {
        int group, out, writer; /* prune group or -1: `out` channels; the layer that writes what is read: -1 the image,
                                   itself: it reads the stream, of its own channels */
    } shape[BD_MAX_LAYERS];
};

bd_status bd_pricer_init(struct bd_pricer *pricer, const struct bd_graph *graph, const struct bd_hardware *hardware,
                         int switch_index, struct bd_error *err)
{
    *pricer = (struct bd_pricer){.graph = graph, .hardware = hardware};
    int switches[BD_PROGRAM_MAX_SWITCHES], at = 0;
    int count = bd_plain_switches(graph, switches);
    while (at < count && switches[at] != switch_index) {
        at++;
    }
    if (at == count) { /* asked for all the same: refused by its name */
        switches[at = 0] = switch_index;
        count = 1;
    }
    if (bd_plain_from_graph(&pricer->network, graph, switches, count, err) ||
        bd_plan_open(&pricer->plan, &pricer->network, hardware, false, err)) {
        return err->status;
    }
    pricer->at = at;
    pricer->cost = bd_xcalloc(1, sizeof(*pricer->cost));
    pricer->layers = bd_xcalloc(1, sizeof(*pricer->layers));
    return BD_OK;
}

void bd_pricer_release(struct bd_pricer *pricer)
{
    bd_plan_release(&pricer->plan);
    bd_plain_release(&pricer->network);
    if (pricer->layers) {
        bd_layer_table_release(&pricer->layers->table);
        free(pricer->layers->kept);
    }
    free(pricer->layers);
    free(pricer->cost);
    memset(pricer, 0, sizeof(*pricer));
}

/* ---- by a plan ---- */

/* Sets a layer's channels. */
static void resize_layer(struct bd_pricer *pricer, int l, int in, int out)
{
    struct bd_plain_layer *plain = &pricer->network.layers[l];
    plain->out_channels = out;
    plain->in_channels = in;
    plain->groups = pricer->graph->layers[l].groups > 1 ? in : 1; /* depthwise: a filter a channel */
}

/* Widths follow the prune groups; a reader has the channels of what it reads. */
static void resize(struct bd_pricer *pricer, const int *group_channels)
{
    const struct bd_graph *graph = pricer->graph;
    int channels[BD_MAX_LAYERS + 1]; /* of code tensors */
    channels[BD_QUANTIZER_INPUT] = graph->input_channels;
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        const bool pruned = group_channels && layer->prune_group >= 0;
        const int out = pruned ? group_channels[layer->prune_group] : layer->out_channels;
        resize_layer(pricer, l, bd_layer_reads_stream(layer) ? out : channels[layer->in_quantizer], out);
        if (layer->out_quantizer >= 0) {
            channels[layer->out_quantizer] = out;
        }
    }
}

static void walk(struct bd_pricer *pricer)
{
    bd_cost_layers(&pricer->plan.header, bd_plan_descriptor(&pricer->plan, pricer->at, 0), (unsigned)pricer->at,
                   &pricer->hardware->memory, false, &pricer->image, pricer->cost);
}

bd_status bd_pricer_price(struct bd_pricer *pricer, const int *group_channels, struct bd_error *err)
{
    resize(pricer, group_channels);
    if (bd_plan_make(&pricer->plan, err)) {
        return err->status;
    }
    walk(pricer);
    return BD_OK;
}

/* ---- by layers that other candidates had ---- */

static void describe_shape(const struct bd_graph *graph, struct bd_pricer_layers *layers)
{
    int writers[BD_MAX_LAYERS + 1]; /* of code tensors */
    writers[BD_QUANTIZER_INPUT] = -1;
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        layers->shape[l].group = layer->prune_group;
        layers->shape[l].out = layer->out_channels;
        layers->shape[l].writer = bd_layer_reads_stream(layer) ? l : writers[layer->in_quantizer];
        if (layer->out_quantizer >= 0) {
            writers[layer->out_quantizer] = l;
        }
    }
}

/* Keys hold the channels, and how tensors lie depends on no width: a depthwise filter of one tap is a plain one where a
 * single channel is left. */
static bool widths_are_free(const struct bd_graph *graph)
{
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        if (layer->out_channels > BD_LAYER_KEY_MAX ||
            (layer->groups > 1 && bd_layer_side(layer) * layer->kernel_h * layer->kernel_w == 1)) {
            return false;
        }
    }
    return graph->input_channels <= BD_LAYER_KEY_MAX;
}

/* Any network's plan, the narrowest's or the widest's, says how tensors live. */
static void prepare(struct bd_pricer *pricer)
{
    struct bd_pricer_layers *layers = pricer->layers;
    int narrow[BD_MAX_LAYERS];
    struct bd_error err;
    layers->ready = true;
    for (int g = 0; g < pricer->graph->prune_group_count; g++) {
        narrow[g] = 1;
    }
    resize(pricer, narrow);
    const bool free = widths_are_free(pricer->graph);
    layers->usable = free && bd_plan_make(&pricer->plan, &err) == BD_OK;
    resize(pricer, NULL);
    layers->usable |= free && bd_plan_make(&pricer->plan, &err) == BD_OK;
    layers->usable = layers->usable && (!pricer->plan.bands || bd_plan_uncut(&pricer->plan, &err) == BD_OK);
    if (layers->usable) {
        describe_shape(pricer->graph, layers);
        bd_plan_fit_init(&layers->fit, &pricer->plan);
        bd_layer_table_init(&layers->table);
    }
}

static void price_layer(struct bd_pricer *pricer, int l, int in, int out, struct bd_layer_price *price)
{
    struct bd_pricer_layers *layers = pricer->layers;
    const struct bd_descriptor *d = bd_plan_descriptor(&pricer->plan, pricer->at, l);
    const struct bd_program_header *header = &pricer->plan.header;
    struct bd_error err;
    uint64_t image_words;
    int64_t clocks;
    resize_layer(pricer, l, in, out);
    *price = (struct bd_layer_price){.key = bd_layer_key(l, in, out)};
    if (bd_plan_make_layer(&pricer->plan, l, &err)) {
        price->word = BD_LAYER_REFUSED;
        return;
    }
    const bool said = bd_plan_need(&pricer->plan, l, &price->need, &image_words);
    if (l == 0) {
        price->whole_codes = d->in_layout == BD_LAYOUT_BYTE;
        struct bd_first_layer *first = &layers->first[price->whole_codes];
        bd_cost_first_layer(header, d, (unsigned)pricer->at, &layers->memory, &pricer->image, first);
        layers->image_words[price->whole_codes] = image_words;
        clocks = first->end;
    } else {
        clocks = bd_cost_layer_clocks(header, d, &layers->memory);
    }
    price->clocks = (uint32_t)clocks;
    price->word = said && clocks <= UINT32_MAX ? BD_LAYER_PRICED : BD_LAYER_TOO_LARGE;
}

/* The layers' prices, from the candidate before, the table, or made; the worst word. */
static unsigned find_layers(struct bd_pricer *pricer, const int *group_channels, int64_t *clocks,
                            const struct bd_layer_need **needs)
{
    struct bd_pricer_layers *layers = pricer->layers;
    const int count = pricer->graph->layer_count;
    int outs[BD_MAX_LAYERS];
    unsigned word = BD_LAYER_PRICED;
    for (int l = 0; l < count; l++) {
        const int group = layers->shape[l].group, writer = layers->shape[l].writer;
        const int out = outs[l] = group >= 0 ? group_channels[group] : layers->shape[l].out;
        const int in = writer >= 0 ? outs[writer] : pricer->graph->input_channels;
        const uint32_t key = bd_layer_key(l, in, out);
        struct bd_layer_price *price = layers->last[l];
        if (!price || price->key != key) {
            struct bd_layer_price *slot = bd_layer_table_at(&layers->table, key);
            if (slot->key == 0) {
                price_layer(pricer, l, in, out, slot);
            }
            layers->last[l] = price = slot;
        }
        clocks[l] = price->clocks;
        needs[l] = &price->need;
        word |= price->word;
    }
    return word;
}

/* A table that is full, or of another memory, is of no use any more. */
static void make_room(struct bd_pricer *pricer)
{
    struct bd_pricer_layers *layers = pricer->layers;
    const size_t count = (size_t)pricer->graph->layer_count;
    if (bd_layer_table_has_room(&layers->table, count) &&
        memcmp(&layers->memory, &pricer->hardware->memory, sizeof layers->memory) == 0) {
        return;
    }
    layers->memory = pricer->hardware->memory;
    bd_layer_table_clear(&layers->table);
    memset(layers->last, 0, sizeof layers->last);
    layers->kept_count = 0;
}

#define KEPT_BYTES ((size_t)1 << 26) /* of descriptors; what is never used takes no memory */

/* The plan of the layers found, whose descriptors are made once while there is room for them. */
static bd_status place_layers(struct bd_pricer *pricer, struct bd_error *err)
{
    struct bd_pricer_layers *layers = pricer->layers;
    struct bd_plan *plan = &pricer->plan;
    const size_t bytes = bd_plan_layer_bytes(plan);
    if (!layers->kept) {
        layers->kept = bd_xmalloc(KEPT_BYTES);
    }
    for (int l = 0; l < pricer->graph->layer_count; l++) {
        struct bd_layer_price *price = layers->last[l];
        resize_layer(pricer, l, (int)(price->key >> 12 & BD_LAYER_KEY_MAX), (int)(price->key & BD_LAYER_KEY_MAX));
        if (price->kept) {
            bd_plan_put_layer(plan, l, layers->kept + (price->kept - 1) * bytes);
        } else if (bd_plan_make_layer(plan, l, err)) {
            return err->status;
        } else if ((layers->kept_count + 1) * bytes <= KEPT_BYTES) {
            bd_plan_keep_layer(plan, l, layers->kept + layers->kept_count * bytes);
            price->kept = (uint32_t)++layers->kept_count;
        }
    }
    return bd_plan_place(plan, err);
}

/* False: only a plan can tell. */
static bool price_by_layers(struct bd_pricer *pricer, const int *group_channels, uint64_t *cycles)
{
    struct bd_pricer_layers *layers = pricer->layers;
    int64_t clocks[BD_MAX_LAYERS];
    const struct bd_layer_need *needs[BD_MAX_LAYERS];
    if (!layers->ready) {
        prepare(pricer);
    }
    struct bd_error err;
    if (!layers->usable || (pricer->plan.bands && bd_plan_uncut(&pricer->plan, &err))) {
        return false;
    }
    make_room(pricer);
    const unsigned word = find_layers(pricer, group_channels, clocks, needs);
    *cycles = UINT64_MAX;
    if (word & BD_LAYER_REFUSED) {
        return true;
    }
    const int whole_codes = layers->last[0]->whole_codes;
    if (word != BD_LAYER_PRICED) {
        return false;
    }
    if (!bd_plan_fits(&layers->fit, needs, layers->image_words[whole_codes])) {
        const bool placed = place_layers(pricer, &err) == BD_OK;
        if (placed) {
            walk(pricer);
            *cycles = pricer->cost->cycles;
        }
        return placed || pricer->plan.miss.memory == 0; /* else in bands, perhaps */
    }
    struct bd_first_layer first = layers->first[whole_codes];
    first.end = clocks[0];
    *cycles = bd_cost_resident(&pricer->plan.header, (unsigned)pricer->at, &layers->memory, &first, clocks);
    return true;
}

uint64_t bd_pricer_cycles(struct bd_pricer *pricer, const int *group_channels)
{
    struct bd_error err;
    uint64_t cycles;
    if (group_channels && price_by_layers(pricer, group_channels, &cycles)) {
        return cycles;
    }
    return bd_pricer_price(pricer, group_channels, &err) ? UINT64_MAX : pricer->cost->cycles;
}

size_t bd_pricer_grid(struct bd_pricer *pricer, int group, int least, int *counts)
{
    int channels[BD_MAX_LAYERS];
    size_t count = 0;
    for (int g = 0; g < pricer->graph->prune_group_count; g++) {
        channels[g] = bd_graph_group_channels(pricer->graph, g);
    }
    int full = channels[group];
    uint64_t above = UINT64_MAX;
    for (int c = full; c >= least && c >= 1; c--) { /* from the top: only the first of a price is kept */
        channels[group] = c;
        uint64_t price = bd_pricer_cycles(pricer, channels);
        if (c == full || price < above) {
            counts[count++] = c;
            above = price;
        }
    }
    for (size_t i = 0; i < count / 2; i++) {
        int t = counts[i];
        counts[i] = counts[count - 1 - i];
        counts[count - 1 - i] = t;
    }
    return count;
}
