/* Rankings by a score a channel, the least given up first. */
#include <math.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/prune/ranking_parts.h"
#include "model/prune/readers.h"

/* ---- of the latent weights ---- */

static double l1_norm(const float *filters, size_t n, size_t size, size_t i)
{
    (void)n;
    double sum = 0.0;
    for (size_t k = 0; k < size; k++) {
        sum += fabs((double)filters[i * size + k]);
    }
    return sum / (double)size;
}

static double distance_to_all(const float *filters, size_t n, size_t size, size_t i)
{
    double total = 0.0;
    for (size_t j = 0; j < n; j++) {
        double sum = 0.0;
        for (size_t k = 0; k < size; k++) {
            double d = (double)filters[i * size + k] - (double)filters[j * size + k];
            sum += d * d;
        }
        total += sqrt(sum);
    }
    return total;
}

/* A layer's filters by `of`: to score(out_channels). */
typedef bd_status layer_score(const struct bd_ranking_source *source, const struct bd_layer *layer, double *score,
                              struct bd_error *err);

static bd_status score_filters(const struct bd_ranking_source *source, const struct bd_layer *layer,
                               double (*of)(const float *, size_t, size_t, size_t), double *score, struct bd_error *err)
{
    const struct bd_array *weight = bd_checkpoint_find(source->checkpoint, "%s.weight", layer->name);
    const size_t n = (size_t)layer->out_channels, size = bd_filter_size(layer);
    if (!weight || (size_t)weight->count != n * size) {
        return bd_fail(err, BD_BAD_INPUT, "the checkpoint has no whole '%s.weight'", layer->name);
    }
    for (size_t i = 0; i < n; i++) {
        score[i] = of(weight->data, n, size, i);
    }
    return BD_OK;
}

static bd_status score_l1_norm(const struct bd_ranking_source *source, const struct bd_layer *layer, double *score,
                               struct bd_error *err)
{
    return score_filters(source, layer, l1_norm, score, err);
}

static bd_status score_fpgm(const struct bd_ranking_source *source, const struct bd_layer *layer, double *score,
                            struct bd_error *err)
{
    return score_filters(source, layer, distance_to_all, score, err);
}

/* ---- of the batch norm: |gamma|, in parts of the layer's mean at each switch ---- */

static bd_status score_gamma(const struct bd_ranking_source *source, const struct bd_layer *layer, double *score,
                             struct bd_error *err)
{
    const struct bd_graph *graph = &source->checkpoint->graph;
    for (int s = 0; s < graph->switch_count; s++) {
        if (source->switches && !(source->switches >> s & 1)) {
            continue;
        }
        const struct bd_array *gamma =
            bd_checkpoint_find(source->checkpoint, "%s.%s.gamma", layer->name, graph->switches[s].name);
        if (!gamma || gamma->count != layer->out_channels) {
            return bd_fail(err, BD_BAD_INPUT, "the checkpoint has no whole '%s.%s.gamma'", layer->name,
                           graph->switches[s].name);
        }
        double mean = 0.0;
        for (int i = 0; i < layer->out_channels; i++) {
            mean += fabs((double)gamma->data[i]) / layer->out_channels;
        }
        for (int i = 0; i < layer->out_channels; i++) {
            score[i] += fabs((double)gamma->data[i]) / fmax(mean, 1e-30);
        }
    }
    return BD_OK;
}

/* Sums the layers of a group: each counts alike, whatever its scale. */
static bd_status order_by_layers(const struct bd_ranking_source *source, layer_score *of, int **orders,
                                 struct bd_error *err)
{
    const struct bd_graph *graph = &source->checkpoint->graph;
    bd_status status = BD_OK;
    for (int g = 0; g < graph->prune_group_count && status == BD_OK; g++) {
        int layers[BD_MAX_LAYERS];
        const int count = bd_group_layers(graph, g, layers);
        const size_t n = (size_t)bd_graph_group_channels(graph, g);
        double *score = bd_xcalloc(n, sizeof(*score));
        for (int k = 0; k < count && status == BD_OK; k++) {
            double *part = bd_xcalloc(n, sizeof(*part)), mean = 0.0;
            status = of(source, &graph->layers[layers[k]], part, err);
            for (size_t i = 0; i < n; i++) {
                mean += part[i] / (double)n;
            }
            for (size_t i = 0; i < n; i++) {
                score[i] += part[i] / fmax(mean, 1e-30);
            }
            free(part);
        }
        bd_order_by_score(n, score, orders[g]);
        free(score);
    }
    return status;
}

bd_status bd_order_by_l1_norm(const struct bd_ranking_source *source, int **orders, struct bd_error *err)
{
    return order_by_layers(source, score_l1_norm, orders, err);
}

bd_status bd_order_by_fpgm(const struct bd_ranking_source *source, int **orders, struct bd_error *err)
{
    return order_by_layers(source, score_fpgm, orders, err);
}

bd_status bd_order_by_gamma(const struct bd_ranking_source *source, int **orders, struct bd_error *err)
{
    return order_by_layers(source, score_gamma, orders, err);
}

/* ---- of the codes ---- */

/* Adds the variance of each channel's codes under the middle of a reader's kernel, which never lies beyond the map, in
 * parts of the mean over the channels. */
static void add_variance(const struct bd_readers *readers, int s, int r, double *score)
{
    const struct bd_reader *reader = &readers->readers[r];
    const size_t rows = (size_t)reader->points, n = (size_t)reader->channels, window = (size_t)reader->taps * n;
    const int16_t *codes = readers->codes[s * readers->count + r] + window / n / 2 * n;
    double *sum = bd_xcalloc(2 * n, sizeof(*sum)), *square = sum + n, mean = 0.0;
    for (size_t i = 0; i < rows; i++) {
        for (size_t c = 0; c < n; c++) {
            sum[c] += codes[i * window + c];
            square[c] += (double)codes[i * window + c] * codes[i * window + c];
        }
    }
    for (size_t c = 0; c < n; c++) {
        square[c] = square[c] / (double)rows - sum[c] / (double)rows * (sum[c] / (double)rows);
        mean += square[c] / (double)n;
    }
    for (size_t c = 0; c < n; c++) {
        score[c] += square[c] / fmax(mean, 1e-30);
    }
    free(sum);
}

bd_status bd_order_by_variance(const struct bd_ranking_source *source, int **orders, struct bd_error *err)
{
    const struct bd_graph *graph = &source->checkpoint->graph;
    struct bd_readers readers;
    if (bd_readers_sample(source, &readers, err)) {
        return err->status;
    }
    for (int g = 0; g < graph->prune_group_count; g++) {
        double *score = bd_xcalloc((size_t)bd_graph_group_channels(graph, g), sizeof(*score));
        for (int r = 0; r < readers.count; r++) {
            for (int s = 0; s < readers.switch_count && readers.readers[r].group == g; s++) {
                add_variance(&readers, s, r, score);
            }
        }
        bd_order_by_score((size_t)bd_graph_group_channels(graph, g), score, orders[g]);
        free(score);
    }
    bd_readers_release(&readers);
    return BD_OK;
}

/* ---- of nothing ---- */

bd_status bd_order_by_random(const struct bd_ranking_source *source, int **orders, struct bd_error *err)
{
    (void)err;
    const struct bd_graph *graph = &source->checkpoint->graph;
    for (int g = 0; g < graph->prune_group_count; g++) {
        const size_t n = (size_t)bd_graph_group_channels(graph, g);
        double *score = bd_xcalloc(n, sizeof(*score));
        struct bd_rng rng;
        bd_rng_seed(&rng, source->seed * 1000003u + (uint64_t)g);
        for (size_t i = 0; i < n; i++) {
            score[i] = bd_rng_uniform(&rng);
        }
        bd_order_by_score(n, score, orders[g]);
        free(score);
    }
    return BD_OK;
}
