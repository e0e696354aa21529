/* The requantizer of whole maps against the one of single values, requantize.h: every sum of 16 bits, extremes of 32,
 * in every form, by both kernels; and planted faults. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/requantize.h"
#include "model/exec/requantizer.h"
#include "model/kernels/intconv.h"

enum { CHANNELS = 19, BLOCKS = 2, BLOCK = BD_REQUANTIZER_BLOCK, WIDTH = 7, PAD = 1, ROW = (WIDTH + 2 * PAD) * BLOCK };

struct trial {
    struct bd_descriptor d;
    int32_t m[CHANNELS];
    int64_t b[CHANNELS];
    int64_t sum_bound, stream_bound;
    bool keeps, emits;
    int height;
    int32_t *sums;   /* (BLOCKS, height, WIDTH, 16) */
    int32_t *stream; /* the same */
};

static int64_t within(struct bd_rng *rng, int64_t bound)
{
    return bound ? (int64_t)(bd_rng_u64(rng) % (2 * (uint64_t)bound + 1)) - bound : 0;
}

/* A layer whose z and codes cover their range, with sums up to sum_bound; `loud`: scales without measure. */
static void make_trial(struct trial *t, struct bd_rng *rng, int64_t sum_bound, int out_bits, bool adds, bool keeps,
                       bool loud)
{
    int bits = 0;
    while (sum_bound >> bits) {
        bits++;
    }
    const int z_bits = loud ? 28 + (int)bd_rng_below(rng, 6) : 6 + (int)bd_rng_below(rng, 14);
    const int shift = bits + 23 - z_bits < 0 ? 0 : bits + 23 - z_bits > 47 ? 47 : bits + 23 - z_bits;
    const int fine = loud ? 0 : (int)bd_rng_below(rng, 9); /* bits of S below those that it needs */
    const int code_shift = loud ? (int)bd_rng_below(rng, 32) : z_bits + 1 + fine;
    const uint32_t gain = (1u << out_bits) + bd_rng_below(rng, 1u << out_bits);
    *t = (struct trial){.d = {.out_channels = CHANNELS,
                              .out_bits = (uint32_t)out_bits,
                              .flags = (adds ? BD_FLAG_ADD_STREAM : 0) | (keeps ? BD_FLAG_WRITE_STREAM : 0) |
                                       (out_bits ? BD_FLAG_WRITE_CODES : 0) |
                                       (out_bits == 1 && bd_rng_below(rng, 2) ? BD_FLAG_OUT_SIGNED : 0),
                              .shift = (uint32_t)shift,
                              .code_multiplier = loud ? bd_rng_below(rng, 1 << 18) : gain << fine,
                              .code_offset = (int32_t)within(rng, loud ? INT32_MAX : 1 << (code_shift - 1)),
                              .code_shift = (uint32_t)code_shift,
                              .residual_multiplier = loud && bd_rng_below(rng, 2) ? (int32_t)within(rng, 5) : 1,
                              .residual_shift = loud ? bd_rng_below(rng, 4) : 0},
                        .sum_bound = sum_bound,
                        .stream_bound = loud ? (int64_t)1 << 31 : (int64_t)1 << z_bits,
                        .keeps = keeps,
                        .emits = out_bits > 0};
    for (int c = 0; c < CHANNELS; c++) {
        t->m[c] = (int32_t)within(rng, c % 5 == 4 ? 3 : 1 << 23);
        t->b[c] = within(rng, loud ? ((int64_t)1 << 47) - 1 : (int64_t)1 << (bits + 22));
    }
    t->m[0] = loud ? INT32_MIN : 0;
    const int64_t values = sum_bound <= INT16_MAX ? 2 * sum_bound + 1 : 4096;
    t->height = (int)((values + WIDTH - 1) / WIDTH);
    const size_t count = (size_t)BLOCKS * t->height * WIDTH * BLOCK;
    t->sums = bd_xcalloc(count, sizeof *t->sums);
    t->stream = bd_xcalloc(count, sizeof *t->stream);
    for (size_t i = 0; i < count; i++) {
        const int64_t p = (int64_t)(i / BLOCK) % (t->height * WIDTH);
        t->sums[i] = (int32_t)(sum_bound <= INT16_MAX ? (p - sum_bound > sum_bound ? sum_bound : p - sum_bound)
                               : p < 2                ? (p ? sum_bound : -sum_bound)
                                                      : within(rng, sum_bound));
        const int64_t r = within(rng, t->stream_bound);
        t->stream[i] = (int32_t)(r > INT32_MAX ? INT32_MAX : r);
    }
}

static void release_trial(struct trial *t)
{
    free(t->sums);
    free(t->stream);
}

/* Values in which the kernel's z or codes differ from those of requantize.h, or that it wrote where none belong. */
static int differences(const struct trial *t, const struct bd_requantizer *r, bd_requantize_kernel *kernel,
                       enum bd_number type)
{
    const size_t pixels = (size_t)t->height * WIDTH, count = BLOCKS * pixels * BLOCK,
                 plane = (size_t)(t->height + 2 * PAD) * ROW;
    const int unit = t->d.flags & BD_FLAG_OUT_SIGNED ? 2 : 1;
    int32_t *stream = bd_xcalloc(count, sizeof *stream);
    int16_t *narrow = bd_xcalloc(count, sizeof *narrow);
    uint8_t *codes = bd_xmalloc(BLOCKS * plane), *inside = codes + PAD * ROW + PAD * BLOCK;
    int wrong = 0;
    memcpy(stream, t->stream, count * sizeof *stream);
    memset(codes, 0xee, BLOCKS * plane);
    for (size_t i = 0; i < count; i++) {
        narrow[i] = (int16_t)t->sums[i];
    }
    kernel(r, &(struct bd_requantized_map){.sums = type == BD_INT16 ? (void *)narrow : t->sums,
                                           .type = type,
                                           .stream = stream,
                                           .codes = inside,
                                           .row = ROW,
                                           .plane = plane,
                                           .height = t->height,
                                           .width = WIDTH});
    for (size_t i = 0; i < count; i++) {
        const size_t channel = i / (pixels * BLOCK) * BLOCK + i % BLOCK, p = i / BLOCK % pixels;
        if (channel >= CHANNELS) {
            continue;
        }
        const int32_t z = bd_requantize_z(&t->d, t->m[channel], t->b[channel], t->sums[i], t->stream[i]);
        wrong += stream[i] != (t->keeps ? z : t->stream[i]);
        const uint8_t code = inside[channel / BLOCK * plane + p / WIDTH * ROW + p % WIDTH * BLOCK + i % BLOCK];
        wrong += code != (t->emits ? unit * bd_requantize_code(&t->d, z) : 0xee);
    }
    for (size_t i = 0; i < BLOCKS * plane; i++) {
        const size_t y = i % plane / ROW, x = i % ROW / BLOCK;
        const bool border = y < PAD || y >= (size_t)t->height + PAD || x < PAD || x >= WIDTH + PAD;
        wrong += border && codes[i] != 0xee;
    }
    free(stream);
    free(narrow);
    free(codes);
    return wrong;
}

static bool has_wide(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

/* How often each form came, by z that is narrow or not. */
struct seen {
    int forms[2][BD_FORM_WIDE + 1];
};

static void check_trial(const struct trial *t, struct seen *seen)
{
    struct bd_requantizer r;
    bd_requantizer_init(&r, &t->d, t->m, t->b, t->sum_bound, t->stream_bound, t->keeps, t->emits);
    seen->forms[r.narrow][r.form]++;
    cr_assert_eq(differences(t, &r, bd_requantize_plain, BD_INT32), 0);
    if (has_wide()) {
        cr_assert_eq(differences(t, &r, bd_requantize_wide, BD_INT32), 0, "form %d, narrow %d", r.form, r.narrow);
        if (t->sum_bound < INT16_MAX) {
            cr_assert_eq(differences(t, &r, bd_requantize_wide, BD_INT16), 0, "form %d, narrow %d", r.form, r.narrow);
        }
    }
    bd_requantizer_release(&r);
}

Test(requantizer, maps_are_those_of_single_values)
{
    static const int64_t bounds[] = {1, 144, 2000, 32766, 40000, 9000000, INT32_MAX, (int64_t)1 << 31};
    struct seen seen = {0};
    struct bd_rng rng;
    bd_rng_seed(&rng, 31);
    for (int i = 0; i < 8 * 9 * 8; i++) {
        struct trial t;
        const int64_t bound = bounds[i / 72];
        if (bound == 32766 && i % 17) {
            continue; /* all of 16 bits: not in every trial */
        }
        make_trial(&t, &rng, bound, i / 8 % 9, i & 1, i & 2, i & 4);
        check_trial(&t, &seen);
        release_trial(&t);
    }
    for (int form = BD_FORM_NONE; form <= BD_FORM_WIDE; form++) {
        cr_assert_gt(seen.forms[true][form], 2, "form %d: %d", form, seen.forms[true][form]);
    }
    cr_assert(seen.forms[false][BD_FORM_WIDE] > 20 && seen.forms[false][BD_FORM_NONE] > 5);
}

/* Each number that a form reads, off by little: the comparison above sees it. */
Test(requantizer, faults_are_found)
{
    if (!has_wide()) {
        return; /* no such kernel here */
    }
    struct bd_rng rng;
    bd_rng_seed(&rng, 32);
    for (int fault = 0; fault < 6; fault++) {
        struct trial t;
        struct bd_requantizer r;
        const bool of_sums = fault < 2, of_levels = fault == 2;
        make_trial(&t, &rng, 2000, of_sums || of_levels ? 2 : 8, false, !of_sums, false);
        bd_requantizer_init(&r, &t.d, t.m, t.b, t.sum_bound, t.stream_bound, t.keeps, t.emits);
        cr_assert_eq(r.form,
                     of_sums     ? BD_FORM_SUM_LEVELS
                     : of_levels ? BD_FORM_Z_LEVELS
                                 : BD_FORM_NARROW,
                     "fault %d", fault);
        cr_assert_eq(differences(&t, &r, bd_requantize_wide, BD_INT16), 0);
        for (int c = 0; fault == 0 && c < 3 * BLOCK; c++) {
            r.sum_above[c]++;
        }
        for (int c = 0; fault == 1 && c < BLOCK; c++) {
            r.flip[c] = ~r.flip[c];
        }
        r.z_above[0] += fault == 2;
        r.low_z += (fault == 3) << 12;
        r.b[1] += fault == 4 ? (int64_t)1 << r.d.shift : 0;
        r.d.code_offset += fault == 5 ? 1 << (r.d.code_shift - 2) : 0;
        cr_assert_gt(differences(&t, &r, bd_requantize_wide, BD_INT16), 0, "fault %d", fault);
        bd_requantizer_release(&r);
        release_trial(&t);
    }
}
