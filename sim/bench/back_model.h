// What hw/datapath/back.sv has to do with a layer, as plain loops over its outputs: random layers, and the images of
// the activation and the residual memory after one. Arithmetic: model/exec/requantize.h.
#ifndef BD_BENCH_BACK_MODEL_H
#define BD_BENCH_BACK_MODEL_H

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

extern "C" {
#include "model/core/rng.h"
#include "model/exec/requantize.h"
}

namespace back
{

constexpr int64_t NO_CHANNEL_BIAS = -(INT64_C(1) << 46); // B' of a row past the last channel: code 0

struct Geometry {
    uint32_t rows, rq, act_words, z_words, table_words, correct_words;
    uint32_t subs() const
    {
        return rows / rq;
    }
};

// One layer with all that goes in: sums of (row group, pixel, row), window sums of (row group, pixel), tables and
// corrections.
struct Layer {
    bd_descriptor d;
    uint32_t top, bottom, left, right; // classes of their own
    std::vector<int32_t> sums, window, multipliers;
    std::vector<int64_t> biases;
    std::vector<int32_t> corrections; // (row group, class, row)
    uint32_t pixels() const
    {
        return d.out_height * d.out_width;
    }
    uint32_t classes() const
    {
        return (top + 1 + bottom) * (left + 1 + right);
    }
    uint32_t class_of(uint32_t y, uint32_t x) const
    {
        const auto one = [](int at, int size, int first, int last) {
            return uint32_t(std::min(at, first) + std::max(0, at - (size - 1 - last)));
        };
        return one(int(y), int(d.out_height), int(top), int(bottom)) * (left + 1 + right) +
               one(int(x), int(d.out_width), int(left), int(right));
    }
    bool flag(uint32_t bit) const
    {
        return (d.flags & bit) != 0;
    }
    // Plane writes of a pixel in a row group.
    uint32_t writes(const Geometry &g, uint32_t group) const
    {
        if (!flag(BD_FLAG_WRITE_CODES))
            return 0;
        const bool pairs = d.out_bits == 1 && d.out_layout == BD_LAYOUT_WINDOW && g.rows >= 16;
        const uint32_t channels = std::min(g.rows, d.out_channels - group * g.rows), size = pairs ? 16 : 8;
        return (channels + size - 1) / size * ((d.out_bits + 1) / 2);
    }
};

struct Memories {
    std::array<std::vector<uint16_t>, 9> planes;
    std::vector<uint16_t> z; // (word, value)
};

// Faults of the model, which the bench must notice: 1 classes ignore columns on the right, 2 a place outside a pooled
// map counts as 0, 3 r is the new value of the pixel before, 4 channels past the last one hold code 1.
class Model
{
  public:
    Model(const Geometry &geometry, int mutation) : g(geometry), mutation_(mutation)
    {
        for (auto &bank : memories.planes)
            bank.resize(g.act_words);
        memories.z.resize(size_t(g.z_words) * g.rq);
    }

    // False where a narrow z would not fit; the memories may then hold anything.
    bool run(const Layer &l)
    {
        const bd_descriptor &d = l.d;
        const uint32_t padded = d.row_groups * g.rows, n = l.pixels();
        const Memories before = memories;
        std::vector<uint8_t> codes(size_t(n) * padded);
        for (uint32_t p = 0; p < n; p++)
            for (uint32_t c = 0; c < padded; c++) {
                const uint32_t y = p / d.out_width, x = p % d.out_width, group = c / g.rows, row = c % g.rows;
                int64_t acc;
                int32_t r = 0;
                if (d.operation == BD_OP_POOL)
                    acc = pooled(before, l, y, x, c);
                else {
                    const size_t at = size_t(group) * n + p;
                    acc = l.sums[at * g.rows + row];
                    if (d.weight_zero_point)
                        acc -= l.window[at];
                    if (l.flag(BD_FLAG_IN_SIGNED))
                        acc *= 2;
                    uint32_t border = l.class_of(y, x);
                    if (mutation_ == 1 && l.right > 0 && border % (l.left + 1 + l.right) == l.left + l.right)
                        border--;
                    if (l.flag(BD_FLAG_CORRECT))
                        acc += l.corrections[(size_t(group) * l.classes() + border) * g.rows + row];
                    if (d.weight_zero_point)
                        acc >>= 1;
                }
                if (l.flag(BD_FLAG_ADD_STREAM)) {
                    const uint32_t from = mutation_ == 3 && p > 0 ? p - 1 : p;
                    r = stored(mutation_ == 3 ? memories : before, d.z_in_base, l.flag(BD_FLAG_Z_IN_WIDE), d.row_groups,
                               from, c);
                }
                const int32_t z = bd_requantize_z(&d, l.multipliers[c], l.biases[c], int32_t(acc), r);
                codes[size_t(p) * padded + c] = bd_requantize_code(&d, z);
                if (mutation_ == 4 && c >= d.out_channels)
                    codes[size_t(p) * padded + c] = 1;
                if (d.flags & (BD_FLAG_WRITE_STREAM | BD_FLAG_STORE_STREAM | BD_FLAG_RESULT)) {
                    if (!l.flag(BD_FLAG_Z_OUT_WIDE) && c < d.out_channels && z != int16_t(z))
                        return false;
                    store(l, p, c, z);
                }
            }
        if (l.flag(BD_FLAG_WRITE_CODES))
            pack(l, codes, padded);
        return true;
    }
    Memories memories;
    const Geometry g;

  private:
    size_t z_at(uint32_t base, bool wide, uint32_t row_groups, uint32_t p, uint32_t c) const
    {
        const size_t sub = c % g.rows / g.rq, group = c / g.rows;
        return (base + ((size_t(p) * row_groups + group) * g.subs() + sub) * (wide ? 2 : 1)) * g.rq + c % g.rq;
    }
    int32_t stored(const Memories &m, uint32_t base, bool wide, uint32_t row_groups, uint32_t p, uint32_t c) const
    {
        const size_t at = z_at(base, wide, row_groups, p, c);
        return wide ? int32_t(uint32_t(m.z.at(at)) | uint32_t(m.z.at(at + g.rq)) << 16) : int16_t(m.z.at(at));
    }
    void store(const Layer &l, uint32_t p, uint32_t c, int32_t z)
    {
        const bool wide = l.flag(BD_FLAG_Z_OUT_WIDE);
        const size_t at = z_at(l.d.z_out_base, wide, l.d.row_groups, p, c);
        memories.z.at(at) = uint16_t(z);
        if (wide)
            memories.z.at(at + g.rq) = uint16_t(uint32_t(z) >> 16);
    }
    int32_t pooled(const Memories &m, const Layer &l, uint32_t oy, uint32_t ox, uint32_t c) const
    {
        const bd_descriptor &d = l.d;
        bool any = false;
        uint32_t sum = 0;
        for (uint32_t ky = 0; ky < d.kernel_h; ky++)
            for (uint32_t kx = 0; kx < d.kernel_w; kx++) {
                const int y = int(oy * d.stride + ky) - int(d.pad_top), x = int(ox * d.stride + kx) - int(d.pad_left);
                const bool in_map = y >= 0 && y < int(d.in_height) && x >= 0 && x < int(d.in_width);
                if (!in_map && mutation_ != 2)
                    continue;
                const int32_t z = in_map ? stored(m, d.z_in_base, l.flag(BD_FLAG_Z_IN_WIDE), d.row_groups,
                                                  uint32_t(y) * d.in_width + uint32_t(x), c)
                                         : 0;
                if (!any)
                    sum = uint32_t(z);
                else if (d.pool_kind == 1)
                    sum = uint32_t(std::max(int32_t(sum), z));
                else
                    sum += uint32_t(z);
                any = true;
            }
        return int32_t(sum);
    }

    // Every byte of the tensor's words that anybody reads, from the codes; rows past the last channel have theirs too
    // (0 in a real program).
    void pack(const Layer &l, const std::vector<uint8_t> &codes, uint32_t padded)
    {
        const bd_descriptor &d = l.d;
        const uint32_t eights = (d.out_channels + 7) / 8, words = d.out_bits == 1 ? 1 : (d.out_bits + 1) / 2;
        for (uint32_t y = 0; y < d.out_height; y++)
            for (uint32_t x = 0; x < d.out_width; x++) {
                const uint8_t *pixel = &codes[size_t(y * d.out_width + x) * padded];
                const auto plane = [&](uint32_t eight, uint32_t bit) {
                    unsigned byte = 0;
                    for (uint32_t c = 0; c < 8; c++)
                        if (eight * 8 + c < padded && (eight < eights || d.out_layout == BD_LAYOUT_WINDOW))
                            byte |= (pixel[eight * 8 + c] >> bit & 1u) << c;
                    return byte;
                };
                for (uint32_t e = 0; e < eights; e++) {
                    uint32_t bank, at;
                    uint32_t other = e; // whose plane is the word's hi byte
                    if (d.out_layout == BD_LAYOUT_WINDOW) {
                        bank = 3 * (y % 3) + x % 3;
                        at = d.out_base + y / 3 * d.out_pitch + x / 3 * d.out_cell_words;
                        if (d.out_bits == 1) {
                            if (e % 2)
                                continue;
                            at += e / 2;
                            other = e + 1;
                        } else
                            at += e * words;
                    } else {
                        bank = e % 9;
                        at = d.out_base + y * d.out_pitch + x * d.out_cell_words;
                        if (d.out_bits == 1) {
                            if (e / 9 % 2)
                                continue;
                            at += e / 18;
                            other = e + 9;
                        } else
                            at += e / 9 * words;
                    }
                    for (uint32_t k = 0; k < words; k++) {
                        const unsigned lo = plane(e, 2 * k);
                        const unsigned hi = d.out_bits == 1 ? plane(other, 0) : plane(e, 2 * k + 1);
                        memories.planes[bank].at(at + k) = uint16_t(lo | hi << 8);
                    }
                }
            }
    }
    int mutation_;
};

// Random layers that fit the geometry.
class Random
{
  public:
    Random(const Geometry &geometry, uint64_t seed) : g_(geometry)
    {
        bd_rng_seed(&rng, seed);
    }
    uint32_t below(uint32_t n)
    {
        return bd_rng_below(&rng, n);
    }
    uint32_t between(uint32_t low, uint32_t high)
    {
        return low + below(high - low + 1);
    }
    bool chance(uint32_t percent)
    {
        return below(100) < percent;
    }
    int64_t value(int bits) // signed
    {
        return int64_t(bd_rng_u64(&rng)) >> (64 - bits);
    }
    Layer layer()
    {
        for (;;) {
            Layer l{};
            shape(l);
            if (!place(l))
                continue;
            numbers(l);
            return l;
        }
    }
    bd_rng rng;

  private:
    void shape(Layer &l)
    {
        bd_descriptor &d = l.d;
        const bool pool = chance(30);
        d.operation = pool ? BD_OP_POOL : BD_OP_CONV;
        d.out_channels = chance(20) ? between(1, 24 * 8) : between(1, 3 * g_.rows);
        if (g_.rows == 8 && chance(8))
            d.out_channels = between(140, 330);
        d.row_groups = (d.out_channels + g_.rows - 1) / g_.rows;
        d.weight_bits = d.in_bits = d.in_channels = d.groups = 1;
        d.stride = between(1, 4);
        d.residual_multiplier = 1;
        d.out_bits = between(1, 8);
        if (chance(25))
            d.out_bits = 1;
        if (chance(88))
            d.flags |= BD_FLAG_WRITE_CODES;
        if (chance(50))
            d.flags |= BD_FLAG_WRITE_STREAM;
        else if (chance(20))
            d.flags |= chance(50) ? BD_FLAG_RESULT : BD_FLAG_STORE_STREAM;
        if (chance(40))
            d.flags |= BD_FLAG_Z_IN_WIDE;
        if (chance(40))
            d.flags |= BD_FLAG_Z_OUT_WIDE;
        if (chance(30))
            d.flags |= BD_FLAG_STREAM_TABLES;
        if (pool) {
            d.pool_kind = below(3);
            d.in_height = between(1, 9);
            d.in_width = between(1, 9);
            if (chance(10)) {
                d.in_height = between(1, 2);
                d.in_width = between(1, 700);
            }
            d.kernel_h = d.in_height;
            d.kernel_w = d.in_width;
            if (d.pool_kind == 0) {
                d.out_height = d.out_width = 1;
            } else {
                d.kernel_h = between(1, 4);
                d.kernel_w = between(1, 4);
                d.pad_top = below(d.kernel_h);
                d.pad_left = below(d.kernel_w);
                // windows may run out at the bottom and right, as padding there makes them
                d.out_height = between(1, (d.in_height - 1 + d.pad_top) / d.stride + 1);
                d.out_width = between(1, (d.in_width - 1 + d.pad_left) / d.stride + 1);
            }
            return;
        }
        d.out_height = between(1, chance(20) ? 20 : 7);
        d.out_width = between(1, chance(20) ? 20 : 7);
        if (chance(5)) {
            d.out_height = 1;
            d.out_width = between(1, 500);
        }
        d.in_height = d.out_height;
        d.in_width = d.out_width;
        d.kernel_h = d.kernel_w = 3;
        d.weight_zero_point = chance(30);
        if (chance(35))
            d.flags |= BD_FLAG_IN_SIGNED;
        if (chance(50))
            d.flags |= BD_FLAG_ADD_STREAM;
        if (d.weight_zero_point || chance(40)) {
            d.flags |= BD_FLAG_CORRECT;
            l.top = below(std::min(d.out_height, 4u) + 1);
            l.bottom = below(std::min(d.out_height - l.top, 4u) + 1);
            l.left = below(std::min(d.out_width, 4u) + 1);
            l.right = below(std::min(d.out_width - l.left, 4u) + 1);
        }
        if (chance(10)) {
            d.flags = (d.flags &
                       ~uint32_t(BD_FLAG_WRITE_STREAM | BD_FLAG_RESULT | BD_FLAG_STORE_STREAM | BD_FLAG_ADD_STREAM)) |
                      BD_FLAG_SIGN_ONLY | BD_FLAG_WRITE_CODES;
            d.out_bits = 1;
        }
        d.borders = l.top | l.bottom << 8 | l.left << 16 | l.right << 24;
    }
    bool place(Layer &l)
    {
        bd_descriptor &d = l.d;
        const uint32_t eights = (d.out_channels + 7) / 8, planes = d.out_bits == 1 ? 1 : (d.out_bits + 1) / 2;
        d.out_layout = below(2);
        if (d.out_layout == BD_LAYOUT_WINDOW)
            d.out_cell_words = d.out_bits == 1 ? (eights + 1) / 2 : eights * planes;
        else
            d.out_cell_words = d.out_bits == 1 ? (eights + 17) / 18 : (eights + 8) / 9 * planes;
        const bool window = d.out_layout == BD_LAYOUT_WINDOW;
        d.out_pitch = (window ? (d.out_width + 2) / 3 : d.out_width) * d.out_cell_words;
        const uint32_t words = (window ? (d.out_height + 2) / 3 : d.out_height) * d.out_pitch;
        if (words > g_.act_words)
            return false;
        d.out_base = chance(20) ? g_.act_words - words : below(g_.act_words - words + 1);

        const uint32_t in_words =
            d.in_height * d.in_width * d.row_groups * g_.subs() * (l.flag(BD_FLAG_Z_IN_WIDE) ? 2 : 1);
        const uint32_t out_words = l.pixels() * d.row_groups * g_.subs() * (l.flag(BD_FLAG_Z_OUT_WIDE) ? 2 : 1);
        const bool same = l.flag(BD_FLAG_Z_IN_WIDE) == l.flag(BD_FLAG_Z_OUT_WIDE);
        if (d.operation != BD_OP_POOL && same && chance(70)) {
            if (out_words > g_.z_words)
                return false;
            d.z_in_base = d.z_out_base = below((g_.z_words - out_words) / 2 + 1) * 2;
        } else {
            if (in_words + out_words > g_.z_words - 2)
                return false;
            const uint32_t room = (g_.z_words - in_words - out_words) / 2, a = below(room + 1) * 2;
            const bool in_first = chance(50);
            const uint32_t b = (a + (in_first ? in_words : out_words) + 1) & ~1u;
            if (b + (in_first ? out_words : in_words) > g_.z_words)
                return false;
            d.z_in_base = in_first ? a : b;
            d.z_out_base = in_first ? b : a;
        }
        const uint32_t tiles = l.flag(BD_FLAG_STREAM_TABLES) ? 2 : d.row_groups;
        const uint32_t step = l.classes() * g_.subs();
        if (tiles * g_.rows > g_.table_words || tiles * step > g_.correct_words)
            return false;
        d.table_base = below(g_.table_words - tiles * g_.rows + 1);
        d.correct_base = below(g_.correct_words - tiles * step + 1);

        // Blocks and intervals.
        const uint32_t n = l.pixels(), blocks = (n + 15) / 16;
        d.pixels_large = (n + blocks - 1) / blocks;
        d.blocks_large = n - blocks * (d.pixels_large - 1);
        d.blocks_small = blocks - d.blocks_large;
        uint32_t writes = 0;
        if (l.flag(BD_FLAG_WRITE_CODES))
            writes = g_.rows / 8 * planes;
        if (d.out_bits == 1 && window && g_.rows >= 16)
            writes = l.flag(BD_FLAG_WRITE_CODES) ? g_.rows / 16 : 0;
        const uint32_t beats = d.operation == BD_OP_POOL ? g_.subs() * d.kernel_h * d.kernel_w : g_.subs();
        d.pixel_period = std::max(beats, writes);
        return true;
    }
    void numbers(Layer &l)
    {
        bd_descriptor &d = l.d;
        const uint32_t n = l.pixels(), padded = d.row_groups * g_.rows;
        const bool signs = l.flag(BD_FLAG_SIGN_ONLY), in_signed = l.flag(BD_FLAG_IN_SIGNED);
        const int sum_bits = int(between(4, 27)), m_bits = int(between(2, 24));
        d.shift = between(0, 47);
        d.code_multiplier = uint32_t(value(int(between(2, 19)))) & 0x3ffff;
        d.code_shift = between(0, 31);
        d.code_offset = int32_t(value(int(between(1, 32))));
        if (chance(60)) { // codes in the middle of their range
            d.code_shift = between(4, 20);
            d.code_multiplier = between(1, 0x3ffff);
            d.shift = uint32_t(std::max(0, sum_bits + m_bits - int(between(8, 16))));
            d.code_offset = d.code_shift ? 1 << (d.code_shift - 1) : 0;
        }
        if (signs) {
            d.shift = d.code_shift = 0;
            d.code_multiplier = 1;
            d.code_offset = 1;
        }
        for (uint32_t c = 0; c < padded; c++) {
            const bool real = c < d.out_channels;
            l.multipliers.push_back(!real ? 0 : signs ? int32_t(between(0, 2)) - 1 : int32_t(value(m_bits)));
            l.biases.push_back(!real ? NO_CHANNEL_BIAS
                                     : value(signs ? sum_bits : int(between(1, std::min(51u, d.shift + 14)))));
        }
        if (l.flag(BD_FLAG_CORRECT))
            for (uint32_t i = 0; i < padded * l.classes(); i++) {
                const int32_t v = int32_t(value(int(between(2, 24))));
                l.corrections.push_back(in_signed && d.weight_zero_point ? v & ~1 : v);
            }
        if (d.operation == BD_OP_POOL)
            return;
        for (uint32_t i = 0; i < d.row_groups * n; i++)
            l.window.push_back(int32_t(value(sum_bits - 1)));
        for (uint32_t i = 0; i < padded * n; i++) {
            int32_t p = int32_t(value(sum_bits - (in_signed ? 1 : 0)));
            if (d.weight_zero_point && !in_signed) { // the halving is exact
                const uint32_t row = i % g_.rows, at = i / g_.rows, group = at / n, pixel = at % n;
                const uint32_t border = l.class_of(pixel / d.out_width, pixel % d.out_width);
                const int32_t rest =
                    l.corrections[(size_t(group) * l.classes() + border) * g_.rows + row] - l.window[at];
                p = (p & ~1) | (rest & 1);
            }
            l.sums.push_back(p);
        }
    }
    const Geometry g_;
};

} // namespace back

#endif
