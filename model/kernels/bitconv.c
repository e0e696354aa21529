#pragma GCC optimize("O3")

#include "model/kernels/bitconv.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/kernels/intconv.h"
#include "model/kernels/tiles.h"

#define BLOCK BD_INTCONV_BLOCK
#define MOST_PLANES 4          /* beyond which bytes are as fast */
#define PLANES_OF_PART_WORDS 2 /* the same where not all words are full */
#define VECTOR 16              /* words */
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/* ---- words ---- */

/* Maps of words over the pixels that windows read. A pair of blocks of channels has one, SINGLE: a pixel's 32 bits. A
 * block that is left over has three: its pixels by themselves, with the one below, and with the one to the right, in
 * the upper half. */
enum map { SINGLE, BELOW, RIGHT, MAPS };

struct window {
    int height, width; /* pixels that all windows of an image read */
    size_t map;        /* words of one map, some more than pixels: vectors may run over its end */
};

static struct window window_of(const struct bd_intconv_shape *s)
{
    struct window w = {.height = (s->out_height - 1) * s->stride + s->kernel_h,
                       .width = (s->out_width - 1) * s->stride + s->kernel_w};
    w.map = ((size_t)w.height * w.width + 2 * VECTOR - 1) / VECTOR * VECTOR;
    return w;
}

/* Of one plane of bits. */
static size_t maps_of(const struct bd_intconv_shape *s)
{
    return bd_intconv_blocks(s->in_channels) / 2 + (bd_intconv_blocks(s->in_channels) % 2 ? MAPS : 0);
}

size_t bd_bitconv_room_size(const struct bd_intconv_shape *s)
{
    const size_t edges = (s->out_height + s->out_width) * sizeof(int);
    return s->depthwise ? 0 : MOST_PLANES * maps_of(s) * window_of(s).map * sizeof(uint32_t) + edges;
}

/* One half of a word: a block's channels at a tap of the kernel; block -1: nothing. */
struct half {
    int block, y, x;
};

struct word {
    size_t where;
    struct half half[2];
};

static int add_word(struct word *words, int count, const struct window *w, size_t map, struct half low,
                    struct half high)
{
    if (words) {
        words[count] = (struct word){map * w->map + (size_t)low.y * w->width + low.x, {low, high}};
    }
    return count + 1;
}

/* The words of a window, into `words` unless that is NULL; returns how many. */
static int list_words(const struct bd_intconv_shape *s, struct word *words)
{
    const struct window w = window_of(s);
    const int pairs = bd_intconv_blocks(s->in_channels) / 2, last = 2 * pairs;
    int count = 0;
    for (int p = 0; p < pairs; p++) {
        for (int y = 0; y < s->kernel_h; y++) {
            for (int x = 0; x < s->kernel_w; x++) {
                count = add_word(words, count, &w, p, (struct half){2 * p, y, x}, (struct half){2 * p + 1, y, x});
            }
        }
    }
    for (int y = 0; last < bd_intconv_blocks(s->in_channels) && y < s->kernel_h; y += 2) {
        const bool below = y + 1 < s->kernel_h;
        for (int x = 0; x < s->kernel_w; x += below ? 1 : 2) {
            const bool right = !below && x + 1 < s->kernel_w;
            const enum map map = below ? BELOW : right ? RIGHT : SINGLE;
            count = add_word(words, count, &w, pairs + map, (struct half){last, y, x},
                             (struct half){map == SINGLE ? -1 : last, y + below, x + right});
        }
    }
    return count;
}

/* ---- weights ---- */

/* Where a window meets padding at its first or last rows (or columns): 0: nowhere; 1..pad: so many of the first; from
 * pad + 1 on: of the last. -1: both, which `start` has no place for. */
static int edge_of(int at, int stride, int kernel, int pad, int size)
{
    const int first = pad - at * stride, last = at * stride - pad + kernel - size;
    return first > 0 && last > 0 ? -1 : first > 0 ? first : last > 0 ? pad + last : 0;
}

static bool has_edges(int count, int stride, int kernel, int pad, int size)
{
    for (int i = 0; i < count; i++) {
        if (edge_of(i, stride, kernel, pad, size) < 0) {
            return false;
        }
    }
    return true;
}

static bool shape_fits(const struct bd_intconv_shape *s)
{
    return !s->depthwise && s->stride <= 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq") &&
           has_edges(s->out_height, s->stride, s->kernel_h, s->pad, s->in_height) &&
           has_edges(s->out_width, s->stride, s->kernel_w, s->pad, s->in_width);
}

static void make_rooms(const struct bd_intconv_shape *s, struct bd_bitconv_weights *w)
{
    const size_t out = (size_t)bd_intconv_blocks(s->out_channels) * BLOCK, edges = 2 * s->pad + 1;
    w->words = list_words(s, NULL);
    w->where = bd_xcalloc(w->words, sizeof *w->where);
    w->negative = bd_xaligned(out * w->words * sizeof *w->negative);
    w->minus = bd_xaligned(out * sizeof *w->minus);
    w->start = bd_xaligned(edges * edges * out * sizeof *w->start);
    memset(w->minus, 0, out * sizeof *w->minus);
    memset(w->start, 0, edges * edges * out * sizeof *w->start);
}

static bool all_signs(const struct bd_intconv_shape *s, const int16_t *weights)
{
    const size_t count = (size_t)s->out_channels * s->in_channels * s->kernel_h * s->kernel_w;
    int others = 0;
    for (size_t i = 0; i < count; i++) {
        others |= weights[i] != 1 && weights[i] != -1;
    }
    return !others;
}

/* Whether a tap of a dimension is in the padding of windows of that edge. */
static bool is_outside(int edge, int tap, int kernel, int pad)
{
    return edge > pad ? tap >= kernel - (edge - pad) : tap < edge;
}

/* From the weights' sums by tap (KH KW) of channel `o`. */
static void sum_outside(const struct bd_intconv_shape *s, const int32_t *taps, int o, struct bd_bitconv_weights *w)
{
    const int edges = 2 * s->pad + 1;
    int32_t *to = w->start + (size_t)(o / BLOCK) * edges * edges * BLOCK + o % BLOCK;
    for (int edge = 0; edge < edges * edges; edge++) {
        int32_t sum = -s->in_channels * s->kernel_h * s->kernel_w;
        for (int tap = 0; tap < s->kernel_h * s->kernel_w; tap++) {
            if (is_outside(edge / edges, tap / s->kernel_w, s->kernel_h, s->pad) ||
                is_outside(edge % edges, tap % s->kernel_w, s->kernel_w, s->pad)) {
                sum += taps[tap];
            }
        }
        to[edge * BLOCK] = sum;
    }
}

void bd_bitconv_pack(const struct bd_intconv_shape *s, const int16_t *weights, struct bd_bitconv_weights *w)
{
    const int most = bd_intconv_blocks(s->in_channels) % 2 ? PLANES_OF_PART_WORDS : MOST_PLANES;
    w->planes = shape_fits(s) && all_signs(s, weights) ? most : 0;
    if (!w->planes) {
        return;
    }
    if (!w->where) {
        make_rooms(s, w);
    }
    const int taps = s->kernel_h * s->kernel_w;
    struct word *words = bd_xcalloc(w->words, sizeof *words);
    int32_t *sums = bd_xcalloc(taps, sizeof *sums);
    list_words(s, words);
    memset(w->negative, 0, (size_t)bd_intconv_blocks(s->out_channels) * BLOCK * w->words * sizeof *w->negative);
    for (int k = 0; k < w->words; k++) {
        w->where[k] = (int32_t)words[k].where;
    }
    for (int o = 0; o < s->out_channels; o++) {
        const int16_t *from = weights + (size_t)o * s->in_channels * taps;
        uint32_t *to = w->negative + (size_t)(o / BLOCK) * w->words * BLOCK + o % BLOCK;
        for (int k = 0; k < 2 * w->words; k++) {
            const struct half *half = &words[k / 2].half[k % 2];
            const int first = half->block * BLOCK;
            for (int c = first; half->block >= 0 && c < first + BLOCK && c < s->in_channels; c++) {
                const bool negative = from[c * taps + half->y * s->kernel_w + half->x] < 0;
                to[(size_t)(k / 2) * BLOCK] |= (uint32_t)negative << (k % 2 * BLOCK + c % BLOCK);
            }
        }
        memset(sums, 0, taps * sizeof *sums);
        w->minus[o] = 0;
        for (int i = 0; i < s->in_channels * taps; i++) {
            sums[i % taps] += from[i];
            w->minus[o] += from[i] < 0;
        }
        sum_outside(s, sums, o, w);
    }
    free(words);
    free(sums);
}

void bd_bitconv_release(struct bd_bitconv_weights *w)
{
    free(w->where);
    free(w->negative);
    free(w->minus);
    free(w->start);
    *w = (struct bd_bitconv_weights){0};
}

/* ---- codes to bits ---- */

/* Bits of four pixels, or as many as `inside` has bytes of, 16 channels each; `mask`: of the channels that there are.
 */
INLINE __m128i four_pixels(const uint8_t *bytes, __mmask64 inside, __m512i bit, uint64_t mask)
{
    return _mm_cvtsi64_si128((int64_t)(mask & _mm512_test_epi8_mask(_mm512_maskz_loadu_epi8(inside, bytes), bit)));
}

static uint64_t mask_of(int channels)
{
    return (channels >= BLOCK ? 0xffffu : (1u << channels) - 1) * 0x0001000100010001u;
}

/* A map of words: block `b` in the lower halves and, where there `is_pair`, the next in the upper. */
INLINE void single_words(const struct bd_intconv_shape *s, const struct window *w, const uint8_t *source, int b,
                         __m512i bit, const bool is_pair, uint32_t *to)
{
    const uint64_t low = mask_of(s->in_channels - b * BLOCK);
    const uint64_t high = is_pair ? mask_of(s->in_channels - (b + 1) * BLOCK) : 0;
    const size_t plane = s->plane, pitch = s->row;
    const int height = w->height, width = w->width;
    const uint8_t *row = source + b * plane;
    for (int y = 0; y < height; y++, to += width, row += pitch) {
        for (int x = 0; x < width; x += 4) {
            const int left = width - x;
            const __mmask64 inside = left >= 4 ? ~(__mmask64)0 : ((__mmask64)1 << (left * BLOCK)) - 1;
            const __m128i first = four_pixels(row + x * BLOCK, inside, bit, low);
            const __m128i second =
                is_pair ? four_pixels(row + plane + x * BLOCK, inside, bit, high) : _mm_setzero_si128();
            _mm_storeu_si128((__m128i *)(void *)(to + x), _mm_unpacklo_epi16(first, second));
        }
    }
}

/* In the upper half the pixel that comes `step` after. */
INLINE void paired_words(const uint32_t *single, size_t count, size_t step, uint32_t *to)
{
    for (size_t i = 0; i < count; i += VECTOR) {
        const __m512i after = _mm512_slli_epi32(_mm512_loadu_si512(single + i + step), BLOCK);
        _mm512_storeu_si512(to + i, _mm512_or_si512(_mm512_loadu_si512(single + i), after));
    }
}

/* A plane of all maps. */
INLINE void make_plane(const struct bd_intconv_shape *s, const struct window *w, const uint8_t *source, int bit,
                       uint32_t *to)
{
    const __m512i bits = _mm512_set1_epi8((char)(1 << bit));
    const int count = bd_intconv_blocks(s->in_channels);
    for (int b = 0; b < count; b += 2, to += w->map) {
        if (b + 1 < count) {
            single_words(s, w, source, b, bits, true, to);
        } else {
            single_words(s, w, source, b, bits, false, to);
            const size_t pixels = (size_t)w->height * w->width;
            if (s->kernel_h > 1) {
                paired_words(to, pixels - w->width, w->width, to + BELOW * w->map);
            }
            if (s->kernel_w > 1) {
                paired_words(to, pixels - 1, 1, to + RIGHT * w->map);
            }
        }
    }
}

/* ---- sums ---- */

struct tile {
    const uint32_t *planes, *negative; /* of the window's first pixel; of the block of channels */
    const int32_t *where;
    int words, count; /* count: of planes */
    size_t plane;
    const int32_t *start; /* what is added to 16 sums, of the row's first edge */
    const int *edge;      /* from there, by pixel: numbers */
    int shift;            /* of the sums, before that */
    __mmask16 lanes;      /* channels that there are */
    struct bd_prefetch *prefetch;
    enum bd_number type;
};

/* Two pixels' sums of 16 bits side by side. */
INLINE __m512i both_narrow(__m512i first, __m512i second)
{
    const __m512i low_halves = _mm512_set_epi16(62, 60, 58, 56, 54, 52, 50, 48, 46, 44, 42, 40, 38, 36, 34, 32, 30, 28,
                                                26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    return _mm512_permutex2var_epi16(first, low_halves, second);
}

/* `pixels` neighbours of a row in a block of 16 channels. */
INLINE void run_tile(const struct tile *t, void *sums, size_t at, const int pixels, const int stride,
                     const bool fetches)
{
    __m512i sum[BD_TILE_MOST];
#pragma GCC unroll 14
    for (int p = 0; p < pixels; p++) {
        sum[p] = _mm512_setzero_si512();
    }
    const char *fetch = NULL;
    size_t fetch_step = 0; /* two lines a turn, for turns are short */
    if (fetches) {
        fetch = bd_prefetch_take(t->prefetch, 2 * (size_t)t->count * t->words, t->start, &fetch_step);
    }
    for (int plane = t->count - 1; plane >= 0; plane--) {
        const uint32_t *bits = t->planes + plane * t->plane;
#pragma GCC unroll 14
        for (int p = 0; p < pixels; p++) {
            sum[p] = _mm512_add_epi32(sum[p], sum[p]);
        }
        for (int k = 0; k < t->words; k++) {
            const uint32_t *word = bits + t->where[k];
            const __m512i negative = _mm512_load_si512(t->negative + k * BLOCK);
            if (fetches) {
                _mm_prefetch(fetch, _MM_HINT_T1);
                _mm_prefetch(fetch + fetch_step, _MM_HINT_T1);
                fetch += 2 * fetch_step;
            }
#pragma GCC unroll 14
            for (int p = 0; p < pixels; p++) {
                const __m512i differ = _mm512_xor_si512(negative, _mm512_set1_epi32((int)word[p * stride]));
                sum[p] = _mm512_add_epi32(sum[p], _mm512_popcnt_epi32(differ));
            }
        }
    }
    const __m128i shift = _mm_cvtsi32_si128(t->shift);
#pragma GCC unroll 14
    for (int p = 0; p < pixels; p++) {
        const __m512i start = _mm512_load_si512(t->start + t->edge[p]);
        sum[p] = _mm512_maskz_add_epi32(t->lanes, _mm512_sll_epi32(sum[p], shift), start);
    }
    if (t->type == BD_INT32) {
#pragma GCC unroll 14
        for (int p = 0; p < pixels; p++) {
            _mm512_storeu_si512((int32_t *)sums + at + p * BLOCK, sum[p]);
        }
        return;
    }
#pragma GCC unroll 7
    for (int p = 0; p < pixels; p += 2) {
        int16_t *to = (int16_t *)sums + at + (size_t)p * BLOCK;
        if (p + 1 < pixels) {
            _mm512_storeu_si512(to, both_narrow(sum[p], sum[p + 1]));
        } else {
            _mm256_storeu_si256((__m256i *)to, _mm512_cvtepi32_epi16(sum[p]));
        }
    }
}

#define DEFINE_TILE(pixels, stride, fetches)                                                                           \
    TARGET static void tile_##pixels##_##stride##_##fetches(const struct tile *t, void *sums, size_t at)               \
    {                                                                                                                  \
        run_tile(t, sums, at, pixels, stride, fetches);                                                                \
    }
#define DEFINE_TILES(pixels)                                                                                           \
    DEFINE_TILE(pixels, 1, 0) DEFINE_TILE(pixels, 1, 1) DEFINE_TILE(pixels, 2, 0) DEFINE_TILE(pixels, 2, 1)
BD_TILE_WIDTHS(DEFINE_TILES)

typedef void tile_kernel(const struct tile *tile, void *sums, size_t at);
#define TILES_OF(pixels) {{tile_##pixels##_1_0, tile_##pixels##_1_1}, {tile_##pixels##_2_0, tile_##pixels##_2_1}},
static tile_kernel *const tiles[][2][2] = {BD_TILE_WIDTHS(TILES_OF)}; /* [width][stride - 1][fetches] */

/* Where rows and columns begin in a block's `start`. */
struct edges {
    int *row, *column;
};

/* A block of channels. */
static void run_block(const struct bd_intconv_shape *s, const struct window *w, struct tile *t,
                      const struct edges *edges, void *sums, size_t at)
{
    const uint32_t *first = t->planes;
    const int32_t *start = t->start;
    for (int y = 0; y < s->out_height; y++) {
        t->start = start + edges->row[y];
        for (int x = 0, k = 0; x < s->out_width; x += bd_tile_widths[k]) {
            k = bd_tile_fitting(s->out_width - x);
            t->edge = edges->column + x;
            t->planes = first + ((size_t)y * w->width + x) * s->stride;
            tiles[k][s->stride - 1][t->prefetch != NULL](t, sums, at + ((size_t)y * s->out_width + x) * BLOCK);
        }
    }
    t->planes = first;
}

static void find_edges(const struct bd_intconv_shape *s, struct edges *edges)
{
    const int classes = 2 * s->pad + 1;
    for (int y = 0; y < s->out_height; y++) {
        edges->row[y] = edge_of(y, s->stride, s->kernel_h, s->pad, s->in_height) * classes * BLOCK;
    }
    for (int x = 0; x < s->out_width; x++) {
        edges->column[x] = edge_of(x, s->stride, s->kernel_w, s->pad, s->in_width) * BLOCK;
    }
}

bool bd_bitconv_takes(const struct bd_bitconv_weights *w, int bias, int highest)
{
    return w->planes && (bias ? bias == 1 && highest == 2 : highest < 1 << w->planes);
}

TARGET void bd_bitconv_forward(const struct bd_intconv_shape *s, const struct bd_bitconv_weights *weights,
                               const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    const int bias = source->bias, highest = source->highest;
    const struct window w = window_of(s);
    const int out = bd_intconv_blocks(s->out_channels) * BLOCK, classes = (2 * s->pad + 1) * (2 * s->pad + 1);
    uint32_t *planes = room;
    struct tile t = {.planes = planes,
                     .where = weights->where,
                     .words = weights->words,
                     .count = bias ? 1 : 32 - __builtin_clz(highest),
                     .plane = maps_of(s) * w.map,
                     .shift = bias ? 1 : 0,
                     .prefetch = source->prefetch,
                     .type = type};
    struct edges edges = {.row = (int *)(void *)(planes + MOST_PLANES * t.plane)};
    edges.column = edges.row + s->out_height;
    if (bias) {
        find_edges(s, &edges);
    } else {
        memset(edges.row, 0, (s->out_height + s->out_width) * sizeof(int));
    }
    for (int plane = 0; plane < t.count; plane++) {
        make_plane(s, &w, source->first, bias ? 1 : plane, planes + plane * t.plane);
    }
    for (int b = 0; b < out; b += BLOCK) {
        const int channels = s->out_channels - b < BLOCK ? s->out_channels - b : BLOCK;
        _Alignas(64) int32_t less[BLOCK]; /* codes: popcount(n) of every plane */
        for (int i = 0; i < BLOCK; i++) {
            less[i] = -((1 << t.count) - 1) * weights->minus[b + i];
        }
        t.start = bias ? weights->start + (size_t)b * classes : less;
        t.negative = weights->negative + (size_t)b * weights->words;
        t.lanes = (__mmask16)((1u << channels) - 1);
        run_block(s, &w, &t, &edges, sums, (size_t)b * s->out_height * s->out_width);
    }
}
