/* Speed of the integer forward convolution (model/kernels/intconv.h) on a thread: +-1 weights with codes of 1, 2, 4 and
 * 8 bits, by bytes and, where these are taken, by bits, beside oneDNN's convolution of bytes (u8 with s8 to s32, which
 * knows no other precision). Shapes are ResNet-20's. All ways take turns, image by image of a batch whose maps leave
 * the nearest caches as in training; medians of ROUNDS walks in the thread's processor time. Prints a table and how far
 * each is from the processor's limit for products of bytes. Exit code 1: two ways give different sums. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/kernels/intconv.h"
#include "model/train/loop/profile.h"
#include "tests/bench/peer.h"

enum { IMAGES = 32, ROUNDS = 15, BLOCK = BD_INTCONV_BLOCK };

struct problem {
    struct bd_intconv_shape shape;
    struct bd_intconv_weights packed;
    int16_t *weights;
    uint8_t *bytes; /* IMAGES */
    size_t image;   /* bytes */
    int bias, highest;
    void *sums[2], *room;
};

static void open_problem(struct problem *p, int channels, int out_channels, int side, int stride, int highest)
{
    const int wide = side + 2, out = (side - 1) / stride + 1;
    struct bd_rng rng;
    bd_rng_seed(&rng, 7);
    *p = (struct problem){.shape = {.in_channels = channels,
                                    .out_channels = out_channels,
                                    .kernel_h = 3,
                                    .kernel_w = 3,
                                    .stride = stride,
                                    .pad = 1,
                                    .in_height = side,
                                    .in_width = side,
                                    .out_height = out,
                                    .out_width = out,
                                    .row = (size_t)wide * BLOCK,
                                    .plane = (size_t)wide * wide * BLOCK},
                          .image = (size_t)channels * wide * wide,
                          .bias = highest == 1,
                          .highest = highest == 1 ? 2 : highest};
    const size_t count = (size_t)channels * out_channels * 9;
    p->weights = bd_xcalloc(count, sizeof *p->weights);
    for (size_t i = 0; i < count; i++) {
        p->weights[i] = 2 * (int)bd_rng_below(&rng, 2) - 1;
    }
    bd_intconv_pack(&p->shape, p->weights, &p->packed);
    p->bytes = bd_xaligned(IMAGES * p->image);
    memset(p->bytes, p->bias, IMAGES * p->image);
    for (size_t i = 0; i < IMAGES * p->image; i++) {
        const size_t pixel = i / BLOCK % ((size_t)wide * wide), y = pixel / wide, x = pixel % wide;
        if (y > 0 && y <= (size_t)side && x > 0 && x <= (size_t)side) {
            p->bytes[i] = highest == 1 ? 2 * bd_rng_below(&rng, 2) : bd_rng_below(&rng, highest + 1);
        }
    }
    for (int k = 0; k < 2; k++) {
        p->sums[k] = bd_xaligned((size_t)IMAGES * out_channels * out * out * sizeof(int32_t));
    }
    p->room = bd_xaligned(bd_intconv_room_size(&p->shape));
}

static void close_problem(struct problem *p)
{
    bd_intconv_release(&p->packed);
    free(p->weights);
    free(p->bytes);
    free(p->sums[0]);
    free(p->sums[1]);
    free(p->room);
}

/* A walk over the images; returns seconds. Sums of INT16 are written where they fit, as in training. */
static double walk(struct problem *p, bd_intconv_kernel *kernel, void *sums)
{
    const bool narrow = p->packed.magnitude * p->highest <= INT16_MAX;
    const size_t map = (size_t)p->shape.out_channels * p->shape.out_height * p->shape.out_width * (narrow ? 2 : 4);
    const double from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int n = 0; n < IMAGES; n++) {
        const struct bd_intconv_source source = {
            .first = p->bytes + n * p->image, .bias = p->bias, .highest = p->highest};
        kernel(&p->shape, &p->packed, &source, narrow ? BD_INT16 : BD_INT32, (char *)sums + n * map, p->room);
    }
    return bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from;
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *times)
{
    qsort(times, ROUNDS, sizeof *times, compare);
    return times[ROUNDS / 2];
}

/* Seconds an image; bits 0 where they do not take the layer, peer 0 where there is none. */
struct row {
    int channels, out_channels, side, stride, activation_bits;
    double bytes, bits, peer, operations;
};

static void print_row(const struct row *r, double limit, bool json)
{
    const double best = r->bits > 0 && r->bits < r->bytes ? r->bits : r->bytes;
    if (json) {
        printf("{\"in_channels\": %d, \"out_channels\": %d, \"side\": %d, \"stride\": %d, \"activation_bits\": %d, "
               "\"bytes_seconds\": %.4g, \"bits_seconds\": %.4g, \"onednn_seconds\": %.4g, \"operations\": %.0f, "
               "\"limit_operations_per_second\": %.4g}\n",
               r->channels, r->out_channels, r->side, r->stride, r->activation_bits, r->bytes, r->bits, r->peer,
               r->operations, limit);
        return;
    }
    char shape[64], by_bits[64] = "-";
    snprintf(shape, sizeof shape, "%d to %d, %dx%d%s", r->channels, r->out_channels, r->side, r->side,
             r->stride == 2 ? ", stride 2" : "");
    if (r->bits > 0) {
        snprintf(by_bits, sizeof by_bits, "%.1f us (%.1fx)", r->bits * 1e6, r->bytes / r->bits);
    }
    printf("| %-26s | %4d | %7.1f us (%3.0f%%) | %7.1f us (%3.0f%%) | %17s | %6.2f |\n", shape, r->activation_bits,
           r->peer * 1e6, r->peer > 0 ? 100 * r->operations / r->peer / limit : 0, r->bytes * 1e6,
           100 * r->operations / r->bytes / limit, by_bits, r->peer / best);
}

/* False when sums differ. */
static bool measure(struct row *row)
{
    struct problem p;
    struct peer peer;
    double bytes[ROUNDS], bits[ROUNDS], other[ROUNDS];
    open_problem(&p, row->channels, row->out_channels, row->side, row->stride, (1 << row->activation_bits) - 1);
    const bool peers = peer_open(&peer, &p.shape, IMAGES), taken = bd_bitconv_takes(&p.packed.bits, p.bias, p.highest);
    for (int r = 0; r < ROUNDS; r++) {
        bytes[r] = walk(&p, bd_intconv_by_bytes, p.sums[0]);
        bits[r] = walk(&p, bd_intconv_by_bits, p.sums[1]);
        other[r] = peers ? peer_run(&peer) : 0;
    }
    const size_t results = (size_t)row->out_channels * p.shape.out_height * p.shape.out_width;
    const bool same =
        !memcmp(p.sums[0], p.sums[1], IMAGES * results * (p.packed.magnitude * p.highest <= INT16_MAX ? 2 : 4));
    row->bytes = median(bytes) / IMAGES;
    row->bits = taken ? median(bits) / IMAGES : 0;
    row->peer = median(other) / IMAGES;
    row->operations = 2.0 * results * row->channels * 9;
    peer_close(&peer);
    close_problem(&p);
    if (!same) {
        fprintf(stderr, "convolve: bits and bytes give different sums\n");
    }
    return same;
}

int main(int argc, char **argv)
{
    static const int shapes[][4] = {{16, 16, 28, 1}, {16, 32, 28, 2}, {32, 32, 14, 1}, {32, 64, 14, 2}, {64, 64, 7, 1}};
    static const int bits[] = {1, 2, 4, 8};
    const bool json = argc == 2 && !strcmp(argv[1], "--json");
    bool same = true;
    if (argc > 1 && !json) {
        const bool help = argc == 2 && !strcmp(argv[1], "--help");
        fprintf(help ? stdout : stderr, "convolve: speed of the integer convolution beside oneDNN's, on one thread\n"
                                        "  --json   a line of JSON for each row of the table\n");
        return help ? 0 : 2;
    }
    if (!bd_intconv_usable()) {
        fprintf(stderr, "this processor has not the instructions of the integer kernel\n");
        return 0;
    }
    omp_set_num_threads(1);
    const double limit = bd_measure_roofline().byte_operations;
    if (!json) {
        printf("an image, one thread; %% of %.0f GOP/s, the limit for products of bytes\n", limit / 1e9);
        printf("| shape, 3x3                 | bits | oneDNN u8 s8 s32   | by bytes           | by bits (bytes'/) | "
               "oneDNN's / the best |\n"
               "|---|---:|---:|---:|---:|---:|\n");
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t k = 0; k < sizeof bits / sizeof *bits; k++) {
            struct row row = {.channels = shapes[i][0],
                              .out_channels = shapes[i][1],
                              .side = shapes[i][2],
                              .stride = shapes[i][3],
                              .activation_bits = bits[k]};
            same &= measure(&row);
            print_row(&row, limit, json);
            fflush(stdout);
        }
    }
    return same ? 0 : 1;
}
