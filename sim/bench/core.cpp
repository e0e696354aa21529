// The front and the arrays together: a random tensor and random weights go into the memories as sections 'layout' of
// the image have them, tiles are walked, and each sum that comes out of the drain bank is compared with the convolution
// by its definition, on integers. Usage: Vcore LAYERS SEED. Exit 0: all equal, 1: a difference, printed.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <verilated.h>

#include "Vcore.h"

#include "front_layers.h"

namespace
{

constexpr int WEIGHT_WORDS = 32768;

// Weights of a layer: bit i of a weight says +2^i or -2^i.
class Weights
{
  public:
    explicit Weights(const Layer &l) : layer_(l), depth_(l.depthwise ? 1 : l.channels)
    {
        bits_.resize(size_t(l.tiles) * ROWS * l.kh * l.kw * depth_);
        for (uint8_t &weight : bits_)
            weight = uint8_t(any(0, (1 << l.w) - 1));
        pack();
    }
    int depth() const
    {
        return depth_;
    }
    int code(int row, int ky, int kx, int c) const
    {
        return bits_[((size_t(row) * layer_.kh + ky) * layer_.kw + kx) * depth_ + c];
    }
    int plane_words = 0, step = 0;
    std::vector<uint8_t> image;

  private:
    const Layer &layer_;
    int depth_;
    std::vector<uint8_t> bits_;

    void clear(size_t at)
    {
        image[at / 8] &= uint8_t(~(1u << (at % 8)));
    }

    // Lanes without a weight stay 1.
    void pack()
    {
        const Layer &l = layer_;
        int sh = cdiv(l.kh, 3), sw = cdiv(l.kw, 3), eights = cdiv(l.channels, 8),
            slots = l.layout == BYTE ? 2
                    : l.depthwise    ? 1
                                     : 8;
        int groups = l.depthwise ? 1 : l.layout == BYTE ? l.groups : l.layout == CHANNEL ? cdiv(eights, 9) : eights;
        if (slots == 8 && (l.a == 1 || sh * sw > 1))
            groups = cdiv(groups, 2) * 2;
        int word_words = slots == 8 ? 4 : 1, memory_word = 18 * ROWS;
        plane_words = sh * sw * groups * word_words;
        step = cdiv(l.w * plane_words, 4) * 4;
        image.assign(size_t(step) * memory_word * l.tiles / 8, 0xff);
        for (int row = 0; row < l.tiles * ROWS; row++)
            for (int p = 0; p < l.w; p++)
                for (int word = 0; word < sh * sw * groups; word++)
                    for (int tap = 0; tap < 9; tap++)
                        for (int slot = 0; slot < slots; slot++) {
                            int r = row % ROWS, group = word % groups, sub = word / groups;
                            int ky = 3 * (sub / sw) + tap / 3, kx = 3 * (sub % sw) + tap % 3, c = slots * group + slot;
                            if (l.layout == CHANNEL) {
                                ky = kx = 0;
                                c = 8 * (9 * group + tap) + slot;
                            }
                            if (ky >= l.kh || kx >= l.kw || c >= depth_ || code(row, ky, kx, c) >> (l.w - 1 - p) & 1)
                                continue;
                            size_t at =
                                (size_t(row / ROWS * step) + size_t(p * plane_words + word * word_words)) * memory_word;
                            if (l.mac)
                                clear(at + size_t(slot / 2 * memory_word + 18 * r + 9 * (slot % 2) + tap));
                            else
                                clear(at + size_t(72 * r + 8 * tap + slot));
                        }
    }
};

class Bench
{
  public:
    explicit Bench(bool fault)
    {
        top_.fault_i = fault;
        top_.clk_i = 0;
        top_.setup_i = top_.start_i = top_.abort_i = top_.write_i = 0;
        top_.load_start_i = top_.load_we_i = top_.fetch_start_i = top_.drain_read_i = 0;
        top_.rst_ni = 1;
        top_.eval();
        top_.rst_ni = 0;
        clock();
        top_.rst_ni = 1;
    }
    ~Bench()
    {
        top_.final();
    }
    long compared() const
    {
        return compared_;
    }

    bool walk(const Layer &l, const Weights &weights, bool zero_point)
    {
        load(l, weights);
        settings(l, weights, zero_point);
        int pixels = l.oh * l.ow, fetched = 0, started = 0, drained = 0, in_bank = 0, next = 0;
        bool may_start = true, read = false;
        for (int t = 0; drained < pixels * l.tiles; t++) {
            if (t > 1000000) {
                printf("%s\nonly %d of %d pixels are done\n", describe(l).c_str(), drained, pixels * l.tiles);
                return false;
            }
            top_.setup_i = t == 0;
            top_.fetch_start_i = t > 2 && fetched < l.tiles && top_.fetch_free_o;
            top_.fetch_word_i = uint32_t(fetched * weights.step);
            fetched += top_.fetch_start_i;
            top_.start_i = t >= 14 && may_start && started < fetched;
            if (top_.start_i) {
                started++;
                may_start = false;
            }
            if (read && !same(l, weights, zero_point, drained / pixels, drained % pixels))
                return false;
            drained += read;
            read = top_.drain_read_i = in_bank > 0;
            if (read) {
                top_.drain_pixel_i = uint8_t(next++);
                in_bank--;
            }
            top_.clk_i = 0;
            top_.eval();
            may_start = may_start || top_.done_o;
            if (top_.block_done_o) {
                if (in_bank > 0) {
                    printf("%s\na block is done before the one before it is drained\n", describe(l).c_str());
                    return false;
                }
                in_bank = top_.block_pixels_o;
                next = 0;
            }
            top_.clk_i = 1;
            top_.eval();
        }
        top_.start_i = top_.fetch_start_i = top_.drain_read_i = 0;
        return true;
    }

  private:
    Vcore top_;
    long compared_ = 0;

    void clock()
    {
        top_.clk_i = 0;
        top_.eval();
        top_.clk_i = 1;
        top_.eval();
    }

    void load(const Layer &l, const Weights &weights)
    {
        top_.wbe_i = 3;
        top_.write_i = 1;
        for (const Word &word : memory_words(l)) {
            top_.wbank_i = uint8_t(word.bank);
            top_.waddr_i = uint32_t(word.address);
            top_.wdata_i = word.data;
            clock();
        }
        top_.write_i = 0;
        top_.load_word_i = 0;
        top_.load_start_i = 1;
        clock();
        top_.load_start_i = 0;
        top_.load_we_i = 1;
        for (size_t at = 0; at < weights.image.size(); at += 8) {
            memcpy(&top_.load_beat_i, &weights.image[at], 8);
            clock();
        }
        top_.load_we_i = 0;
        for (int t = 0; t < 4; t++)
            clock();
    }

    void settings(const Layer &l, const Weights &weights, bool zero_point)
    {
        top_.mac_i = l.mac;
        top_.depthwise_i = l.depthwise;
        top_.zero_point_i = zero_point;
        top_.weight_bits_i = uint8_t(l.w);
        top_.in_bits_i = uint8_t(l.a);
        top_.in_height_i = uint16_t(l.h);
        top_.in_width_i = uint16_t(l.w_in);
        top_.out_width_i = uint16_t(l.ow);
        top_.kernel_h_i = uint16_t(l.kh);
        top_.kernel_w_i = uint16_t(l.kw);
        top_.stride_i = uint16_t(l.stride);
        top_.pad_top_i = uint8_t(l.top);
        top_.pad_left_i = uint8_t(l.left);
        top_.layout_i = uint8_t(l.layout);
        top_.base_i = uint32_t(l.base);
        top_.cell_words_i = uint32_t(l.cell_words);
        top_.pitch_i = uint32_t(l.pitch);
        top_.tail_banks_i = uint8_t(l.tail_banks);
        top_.sub_rows_i = uint8_t(cdiv(l.kh, 3));
        top_.sub_columns_i = uint8_t(cdiv(l.kw, 3));
        top_.word_groups_i = uint16_t(l.depthwise ? 1 : l.groups);
        top_.segments_i = uint8_t(l.depthwise ? 1 : l.segments);
        top_.tail_segments_i = uint8_t(l.depthwise ? 1 : l.tail_segments);
        top_.blocks_large_i = uint16_t(l.large);
        top_.blocks_small_i = uint16_t(l.small);
        top_.pixels_large_i = uint8_t(l.pixels);
        top_.weight_plane_i = uint32_t(weights.plane_words);
        // Room to drain a block, a pixel a clock.
        int longer = l.small ? block_clocks(l, l.pixels) - block_clocks(l, l.pixels - 1) : 0;
        top_.interval_large_i = uint32_t(std::max(l.interval_large, l.pixels + longer + 1));
        top_.interval_small_i = uint32_t(std::max(l.interval_small, l.pixels + 1));
    }

    // The array's sums: with the constant of its bits for XNOR, less the sum of the codes for weights with a zero
    // point.
    bool same(const Layer &l, const Weights &weights, bool zero_point, int tile, int pixel)
    {
        int y0 = pixel / l.ow * l.stride - l.top, x0 = pixel % l.ow * l.stride - l.left;
        for (int r = 0; r < ROWS; r++) {
            int row = tile * ROWS + r, sum = 0, codes = 0, zeros = 0;
            if (l.depthwise && row >= l.channels)
                continue;
            for (int ky = 0; ky < l.kh; ky++)
                for (int kx = 0; kx < l.kw; kx++)
                    for (int c = 0; c < weights.depth(); c++) {
                        int code = l.code(y0 + ky, x0 + kx, l.depthwise ? row : c), top = (1 << l.w) - 1;
                        int weight = weights.code(row, ky, kx, c);
                        sum += (2 * weight - top) * code;
                        zeros += top - weight;
                        codes += code;
                    }
            if (!l.mac)
                sum += zeros * (l.a == 1 ? 1 : (1 << 2 * l.pairs()) - 1);
            else if (zero_point)
                sum -= codes;
            compared_++;
            int window = l.mac ? 0 : codes;
            if (int(top_.sums_o[r]) != sum || int(top_.window_sum_o) != window) {
                printf("%s\ntile %d, pixel %d, row %d: sum %d, window %d, expected %d, %d\n", describe(l).c_str(), tile,
                       pixel, r, int(top_.sums_o[r]), int(top_.window_sum_o), sum, window);
                return false;
            }
        }
        return true;
    }
};

} // namespace

int main(int argc, char **argv)
{
    int layers = argc > 1 ? atoi(argv[1]) : 100, seed = argc > 2 ? atoi(argv[2]) : 1;
    generator.seed(uint32_t(seed));
    Verilated::randSeed(seed);
    Verilated::randReset(2);
    Bench bench(argc > 3 && atoi(argv[3])); // a fault before the walker, front_top.sv
    for (int n = 0; n < layers;) {
        Layer layer;
        if (!random_layer(layer))
            continue;
        Weights weights(layer);
        if (weights.step * layer.tiles > WEIGHT_WORDS)
            continue;
        if (!bench.walk(layer, weights, layer.mac && chance(50))) {
            printf("layer %d of seed %d differs\n", n, seed);
            return 1;
        }
        n++;
    }
    printf("front and arrays, %d rows, %d MAC channels: %d layers, %ld sums, all as by definition\n", ROWS,
           MAC_CHANNELS, layers, bench.compared());
    return 0;
}
