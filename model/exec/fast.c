#pragma GCC optimize("O3")
#include "model/exec/fast.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/exec/requantize.h"

/* A convolution is a product of int16 operands: activations as a map with its padding (of zeros) written out, two
 * channels side by side; weights as (OC/16, KH, KW, IC/2, 16, 2). One kernel call gives 16 output channels of 8
 * pixels; a pair of channels is one multiply-add of 16-bit pairs into 32 bits, which is exact: |W| and codes are at
 * most 255. */
#define PIXELS 8
#define BLOCK 16

struct fast_layer {
    struct bd_descriptor d;
    int producer;                 /* layer whose codes are read; -1 the image, -2 the stream */
    int16_t *weights;             /* packed */
    const int32_t *m;             /* M[oc] */
    const int64_t *b;             /* B[oc] */
    size_t pixels, channels;      /* of the output */
    size_t out_padded;            /* channels rounded up to BLOCK */
    size_t in_padded;             /* input channels rounded up to even */
    size_t map_width, map_height; /* input with padding */
};

struct plan {
    unsigned layer_count;
    struct fast_layer *layers;
    size_t map_values, acc_values; /* largest needed by any layer */
};

/* What one thread works in. */
struct scratch {
    int16_t *map;    /* padded input of the layer at work */
    int32_t *acc;    /* (pixels, out_padded) */
    uint8_t **codes; /* [layer] */
    int32_t **z;     /* [layer] */
};

/* base[p]: top left of pixel p's window in the map; a window row is `run` pairs, the next row `pitch` values on. */
struct block_job {
    const int16_t *base[PIXELS];
    const int16_t *weights;
    size_t rows, run, pitch;
    int32_t *out; /* pixel p at out + p * out_pitch */
    size_t out_pitch;
};

typedef void block_kernel(const struct block_job *job);

static inline int32_t load_pair(const int16_t *from)
{
    int32_t pair;
    memcpy(&pair, from, sizeof pair);
    return pair;
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static void block_vnni(const struct block_job *job)
{
    __m512i sums[PIXELS];
    for (int p = 0; p < PIXELS; p++) {
        sums[p] = _mm512_setzero_si512();
    }
    const int16_t *w = job->weights;
    for (size_t row = 0; row < job->rows; row++) {
        const int16_t *at[PIXELS];
        for (int p = 0; p < PIXELS; p++) {
            at[p] = job->base[p] + row * job->pitch;
        }
        for (size_t i = 0; i < job->run; i++, w += 2 * BLOCK) {
            const __m512i weights = _mm512_loadu_si512(w);
#pragma GCC unroll 8
            for (int p = 0; p < PIXELS; p++) {
                sums[p] = _mm512_dpwssd_epi32(sums[p], _mm512_set1_epi32(load_pair(at[p] + 2 * i)), weights);
            }
        }
    }
    for (int p = 0; p < PIXELS; p++) {
        _mm512_storeu_si512(job->out + p * job->out_pitch, sums[p]);
    }
}

/* Four pixels of 16 channels at a time: as many sums as the sixteen registers hold. */
__attribute__((target("avx2"))) static void half_block_avx2(const struct block_job *job, int first)
{
    __m256i sums[4][2];
    for (int p = 0; p < 4; p++) {
        sums[p][0] = sums[p][1] = _mm256_setzero_si256();
    }
    const int16_t *w = job->weights;
    for (size_t row = 0; row < job->rows; row++) {
        const int16_t *at[4];
        for (int p = 0; p < 4; p++) {
            at[p] = job->base[first + p] + row * job->pitch;
        }
        for (size_t i = 0; i < job->run; i++, w += 2 * BLOCK) {
            const __m256i low = _mm256_loadu_si256((const __m256i *)w);
            const __m256i high = _mm256_loadu_si256((const __m256i *)(w + BLOCK));
#pragma GCC unroll 4
            for (int p = 0; p < 4; p++) {
                const __m256i pair = _mm256_set1_epi32(load_pair(at[p] + 2 * i));
                sums[p][0] = _mm256_add_epi32(sums[p][0], _mm256_madd_epi16(pair, low));
                sums[p][1] = _mm256_add_epi32(sums[p][1], _mm256_madd_epi16(pair, high));
            }
        }
    }
    for (int p = 0; p < 4; p++) {
        int32_t *out = job->out + (first + p) * job->out_pitch;
        _mm256_storeu_si256((__m256i *)out, sums[p][0]);
        _mm256_storeu_si256((__m256i *)(out + 8), sums[p][1]);
    }
}

__attribute__((target("avx2"))) static void block_avx2(const struct block_job *job)
{
    half_block_avx2(job, 0);
    half_block_avx2(job, 4);
}

static void block_plain(const struct block_job *job)
{
    for (int p = 0; p < PIXELS; p++) {
        int32_t sums[BLOCK] = {0};
        const int16_t *w = job->weights;
        for (size_t row = 0; row < job->rows; row++) {
            const int16_t *at = job->base[p] + row * job->pitch;
            for (size_t i = 0; i < job->run; i++, w += 2 * BLOCK) {
                for (int o = 0; o < BLOCK; o++) {
                    sums[o] += at[2 * i] * w[2 * o] + at[2 * i + 1] * w[2 * o + 1];
                }
            }
        }
        memcpy(job->out + p * job->out_pitch, sums, sizeof sums);
    }
}

static block_kernel *kernel_named(const char *name)
{
    __builtin_cpu_init();
    const bool any = name == NULL;
    if ((any || strcmp(name, "vnni") == 0) && __builtin_cpu_supports("avx512vnni") &&
        __builtin_cpu_supports("avx512bw")) {
        return block_vnni;
    }
    if ((any || strcmp(name, "avx2") == 0) && __builtin_cpu_supports("avx2")) {
        return block_avx2;
    }
    return any || strcmp(name, "plain") == 0 ? block_plain : NULL;
}

/* ---- preparation -------------------------------------------------------------------------------------------- */

/* W of a code, or what its zero point leaves of it. */
static int16_t weight_value(const struct bd_descriptor *d, uint8_t c8)
{
    const int code = c8 >> (8 - d->weight_bits);
    return (int16_t)(d->weight_zero_point ? code - (1 << (d->weight_bits - 1)) : 2 * code + 1 - (1 << d->weight_bits));
}

static bool is_depthwise(const struct bd_descriptor *d)
{
    return d->groups > 1 && d->groups == d->in_channels && d->groups == d->out_channels;
}

/* (KH, KW, C): one filter a channel. */
static void pack_depthwise(struct fast_layer *layer, const uint8_t *codes)
{
    const struct bd_descriptor *d = &layer->d;
    const size_t taps = (size_t)d->kernel_h * d->kernel_w;
    layer->weights = bd_xcalloc(taps * layer->in_padded, sizeof *layer->weights);
    for (size_t c = 0; c < d->out_channels; c++) {
        for (size_t tap = 0; tap < taps; tap++) {
            layer->weights[tap * layer->in_padded + c] = weight_value(d, codes[c * taps + tap]);
        }
    }
}

/* Other grouped convolutions become full ones with zeros. */
static void pack_weights(struct fast_layer *layer, const uint8_t *codes)
{
    const struct bd_descriptor *d = &layer->d;
    const size_t group_in = d->in_channels / d->groups, group_out = d->out_channels / d->groups;
    const size_t taps = (size_t)d->kernel_h * d->kernel_w, pairs = layer->in_padded / 2;
    layer->weights = bd_xcalloc(layer->out_padded * taps * layer->in_padded, sizeof *layer->weights);
    for (size_t oc = 0; oc < d->out_channels; oc++) {
        for (size_t i = 0; i < group_in; i++) {
            const size_t ic = oc / group_out * group_in + i;
            for (size_t tap = 0; tap < taps; tap++) {
                layer->weights[(((oc / BLOCK * taps + tap) * pairs + ic / 2) * BLOCK + oc % BLOCK) * 2 + ic % 2] =
                    weight_value(d, codes[(oc * group_in + i) * taps + tap]);
            }
        }
    }
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void prepare_layer(struct plan *plan, const struct bd_decoded *decoded, unsigned s, unsigned l)
{
    struct fast_layer *layer = &plan->layers[l];
    const struct bd_descriptor *d = &layer->d;
    layer->producer = bd_decoded_producer(decoded, l);
    layer->m = bd_decoded_multipliers(decoded, s, l);
    layer->b = bd_decoded_biases(decoded, s, l);
    layer->pixels = (size_t)d->out_height * d->out_width;
    layer->channels = d->out_channels;
    layer->out_padded = (layer->channels + BLOCK - 1) / BLOCK * BLOCK;
    /* Blocks of pixels are whole. */
    const size_t acc_pixels = (layer->pixels + PIXELS - 1) / PIXELS * PIXELS;
    plan->acc_values = larger(plan->acc_values, acc_pixels * layer->out_padded);
    if (d->operation == BD_OP_CONV) {
        layer->in_padded = (d->in_channels + 1) / 2 * 2;
        layer->map_width = d->in_width + d->pad_left + d->pad_right;
        layer->map_height = d->in_height + d->pad_top + d->pad_bottom;
        plan->map_values = larger(plan->map_values, layer->map_width * layer->map_height * layer->in_padded);
        (is_depthwise(d) ? pack_depthwise : pack_weights)(layer, bd_decoded_codes(decoded, s, l));
    }
}

static void plan_init(struct plan *plan, const struct bd_program *program, const struct bd_decoded *decoded, unsigned s)
{
    *plan = (struct plan){.layer_count = program->header->layer_count};
    plan->layers = bd_xcalloc(plan->layer_count, sizeof *plan->layers);
    for (unsigned l = 0; l < plan->layer_count; l++) {
        plan->layers[l].d = *bd_program_descriptor(program, s, l);
        prepare_layer(plan, decoded, s, l);
    }
}

static void plan_release(struct plan *plan)
{
    for (unsigned l = 0; l < plan->layer_count; l++) {
        free(plan->layers[l].weights);
    }
    free(plan->layers);
}

static void scratch_init(struct scratch *scratch, const struct plan *plan)
{
    scratch->map = bd_xcalloc(plan->map_values, sizeof *scratch->map);
    scratch->acc = bd_xcalloc(plan->acc_values, sizeof *scratch->acc);
    scratch->codes = bd_xcalloc(plan->layer_count, sizeof *scratch->codes);
    scratch->z = bd_xcalloc(plan->layer_count, sizeof *scratch->z);
    for (unsigned l = 0; l < plan->layer_count; l++) {
        const size_t count = plan->layers[l].pixels * plan->layers[l].channels;
        scratch->codes[l] = bd_xcalloc(count, sizeof **scratch->codes);
        scratch->z[l] = bd_xcalloc(count, sizeof **scratch->z);
    }
}

static void scratch_release(struct scratch *scratch, const struct plan *plan)
{
    for (unsigned l = 0; l < plan->layer_count; l++) {
        free(scratch->codes[l]);
        free(scratch->z[l]);
    }
    free(scratch->codes);
    free(scratch->z);
    free(scratch->acc);
    free(scratch->map);
}

/* ---- one layer of one image --------------------------------------------------------------------------------- */

/* Codes to values with the padding around them: code, or +-1. */
static void fill_map(const struct fast_layer *layer, const uint8_t *codes, int16_t *map)
{
    const struct bd_descriptor *d = &layer->d;
    const bool is_signed = d->flags & BD_FLAG_IN_SIGNED;
    const size_t channels = d->in_channels, padded = layer->in_padded;
    memset(map, 0, layer->map_width * layer->map_height * padded * sizeof *map);
    for (size_t y = 0; y < d->in_height; y++) {
        int16_t *to = map + ((y + d->pad_top) * layer->map_width + d->pad_left) * padded;
        for (size_t x = 0; x < d->in_width; x++, to += padded, codes += channels) {
            for (size_t c = 0; c < channels; c++) {
                to[c] = is_signed ? (int16_t)(2 * codes[c] - 1) : codes[c];
            }
        }
    }
}

static void convolve(const struct fast_layer *layer, const int16_t *map, block_kernel *kernel, int32_t *acc)
{
    const struct bd_descriptor *d = &layer->d;
    const size_t pitch = layer->map_width * layer->in_padded, run = d->kernel_w * layer->in_padded / 2;
    struct block_job job = {.rows = d->kernel_h, .run = run, .pitch = pitch, .out_pitch = layer->out_padded};
    for (size_t first = 0; first < layer->pixels; first += PIXELS) {
        for (size_t p = 0; p < PIXELS; p++) {
            const size_t pixel = first + p < layer->pixels ? first + p : layer->pixels - 1;
            const size_t y = pixel / d->out_width * d->stride, x = pixel % d->out_width * d->stride;
            job.base[p] = map + y * pitch + x * layer->in_padded;
        }
        for (size_t block = 0; block < layer->out_padded / BLOCK; block++) {
            job.weights = layer->weights + block * d->kernel_h * run * 2 * BLOCK;
            job.out = acc + first * layer->out_padded + block * BLOCK;
            kernel(&job);
        }
    }
}

/* Channels side by side: a pixel's sums stay in cache over its taps. */
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) static void
convolve_depthwise(const struct fast_layer *layer, const int16_t *restrict map, int32_t *restrict acc)
{
    const struct bd_descriptor *d = &layer->d;
    const size_t channels = layer->channels, padded = layer->in_padded;
    for (size_t pixel = 0; pixel < layer->pixels; pixel++) {
        const size_t y = pixel / d->out_width * d->stride, x = pixel % d->out_width * d->stride;
        int32_t *restrict sums = acc + pixel * layer->out_padded;
        memset(sums, 0, channels * sizeof *sums);
        for (size_t ky = 0; ky < d->kernel_h; ky++) {
            const int16_t *restrict row = map + ((y + ky) * layer->map_width + x) * padded;
            for (size_t kx = 0; kx < d->kernel_w; kx++) {
                const int16_t *restrict w = layer->weights + (ky * d->kernel_w + kx) * padded;
                const int16_t *restrict in = row + kx * padded;
                for (size_t c = 0; c < channels; c++) {
                    sums[c] += w[c] * in[c];
                }
            }
        }
    }
}

/* Windows clipped to the map: padding never wins. */
static void max_pool(const struct fast_layer *layer, const int32_t *stream, int32_t *acc)
{
    const struct bd_descriptor *d = &layer->d;
    const size_t channels = layer->channels;
    for (size_t pixel = 0; pixel < layer->pixels; pixel++) {
        const long top = (long)(pixel / d->out_width * d->stride) - d->pad_top;
        const long left = (long)(pixel % d->out_width * d->stride) - d->pad_left;
        int32_t *most = acc + pixel * layer->out_padded;
        for (size_t c = 0; c < channels; c++) {
            most[c] = INT32_MIN;
        }
        for (long y = top < 0 ? 0 : top; y < top + d->kernel_h && y < d->in_height; y++) {
            for (long x = left < 0 ? 0 : left; x < left + d->kernel_w && x < d->in_width; x++) {
                const int32_t *r = stream + ((size_t)y * d->in_width + (size_t)x) * channels;
                for (size_t c = 0; c < channels; c++) {
                    most[c] = r[c] > most[c] ? r[c] : most[c];
                }
            }
        }
    }
}

static void pool(const struct fast_layer *layer, const int32_t *stream, int32_t *acc)
{
    const size_t pixels = (size_t)layer->d.in_height * layer->d.in_width;
    memset(acc, 0, layer->channels * sizeof *acc);
    for (size_t p = 0; p < pixels; p++) {
        for (size_t c = 0; c < layer->channels; c++) {
            acc[c] =
                (int32_t)((uint32_t)acc[c] + (uint32_t)stream[p * layer->channels + c]); /* wraps, as exec.c does */
        }
    }
}

/* The shared requantizer over a layer; a copy of the descriptor tells the compiler that nothing changes it. */
__attribute__((target_clones("arch=x86-64-v4", "avx2", "default"))) static void
requantize(const struct fast_layer *layer, const int32_t *restrict acc, const int32_t *restrict stream,
           int32_t *restrict z, uint8_t *restrict codes)
{
    const struct bd_descriptor d = layer->d;
    const int32_t *restrict m = layer->m;
    const int64_t *restrict b = layer->b;
    const size_t channels = layer->channels;
    for (size_t p = 0; p < layer->pixels; p++) {
        const int32_t *a = acc + p * layer->out_padded;
        if (stream) {
            for (size_t c = 0; c < channels; c++) {
                z[p * channels + c] = bd_requantize_z(&d, m[c], b[c], a[c], stream[p * channels + c]);
            }
        } else {
            for (size_t c = 0; c < channels; c++) {
                z[p * channels + c] = bd_requantize_z(&d, m[c], b[c], a[c], 0);
            }
        }
    }
    if (d.flags & BD_FLAG_WRITE_CODES) {
        for (size_t i = 0; i < layer->pixels * channels; i++) {
            codes[i] = bd_requantize_code(&d, z[i]);
        }
    }
}

static const int32_t *run_image(const struct plan *plan, const struct scratch *s, block_kernel *kernel,
                                const uint8_t *image)
{
    const int32_t *stream = NULL;
    for (unsigned l = 0; l < plan->layer_count; l++) {
        const struct fast_layer *layer = &plan->layers[l];
        if (layer->d.operation == BD_OP_POOL) {
            (layer->d.pool_kind == BD_POOL_MAX ? max_pool : pool)(layer, stream, s->acc);
        } else {
            fill_map(layer, layer->producer < 0 ? image : s->codes[layer->producer], s->map);
            if (is_depthwise(&layer->d)) {
                convolve_depthwise(layer, s->map, s->acc);
            } else {
                convolve(layer, s->map, kernel, s->acc);
            }
        }
        requantize(layer, s->acc, layer->d.flags & BD_FLAG_ADD_STREAM ? stream : NULL, s->z[l], s->codes[l]);
        if (layer->d.flags & BD_FLAG_WRITE_STREAM) {
            stream = s->z[l];
        }
    }
    return s->z[plan->layer_count - 1];
}

static bd_status check_images(const struct bd_program *program, unsigned s, const uint8_t *images, size_t count,
                              struct bd_error *err)
{
    const unsigned limit = 1u << bd_program_descriptor(program, s, 0)->in_bits;
    const size_t bytes = program->header->input_bytes;
    for (size_t i = 0; limit < 256 && i < count * bytes; i++) {
        if (images[i] >= limit) {
            return bd_fail(err, BD_BAD_INPUT, "image %zu: byte %zu: code %u, but the input has codes below %u",
                           i / bytes, i % bytes, images[i], limit);
        }
    }
    return BD_OK;
}

bd_status bd_execute_fast_by(const char *kernel_name, const struct bd_program *program,
                             const struct bd_decoded *decoded, unsigned switch_index, const uint8_t *images,
                             size_t count, int32_t *logits, struct bd_error *err)
{
    if (switch_index >= program->header->switch_count) {
        return bd_fail(err, BD_BAD_INPUT, "switch index %u: the program has %u", switch_index,
                       program->header->switch_count);
    }
    block_kernel *kernel = kernel_named(kernel_name);
    if (!kernel) {
        return bd_fail(err, BD_BAD_INPUT, "this processor has no kernel '%s'", kernel_name);
    }
    if (check_images(program, switch_index, images, count, err)) {
        return err->status;
    }
    struct plan plan;
    plan_init(&plan, program, decoded, switch_index);
    const size_t classes = program->header->classes, bytes = program->header->input_bytes;
#pragma omp parallel
    {
        struct scratch scratch;
        scratch_init(&scratch, &plan);
#pragma omp for schedule(dynamic, 16)
        for (size_t i = 0; i < count; i++) {
            memcpy(logits + i * classes, run_image(&plan, &scratch, kernel, images + i * bytes),
                   classes * sizeof *logits);
        }
        scratch_release(&scratch, &plan);
    }
    plan_release(&plan);
    return BD_OK;
}

bd_status bd_execute_fast(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                          const uint8_t *images, size_t count, int32_t *logits, struct bd_error *err)
{
    return bd_execute_fast_by(NULL, program, decoded, switch_index, images, count, logits, err);
}

const char *bd_execute_fast_kernel(void)
{
    block_kernel *const kernel = kernel_named(NULL);
    return kernel == block_vnni ? "vnni" : kernel == block_avx2 ? "avx2" : "plain";
}

uint64_t bd_program_macs(const struct bd_program *program)
{
    uint64_t macs = 0;
    for (unsigned l = 0; l < program->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, 0, l);
        if (d->operation == BD_OP_CONV) {
            macs += (uint64_t)d->out_height * d->out_width * d->out_channels * (d->in_channels / d->groups) *
                    d->kernel_h * d->kernel_w;
        }
    }
    return macs;
}
