/* The passes of winograd.h, for one type of activations and products: HALF (bfloat16) or not, NAME(x) for names.
 *
 * Transformed tiles are (36, C/16, T, 16): for each of the 36 products of a tile, T tiles one after the other. In
 * bfloat16 a 32-bit word holds the two neighbours along the dimension that is summed: two channels for the gradient of
 * activations, (36, C/16, T, 8, 2); two tiles for that of weights, (36, C/16, T/2, 16, 2). So the inner loops are the
 * same in both types: broadcast a word, multiply it with 16 words, add to 16 sums. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "model/train/winograd_parts.h"

#include "model/train/winograd_transforms.h"

/* ---- transforms of tiles ---- */

/* Where in a map a tile begins; positions outside the map read as zeros. */
struct place {
    int height, width, y, x;
};

/* Rows of a tile, and which of its columns are inside the map. Rows outside are `zeros`. */
struct window {
    const char *row[IN];
    __mmask16 inside[IN];
    __m512 bias; /* of codes */
    _Alignas(64) char zeros[IN * BLOCK * sizeof(number)];
};

INLINE void open_window(struct window *window, const char *map, size_t pitch, int bias, const struct place *place,
                        const int side, const bool codes)
{
    const size_t pixel = codes ? BLOCK : BLOCK * sizeof(number);
    memset(window->zeros, codes ? bias : 0, sizeof window->zeros);
    window->bias = all(bias);
#pragma GCC unroll 6
    for (int i = 0; i < side; i++) {
        int y = place->y + i;
        bool inside = (unsigned)y < (unsigned)place->height;
        window->row[i] = inside ? map + (ptrdiff_t)y * pitch + (ptrdiff_t)place->x * pixel : window->zeros;
        window->inside[i] = (unsigned)(place->x + i) < (unsigned)place->width ? 0xffff : 0;
    }
}

INLINE __m512 at(const struct window *window, int i, int j, const bool codes)
{
    if (codes) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(window->row[i] + j * BLOCK));
        return _mm512_maskz_sub_ps(window->inside[j], _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)), window->bias);
    }
    return load((const number *)(const void *)window->row[i] + j * BLOCK, window->inside[j]);
}

/* What is done with product `k` of a tile. WORDS_OF_TILES: a word with the tile before, whose products are `before`. */
enum emit { FLOATS, CHANNELS, WORDS_OF_TILES };

INLINE void emit(int k, __m512 value, void *to, size_t step, const float *before, const enum emit how)
{
    if (how == FLOATS) {
        _mm512_store_ps((float *)to + k * step, value);
    } else if (how == CHANNELS) {
        store((number *)to + k * step, value);
    } else {
#if HALF
        _mm512_store_si512((number *)to + k * step, pair(_mm512_load_ps(before + k * BLOCK), value));
#else
        (void)before;
#endif
    }
}

/* 36 numbers of 16 channels to `to`, `step` numbers from each other. Three rows of products at a time: what all six
 * need does not fit the registers. */
INLINE void transform_window(const struct bd_winograd_maps *maps, const char *map, const struct place *place, void *to,
                             size_t step, const float *before, const enum emit how, const bool codes)
{
    struct window window;
    open_window(&window, map, maps->row, maps->bias, place, IN, codes);
#pragma GCC unroll 2
    for (int part = 0; part < IN; part += 3) {
        __m512 half[IN][IN], column[IN], row[IN];
#pragma GCC unroll 6
        for (int j = 0; j < IN; j++) {
#pragma GCC unroll 6
            for (int i = 0; i < IN; i++) {
                column[i] = at(&window, i, j, codes);
            }
            of_window(column, half[j]);
        }
#pragma GCC unroll 3
        for (int i = part; i < part + 3; i++) {
#pragma GCC unroll 6
            for (int j = 0; j < IN; j++) {
                column[j] = half[j][i];
            }
            of_window(column, row);
#pragma GCC unroll 6
            for (int j = 0; j < IN; j++) {
                emit(i * IN + j, row[j], to, step, before, how);
            }
        }
    }
}

INLINE void transform_taps(const struct bd_winograd_maps *maps, const char *map, const struct place *place, void *to,
                           size_t step, const float *before, const enum emit how)
{
    struct window window;
    open_window(&window, map, maps->row, 0, place, OUT, false);
    __m512 half[OUT][IN], column[OUT], row[IN];
#pragma GCC unroll 4
    for (int j = 0; j < OUT; j++) {
#pragma GCC unroll 4
        for (int i = 0; i < OUT; i++) {
            column[i] = at(&window, i, j, false);
        }
        of_taps_4(column, half[j]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < IN; i++) {
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++) {
            column[j] = half[j][i];
        }
        of_taps_4(column, row);
#pragma GCC unroll 6
        for (int j = 0; j < IN; j++) {
            emit(i * IN + j, row[j], to, step, before, how);
        }
    }
}

/* The 4x4 results of a tile, those inside the map. */
static void transform_results(const float *from, size_t step, number *map, const struct place *place)
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
    int height = place->height - place->y, width = place->width - place->x;
#pragma GCC unroll 4
    for (int i = 0; i < OUT; i++) {
#pragma GCC unroll 6
        for (int j = 0; j < IN; j++) {
            column[j] = half[j][i];
        }
        results_4(column, row);
        number *to = map + ((size_t)(place->y + i) * place->width + place->x) * BLOCK;
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++) {
            if (i < height && j < width) {
                store(to + j * BLOCK, row[j]);
            }
        }
    }
}

/* ---- over a chunk ---- */

typedef void transform(const struct bd_winograd_maps *maps, const char *map, const struct place *place, void *to,
                       size_t step, const float *before);

#define DEFINE_TRANSFORM(name, ...)                                                                                    \
    static void name(const struct bd_winograd_maps *maps, const char *map, const struct place *place, void *to,        \
                     size_t step, const float *before)                                                                 \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
    }
DEFINE_TRANSFORM(window_channels, transform_window(maps, map, place, to, step, before, HALF ? CHANNELS : FLOATS, false))
DEFINE_TRANSFORM(window_floats, transform_window(maps, map, place, to, step, before, FLOATS, false))
DEFINE_TRANSFORM(window_words, transform_window(maps, map, place, to, step, before, WORDS_OF_TILES, false))
DEFINE_TRANSFORM(codes_floats, transform_window(maps, map, place, to, step, before, FLOATS, true))
DEFINE_TRANSFORM(codes_words, transform_window(maps, map, place, to, step, before, WORDS_OF_TILES, true))
DEFINE_TRANSFORM(taps_floats, transform_taps(maps, map, place, to, step, before, FLOATS))
DEFINE_TRANSFORM(taps_words, transform_taps(maps, map, place, to, step, before, WORDS_OF_TILES))

/* Images from `first` on, one block of channels. */
INLINE const char *map_of(const struct bd_winograd_maps *maps, int image, int block)
{
    return (const char *)maps->first + image * maps->image + block * maps->plane;
}

/* Image and place of tile `tile` of a chunk. */
INLINE struct place place_of(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, int tile, int inset,
                             int *image)
{
    int inside = tile % (cut->rows * cut->columns);
    *image = tile / (cut->rows * cut->columns);
    int row = inside / cut->columns, column = inside % cut->columns;
    return (struct place){s->height, s->width, row * OUT - inset, column * OUT - inset};
}

/* Numbers from a product's tiles to the next product's: one cache line more than they take, lest all 36 of a tile fall
 * into one set of the first-level cache. */
INLINE size_t step_of(const struct bd_winograd_cut *cut, int channels, size_t number_size)
{
    return (size_t)channels * cut->tiles + BD_WINOGRAD_LINE / number_size;
}

/* Channels side by side: (36, C/16, T, WORDS) words. `first`: the image that the chunk begins with. */
static void transform_channels(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, int first,
                               int tiles, const struct bd_winograd_maps *maps, int channels, number *to)
{
    size_t step = step_of(cut, channels, sizeof(number));
    for (int b = 0; b < channels / BLOCK; b++) {
        for (int tile = 0; tile < tiles; tile++) {
            int image;
            const struct place place = place_of(s, cut, tile, 1, &image);
            window_channels(maps, map_of(maps, first + image, b), &place,
                            to + ((size_t)b * cut->tiles + tile) * BLOCK, step, NULL);
        }
    }
}

/* Tiles side by side: (36, C/16, T, 16), in bfloat16 (36, C/16, T/2, 16, 2). An odd number of tiles is filled up.
 * `words` is `floats` for the second tile of a word. */
INLINE void transform_tiles(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, int first, int tiles,
                            const struct bd_winograd_maps *maps, int channels, transform *floats, transform *words,
                            int inset, number *to)
{
    size_t step = step_of(cut, channels, sizeof(number));
    for (int b = 0; b < channels / BLOCK; b++) {
        _Alignas(64) float before[POINTS * BLOCK];
        number *here = to + (size_t)b * cut->tiles * BLOCK;
        for (int tile = 0; tile < tiles; tile++) {
            int image;
            const struct place place = place_of(s, cut, tile, inset, &image);
            const char *map = map_of(maps, first + image, b);
            if (!HALF) {
                floats(maps, map, &place, here + tile * BLOCK, step, NULL);
            } else if (tile % 2 == 0) {
                floats(maps, map, &place, before, BLOCK, NULL);
            } else {
                words(maps, map, &place, here + (tile - 1) * BLOCK, step, before);
            }
        }
        for (int k = 0; HALF && tiles % 2 && k < POINTS; k++) {
            emit(k, _mm512_setzero_ps(), here + (tiles - 1) * BLOCK, step, before, WORDS_OF_TILES);
        }
    }
}

/* ---- products ---- */

/* `count` tiles and `many` blocks of result channels; `tiles` words of a block of channels lie `tiles_step` words from
 * those of the next, weights of a block of results `weights_step` words. */
INLINE void multiply_tiles(const int32_t *tiles, size_t tiles_step, const int32_t *weights, size_t weights_step,
                           int depth, float *to, size_t to_step, const int count, const int many)
{
    __m512 sum[2][14];
#pragma GCC unroll 2
    for (int m = 0; m < many; m++) {
#pragma GCC unroll 14
        for (int t = 0; t < count; t++) {
            sum[m][t] = _mm512_setzero_ps();
        }
    }
    for (int b = 0; b < depth; b++) {
        for (int c = 0; c < WORDS; c++) {
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
                                          size_t weights_step, int depth, float *to, size_t to_step)                   \
    {                                                                                                                  \
        multiply_tiles(tiles, tiles_step, weights, weights_step, depth, to, to_step, count, many);                     \
    }
#define DEFINE_MULTIPLIES(count) DEFINE_MULTIPLY(count, 1) DEFINE_MULTIPLY(count, 2)
DEFINE_MULTIPLIES(14)
DEFINE_MULTIPLIES(8)
DEFINE_MULTIPLIES(7)
DEFINE_MULTIPLIES(4)
DEFINE_MULTIPLIES(2)
DEFINE_MULTIPLIES(1)

static const struct {
    int count;
    void (*run[2])(const int32_t *, size_t, const int32_t *, size_t, int, float *, size_t); /* [blocks - 1] */
} multiplies[] = {{14, {multiply_14_1, multiply_14_2}}, {8, {multiply_8_1, multiply_8_2}},
                  {7, {multiply_7_1, multiply_7_2}},    {4, {multiply_4_1, multiply_4_2}},
                  {2, {multiply_2_1, multiply_2_2}},    {1, {multiply_1_1, multiply_1_2}}};

/* One of the 36: tiles (OC/16, T, WORDS) with weights (IC/16, OC/16, WORDS, 16) to (IC/16, T, 16). */
INLINE void multiply_point(const struct bd_winograd_shape *s, int room_tiles, int tiles, const int32_t *words,
                           const int32_t *weights, float *to)
{
    int depth = s->out_channels / BLOCK, blocks = s->in_channels / BLOCK;
    size_t weights_step = (size_t)depth * WORDS * BLOCK, to_step = (size_t)room_tiles * BLOCK;
    for (int b = 0; b < blocks; b += 2) {
        int many = blocks - b < 2 ? 1 : 2;
        for (int t = 0, k = 0; t < tiles; t += multiplies[k].count) {
            for (k = 0; multiplies[k].count > tiles - t;) {
                k++;
            }
            multiplies[k].run[many - 1](words + t * WORDS, (size_t)room_tiles * WORDS, weights + b * weights_step,
                                        weights_step, depth, to + b * to_step + t * BLOCK, to_step);
        }
    }
}

/* sums (16, 16): source channels by result channels, over `words` pairs (or tiles, in float32). */
static void multiply_weights(const int32_t *source, const int32_t *result, int words, float *sums, bool first)
{
    __m512 sum[BLOCK];
#pragma GCC unroll 16
    for (int c = 0; c < BLOCK; c++) {
        sum[c] = first ? _mm512_setzero_ps() : _mm512_load_ps(sums + c * BLOCK);
    }
    for (int k = 0; k < words; k++) {
        __m512i right = _mm512_load_si512(result + k * BLOCK);
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
                _mm512_store_si512(to + k * step, pair(_mm512_load_ps(wide[0] + k * BLOCK),
                                                       _mm512_load_ps(wide[1] + k * BLOCK)));
#else
                _mm512_store_si512(to + k * step, _mm512_load_si512(wide[0] + k * BLOCK));
#endif
            }
        }
    }
}

void NAME(data)(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut, const void *packed,
                const void *d_result, void *d_source, void *room)
{
    size_t pixels = (size_t)s->height * s->width;
    number *tiles = room;
    const size_t step = step_of(cut, s->out_channels, sizeof *tiles);
    size_t products_step = step_of(cut, s->in_channels, sizeof(float));
    float *products = (float *)(void *)(tiles + POINTS * step);
    const struct bd_winograd_maps maps = bd_winograd_number_maps(s, d_result, s->out_channels);
    for (int first = 0; first < s->batch; first += cut->images) {
        int images = s->batch - first < cut->images ? s->batch - first : cut->images;
        int count = images * cut->rows * cut->columns;
        number *to = (number *)d_source + first * pixels * s->in_channels;
        transform_channels(s, cut, first, count, &maps, s->out_channels, tiles);
        for (int k = 0; k < POINTS; k++) {
            const size_t weights = (size_t)s->in_channels * s->out_channels * WORDS / BLOCK;
            multiply_point(s, cut->tiles, count, (const int32_t *)(const void *)(tiles + k * step),
                           (const int32_t *)packed + k * weights, products + k * products_step);
        }
        for (int b = 0; b < s->in_channels / BLOCK; b++) {
            for (int tile = 0; tile < count; tile++) {
                int image;
                const struct place place = place_of(s, cut, tile, 0, &image);
                transform_results(products + ((size_t)b * cut->tiles + tile) * BLOCK, products_step,
                                  to + ((size_t)image * (s->in_channels / BLOCK) + b) * pixels * BLOCK, &place);
            }
        }
    }
}

/* From sums (36, IC, 16), of one block of result channels, (IC, 9, 16). */
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
            for (int j = 0; j < 3; j++, to += BLOCK) {
                _mm512_storeu_ps(to, row[j]);
            }
        }
    }
}

void NAME(weight)(const struct bd_winograd_shape *s, const struct bd_winograd_cut *cut,
                  const struct bd_winograd_maps *sources, bool codes, const void *d_result, float *d_weights,
                   void *room)
{
    const struct bd_winograd_maps results = bd_winograd_number_maps(s, d_result, s->out_channels);
    size_t step = (size_t)s->in_channels * s->out_channels + BD_WINOGRAD_LINE / sizeof(float);
    size_t left_step = step_of(cut, s->in_channels, sizeof(number));
    size_t right_step = step_of(cut, s->out_channels, sizeof(number));
    size_t block_step = (size_t)cut->tiles * BLOCK;
    number *left = room, *right = (number *)room + POINTS * left_step;
    float *sums = (float *)(void *)(right + POINTS * right_step);
    for (int first = 0; first < s->batch; first += cut->images) {
        int images = s->batch - first < cut->images ? s->batch - first : cut->images;
        int count = images * cut->rows * cut->columns;
        transform_tiles(s, cut, first, count, sources, s->in_channels, codes ? codes_floats : window_floats,
                        codes ? codes_words : window_words, 1, left);
        transform_tiles(s, cut, first, count, &results, s->out_channels, taps_floats, taps_words, 0, right);
        int words = HALF ? (count + 1) / 2 : count;
        for (int k = 0; k < POINTS; k++) {
            for (int o = 0; o < s->out_channels / BLOCK; o++) {
                for (int c = 0; c < s->in_channels / BLOCK; c++) {
                    multiply_weights((const int32_t *)(const void *)(left + k * left_step + c * block_step),
                                     (const int32_t *)(const void *)(right + k * right_step + o * block_step), words,
                                     sums + k * step + ((size_t)o * s->in_channels + c * BLOCK) * BLOCK, !first);
                }
            }
        }
    }
    for (int o = 0; o < s->out_channels; o += BLOCK) {
        finish_weights(sums + (size_t)o * s->in_channels, step, s->in_channels,
                       d_weights + (size_t)o * s->in_channels * 9);
    }
}
