/* The passes of winograd.h, for one type of activations and products: HALF (bfloat16) or not, NAME(x) for names.
 *
 * Transformed tiles are (36, C/16, T, 16): for each of the 36 products of a tile, T tiles one after the other. Results'
 * gradients are transformed once, as windows, for both passes: activations' gradients are their sums with weights as
 * taps, weights' gradients with tiles of the source as taps.
 * In bfloat16 a 32-bit word holds the two neighbours along the dimension that is summed. For the activations' gradient
 * these are two channels, as they lie. For the weights' they are two tiles: the source is laid out so,
 * (36, C/16, T/2, 16, 2), and pairs of the results' tiles are interleaved when they are read. So the inner loops are
 * the same in both types: broadcast a word, multiply it with 16 words, add to 16 sums. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "model/kernels/tiles.h"
#include "model/kernels/winograd_parts.h"

#include "model/kernels/winograd_transforms.h"

/* ---- transforms of tiles ---- */

/* Where a tile begins: the image of its part, and the pixel. */
struct place {
    int image, y, x;
};

INLINE struct place place_of(const struct bd_winograd_cut *cut, int tile)
{
    const int image = tile / (cut->rows * cut->columns), inside = tile % (cut->rows * cut->columns);
    return (struct place){image, inside / cut->columns * OUT, inside % cut->columns * OUT};
}

/* A strip: up to STRIP tiles of a row, whose columns of pixels are transformed first. Windows of neighbours overlap by
 * two columns, which so are transformed once. Before them there may be a tile of the strip before. */
enum { STRIP = 8, STRIP_COLUMNS = (STRIP + 1) * OUT };
struct strip {
    _Alignas(64) float half[IN][STRIP_COLUMNS][BLOCK];
};

/* 16 channels of a pixel. */
INLINE __m512 pixel_of(const char *row, int x, __m512 bias, const bool codes)
{
    if (codes) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(row + x * BLOCK));
        return _mm512_sub_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)), bias);
    }
    return load((const number *)(const void *)row + x * BLOCK);
}

/* `columns` columns of `rows` pixels, the first at (y, x), to the strip's from `at` on. Rows: IN of windows, OUT of
 * taps. Positions outside the map are zeros. */
INLINE void transform_columns(const struct bd_winograd_shape *s, const struct bd_winograd_maps *maps, const char *map,
                              int y, int x, int columns, struct strip *to, int at, const int rows, const bool codes)
{
    const size_t pixel = codes ? BLOCK : BLOCK * sizeof(number);
    const __m512 bias = all(maps->bias);
    _Alignas(64) char outside[STRIP_COLUMNS * BLOCK * sizeof(number)];
    const char *row[IN];
    if (y < 0 || y + rows > s->height) {
        memset(outside, codes ? maps->bias : 0, columns * pixel);
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        row[i] = (unsigned)(y + i) < (unsigned)s->height
                     ? map + (ptrdiff_t)(y + i) * (ptrdiff_t)maps->row + (ptrdiff_t)x * (ptrdiff_t)pixel
                     : outside;
    }
    for (int j = 0; j < columns; j++) {
        __m512 column[IN], half[IN];
        if ((unsigned)(x + j) < (unsigned)s->width) {
#pragma GCC unroll 6
            for (int i = 0; i < rows; i++) {
                column[i] = pixel_of(row[i], j, bias, codes);
            }
            if (rows == IN) {
                of_window(column, half);
            } else {
                of_taps_4(column, half);
            }
        } else {
#pragma GCC unroll 6
            for (int i = 0; i < IN; i++) {
                half[i] = _mm512_setzero_ps();
            }
        }
#pragma GCC unroll 6
        for (int i = 0; i < IN; i++) {
            _mm512_store_ps(to->half[i][at + j], half[i]);
        }
    }
}

/* A row of six products of tile `tile` of the strip. */
INLINE void transform_row(const struct strip *strip, int i, int tile, __m512 row[IN], const int rows)
{
    __m512 column[IN];
#pragma GCC unroll 6
    for (int j = 0; j < rows; j++) {
        column[j] = _mm512_load_ps(strip->half[i][tile * OUT + j]);
    }
    if (rows == IN) {
        of_window(column, row);
    } else {
        of_taps_4(column, row);
    }
}

/* 36 numbers of 16 channels to `to`, `step` numbers from each other. */
INLINE void transform_tile(const struct strip *strip, int tile, number *to, size_t step, const int rows)
{
    __m512 row[IN];
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) {
        transform_row(strip, i, tile, row, rows);
#pragma GCC unroll 6
        for (int j = 0; j < IN; j++) {
            store(to + (i * IN + j) * step, row[j]);
        }
    }
}

#if HALF
/* The same of two tiles: one after the other, or as words where `words`. */
INLINE void transform_two(const struct strip *strip, int tile, number *to, size_t step, const int rows,
                          const bool words)
{
    __m512 left[IN], right[IN];
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) {
        transform_row(strip, i, tile, left, rows);
        transform_row(strip, i, tile + 1, right, rows);
#pragma GCC unroll 6
        for (int j = 0; j < IN; j++) {
            const __m512i two = beside(left[j], right[j]);
            _mm512_storeu_si512(to + (i * IN + j) * step, words ? interleave(two) : two);
        }
    }
}
#endif

/* The 4x4 results of a tile, those of `height` and `width` that are inside the map, whose rows are `pitch` pixels. */
static void transform_results(const float *from, size_t step, number *to, size_t pitch, int height, int width)
{
    __m512 half[IN][OUT], column[IN], row[OUT];
#pragma GCC unroll 6
    for (int j = 0; j < IN; j++) {
#pragma GCC unroll 6
        for (int i = 0; i < IN; i++) {
            column[i] = _mm512_load_ps(from + (i * IN + j) * step);
        }
        results_4(column, half[j]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < OUT; i++) {
#pragma GCC unroll 6
        for (int j = 0; j < IN; j++) {
            column[j] = half[j][i];
        }
        results_4(column, row);
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++) {
            if (i < height && j < width) {
                store(to + (i * pitch + j) * BLOCK, row[j]);
            }
        }
    }
}

/* ---- over a part ---- */

/* One block of channels. */
INLINE const char *map_of(const struct bd_winograd_maps *maps, int image, int block)
{
    return (const char *)maps->first + image * maps->image + block * maps->plane;
}

/* Numbers from a product's tiles to the next product's: one cache line more than they take, lest all 36 of a tile fall
 * into one set of the first-level cache. */
INLINE size_t step_of(const struct bd_winograd_cut *cut, int channels, size_t number_size)
{
    return (size_t)channels * cut->tiles + BD_WINOGRAD_LINE / number_size;
}

/* The gradients of a part's results, as windows: (36, C/16, T, 16). An odd number of tiles has a tile of zeros after
 * it. */
static void transform_results_back(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, int images,
                                   const struct bd_winograd_maps *maps, number *to)
{
    const size_t step = step_of(cut, s->out_channels, sizeof(number));
    const int strips = (cut->columns + STRIP - 1) / STRIP, count = images * cut->rows * strips;
    for (int b = 0; b < s->out_channels / BLOCK; b++) {
        number *here = to + (size_t)b * cut->tiles * BLOCK;
        int tile = 0;
        for (int n = 0; n < count; n++) {
            struct strip strip;
            const int column = n % strips * STRIP, many = cut->columns - column < STRIP ? cut->columns - column : STRIP;
            const struct place place = place_of(cut, n / strips * cut->columns + column);
            transform_columns(s, maps, map_of(maps, place.image, b), place.y - 1, place.x - 1, many * OUT + IN - OUT,
                              &strip, 0, IN, false);
            int t = 0;
#if HALF
            if (tile % 2) { /* so that the others fill cache lines */
                transform_tile(&strip, t++, here + tile++ * BLOCK, step, IN);
            }
            for (; t + 1 < many; t += 2, tile += 2) {
                transform_two(&strip, t, here + tile * BLOCK, step, IN, false);
            }
#endif
            for (; t < many; t++, tile++) {
                transform_tile(&strip, t, here + tile * BLOCK, step, IN);
            }
        }
        for (int k = 0; tile % 2 && k < POINTS; k++) {
            store(here + tile * BLOCK + k * step, _mm512_setzero_ps());
        }
    }
}

/* A part's source as taps: (36, C/16, T, 16), in bfloat16 (36, C/16, T/2, 16, 2): a word holds two tiles, which may be
 * of two rows or images, and the last perhaps none. */
INLINE void transform_source(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, int images,
                             const struct bd_winograd_maps *maps, number *to, const bool codes)
{
    const size_t step = step_of(cut, s->in_channels, sizeof(number));
    const int strips = (cut->columns + STRIP - 1) / STRIP, count = images * cut->rows * strips;
    for (int b = 0; b < s->in_channels / BLOCK; b++) {
        number *here = to + (size_t)b * cut->tiles * BLOCK;
        struct strip strip;
        int tile = 0, waiting = 0; /* a tile of the strip before, that has none beside it yet */
        for (int n = 0; n < count; n++) {
            const int column = n % strips * STRIP, many = cut->columns - column < STRIP ? cut->columns - column : STRIP;
            const struct place place = place_of(cut, n / strips * cut->columns + column);
            int t = 0;
            transform_columns(s, maps, map_of(maps, place.image, b), place.y, place.x, many * OUT, &strip,
                              waiting * OUT, OUT, codes);
#if HALF
            for (; t + 1 < waiting + many; t += 2, tile += 2) {
                transform_two(&strip, t, here + tile * BLOCK, step, OUT, true);
            }
            waiting = waiting + many - t;
            for (int i = 0; waiting && t && i < IN; i++) {
                memcpy(strip.half[i][0], strip.half[i][t * OUT], OUT * BLOCK * sizeof(float));
            }
#else
            for (; t < many; t++, tile++) {
                transform_tile(&strip, t, here + tile * BLOCK, step, OUT);
            }
#endif
        }
#if HALF
        if (waiting) {
            for (int i = 0; i < IN; i++) {
                memset(strip.half[i][OUT], 0, OUT * BLOCK * sizeof(float));
            }
            transform_two(&strip, 0, here + tile * BLOCK, step, OUT, true);
        }
#endif
    }
}

static void transform_numbers(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, int images,
                              const struct bd_winograd_maps *maps, number *to)
{
    transform_source(s, cut, images, maps, to, false);
}

static void transform_codes(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, int images,
                            const struct bd_winograd_maps *maps, number *to)
{
    transform_source(s, cut, images, maps, to, true);
}

/* ---- products ---- */

/* `count` tiles and `many` blocks of result channels; `tiles` words of a block of channels lie `tiles_step` words from
 * those of the next, weights of a block of results `weights_step` words. */
INLINE void multiply_tiles(const int32_t *tiles, size_t tiles_step, const int32_t *weights, size_t weights_step,
                           int depth, float *to, size_t to_step, struct bd_prefetch *prefetch, const int count,
                           const int many)
{
    size_t fetch_step;
    const char *fetch = bd_prefetch_take(prefetch, (size_t)depth * WORDS, to, &fetch_step);
    __m512 sum[2][BD_TILE_MOST];
#pragma GCC unroll 2
    for (int m = 0; m < many; m++) {
#pragma GCC unroll 14
        for (int t = 0; t < count; t++) {
            sum[m][t] = _mm512_setzero_ps();
        }
    }
    for (int b = 0; b < depth; b++) {
        for (int c = 0; c < WORDS; c++) {
            _mm_prefetch(fetch, _MM_HINT_T1);
            fetch += fetch_step;
            __m512i w[2];
#pragma GCC unroll 2
            for (int m = 0; m < many; m++) {
                w[m] = _mm512_load_si512(weights + m * weights_step + (b * WORDS + c) * BLOCK);
            }
#pragma GCC unroll 14
            for (int t = 0; t < count; t++) {
                __m512i word = _mm512_set1_epi32(tiles[b * tiles_step + t * WORDS + c]);
#pragma GCC unroll 2
                for (int m = 0; m < many; m++) {
                    sum[m][t] = multiply(sum[m][t], word, w[m]);
                }
            }
        }
    }
#pragma GCC unroll 2
    for (int m = 0; m < many; m++) {
#pragma GCC unroll 14
        for (int t = 0; t < count; t++) {
            _mm512_store_ps(to + m * to_step + t * BLOCK, sum[m][t]);
        }
    }
}

#define DEFINE_MULTIPLY(count, many)                                                                                   \
    static void multiply_##count##_##many(const int32_t *tiles, size_t tiles_step, const int32_t *weights,             \
                                          size_t weights_step, int depth, float *to, size_t to_step,                   \
                                          struct bd_prefetch *prefetch)                                                \
    {                                                                                                                  \
        multiply_tiles(tiles, tiles_step, weights, weights_step, depth, to, to_step, prefetch, count, many);           \
    }
#define DEFINE_MULTIPLIES(count) DEFINE_MULTIPLY(count, 1) DEFINE_MULTIPLY(count, 2)
BD_TILE_WIDTHS(DEFINE_MULTIPLIES)

typedef void multiply_kernel(const int32_t *tiles, size_t tiles_step, const int32_t *weights, size_t weights_step,
                             int depth, float *to, size_t to_step, struct bd_prefetch *prefetch);
#define MULTIPLIES_OF(count) {multiply_##count##_1, multiply_##count##_2},
static multiply_kernel *const multiplies[][2] = {BD_TILE_WIDTHS(MULTIPLIES_OF)}; /* [count][blocks - 1] */

/* One of the 36: tiles (OC/16, T, WORDS) with weights (IC/16, OC/16, WORDS, 16) to (IC/16, T, 16). */
INLINE void multiply_point(const struct bd_winograd_shape *s, int room_tiles, int tiles, const int32_t *words,
                           const int32_t *weights, float *to, struct bd_prefetch *prefetch)
{
    int depth = s->out_channels / BLOCK, blocks = s->in_channels / BLOCK;
    size_t weights_step = (size_t)depth * WORDS * BLOCK, to_step = (size_t)room_tiles * BLOCK;
    for (int b = 0; b < blocks; b += 2) {
        int many = blocks - b < 2 ? 1 : 2;
        for (int t = 0, k = 0; t < tiles; t += bd_tile_widths[k]) {
            k = bd_tile_fitting(tiles - t);
            multiplies[k][many - 1](words + t * WORDS, (size_t)room_tiles * WORDS, weights + b * weights_step,
                                    weights_step, depth, to + b * to_step + t * BLOCK, to_step, prefetch);
        }
    }
}

/* sums (16, 16): source channels by result channels, over `words` pairs of tiles (or tiles, in float32). */
static void multiply_weights(const int32_t *source, const number *result, int words, float *sums, bool first,
                             struct bd_prefetch *prefetch)
{
    size_t fetch_step;
    const char *fetch = bd_prefetch_take(prefetch, words, sums, &fetch_step);
    __m512 sum[BLOCK];
#pragma GCC unroll 16
    for (int c = 0; c < BLOCK; c++) {
        sum[c] = first ? _mm512_setzero_ps() : _mm512_load_ps(sums + c * BLOCK);
    }
    for (int k = 0; k < words; k++) {
        _mm_prefetch(fetch, _MM_HINT_T1);
        fetch += fetch_step;
        __m512i right = _mm512_load_si512(result + k * (BD_WINOGRAD_LINE / sizeof *result));
#if HALF
        right = interleave(right);
#endif
#pragma GCC unroll 16
        for (int c = 0; c < BLOCK; c++) {
            sum[c] = multiply(sum[c], _mm512_set1_epi32(source[k * BLOCK + c]), right);
        }
    }
#pragma GCC unroll 16
    for (int c = 0; c < BLOCK; c++) {
        _mm512_store_ps(sums + c * BLOCK, sum[c]);
    }
}

/* ---- whole passes ---- */

/* (36, IC/16, OC/16, WORDS, 16) words; taps turned round, for a result's gradient meets the tap opposite. */
void NAME(pack)(const struct bd_winograd_shape *s, const float *weights, void *packed)
{
    enum { TAPS = 9, OUTPUTS = BLOCK / WORDS };
    const __m512i every = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                             _mm512_set1_epi32(TAPS));
    size_t step = (size_t)s->in_channels * s->out_channels / OUTPUTS;
    for (int c = 0; c < s->in_channels; c += BLOCK) {
        for (int o = 0; o < s->out_channels; o += OUTPUTS) {
            _Alignas(64) float wide[OUTPUTS][POINTS * BLOCK];
            for (int k = 0; k < OUTPUTS; k++) {
                const float *from = weights + ((size_t)(o + k) * s->in_channels + c) * TAPS;
                __m512 half[3][IN], column[3], row[IN];
                for (int j = 0; j < 3; j++) {
                    for (int i = 0; i < 3; i++) {
                        column[i] = _mm512_i32gather_ps(every, from + (2 - i) * 3 + 2 - j, sizeof(float));
                    }
                    of_taps_3(column, half[j]);
                }
                for (int i = 0; i < IN; i++) {
                    for (int j = 0; j < 3; j++) {
                        column[j] = half[j][i];
                    }
                    of_taps_3(column, row);
                    for (int j = 0; j < IN; j++) {
                        _mm512_store_ps(wide[k] + (i * IN + j) * BLOCK, row[j]);
                    }
                }
            }
            int32_t *to = (int32_t *)packed + ((size_t)c / BLOCK * s->out_channels + o) / OUTPUTS * BLOCK;
            for (int k = 0; k < POINTS; k++) {
#if HALF
                _mm512_store_si512(to + k * step,
                                   pair(_mm512_load_ps(wide[0] + k * BLOCK), _mm512_load_ps(wide[1] + k * BLOCK)));
#else
                _mm512_store_si512(to + k * step, _mm512_load_si512(wide[0] + k * BLOCK));
#endif
            }
        }
    }
}

/* Where transformed tiles and sums lie in the room. */
struct rooms {
    number *results; /* windows of the results' gradients */
    number *source;  /* taps, until the products of the activations' gradients are there */
    float *products, *sums;
    size_t results_step, source_step, products_step, sums_step; /* from a product to the next */
};

static struct rooms rooms_of(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, void *room)
{
    struct rooms r = {.results_step = step_of(cut, s->out_channels, sizeof(number)),
                      .source_step = step_of(cut, s->in_channels, sizeof(number)),
                      .products_step = step_of(cut, s->in_channels, sizeof(float)),
                      .sums_step = (size_t)s->in_channels * s->out_channels + BD_WINOGRAD_LINE / sizeof(float)};
    r.sums = room;
    r.results = (number *)(void *)(r.sums + POINTS * r.sums_step);
    r.source = r.results + POINTS * r.results_step;
    r.products = (float *)(void *)r.source;
    return r;
}

/* From sums (36, IC, 16), of one block of result channels, (IC, 9, 16). Taps are turned round: a source meets the
 * window of results' gradients. */
static void finish_weights(const float *sums, size_t step, int in_channels, float *to)
{
    for (int c = 0; c < in_channels; c++, sums += BLOCK) {
        __m512 half[IN][3], column[IN], row[3];
        for (int j = 0; j < IN; j++) {
            for (int i = 0; i < IN; i++) {
                column[i] = _mm512_load_ps(sums + (i * IN + j) * step);
            }
            results_3(column, half[j]);
        }
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < IN; j++) {
                column[j] = half[j][i];
            }
            results_3(column, row);
            for (int j = 0; j < 3; j++) {
                _mm512_storeu_ps(to + (8 - 3 * i - j) * BLOCK, row[j]);
            }
        }
        to += 9 * BLOCK;
    }
}

void NAME(weight)(const struct bd_winograd_task *task, const struct bd_winograd_cut *cut)
{
    const struct bd_winograd_shape *s = task->shape;
    const struct bd_winograd_maps results = bd_winograd_number_maps(s, task->d_result, s->out_channels);
    const struct rooms r = rooms_of(s, cut, task->room);
    const size_t block_step = (size_t)cut->tiles * BLOCK;
    const int count = task->images * cut->rows * cut->columns, words = HALF ? (count + 1) / 2 : count;
    struct bd_prefetch prefetch = task->while_weights;
    transform_results_back(s, cut, task->images, &results, r.results);
    (task->codes ? transform_codes : transform_numbers)(s, cut, task->images, &task->source, r.source);
    for (int k = 0; k < POINTS; k++) {
        for (int o = 0; o < s->out_channels / BLOCK; o++) {
            for (int c = 0; c < s->in_channels / BLOCK; c++) {
                multiply_weights((const int32_t *)(const void *)(r.source + k * r.source_step + c * block_step),
                                 r.results + k * r.results_step + o * block_step, words,
                                 r.sums + k * r.sums_step + ((size_t)o * s->in_channels + c * BLOCK) * BLOCK,
                                 task->begins, &prefetch);
            }
        }
    }
    for (int o = 0; task->ends && o < s->out_channels; o += BLOCK) {
        finish_weights(r.sums + (size_t)o * s->in_channels, r.sums_step, s->in_channels,
                       task->d_weights + (size_t)o * s->in_channels * 9);
    }
}

void NAME(data)(const struct bd_winograd_task *task, const struct bd_winograd_cut *cut)
{
    const struct bd_winograd_shape *s = task->shape;
    const struct rooms r = rooms_of(s, cut, task->room);
    const size_t pixels = (size_t)s->height * s->width,
                 weights = (size_t)s->in_channels * s->out_channels * WORDS / BLOCK;
    const int count = task->images * cut->rows * cut->columns;
    number *to = task->d_source;
    struct bd_prefetch prefetch = task->while_data;
    for (int k = 0; k < POINTS; k++) {
        multiply_point(s, cut->tiles, count, (const int32_t *)(const void *)(r.results + k * r.results_step),
                       (const int32_t *)task->packed + k * weights, r.products + k * r.products_step, &prefetch);
    }
    for (int b = 0; b < s->in_channels / BLOCK; b++) {
        for (int tile = 0; tile < count; tile++) {
            const struct place place = place_of(cut, tile);
            number *map = to + ((size_t)place.image * (s->in_channels / BLOCK) + b) * pixels * BLOCK;
            transform_results(r.products + ((size_t)b * cut->tiles + tile) * BLOCK, r.products_step,
                              map + ((size_t)place.y * s->width + place.x) * BLOCK, s->width, s->height - place.y,
                              s->width - place.x);
        }
    }
}
