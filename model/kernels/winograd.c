#include "model/kernels/winograd.h"

#include "model/kernels/winograd_parts.h"

/* Bytes of transformed tiles, of source and result together, that a part may take of the second-level cache; more
 * where sums of products leave it anyway, which every part walks over. */
#define PART_BYTES ((size_t)300 << 10)
/* Pairs of channels beyond which transformed weights would take too much memory for what they save. */
#define MOST_PAIRS (256 * 256)

static bool allowed = true;

void bd_winograd_allow(bool allow)
{
    allowed = allow;
}

bool bd_winograd_fits(const struct bd_winograd_shape *s)
{
    int rows = (s->height + OUT - 1) / OUT, columns = (s->width + OUT - 1) / OUT;
    return allowed && s->in_channels * s->out_channels <= MOST_PAIRS && s->in_channels % BLOCK == 0 &&
           s->out_channels % BLOCK == 0 && rows * columns * OUT * OUT <= 2 * s->height * s->width &&
           __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && (!s->half || __builtin_cpu_supports("avx512bf16"));
}

static size_t number_size(const struct bd_winograd_shape *s)
{
    return s->half ? 2 : sizeof(float);
}

struct bd_winograd_maps bd_winograd_number_maps(const struct bd_winograd_shape *s, const void *first, int channels)
{
    size_t row = (size_t)s->width * BLOCK * number_size(s), plane = s->height * row;
    return (struct bd_winograd_maps){.first = first, .row = row, .plane = plane, .image = channels / BLOCK * plane};
}

static struct bd_winograd_cut cut_batch(const struct bd_winograd_shape *s)
{
    struct bd_winograd_cut cut = {.rows = (s->height + OUT - 1) / OUT, .columns = (s->width + OUT - 1) / OUT};
    size_t image = (size_t)cut.rows * cut.columns * POINTS * (s->in_channels + s->out_channels) * number_size(s);
    size_t sums = (size_t)POINTS * s->in_channels * s->out_channels * sizeof(float), part = sums / 2;
    part = part > PART_BYTES ? part : PART_BYTES;
    cut.images = part / image < 1 ? 1 : part / image;
    cut.images = cut.images < s->batch ? cut.images : s->batch;
    cut.tiles = (cut.images * cut.rows * cut.columns + 1) / 2 * 2;
    return cut;
}

size_t bd_winograd_packed_size(const struct bd_winograd_shape *s)
{
    return (size_t)POINTS * s->in_channels * s->out_channels * number_size(s);
}

/* Sums of products of weights; tiles of results; those of the source, or what activations' gradients are made of. */
size_t bd_winograd_room_size(const struct bd_winograd_shape *s)
{
    const struct bd_winograd_cut cut = cut_batch(s);
    const size_t sums = (size_t)s->in_channels * s->out_channels * sizeof(float);
    const size_t tiles = (size_t)cut.tiles * (s->out_channels * number_size(s) + s->in_channels * sizeof(float));
    return POINTS * (sums + tiles + 3 * BD_WINOGRAD_LINE);
}

void bd_winograd_pack(const struct bd_winograd_shape *s, const float *weights, void *packed)
{
    (s->half ? bd_winograd_pack_half : bd_winograd_pack_float)(s, weights, packed);
}

int bd_winograd_images(const struct bd_winograd_shape *s)
{
    return cut_batch(s).images;
}

void bd_winograd_weight_gradient(const struct bd_winograd_task *task)
{
    const struct bd_winograd_cut cut = cut_batch(task->shape);
    (task->shape->half ? bd_winograd_weight_half : bd_winograd_weight_float)(task, &cut);
}

void bd_winograd_data_gradient(const struct bd_winograd_task *task)
{
    const struct bd_winograd_cut cut = cut_batch(task->shape);
    (task->shape->half ? bd_winograd_data_half : bd_winograd_data_float)(task, &cut);
}

void bd_winograd_plain(const struct bd_winograd_shape *s, const float *d_weights, float *plain)
{
    enum { TAPS = 9 };
    for (int o = 0; o < s->out_channels; o += BLOCK) {
        for (int c = 0; c < s->in_channels; c++, d_weights += TAPS * BLOCK) {
            for (int lane = 0; lane < BLOCK; lane++) {
                float *to = plain + ((size_t)(o + lane) * s->in_channels + c) * TAPS;
                for (int tap = 0; tap < TAPS; tap++) {
                    to[tap] = d_weights[tap * BLOCK + lane];
                }
            }
        }
    }
}
