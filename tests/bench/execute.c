/* Speed of the fast executor at every switch of a program, beside the plain executor and oneDNN's convolution of bytes:
 *   execute NET.bdp [--json]
 * On random images, all threads, in turns over the switches, medians of ROUNDS. oneDNN runs the same convolutions on
 * one thread and nothing around them, and knows one precision for all switches. Times are of processor time, which
 * other programs disturb less; with nothing else running they are those of a wall clock. Exit code 1: results differ.
 */
#include <immintrin.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "model/exec/exec.h"
#include "model/exec/fast.h"
#include "model/program/random_network.h"
#include "model/train/loop/profile.h"
#include "tests/bench/peer.h"

enum { IMAGES = 1024, PLAIN_IMAGES = 4, PEER_IMAGES = 32, ROUNDS = 7, CHAINS = 12 };

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

/* ---- limits ---- */

/* Products of one bit a second of one thread: XOR, population count and addition in registers. 0: no such instructions.
 */
__attribute__((target("avx512f,avx512vpopcntdq"), optimize("O3"))) static double bit_products(void)
{
    enum { TURNS = 2000000 };
    __m512i sum[CHAINS], x = _mm512_set1_epi32(3);
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++)
    {
        sum[i] = _mm512_setzero_si512();
    }
    const double from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int turn = 0; turn < TURNS; turn++) {
        __asm__ volatile("" : "+v"(x));
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++)
        {
            __m512i differ = _mm512_xor_si512(sum[i], x);
            __asm__ volatile("" : "+v"(differ));
            sum[i] = _mm512_add_epi32(sum[i], _mm512_popcnt_epi32(differ));
            __asm__ volatile("" : "+v"(sum[i]));
        }
    }
    return 512.0 * CHAINS * TURNS / (bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from);
}

/* ---- the peer ---- */

/* Seconds an image of all convolutions; 0 where oneDNN does not take one. */
static double peer_seconds(const struct bd_program *program)
{
    double all = 0;
    for (unsigned l = 0; l < program->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, 0, l);
        const bool depthwise = d->groups > 1 && d->groups == d->in_channels && d->groups == d->out_channels;
        const struct bd_intconv_shape shape = {.in_channels = (int)d->in_channels,
                                               .out_channels = (int)d->out_channels,
                                               .depthwise = depthwise,
                                               .kernel_h = (int)d->kernel_h,
                                               .kernel_w = (int)d->kernel_w,
                                               .stride = (int)d->stride,
                                               .pad = (int)d->pad_top,
                                               .in_height = (int)d->in_height,
                                               .in_width = (int)d->in_width,
                                               .out_height = (int)d->out_height,
                                               .out_width = (int)d->out_width};
        struct peer peer;
        double times[ROUNDS];
        if (d->operation != BD_OP_CONV) {
            continue;
        }
        const bool takes = (d->groups == 1 || depthwise) && peer_open(&peer, &shape, PEER_IMAGES);
        for (int r = 0; takes && r < ROUNDS; r++) {
            times[r] = peer_run(&peer);
        }
        peer_close(&peer);
        if (!takes) {
            return 0;
        }
        all += median(times) / PEER_IMAGES;
    }
    return all;
}

/* ---- the executors ---- */

struct bench {
    struct bd_program program;
    struct bd_decoded *decoded;
    uint8_t *images;
    int32_t *logits;
    double seconds[BD_PROGRAM_MAX_SWITCHES][ROUNDS]; /* of processor time, an image */
    double walls[BD_PROGRAM_MAX_SWITCHES][ROUNDS];
    double plain[BD_PROGRAM_MAX_SWITCHES];
};

static bd_status measure(struct bench *b, unsigned s, int round, struct bd_error *err)
{
    const double from = bd_seconds(CLOCK_PROCESS_CPUTIME_ID), wall = bd_seconds(CLOCK_MONOTONIC);
    if (bd_execute_fast(&b->program, b->decoded, s, b->images, IMAGES, b->logits, err)) {
        return err->status;
    }
    b->seconds[s][round] = (bd_seconds(CLOCK_PROCESS_CPUTIME_ID) - from) / IMAGES;
    b->walls[s][round] = (bd_seconds(CLOCK_MONOTONIC) - wall) / IMAGES;
    return BD_OK;
}

/* The plain executor on some of the images of the last round, whose results must be the same. */
static bd_status check(struct bench *b, unsigned s, struct bd_error *err)
{
    const size_t bytes = b->program.header->input_bytes, classes = b->program.header->classes;
    const double from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < PLAIN_IMAGES; i++) {
        struct bd_frame frame;
        if (bd_execute(&b->program, b->decoded, s, b->images + i * bytes, &frame, err)) {
            return err->status;
        }
        const bool same = memcmp(frame.logits, b->logits + i * classes, classes * sizeof *b->logits) == 0;
        bd_frame_release(&frame);
        if (!same) {
            return bd_fail(err, BD_FAIL, "switch '%s': the executors differ", b->program.switches[s].name);
        }
    }
    b->plain[s] = (bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from) / PLAIN_IMAGES;
    return BD_OK;
}

static bd_status run(struct bench *b, const char *path, struct bd_error *err)
{
    if (bd_program_load(&b->program, path, err) || bd_decode(&b->program, &b->decoded, err)) {
        return err->status;
    }
    const size_t bytes = b->program.header->input_bytes;
    b->images = bd_xmalloc(IMAGES * bytes);
    b->logits = bd_xcalloc(IMAGES * (size_t)b->program.header->classes, sizeof *b->logits);
    for (size_t i = 0; i < IMAGES; i++) {
        bd_random_image(&b->program, i, b->images + i * bytes);
    }
    bd_execute_fast_kernel(); /* its test at start is not counted */
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned s = 0; s < b->program.header->switch_count; s++) {
            if (measure(b, s, round, err) || (round == ROUNDS - 1 && check(b, s, err))) {
                return err->status;
            }
        }
    }
    return BD_OK;
}

static void print(struct bench *b, bool json)
{
    const double macs = (double)bd_program_macs(&b->program), threads = omp_get_max_threads(),
                 bytes = bd_measure_roofline().byte_operations / 2 / threads,
                 bits = __builtin_cpu_supports("avx512vpopcntdq") ? bit_products() : 0;
    const double peer = peer_seconds(&b->program);
    if (!json) {
        printf("%s: %.1f million multiply-accumulates an image, kernel '%s', %.0f threads; a thread's limit is %.0f "
               "GMAC/s of bytes, %.0f of bits\n",
               b->program.header->network, macs / 1e6, bd_execute_fast_kernel(), threads, bytes / 1e9, bits / 1e9);
        printf(
            "| switch | images/s, wall clock | images per CPU second | over the first switch | GMAC per CPU second | "
            "of the limit of bytes | oneDNN, convolutions alone | plain executor |\n"
            "|---|---:|---:|---:|---:|---:|---:|---:|\n");
    }
    double first = 0;
    for (unsigned s = 0; s < b->program.header->switch_count; s++) {
        const double seconds = median(b->seconds[s]), wall = median(b->walls[s]);
        first = s ? first : seconds;
        if (json) {
            printf("{\"network\": \"%s\", \"switch\": \"%s\", \"images_per_second\": %.1f, "
                   "\"images_per_cpu_second\": %.1f, \"gmac_per_cpu_second\": %.2f, \"byte_limit_gmac\": %.1f, "
                   "\"bit_limit_gmac\": %.1f, \"onednn_images_per_cpu_second\": %.1f, "
                   "\"plain_images_per_cpu_second\": %.2f}\n",
                   b->program.header->network, b->program.switches[s].name, 1 / wall, 1 / seconds, macs / seconds / 1e9,
                   bytes / 1e9, bits / 1e9, peer > 0 ? 1 / peer : 0, 1 / b->plain[s]);
        } else {
            printf("| %s | %.0f | %.0f | %.2f | %.0f | %.0f%% | %.0f | %.1f |\n", b->program.switches[s].name, 1 / wall,
                   1 / seconds, first / seconds, macs / seconds / 1e9, 100 * macs / seconds / bytes,
                   peer > 0 ? 1 / peer : 0, 1 / b->plain[s]);
        }
    }
}

int main(int argc, char **argv)
{
    const bool json = argc == 3 && !strcmp(argv[2], "--json");
    if (argc != 2 && !json) {
        fprintf(stderr, "usage: execute NET.bdp [--json]\n");
        return BD_BAD_INPUT;
    }
    struct bench *bench = bd_xcalloc(1, sizeof *bench);
    struct bd_error err;
    const bd_status status = run(bench, argv[1], &err);
    if (status != BD_OK) {
        fprintf(stderr, "execute: %s\n", err.message);
    } else {
        print(bench, json);
    }
    bd_decoded_free(bench->decoded);
    bd_program_release(&bench->program);
    free(bench->images);
    free(bench->logits);
    free(bench);
    return status;
}
