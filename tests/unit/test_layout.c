/* Where codes lie in the activation memory, by the formulas of model/program/README.md written down once more: no two
 * bits share a place, all lie inside the tensor's words, and what the library says of words, cells and pitches agrees.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/program/layout.h"

struct place {
    int bank, bit; /* of 16: low byte first */
    long word;
};

static int up(int a, int b)
{
    return (a + b - 1) / b;
}

/* Of bit-plane `plane` of the code at (y, x, c) in a map of W x C. */
static struct place place_of(int layout, int bits, int width, int channels, int y, int x, int c, int plane)
{
    const int pairs = up(bits, 2);
    if (layout == BD_LAYOUT_CHANNEL) {
        const int q = c / 8, eights = up(channels, 8);
        const int groups = bits == 1 ? up(eights, 18) : up(eights, 9);
        const long cell = (long)groups * pairs, base = (long)y * width * cell + x * cell;
        if (bits == 1)
            return (struct place){q % 9, 8 * (q / 9 % 2) + c % 8, base + q / 18};
        return (struct place){q % 9, 8 * (plane % 2) + c % 8, base + (long)(q / 9) * pairs + plane / 2};
    }
    const int bank = 3 * (y % 3) + x % 3;
    const int groups = layout == BD_LAYOUT_BYTE ? up(channels, 2) : bits == 1 ? up(channels, 16) : up(channels, 8);
    const long cell = layout == BD_LAYOUT_BYTE ? groups : (long)groups * pairs;
    const long base = (long)(y / 3) * up(width, 3) * cell + (x / 3) * cell;
    if (layout == BD_LAYOUT_BYTE)
        return (struct place){bank, 8 * (c % 2) + plane, base + c / 2};
    if (bits == 1)
        return (struct place){bank, c % 16, base + c / 16};
    return (struct place){bank, 8 * (plane % 2) + c % 8, base + (long)(c / 8) * pairs + plane / 2};
}

Test(layout, every_bit_has_a_place_of_its_own)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 11);
    for (int n = 0; n < 300; n++) {
        const int layout = (int)bd_rng_below(&rng, 3), bits = layout == 2 ? 8 : 1 + (int)bd_rng_below(&rng, 8);
        const int height = 1 + (int)bd_rng_below(&rng, 8), width = 1 + (int)bd_rng_below(&rng, 8);
        const int channels = 1 + (int)bd_rng_below(&rng, layout == 2 ? 7 : n % 2 ? 20 : 200);
        const struct bd_tensor_layout t =
            bd_tensor_layout((uint32_t)layout, (uint32_t)bits, (uint32_t)height, (uint32_t)width, (uint32_t)channels);
        uint8_t *taken = bd_xcalloc(t.words * 9, 16);
        long last = -1;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < channels; c++)
                    for (int plane = 0; plane < bits; plane++) {
                        const struct place p = place_of(layout, bits, width, channels, y, x, c, plane);
                        cr_assert(p.word >= 0 && (uint64_t)p.word < t.words, "case %d: word %ld of %llu", n, p.word,
                                  (unsigned long long)t.words);
                        uint8_t *at = &taken[((uint64_t)p.word * 9 + (unsigned)p.bank) * 16 + (unsigned)p.bit];
                        cr_assert_eq(*at, 0, "case %d: (%d, %d, %d) plane %d shares its bit", n, y, x, c, plane);
                        *at = 1;
                        last = p.word > last ? p.word : last;
                    }
        /* no word more than the cells need, and no cell more than one with a pixel in it */
        cr_assert_gt((uint64_t)last + t.cell_words, t.words - 1, "case %d: word %ld is the last of %llu", n, last,
                     (unsigned long long)t.words);
        if (layout == BD_LAYOUT_CHANNEL) {
            const int eights = up(channels, 8), banks = bits == 1 ? 18 : 9;
            const int rest = eights - banks * (up(eights, banks) - 1);
            cr_assert_eq(t.tail_banks, rest > 9 ? 9 : rest);
        }
        free(taken);
    }
}

/* Classes of pixels by hand: which taps a window misses decides, and classes count from the top. */
Test(layout, windows_of_a_class_miss_the_same_taps)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 12);
    for (int n = 0; n < 2000; n++) {
        const uint32_t kernel = 1 + bd_rng_below(&rng, 9), stride = 1 + bd_rng_below(&rng, 4);
        const uint32_t pad = bd_rng_below(&rng, kernel), size = 1 + bd_rng_below(&rng, 20);
        if (size + 2 * pad < kernel)
            continue;
        struct bd_descriptor d = {.operation = BD_OP_CONV,
                                  .flags = BD_FLAG_IN_SIGNED,
                                  .kernel_h = kernel,
                                  .kernel_w = 1,
                                  .stride = stride,
                                  .pad_top = pad,
                                  .pad_bottom = pad,
                                  .in_height = size,
                                  .in_width = 1,
                                  .out_height = (size + 2 * pad - kernel) / stride + 1,
                                  .out_width = 1};
        const struct bd_borders b = bd_borders(&d);
        uint32_t missing[64][2], classes = b.top + 1 + b.bottom, before = 0;
        bool seen[64] = {false};
        cr_assert_lt(classes, 64);
        for (uint32_t o = 0; o < d.out_height; o++) {
            const int first = (int)(o * stride) - (int)pad;
            const uint32_t above = first < 0 ? (uint32_t)-first : 0;
            const uint32_t below = first + (int)kernel > (int)size ? (uint32_t)(first + (int)kernel - (int)size) : 0;
            const uint32_t class = bd_border_class(o, b.top, b.bottom, d.out_height);
            /* min(o, vt) + max(0, o - (oh - 1 - vb)) */
            const int behind = (int)o - ((int)d.out_height - 1 - (int)b.bottom);
            cr_assert_eq(class, (o < b.top ? o : b.top) + (behind > 0 ? (uint32_t)behind : 0));
            cr_assert_lt(class, classes);
            cr_assert(class >= before);
            before = class;
            if (seen[class]) {
                cr_assert(missing[class][0] == above && missing[class][1] == below,
                          "kernel %u stride %u pad %u size %u: outputs of class %u differ", kernel, stride, pad, size,
                          class);
            }
            seen[class] = true;
            missing[class][0] = above;
            missing[class][1] = below;
        }
    }
}
