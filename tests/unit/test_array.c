/* Programs on the array, as model/program/README.md describes it, written down once more: codes are placed in nine
 * banks of bit-planes, weight words are read from the image in the order of the walk, XNOR counts and MAC sums are
 * formed step by step in accumulators of acc_bits, constants and corrections come from the tables; what follows must be
 * what the executor computes, for random networks on many geometries. Nothing here asks the library where anything
 * lies. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/program/program.h"
#include "model/program/random_network.h"

static int up(int a, int b)
{
    return (a + b - 1) / b;
}

/* One layer on the array. */
struct array {
    const struct bd_program *program;
    const struct bd_descriptor *d;
    int rows, mc, signs;             /* signs: acc_bits */
    uint16_t *bank[9];               /* of act_words */
    int width, height, depth, pairs; /* of the input; channels of a row; planes two at a time */
};

/* ---- activation memory -------------------------------------------------------------------------------------- */

static void set_bit(struct array *a, int bank, long word, int bit, int value)
{
    a->bank[bank][word] = (uint16_t)((a->bank[bank][word] & ~(1u << bit)) | (unsigned)value << bit);
}

/* Of a tensor in LAYOUT_WINDOW: group, word and bit of channel c; channels past the last are written as 0 to the end of
 * their group. */
static void write_window(struct array *a, const uint8_t *codes)
{
    const struct bd_descriptor *d = a->d;
    const int channels = (int)d->in_channels, bits = (int)d->in_bits, group = bits == 1 ? 16 : 8;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            for (int c = 0; c < up(channels, group) * group; c++)
                for (int plane = 0; plane < (bits == 1 ? 1 : 2 * a->pairs); plane++) {
                    const int code = c < channels ? codes[((size_t)y * a->width + x) * channels + c] : 0;
                    const long word = (long)d->in_base + (long)(y / 3) * d->in_pitch +
                                      (long)(x / 3) * d->in_cell_words + c / group * a->pairs + plane / 2;
                    set_bit(a, 3 * (y % 3) + x % 3, word, bits == 1 ? c % 16 : 8 * (plane % 2) + c % 8,
                            plane < bits ? code >> plane & 1 : 0);
                }
}

static void write_channel(struct array *a, const uint8_t *codes)
{
    const struct bd_descriptor *d = a->d;
    const int channels = (int)d->in_channels, bits = (int)d->in_bits, eights = up(channels, 8);
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            for (int q = 0; q < eights; q++)
                for (int i = 0; i < 8; i++)
                    for (int plane = 0; plane < (bits == 1 ? 1 : 2 * a->pairs); plane++) {
                        const int c = 8 * q + i;
                        const int code = c < channels ? codes[((size_t)y * a->width + x) * channels + c] : 0;
                        const long cell = (long)d->in_base + (long)y * d->in_pitch + (long)x * d->in_cell_words;
                        if (bits == 1) {
                            if (q / 9 % 2 == 0) /* the high byte is cleared with the low one */
                                set_bit(a, q % 9, cell + q / 18, 8 + i, 0);
                            set_bit(a, q % 9, cell + q / 18, 8 * (q / 9 % 2) + i, code & 1);
                        } else {
                            set_bit(a, q % 9, cell + q / 9 * a->pairs + plane / 2, 8 * (plane % 2) + i,
                                    plane < bits ? code >> plane & 1 : 0);
                        }
                    }
}

static void write_byte(struct array *a, const uint8_t *codes)
{
    const struct bd_descriptor *d = a->d;
    const int channels = (int)d->in_channels;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            for (int c = 0; c < up(channels, 2) * 2; c++)
                for (int plane = 0; plane < 8; plane++) {
                    const int code = c < channels ? codes[((size_t)y * a->width + x) * channels + c] : 0;
                    const long word =
                        (long)d->in_base + (long)(y / 3) * d->in_pitch + (long)(x / 3) * d->in_cell_words + c / 2;
                    set_bit(a, 3 * (y % 3) + x % 3, word, 8 * (c % 2) + plane, code >> plane & 1);
                }
}

/* The nine 16-bit words of (sub-window, group, pair) at an output, in order of taps (of banks in LAYOUT_CHANNEL); taps
 * that are not real, and banks past the tail, come as 0. */
static void read_word(const struct array *a, int oy, int ox, int sub, int group, int pair, int pairs, uint16_t out[9])
{
    const struct bd_descriptor *d = a->d;
    if (d->in_layout == BD_LAYOUT_CHANNEL) {
        const int y = oy * (int)d->stride, x = ox * (int)d->stride;
        const long word = (long)d->in_base + (long)y * d->in_pitch + (long)x * d->in_cell_words + group * pairs + pair;
        const bool tail = group == (int)d->word_groups - 1;
        for (int bank = 0; bank < 9; bank++)
            out[bank] = tail && bank >= (int)d->in_tail_banks ? 0 : a->bank[bank][word];
        return;
    }
    const int sy = sub / (int)d->sub_columns, sx = sub % (int)d->sub_columns;
    for (int tap = 0; tap < 9; tap++) {
        const int ky = 3 * sy + tap / 3, kx = 3 * sx + tap % 3;
        const int y = oy * (int)d->stride - (int)d->pad_top + ky, x = ox * (int)d->stride - (int)d->pad_left + kx;
        out[tap] = 0;
        if (ky < (int)d->kernel_h && kx < (int)d->kernel_w && y >= 0 && x >= 0 && y < a->height && x < a->width)
            out[tap] = a->bank[3 * (y % 3) + x % 3][(long)d->in_base + (long)(y / 3) * d->in_pitch +
                                                    (long)(x / 3) * d->in_cell_words + group * pairs + pair];
    }
}

/* ---- weights ------------------------------------------------------------------------------------------------ */

/* Bit `bit` of plane number `plane` from the top of a row group's chunk. */
static int weight(const struct array *a, int group, int plane, uint64_t bit)
{
    const uint64_t word_bits = 18u * (unsigned)a->rows;
    const uint64_t at = 8ull * a->d->weight_offset +
                        ((uint64_t)group * a->d->weight_step + (uint64_t)plane * a->d->weight_plane) * word_bits + bit;
    return a->program->image[at / 8] >> at % 8 & 1;
}

/* ---- sums ---------------------------------------------------------------------------------------------------- */

static int64_t wrap(const struct array *a, int64_t sum)
{
    const int64_t size = (int64_t)1 << a->signs, value = ((sum % size) + size) % size;
    return value >= size / 2 ? value - size : value;
}

static int pop(int w, uint16_t byte, int lanes)
{
    return __builtin_popcount(~(unsigned)(w ^ byte) & (unsigned)lanes);
}

/* Matches of one half, a byte of each of nine words, with 72 weight bits from `bit` on. */
static int matches(const struct array *a, const uint16_t words[9], int half, int group, int plane, uint64_t bit)
{
    int sum = 0;
    for (int tap = 0; tap < 9; tap++) {
        int w = 0;
        for (int c = 0; c < 8; c++)
            w |= weight(a, group, plane, bit + 8u * (unsigned)tap + (unsigned)c) << c;
        sum += pop(w, words[tap] >> 8 * half & 255, 255);
    }
    return sum;
}

struct sums {
    int64_t sum, codes; /* of the array; of the row of ones */
};

static struct sums xnor_sums(const struct array *a, int oc, int oy, int ox)
{
    const struct bd_descriptor *d = a->d;
    const int group = oc / a->rows, row = oc % a->rows, subs = (int)(d->sub_rows * d->sub_columns);
    const bool one_bit = d->in_bits == 1;
    const int eights = (int)d->weight_plane / 4 / subs; /* words of eight channels (of 72) that a sub-window stores */
    const int w = (int)d->weight_bits;
    struct sums s = {0, 0};
    bool first = true;
    int before = 0;
    for (int e = w - 1 + (one_bit ? 0 : 2 * (a->pairs - 1)); e >= 0; e--)
        for (int i = w - 1; i >= 0; i--) {
            const int pair = one_bit ? 0 : (e - i) / 2;
            if (one_bit ? e != i : (e - i) % 2 || e < i || pair >= a->pairs)
                continue;
            const int shift = first ? 0 : before - e;
            cr_assert(shift >= 0 && shift <= 2);
            s.sum = s.sum << shift;
            s.codes = s.codes << shift;
            before = e;
            for (int sub = 0; sub < subs; sub++)
                for (int g = 0; g < (int)d->word_groups; g++) {
                    uint16_t words[9];
                    read_word(a, oy, ox, sub, g, pair, a->pairs, words);
                    const uint64_t word = (uint64_t)sub * (unsigned)eights + (unsigned)g * (one_bit ? 2u : 1u);
                    const uint64_t bit = (word * (unsigned)a->rows + (unsigned)row) * 72;
                    const int lo = matches(a, words, 0, group, w - 1 - i, bit);
                    const int hi =
                        matches(a, words, 1, group, w - 1 - i, one_bit ? bit + 72u * (unsigned)a->rows : bit);
                    s.sum = wrap(a, s.sum + lo + (one_bit ? hi : 2 * hi));
                    for (int tap = 0; tap < 9 && i == 0; tap++)
                        s.codes += pop(255, words[tap] & 255, 255) + (one_bit ? 1 : 2) * pop(255, words[tap] >> 8, 255);
                    first = false;
                }
        }
    return s;
}

/* Codes of a K word: [place of nine][channel of 16]. */
static void gather(const struct array *a, int oy, int ox, int sub, int g, uint8_t codes[9][16])
{
    memset(codes, 0, 9 * 16);
    uint16_t words[9];
    if (a->d->in_layout == BD_LAYOUT_BYTE) {
        read_word(a, oy, ox, sub, g, 0, 1, words);
        for (int tap = 0; tap < 9; tap++) {
            codes[tap][0] = words[tap] & 255;
            codes[tap][1] = (uint8_t)(words[tap] >> 8);
        }
        return;
    }
    for (int pair = 0; pair < a->pairs; pair++) {
        read_word(a, oy, ox, sub, g, pair, a->pairs, words);
        for (int tap = 0; tap < 9; tap++)
            for (int c = 0; c < 16; c++) {
                const int bit = words[tap] >> c & 1;
                if (a->d->in_bits == 1)
                    codes[tap][c] = (uint8_t)bit;
                else
                    codes[tap][c % 8] |= (uint8_t)(bit << (2 * pair + c / 8));
            }
    }
}

static struct sums mac_sums(const struct array *a, int oc, int oy, int ox)
{
    const struct bd_descriptor *d = a->d;
    const int group = oc / a->rows, row = oc % a->rows, subs = (int)(d->sub_rows * d->sub_columns);
    const bool depthwise = d->flags & BD_FLAG_DEPTHWISE, bytes = d->in_layout == BD_LAYOUT_BYTE;
    const int w = (int)d->weight_bits, slots = d->in_bits == 1 ? 16 : 8;
    struct sums s = {0, 0};
    for (int sub = 0; sub < subs; sub++)
        for (int g = 0; g < (int)d->word_groups; g++) {
            uint8_t codes[9][16];
            gather(a, oy, ox, sub, depthwise ? oc / slots : g, codes);
            const int segments = (int)(g == (int)d->word_groups - 1 ? d->tail_segments : d->segments);
            int64_t h = 0;
            for (int plane = 0; plane < w; plane++) {
                h *= 2;
                for (int segment = 0; segment < segments; segment++)
                    for (int m = 0; m < (depthwise ? 1 : a->mc); m++) {
                        const int c = depthwise ? oc % slots : segment * a->mc + m;
                        uint64_t word; /* of 18 bits a row, of the plane */
                        if (depthwise)
                            word = (unsigned)sub;
                        else if (bytes)
                            word = (uint64_t)sub * d->word_groups + (unsigned)g;
                        else
                            word = 4 * ((uint64_t)sub * (d->weight_plane / 4 / (unsigned)subs) +
                                        (unsigned)g * (slots / 8u) + (unsigned)c / 8) +
                                   (unsigned)c % 8 / 2;
                        for (int place = 0; place < 9; place++) {
                            const uint64_t bit = (word * (unsigned)a->rows + (unsigned)row) * 18 +
                                                 (depthwise ? 0u : 9u * ((unsigned)c % 2)) + (unsigned)place;
                            const int code = c < 16 ? codes[place][c] : 0;
                            h += weight(a, group, plane, bit) ? code : -code;
                            s.codes += plane == w - 1 ? code : 0;
                        }
                    }
            }
            s.sum = wrap(a, s.sum + h);
        }
    return s;
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

static int axis_class(int o, int first, int last, int count)
{
    const int behind = o - (count - 1 - last);
    return (o < first ? o : first) + (behind > 0 ? behind : 0);
}

static int64_t correction(const struct array *a, int oc, int oy, int ox)
{
    const struct bd_descriptor *d = a->d;
    const int vt = d->borders & 255, vb = d->borders >> 8 & 255, hl = d->borders >> 16 & 255,
              hr = (int)(d->borders >> 24);
    const int class =
        axis_class(oy, vt, vb, (int)d->out_height) * (hl + 1 + hr) + axis_class(ox, hl, hr, (int)d->out_width);
    const int classes = (vt + 1 + vb) * (hl + 1 + hr);
    int32_t value;
    memcpy(&value,
           a->program->image + d->correct_offset +
               4 * (((size_t)(oc / a->rows) * (unsigned)classes + (unsigned)class) * (unsigned)a->rows +
                    (unsigned)(oc % a->rows)),
           4);
    cr_assert(value >= -(1 << 23) && value < 1 << 23);
    return value;
}

/* t = M acc' + B' of the array's sums. */
static int64_t array_t(const struct array *a, int oc, int oy, int ox)
{
    const struct bd_descriptor *d = a->d;
    const struct sums s = d->datapath == BD_DATAPATH_MAC ? mac_sums(a, oc, oy, ox) : xnor_sums(a, oc, oy, ox);
    int64_t acc = s.sum, row[2];
    if (d->weight_zero_point)
        acc -= s.codes;
    if (d->flags & BD_FLAG_IN_SIGNED)
        acc *= 2;
    if (d->flags & BD_FLAG_CORRECT)
        acc += correction(a, oc, oy, ox);
    if (d->weight_zero_point) {
        cr_assert_eq(acc % 2, 0);
        acc /= 2;
    }
    memcpy(row, a->program->image + d->table_offset + 16u * (size_t)oc, 16);
    cr_assert(row[1] >= -((int64_t)1 << 51) && row[1] < (int64_t)1 << 51);
    return row[0] * acc + row[1];
}

/* ---- against the layer ---------------------------------------------------------------------------------------- */

struct layer {
    const struct bd_descriptor *d;
    const uint8_t *codes, *in;
    const int32_t *m;
    const int64_t *b;
};

/* acc by the definition, from codes of weights and activations. */
static int64_t direct_acc(const struct layer *l, int oc, int oy, int ox)
{
    const struct bd_descriptor *d = l->d;
    const int depth = (int)(d->in_channels / d->groups), kh = (int)d->kernel_h, kw = (int)d->kernel_w;
    const int first = oc / (int)(d->out_channels / d->groups) * depth;
    int64_t acc = 0;
    for (int ic = 0; ic < depth; ic++)
        for (int ky = 0; ky < kh; ky++)
            for (int kx = 0; kx < kw; kx++) {
                const int y = oy * (int)d->stride + ky - (int)d->pad_top,
                          x = ox * (int)d->stride + kx - (int)d->pad_left;
                if (y < 0 || x < 0 || y >= (int)d->in_height || x >= (int)d->in_width)
                    continue;
                const int c8 = l->codes[((oc * depth + ic) * kh + ky) * kw + kx];
                int w = 2 * (c8 >> (8 - d->weight_bits)) + 1 - (1 << d->weight_bits);
                w = d->weight_zero_point ? (w - 1) / 2 : w;
                const int code =
                    l->in[((size_t)y * d->in_width + (unsigned)x) * d->in_channels + (unsigned)(first + ic)];
                acc += w * (d->flags & BD_FLAG_IN_SIGNED ? 2 * code - 1 : code);
            }
    return acc;
}

static struct {
    int layers, outputs, signs, corrections, zero_points, depthwise, odd, sub_windows;
    int layouts[3], paths[2];
} count;

static void check_layer(const struct bd_program *p, const struct layer *l, const char *where)
{
    const struct bd_descriptor *d = l->d;
    struct array a = {.program = p,
                      .d = d,
                      .rows = (int)p->header->rows,
                      .mc = (int)p->header->mac_channels,
                      .signs = (int)p->header->acc_bits,
                      .width = (int)d->in_width,
                      .height = (int)d->in_height,
                      .depth = (int)(d->in_channels / d->groups),
                      .pairs = up((int)d->in_bits, 2)};
    for (int bank = 0; bank < 9; bank++) {
        a.bank[bank] = bd_xcalloc(p->header->act_words + 64, 2);
        memset(a.bank[bank], 0xa5, (p->header->act_words + 64) * 2); /* nobody may look at what nobody wrote */
    }
    (d->in_layout == BD_LAYOUT_CHANNEL ? write_channel
     : d->in_layout == BD_LAYOUT_BYTE  ? write_byte
                                       : write_window)(&a, l->in);
    const int pixels = (int)(d->out_height * d->out_width), step = pixels * (int)d->out_channels / 40 + 1;
    for (int n = 0; n < pixels * (int)d->out_channels; n += step) {
        const int oc = n % (int)d->out_channels, pixel = n / (int)d->out_channels;
        const int oy = pixel / (int)d->out_width, ox = pixel % (int)d->out_width;
        const int64_t want = (int64_t)l->m[oc] * direct_acc(l, oc, oy, ox) + l->b[oc];
        const int64_t got = array_t(&a, oc, oy, ox);
        cr_assert_eq(got, want, "%s: channel %d, pixel (%d, %d): the array has %lld, the layer %lld", where, oc, oy, ox,
                     (long long)got, (long long)want);
        count.outputs++;
    }
    for (int bank = 0; bank < 9; bank++)
        free(a.bank[bank]);
    count.layers++;
    count.signs += d->flags & BD_FLAG_IN_SIGNED ? 1 : 0;
    count.corrections += d->flags & BD_FLAG_CORRECT ? 1 : 0;
    count.zero_points += d->weight_zero_point ? 1 : 0;
    count.depthwise += d->flags & BD_FLAG_DEPTHWISE ? 1 : 0;
    count.odd += d->in_bits % 2 && d->in_bits > 1;
    count.sub_windows += d->sub_rows > 1;
    count.layouts[d->in_layout]++;
    count.paths[d->datapath]++;
}

static void check_network(const struct bd_program *p, uint32_t index, const char *hardware)
{
    struct bd_decoded *decoded;
    struct bd_error err;
    uint8_t *image = bd_xmalloc(p->header->input_bytes);
    bd_random_image(p, index, image);
    cr_assert_eq(bd_decode(p, &decoded, &err), BD_OK, "%s", err.message);
    for (unsigned s = 0; s < p->header->switch_count; s++) {
        struct bd_frame frame;
        cr_assert_eq(bd_execute(p, decoded, s, image, &frame, &err), BD_OK, "%s", err.message);
        for (unsigned l = 0; l < p->header->layer_count; l++) {
            const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
            if (d->operation == BD_OP_POOL)
                continue;
            const int producer = bd_decoded_producer(decoded, l);
            const struct layer layer = {.d = d,
                                        .codes = bd_decoded_codes(decoded, s, l),
                                        .in = producer < 0 ? image : frame.outputs[producer].codes,
                                        .m = bd_decoded_multipliers(decoded, s, l),
                                        .b = bd_decoded_biases(decoded, s, l)};
            char where[128];
            snprintf(where, sizeof where, "%s, network %u, switch %u, layer '%s'", hardware, index, s, p->names[l]);
            check_layer(p, &layer, where);
        }
        bd_frame_release(&frame);
    }
    bd_decoded_free(decoded);
    free(image);
}

static const struct bd_hardware geometries[] = {
#define GEOMETRY(r, rq, mc_, has_xnor)                                                                                 \
    {                                                                                                                  \
        .name = "r" #r "-rq" #rq "-mc" #mc_ "-x" #has_xnor, .rows = r, .requant_units = rq, .mac_channels = mc_,       \
        .xnor = has_xnor, .mac = mc_ > 0, .act_words = 2048, .z_words = 8192, .weight_words = 16384,                   \
        .table_words = 16384, .correct_words = 8192, .descriptors = 8, .acc_bits = 28, .mult_bits = 24                 \
    }
    GEOMETRY(8, 2, 1, true),  GEOMETRY(8, 8, 2, true),   GEOMETRY(16, 16, 1, true), GEOMETRY(16, 4, 2, true),
    GEOMETRY(32, 8, 1, true), GEOMETRY(64, 32, 2, true), GEOMETRY(16, 2, 0, true),  GEOMETRY(16, 16, 1, false),
    GEOMETRY(8, 4, 2, false), GEOMETRY(32, 32, 2, true)};

Test(array, walk_over_planes_equals_the_executor)
{
    const size_t geometry_count = sizeof geometries / sizeof *geometries;
    memset(&count, 0, sizeof count);
    for (uint32_t index = 0; index < 128; index++) {
        struct bd_program program;
        struct bd_error err;
        const struct bd_hardware *hardware = &geometries[index % geometry_count];
        cr_assert_eq(bd_random_network(77, index, hardware, &program, &err), BD_OK, "%s", err.message);
        check_network(&program, index, hardware->name);
        bd_program_release(&program);
    }
    cr_assert(
        count.signs > 20 && count.corrections > 20 && count.zero_points > 20 && count.depthwise > 20 &&
            count.odd > 20 && count.sub_windows > 20 && count.layouts[0] > 20 && count.layouts[1] > 20 &&
            count.layouts[2] > 5 && count.paths[0] > 20 && count.paths[1] > 20,
        "of %d layers: %d signed, %d corrected, %d with a zero point, %d depthwise, %d of odd bits, %d with several "
        "sub-windows; layouts %d %d %d, paths %d %d",
        count.layers, count.signs, count.corrections, count.zero_points, count.depthwise, count.odd, count.sub_windows,
        count.layouts[0], count.layouts[1], count.layouts[2], count.paths[0], count.paths[1]);
}
