#include "model/prune/readers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/fold/fold.h"
#include "model/program/plain.h"

/* A network on its calibration images. */
struct sampling {
    const struct bd_ranking_source *source;
    struct bd_program program;
    struct bd_decoded *decoded;
    uint32_t image_count;
    uint8_t *images; /* (image_count, input_bytes) */
    int **places;    /* [reader]: outputs (y * width + x) of its points; point p is of image p % image_count */
};

/* ---- what is looked at ---- */

static int reader_group(const struct bd_graph *graph, const struct bd_layer *layer)
{
    const int producer =
        bd_layer_has_weights(layer) && layer->groups == 1 ? bd_graph_producer(graph, layer->in_quantizer) : -1;
    return producer < 0 ? -1 : graph->layers[producer].prune_group;
}

static void find_readers(struct bd_readers *readers, const struct bd_graph *graph)
{
    readers->readers = bd_xcalloc((size_t)graph->layer_count, sizeof(*readers->readers));
    for (int l = 0; l < graph->layer_count; l++) {
        const int group = reader_group(graph, &graph->layers[l]);
        if (group >= 0) {
            readers->readers[readers->count++] = (struct bd_reader){.layer = l, .group = group};
        }
    }
    const size_t rows = (size_t)readers->count * (size_t)readers->switch_count;
    readers->codes = bd_xcalloc(rows, sizeof(*readers->codes));
    readers->weights = bd_xcalloc(rows, sizeof(*readers->weights));
}

/* Outputs of one image: different ones, by a generator of their own. */
static void draw_places(uint64_t seed, int layer, uint32_t image, int outputs, uint32_t *room, int *places, int count,
                        int apart)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, (seed * 1000003u + (uint64_t)layer) * 1000003u + image);
    for (int i = 0; i < outputs; i++) {
        room[i] = (uint32_t)i;
    }
    bd_rng_shuffle(&rng, room, (uint32_t)outputs);
    for (int i = 0; i < count; i++) {
        places[i * apart] = (int)room[i];
    }
}

static void size_readers(struct sampling *sampling, struct bd_readers *readers)
{
    const int images = (int)sampling->image_count;
    sampling->places = bd_xcalloc((size_t)readers->count, sizeof(*sampling->places));
    for (int r = 0; r < readers->count; r++) {
        struct bd_reader *reader = &readers->readers[r];
        const struct bd_descriptor *d = bd_program_descriptor(&sampling->program, 0, (unsigned)reader->layer);
        const int outputs = (int)(d->out_height * d->out_width);
        uint32_t *room = bd_xcalloc((size_t)outputs, sizeof(*room));
        reader->channels = (int)d->in_channels;
        reader->filters = (int)d->out_channels;
        reader->taps = (int)(d->kernel_h * d->kernel_w);
        reader->points = (int64_t)outputs * images < BD_READER_POINTS ? outputs * images : BD_READER_POINTS;
        sampling->places[r] = bd_xcalloc((size_t)reader->points, sizeof(**sampling->places));
        for (int i = 0; i < images && i < reader->points; i++) {
            draw_places(sampling->source->seed, reader->layer, (uint32_t)i, outputs, room, sampling->places[r] + i,
                        (reader->points - i + images - 1) / images, images);
        }
        free(room);
        for (int s = 0; s < readers->switch_count; s++) {
            const int row = s * readers->count + r;
            const size_t size = (size_t)reader->points * (size_t)reader->taps * (size_t)reader->channels;
            readers->codes[row] = bd_xcalloc(size, sizeof(int16_t));
            readers->weights[row] =
                bd_execute_weights(bd_program_descriptor(&sampling->program, (unsigned)s, (unsigned)reader->layer),
                                   bd_decoded_codes(sampling->decoded, (unsigned)s, (unsigned)reader->layer));
        }
    }
}

/* Different images, whichever the seed draws. */
static bd_status draw_images(struct sampling *sampling, struct bd_error *err)
{
    const struct bd_dataset *set = sampling->source->images;
    const size_t size = (size_t)set->height * set->width * set->channels;
    if (size != sampling->program.header->input_bytes) {
        return bd_fail(err, BD_BAD_INPUT,
                       "the calibration images are of %u x %u x %u, which network '%s' does not take", set->height,
                       set->width, set->channels, sampling->source->checkpoint->graph.name);
    }
    uint32_t *index = bd_xcalloc(set->count, sizeof(*index));
    for (uint32_t i = 0; i < set->count; i++) {
        index[i] = i;
    }
    struct bd_rng rng;
    bd_rng_seed(&rng, sampling->source->seed);
    bd_rng_shuffle(&rng, index, set->count);
    sampling->image_count = set->count < BD_READER_IMAGES ? set->count : BD_READER_IMAGES;
    sampling->images = bd_xmalloc(sampling->image_count * size);
    bd_status status = BD_OK;
    for (uint32_t i = 0; i < sampling->image_count && status == BD_OK; i++) {
        status = bd_dataset_read(set, index[i], 1, sampling->images + i * size, err);
    }
    free(index);
    return status;
}

/* ---- looking ---- */

/* The codes under the kernel at one output of a layer; beyond the map they stay 0. */
static void take_window(const struct bd_descriptor *d, const uint8_t *codes, int place, int16_t *window)
{
    const int64_t oy = place / (int)d->out_width, ox = place % (int)d->out_width;
    for (uint32_t ky = 0; ky < d->kernel_h; ky++) {
        for (uint32_t kx = 0; kx < d->kernel_w; kx++, window += d->in_channels) {
            const int64_t y = oy * d->stride + ky - d->pad_top, x = ox * d->stride + kx - d->pad_left;
            if (y < 0 || y >= d->in_height || x < 0 || x >= d->in_width) {
                continue;
            }
            const uint8_t *pixel = codes + ((size_t)y * d->in_width + (size_t)x) * d->in_channels;
            for (uint32_t c = 0; c < d->in_channels; c++) {
                window[c] = d->flags & BD_FLAG_IN_SIGNED ? (int16_t)(2 * pixel[c] - 1) : pixel[c];
            }
        }
    }
}

static bd_status look(const struct sampling *sampling, struct bd_readers *readers, int s, uint32_t image,
                      struct bd_error *err)
{
    struct bd_frame frame;
    bd_status status =
        bd_execute(&sampling->program, sampling->decoded, (unsigned)s,
                   sampling->images + (size_t)image * sampling->program.header->input_bytes, &frame, err);
    for (int r = 0; r < readers->count && status == BD_OK; r++) {
        const struct bd_reader *reader = &readers->readers[r];
        const struct bd_descriptor *d = bd_program_descriptor(&sampling->program, (unsigned)s, (unsigned)reader->layer);
        const int producer = bd_decoded_producer(sampling->decoded, (unsigned)reader->layer);
        const size_t window = (size_t)reader->taps * (size_t)reader->channels;
        for (int p = (int)image; p < reader->points; p += (int)sampling->image_count) {
            take_window(d, frame.outputs[producer].codes, sampling->places[r][p],
                        readers->codes[s * readers->count + r] + (size_t)p * window);
        }
    }
    if (status == BD_OK) {
        bd_frame_release(&frame);
    }
    return status;
}

/* Every image at every switch, each by one thread into places of its own. */
static bd_status look_at_all(const struct sampling *sampling, struct bd_readers *readers, struct bd_error *err)
{
    const int runs = (int)sampling->image_count * readers->switch_count;
    struct bd_error *errors = bd_xcalloc((size_t)runs, sizeof(*errors));
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < runs; i++) {
        errors[i].status =
            look(sampling, readers, i % readers->switch_count, (uint32_t)(i / readers->switch_count), &errors[i]);
    }
    bd_status status = BD_OK;
    for (int i = 0; i < runs && status == BD_OK; i++) {
        if (errors[i].status != BD_OK) {
            *err = errors[i];
            status = err->status;
        }
    }
    free(errors);
    return status;
}

/* ---- the network in integers ---- */

/* Names, with commas, of the switches that count and have integers; NULL where there is none. */
static char *switch_names(const struct bd_ranking_source *source, struct bd_readers *readers)
{
    const struct bd_graph *graph = &source->checkpoint->graph;
    int runnable[BD_PROGRAM_MAX_SWITCHES];
    char *names = NULL;
    const int count = bd_plain_switches(graph, runnable);
    for (int i = 0; i < count; i++) {
        if (!source->switches || source->switches >> runnable[i] & 1) {
            char *longer =
                bd_asprintf("%s%s%s", names ? names : "", names ? "," : "", graph->switches[runnable[i]].name);
            free(names);
            names = longer;
            readers->switches[readers->switch_count++] = runnable[i];
        }
    }
    return names;
}

static bd_status fold(struct sampling *sampling, const char *names, struct bd_error *err)
{
    const struct bd_fold_options options = {.switches = names, .reference = true, .max_moved = HUGE_VAL};
    struct bd_fold_report report = {0};
    struct bd_hardware hardware;
    bd_hardware_reference(&hardware);
    bd_status status = bd_fold(sampling->source->checkpoint, &hardware, &options, &sampling->program, &report, err);
    bd_fold_report_release(&report);
    bd_hardware_release(&hardware);
    return status;
}

static bd_status sample_program(struct sampling *sampling, struct bd_readers *readers, struct bd_error *err)
{
    bd_status status = bd_decode(&sampling->program, &sampling->decoded, err);
    status = status ? status : draw_images(sampling, err);
    if (status == BD_OK) {
        find_readers(readers, &sampling->source->checkpoint->graph);
        size_readers(sampling, readers);
        status = look_at_all(sampling, readers, err);
    }
    for (int r = 0; sampling->places && r < readers->count; r++) {
        free(sampling->places[r]);
    }
    free(sampling->places);
    free(sampling->images);
    bd_decoded_free(sampling->decoded);
    return status;
}

bd_status bd_readers_sample(const struct bd_ranking_source *source, struct bd_readers *readers, struct bd_error *err)
{
    struct sampling sampling = {.source = source};
    memset(readers, 0, sizeof(*readers));
    char *names = switch_names(source, readers);
    if (!names) {
        return bd_fail(err, BD_BAD_INPUT, "none of the switches that count has integer activations");
    }
    bd_status status = fold(&sampling, names, err);
    free(names);
    if (status == BD_OK) {
        status = sample_program(&sampling, readers, err);
        bd_program_release(&sampling.program);
    }
    if (status != BD_OK) {
        bd_readers_release(readers);
    }
    return status;
}

void bd_readers_release(struct bd_readers *readers)
{
    for (int row = 0; row < readers->count * readers->switch_count; row++) {
        free(readers->codes[row]);
        free(readers->weights[row]);
    }
    free(readers->readers);
    free(readers->codes);
    free(readers->weights);
    memset(readers, 0, sizeof(*readers));
}
