/* Maps that do not fit the chip. A network whose maps are too large for its memories is cut: a layer runs in bands of
 * output rows, a descriptor each; the map that it reads and the one that it writes lie in memory, each band loads the
 * rows that its windows reach and stores those that it makes. Where one map alone is in the way of others it is spilled
 * and loaded again whole. The arithmetic of a layer in bands is that of the layer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/plan_parts.h"

/* What is decided of the network as it came (p->source). */
struct bd_plan_cut {
    int rows[BD_PROGRAM_MAX_LAYERS];              /* output rows of a band */
    bool in_memory[BD_PLAN_MAX_TENSORS];          /* codes */
    bool stream_in_memory[BD_PROGRAM_MAX_LAYERS]; /* the stream that this layer writes */
    /* of the uncut plan: */
    struct bd_plan_tensor tensors[BD_PLAN_MAX_TENSORS];
    int tensor_count;
    bool wide; /* rows of a map in memory would have an odd number of words of 16 bits */
    struct bd_plain_network network;
    struct bd_plan_band *bands; /* [network.layer_count] */
    int *origins;               /* [tensor]: of p->source */
    char (*names)[BD_PROGRAM_NAME];
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* ---- what is cut -------------------------------------------------------------------------------------------- */

/* The layer whose stream layer l reads; -1: none. */
static int stream_source(const struct bd_plan *p, int l)
{
    const struct bd_plain_layer *layers = p->source->layers;
    if (layers[l].operation != BD_OP_POOL && !layers[l].adds_stream)
        return -1;
    for (int k = l - 1; k >= 0; k--)
        if (layers[k].writes_stream)
            return k;
    return -1;
}

static bool is_global(const struct bd_plain_layer *layer)
{
    return layer->operation == BD_OP_POOL && !bd_pool_kinds[layer->pool_kind].windows;
}

/* Rows of the input that output rows from..to-1 reach. */
static void reach(const struct bd_plain_layer *layer, int from, int to, int *first, int *end)
{
    const bool global = is_global(layer);
    *first = global ? 0 : most(0, from * layer->stride - layer->pad);
    *end = global ? layer->in_height : least(layer->in_height, (to - 1) * layer->stride - layer->pad + layer->kernel_h);
}

static uint64_t code_words(const struct bd_plan *p, int t, int rows)
{
    const struct bd_plan_tensor *tensor = &p->cut->tensors[t];
    uint64_t words = 0;
    for (int s = 0; s < p->source->switch_count; s++) {
        const int writer = tensor->writer;
        const int bits = writer < 0 ? 8 : p->source->layers[writer].at[s].out_bits;
        const uint64_t at =
            bd_tensor_layout(tensor->layout, (uint32_t)bits, (uint32_t)rows, tensor->width, tensor->channels).words;
        words = at > words ? at : words;
    }
    return words;
}

static uint64_t stream_words(const struct bd_plan *p, int width, int channels, int rows)
{
    const uint32_t groups = ((uint32_t)channels + p->header.rows - 1) / p->header.rows;
    bool wide = p->cut->wide;
    for (int s = 0; s < p->source->switch_count; s++)
        wide |= !p->source->narrow_stream[s];
    return bd_z_words(&p->header, (uint64_t)rows * (uint64_t)width, groups, wide);
}

/* Words that a band of so many output rows takes of the two memories, nothing else being there. */
struct band_words {
    uint64_t codes, stream;
};

static struct band_words band_words(const struct bd_plan *p, int l, int rows)
{
    const struct bd_plain_layer *layer = &p->source->layers[l];
    struct band_words words = {.codes = layer->out_tensor >= 0 ? code_words(p, layer->out_tensor, rows) : 0};
    const int in_rows = rows == layer->out_height || is_global(layer)
                            ? layer->in_height
                            : least(layer->in_height, (rows - 1) * layer->stride + layer->kernel_h);
    if (layer->operation == BD_OP_CONV)
        words.codes += code_words(p, layer->in_tensor, in_rows);
    if (layer->writes_stream || layer->adds_stream)
        words.stream = stream_words(p, layer->out_width, layer->out_channels, rows);
    if (layer->operation == BD_OP_POOL)
        words.stream += stream_words(p, layer->in_width, layer->in_channels, in_rows);
    return words;
}

static bool band_fits(const struct bd_plan *p, int l, int rows)
{
    const struct band_words words = band_words(p, l, rows);
    return words.codes <= p->header.act_words && words.stream <= p->header.z_words;
}

static bool can_be_cut(const struct bd_plan *p, int l)
{
    return l != p->source->layer_count - 1 && !is_global(&p->source->layers[l]);
}

uint64_t bd_plan_least(const struct bd_plan *p, int memory, int *layer)
{
    uint64_t words = 0;
    for (int l = 0; l < p->source->layer_count; l++) {
        const struct band_words band = band_words(p, l, can_be_cut(p, l) ? 1 : p->source->layers[l].out_height);
        const uint64_t here = memory == BD_PLAN_ACTIVATIONS ? band.codes : band.stream;
        if (here > words) {
            words = here;
            *layer = l;
        }
    }
    return words;
}

/* A layer that is cut has all its maps in memory. False: it is cut as far as can be. */
static bool cut_layer(struct bd_plan *p, int l)
{
    struct bd_plan_cut *cut = p->cut;
    const struct bd_plain_layer *layer = &p->source->layers[l];
    if (!can_be_cut(p, l) || cut->rows[l] == 1)
        return false;
    int rows = cut->rows[l] - 1;
    while (rows > 1 && !band_fits(p, l, rows))
        rows--;
    const int bands = (layer->out_height + rows - 1) / rows;
    cut->rows[l] = (layer->out_height + bands - 1) / bands;
    if (layer->operation == BD_OP_CONV)
        cut->in_memory[layer->in_tensor] = true;
    if (layer->out_tensor >= 0)
        cut->in_memory[layer->out_tensor] = true;
    if (layer->writes_stream)
        cut->stream_in_memory[l] = true;
    if (stream_source(p, l) >= 0)
        cut->stream_in_memory[stream_source(p, l)] = true;
    return true;
}

/* Gaps between maps may be lost: the layer with the largest maps of those that can be cut is. */
static bool cut_another(struct bd_plan *p)
{
    int largest = -1;
    uint64_t words = 0;
    for (int l = 0; l < p->source->layer_count - 1; l++) {
        const struct bd_plain_layer *layer = &p->source->layers[l];
        if (layer->operation != BD_OP_CONV || layer->out_tensor < 0 || p->cut->rows[l] == 1)
            continue;
        const uint64_t here =
            code_words(p, layer->in_tensor, layer->in_height) + code_words(p, layer->out_tensor, layer->out_height);
        if (p->cut->rows[l] == layer->out_height && here > words) {
            largest = l;
            words = here;
        }
    }
    return largest >= 0 && cut_layer(p, largest);
}

/* The largest map of codes that only lies there while layer l runs; -1: none. */
static int bystander(const struct bd_plan *p, int l)
{
    const struct bd_plan_cut *cut = p->cut;
    const struct bd_plain_layer *layer = &p->source->layers[l];
    int largest = -1;
    for (int t = 0; t < cut->tensor_count; t++) {
        const struct bd_plan_tensor *tensor = &cut->tensors[t];
        if (tensor->used && tensor->writer < l && tensor->last_reader > l && !cut->in_memory[t] &&
            t != layer->in_tensor && t != layer->out_tensor &&
            (largest < 0 || tensor->words > cut->tensors[largest].words))
            largest = t;
    }
    return largest;
}

/* Every layer that does not fit by itself is cut. False: one cannot be. */
static bool cut_all(struct bd_plan *p)
{
    for (int l = 0; l < p->source->layer_count; l++) {
        if (band_fits(p, l, p->cut->rows[l]) || (cut_layer(p, l) && band_fits(p, l, p->cut->rows[l])))
            continue;
        const struct band_words words = band_words(p, l, p->cut->rows[l]);
        p->miss.layer = l;
        p->miss.memory = words.codes > p->header.act_words ? BD_PLAN_ACTIVATIONS : BD_PLAN_STREAM;
        return false;
    }
    return true;
}

static void start_cut(struct bd_plan *p)
{
    struct bd_plan_cut *cut = p->cut;
    cut->wide = false;
    memset(cut->in_memory, 0, sizeof cut->in_memory);
    memset(cut->stream_in_memory, 0, sizeof cut->stream_in_memory);
    for (int l = 0; l < p->source->layer_count; l++)
        cut->rows[l] = p->source->layers[l].out_height;
    cut->tensor_count = p->tensor_count;
    memcpy(cut->tensors, p->tensors, (size_t)p->tensor_count * sizeof *p->tensors);
}

/* ---- the network in bands ----------------------------------------------------------------------------------- */

/* What build_layer adds to. */
struct builder {
    struct bd_plan *p;
    int tensors;                       /* given out; 0 is the image */
    int resident[BD_PLAN_MAX_TENSORS]; /* by tensor of the source: where it stays on the chip; -1: nowhere yet */
};

static int add_tensor(struct builder *b, int origin)
{
    b->p->cut->origins[b->tensors] = origin;
    return b->tensors++;
}

/* NAME, NAME#2, NAME#in2: long ones are cut, and numbered. */
static void name_layer(const struct bd_plan *p, int l, const char *part, int band, bool single, char *out)
{
    const char *name = p->source->layers[l].name;
    char number[16] = "", shorter[BD_PROGRAM_NAME];
    if (!single)
        snprintf(number, sizeof number, "%d", band + 1);
    if (strlen(name) > 32) {
        snprintf(shorter, sizeof shorter, "%.24s~%d", name, l);
        name = shorter;
    }
    snprintf(out, BD_PROGRAM_NAME, !*number && !*part ? "%s%s%s" : "%s#%s%s", name, part, number);
}

static struct bd_plain_layer *add_layer(struct builder *b, int l, struct bd_plan_band band, const char *part,
                                        int number, bool single)
{
    struct bd_plan_cut *cut = b->p->cut;
    const int at = cut->network.layer_count++;
    band.source = l;
    band.twin = band.twin < 0 ? at : band.twin;
    cut->bands[at] = band;
    name_layer(b->p, l, part, number, single, cut->names[at]);
    cut->network.layers[at].name = single && !*part ? b->p->source->layers[l].name : cut->names[at];
    return &cut->network.layers[at];
}

static struct bd_plain_layer load_of(const char *name, int height, int width, int channels, int tensor)
{
    return (struct bd_plain_layer){.name = name,
                                   .operation = BD_OP_LOAD,
                                   .in_tensor = -1,
                                   .out_tensor = tensor,
                                   .writes_stream = tensor < 0,
                                   .in_height = height,
                                   .in_width = width,
                                   .in_channels = channels,
                                   .out_height = height,
                                   .out_width = width,
                                   .out_channels = channels,
                                   .groups = 0};
}

/* Codes of tensor t, rows first..end-1: the tensor that holds them. */
static int load_codes(struct builder *b, int l, int band, bool single, int first, int end)
{
    const struct bd_plan *p = b->p;
    const struct bd_plain_layer *layer = &p->source->layers[l];
    const int t = layer->in_tensor, writer = p->cut->tensors[t].writer, tensor = add_tensor(b, t);
    struct bd_plain_layer *load = add_layer(
        b, l, (struct bd_plan_band){.twin = -1, .codes_map = t, .codes_row = first, .stream_map = -1, .image = t == 0},
        "in", band, single);
    *load = load_of(load->name, end - first, layer->in_width, layer->in_channels, tensor);
    for (int s = 0; s < p->source->switch_count; s++) {
        load->at[s].out_bits = writer < 0 ? 8 : p->source->layers[writer].at[s].out_bits;
        load->at[s].out_signed = writer >= 0 && p->source->layers[writer].at[s].out_signed;
    }
    return tensor;
}

static void load_stream(struct builder *b, int l, int band, bool single, int map, int first, int end)
{
    const struct bd_plain_layer *from = &b->p->source->layers[map];
    struct bd_plain_layer *load =
        add_layer(b, l, (struct bd_plan_band){.twin = -1, .codes_map = -1, .stream_map = map, .stream_row = first},
                  "stream", band, single);
    *load = load_of(load->name, end - first, from->out_width, from->out_channels, -1);
}

/* One band of a layer, with what it loads. */
static void build_band(struct builder *b, int l, int number, int from, int to, int *twin)
{
    struct bd_plan_cut *cut = b->p->cut;
    const struct bd_plain_network *net = b->p->source;
    const struct bd_plain_layer *layer = &net->layers[l];
    const bool single = to - from == layer->out_height, conv = layer->operation == BD_OP_CONV;
    int first, end, in = -1, out = -1;
    reach(layer, from, to, &first, &end);
    if (single)
        first = 0, end = layer->in_height;
    if (conv && cut->in_memory[layer->in_tensor] && !(l == 0 && single))
        in = load_codes(b, l, number, single, first, end);
    else if (conv)
        in = b->resident[layer->in_tensor];
    const int map = stream_source(b->p, l);
    if (map >= 0 && cut->stream_in_memory[map])
        load_stream(b, l, number, single, map, conv ? from : first, conv ? to : end);
    if (layer->out_tensor >= 0) {
        out = add_tensor(b, layer->out_tensor);
        b->resident[layer->out_tensor] = out;
    }
    struct bd_plan_band band = {.twin = *twin, .codes_map = -1, .stream_map = -1};
    if (layer->out_tensor >= 0 && cut->in_memory[layer->out_tensor])
        band.codes_map = layer->out_tensor, band.codes_row = from;
    if (layer->writes_stream && cut->stream_in_memory[l])
        band.stream_map = l, band.stream_row = from;
    if (!single) {
        band.cut_top = least(layer->pad, from * layer->stride);
        band.cut_bottom =
            layer->pad - most(0, (to - 1) * layer->stride - layer->pad + layer->kernel_h - layer->in_height);
    }
    struct bd_plain_layer *to_run = add_layer(b, l, band, "", number, single);
    const char *name = to_run->name;
    *to_run = *layer;
    to_run->name = name;
    to_run->in_tensor = in;
    to_run->out_tensor = out;
    to_run->out_height = to - from;
    to_run->in_height = end - first;
    for (int s = 0; s < net->switch_count && conv; s++)
        to_run->at[s].datapath = (int)b->p->cut_datapaths[s * net->layer_count + l];
    *twin = *twin < 0 ? cut->network.layer_count - 1 : *twin;
}

static int count_layers(const struct bd_plan *p)
{
    const struct bd_plan_cut *cut = p->cut;
    int count = 0;
    for (int l = 0; l < p->source->layer_count; l++) {
        const struct bd_plain_layer *layer = &p->source->layers[l];
        const int map = stream_source(p, l), bands = (layer->out_height + cut->rows[l] - 1) / cut->rows[l];
        const bool codes = layer->operation == BD_OP_CONV && cut->in_memory[layer->in_tensor];
        count += bands * (1 + codes + (map >= 0 && cut->stream_in_memory[map]));
    }
    return count;
}

static void release_network(struct bd_plan_cut *cut)
{
    free(cut->network.layers);
    free(cut->bands);
    free(cut->origins);
    free(cut->names);
    cut->network.layers = NULL;
    cut->bands = NULL;
    cut->origins = NULL;
    cut->names = NULL;
}

static void build(struct bd_plan *p)
{
    struct bd_plan_cut *cut = p->cut;
    const int count = count_layers(p);
    struct builder b = {.p = p, .tensors = 1};
    for (int t = 0; t < BD_PLAN_MAX_TENSORS; t++)
        b.resident[t] = t == 0 ? 0 : -1;
    release_network(cut);
    cut->network = *p->source;
    cut->network.layer_count = 0;
    cut->network.layers = bd_xcalloc((size_t)count, sizeof *cut->network.layers);
    cut->bands = bd_xcalloc((size_t)count, sizeof *cut->bands);
    cut->origins = bd_xcalloc((size_t)count + 1, sizeof *cut->origins);
    cut->names = bd_xcalloc((size_t)count, sizeof *cut->names);
    for (int s = 0; s < p->source->switch_count && cut->wide; s++)
        cut->network.narrow_stream[s] = false;
    for (int l = 0; l < p->source->layer_count; l++) {
        int twin = -1;
        const int height = p->source->layers[l].out_height;
        for (int from = 0, n = 0; from < height; from += cut->rows[l], n++)
            build_band(&b, l, n, from, least(height, from + cut->rows[l]), &twin);
    }
    p->network = &cut->network;
    p->bands = cut->bands;
}

/* Rows of a map in memory lie there in pairs of words. */
static bool odd_rows(const struct bd_plan *p)
{
    for (int l = 0; l < p->source->layer_count; l++) {
        const struct bd_plain_layer *layer = &p->source->layers[l];
        const uint32_t groups = ((uint32_t)layer->out_channels + p->header.rows - 1) / p->header.rows;
        if (p->cut->stream_in_memory[l] &&
            (uint32_t)layer->out_width * groups * (p->header.rows / p->header.requant_units) % 2)
            return true;
    }
    return false;
}

bool bd_plan_cut_more(struct bd_plan *p)
{
    if (p->reference_only || p->miss.memory == BD_PLAN_FITS)
        return false;
    if (!p->bands) {
        p->cut = p->cut ? p->cut : bd_xcalloc(1, sizeof *p->cut);
        start_cut(p);
        for (int i = 0; i < p->source->switch_count * p->source->layer_count; i++)
            p->cut_datapaths[i] = (uint8_t)p->descriptors[i].datapath;
        if (!cut_all(p))
            return false;
    }
    const int l = p->bands ? p->bands[p->miss.layer].source : p->miss.layer;
    const bool cut = !p->bands && p->cut->rows[l] < p->source->layers[l].out_height; /* by cut_all */
    const int by = p->miss.memory == BD_PLAN_ACTIVATIONS ? bystander(p, l) : -1;
    if (by >= 0)
        p->cut->in_memory[by] = true;
    else if (!cut && !cut_layer(p, l) &&
             !(p->miss.memory == BD_PLAN_ACTIVATIONS && band_fits(p, l, p->cut->rows[l]) && cut_another(p)))
        return false;
    p->cut->wide = odd_rows(p);
    if (count_layers(p) > BD_PROGRAM_MAX_LAYERS) {
        p->miss.layers = count_layers(p);
        return false;
    }
    build(p);
    return true;
}

uint32_t bd_plan_cut_layout(const struct bd_plan *p, int t)
{
    return p->cut->tensors[p->cut->origins[t]].layout;
}

void bd_plan_cut_release(struct bd_plan *p)
{
    if (p->cut)
        release_network(p->cut);
    free(p->cut);
    p->cut = NULL;
}
