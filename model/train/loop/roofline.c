/* The machine's own limits, each measured for a few milliseconds on every thread, in the thread's processor time: what
 * other programs take is left out. */
#include <immintrin.h>
#include <omp.h>
#include <stdlib.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "model/train/loop/profile.h"

#define SUMS 12 /* chains that hide an instruction's latency */
#define ROUNDS 2000000
#define TRIAD (12 << 20) /* floats in each of its three arrays: more than the caches hold */
#define TRIES 3

/* `rounds` times SUMS instructions; returns what keeps the compiler from dropping them. */
#define DEFINE_CHAINS(name, features, type, zero, step, first)                                                         \
    __attribute__((target(features), optimize("O2"))) static float name(long rounds)                                   \
    {                                                                                                                  \
        type sum[SUMS], x = zero;                                                                                      \
        __asm__ volatile("" : "+v"(x));                                                                                \
        _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)                                                        \
        {                                                                                                              \
            sum[i] = zero;                                                                                             \
        }                                                                                                              \
        for (long r = 0; r < rounds; r++) {                                                                            \
            _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)                                                    \
            {                                                                                                          \
                sum[i] = step;                                                                                         \
                __asm__ volatile("" : "+v"(sum[i]));                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        float all = 0;                                                                                                 \
        _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)                                                        \
        {                                                                                                              \
            all += first;                                                                                              \
        }                                                                                                              \
        return all;                                                                                                    \
    }
DEFINE_CHAINS(float_wide, "avx512f", __m512, _mm512_setzero_ps(), _mm512_fmadd_ps(x, x, sum[i]), sum[i][0])
DEFINE_CHAINS(float_narrow, "avx2,fma", __m256, _mm256_setzero_ps(), _mm256_fmadd_ps(x, x, sum[i]), sum[i][0])
DEFINE_CHAINS(half_wide, "avx512f,avx512bf16", __m512, _mm512_setzero_ps(),
              _mm512_dpbf16_ps(sum[i], (__m512bh)x, (__m512bh)x), sum[i][0])
DEFINE_CHAINS(byte_wide, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), _mm512_dpbusd_epi32(sum[i], x, x),
              (float)sum[i][0])

/* Operations a second of all threads when an instruction does `each`. */
static double rate(float (*chains)(long), double each)
{
    double best = 0;
    for (int t = 0; t < TRIES; t++) {
        double sum = 0;
#pragma omp parallel reduction(+ : sum)
        {
            double from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
            volatile float kept = chains(ROUNDS);
            (void)kept;
            sum += each * SUMS * ROUNDS / (bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from);
        }
        best = sum > best ? sum : best;
    }
    return best;
}

/* Each thread its own part, all at once. */
static double triad(void)
{
    float *a = bd_xcalloc(TRIAD, sizeof *a), *b = bd_xcalloc(TRIAD, sizeof *b), *c = bd_xcalloc(TRIAD, sizeof *c);
    double best = 0;
    for (int t = 0; t < TRIES + 1; t++) {
        double sum = 0;
#pragma omp parallel reduction(+ : sum)
        {
            int part = TRIAD / omp_get_num_threads(), first = omp_get_thread_num() * part;
            double from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
            for (int i = first; i < first + part; i++) {
                a[i] = b[i] + 3 * c[i];
            }
            sum += 3.0 * part * sizeof *a / (bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from);
        }
        best = sum > best ? sum : best;
    }
    free(a);
    free(b);
    free(c);
    return best;
}

struct bd_roofline bd_measure_roofline(void)
{
    struct bd_roofline roofline = {.bytes = triad()};
    bool wide = __builtin_cpu_supports("avx512f");
    if (wide) {
        roofline.float_operations = rate(float_wide, 2 * 16);
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        roofline.float_operations = rate(float_narrow, 2 * 8);
    }
    if (wide && __builtin_cpu_supports("avx512bf16")) {
        roofline.half_operations = rate(half_wide, 2 * 32);
    }
    if (wide && __builtin_cpu_supports("avx512vnni")) {
        roofline.byte_operations = rate(byte_wide, 2 * 64);
    }
    return roofline;
}
