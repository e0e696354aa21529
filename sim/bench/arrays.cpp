// The arrays (hw/datapath/arrays.sv) against integer products. Random layers of every kind and every pair of weight and
// code bits: their weights go in as beats of the image, their words and tags as the window reader gives them, blocks and
// tiles without a gap, the next layer's weights meanwhile; sums come out through the drain port as the drain reads them.
// What is expected is computed from the codes and weights as integers. Usage: arrays LAYERS
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include <verilated.h>

#include "Varrays.h"

namespace
{
constexpr int R = ROWS, MC = MAC_CHANNELS, HALF_WORDS = 16384;

uint64_t state = 1;
uint32_t rnd()
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint32_t x = uint32_t(((state >> 18) ^ state) >> 27), rot = uint32_t(state >> 59);
    return (x >> rot) | (x << (-rot & 31));
}
int upto(int n) // 0..n
{
    return int(rnd() % uint32_t(n + 1));
}
int cdiv(int a, int b)
{
    return (a + b - 1) / b;
}

enum Layout { WINDOW, CHANNEL, BYTE };

// A layer, its integer codes and weights, and its schedule.
struct Layer {
    bool mac, depthwise, zero_point;
    Layout layout;
    int w, a, planes; // planes: stored
    int kh, kw, sh, sw, channels, tiles, pixels, groups, stored_groups, segments, tail_segments, slack, sub_clocks, writes;
    int blocks_large, blocks_small, pixels_large;
    int pairs() const
    {
        return a == 1 ? 1 : cdiv(a, 2);
    }
    int halves() const // of a K word, each 8 channels or 72
    {
        return a == 1 && !depthwise ? 2 : 1;
    }
    int words() const
    {
        return sh * sw * groups;
    }
    // Lanes of a K word: 8 * tap + channel, then those of the hi half. Depthwise: 9 * row + tap.
    int lanes() const
    {
        return depthwise ? 9 * R : 72 * halves();
    }
    int plane_words = 0, step = 0;
    std::vector<uint8_t> real;  // [word][lane]: a tap of the kernel and a channel
    std::vector<uint8_t> x;     // [tile (depthwise)][pixel][word][lane]
    std::vector<uint8_t> bits;  // [tile][plane from the top][word][row][lane]
    std::vector<uint8_t> image; // of all tiles
    size_t xi(int tile, int n, int k, int l) const
    {
        return ((size_t(depthwise ? tile : 0) * pixels + n) * words() + k) * lanes() + l;
    }
    // depthwise: lane is 9 * row + tap
    size_t bi(int tile, int p, int k, int r, int l) const
    {
        return depthwise ? ((size_t(tile) * planes + p) * words() + k) * lanes() + l
                         : (((size_t(tile) * planes + p) * words() + k) * R + r) * lanes() + l;
    }
    int weight(int tile, int k, int r, int l) const
    {
        int sum = 0;
        for (int p = 0; p < w; p++)
            sum += (1 << (w - 1 - p)) * (2 * bits[bi(tile, p, k, r, l)] - 1);
        return sum;
    }
};

void pick_blocks(Layer &l)
{
    int blocks = cdiv(l.pixels, 16);
    l.pixels_large = cdiv(l.pixels, blocks);
    l.blocks_large = l.pixels - blocks * (l.pixels_large - 1);
    l.blocks_small = blocks - l.blocks_large;
}

// Channel that a lane of word k holds, or -1.
int channel_of(const Layer &l, int k, int lane)
{
    int g = k % l.groups, half = lane / 72, c = lane % 8;
    if (l.layout == BYTE)
        return c < 2 ? 2 * g + c : -1;
    if (l.layout == WINDOW)
        return l.a == 1 ? 16 * g + 8 * half + c : 8 * g + c;
    int bank = lane % 72 / 8, q = l.a == 1 ? 18 * g + 9 * half + bank : 9 * g + bank;
    return 8 * q + c;
}

void put_bit(std::vector<uint8_t> &image, size_t at, bool bit)
{
    if (!bit)
        image[at / 8] &= uint8_t(~(1u << at % 8));
}

// Weights as the image holds them: everything that is not a weight is 1.
void make_image(Layer &l)
{
    int per_word = l.depthwise || l.layout == BYTE ? 1 : 4;
    l.plane_words = l.sh * l.sw * (l.depthwise ? 1 : l.stored_groups) * per_word;
    l.step = cdiv(l.planes * l.plane_words, 4) * 4;
    size_t tile_bits = size_t(l.step) * 18 * R;
    l.image.assign(tile_bits * l.tiles / 8, 0xff);
    for (int tile = 0; tile < l.tiles; tile++)
        for (int p = 0; p < l.planes; p++)
            for (int k = 0; k < l.words(); k++)
                for (int r = 0; r < R; r++)
                    for (int lane = l.depthwise ? 9 * r : 0; lane < (l.depthwise ? 9 * r + 9 : l.lanes()); lane++) {
                        size_t plane = tile * tile_bits + size_t(p) * l.plane_words * 18 * R;
                        bool bit = l.bits[l.bi(tile, p, k, r, lane)];
                        if (l.depthwise) {
                            put_bit(l.image, plane + size_t(k) * 18 * R + 18 * r + lane % 9, bit);
                            continue;
                        }
                        int tap = lane % 72 / 8, c = lane % 8, half = lane / 72;
                        int g = k % l.groups, sub = k / l.groups;
                        if (l.layout == BYTE) {
                            if (c < 2)
                                put_bit(l.image, plane + size_t(k) * 18 * R + 18 * r + 9 * c + tap, bit);
                            continue;
                        }
                        int g8 = l.a == 1 ? 2 * g + half : g;
                        size_t word = plane + size_t(sub * l.stored_groups + g8) * 72 * R;
                        if (l.mac)
                            put_bit(l.image, word + size_t(c / 2) * 18 * R + 18 * r + 9 * (c % 2) + tap, bit);
                        else
                            put_bit(l.image, word + 72 * r + lane % 72, bit);
                    }
}

Layer random_layer(int number)
{
    Layer l{};
    int kind = number % 6; // XNOR window, channel; MAC window, channel, byte, depthwise
    l.mac = kind >= 2;
    l.depthwise = kind == 5;
    l.layout = kind == 1 || kind == 3 ? CHANNEL : kind == 4 ? BYTE : WINDOW;
    l.zero_point = l.mac && rnd() % 2; // the XNOR array gives sum and window sum in any case
    l.w = 1 + number / 6 % 8;
    l.a = l.layout == BYTE ? 8 : 1 + number / 48 % 8;
    if (rnd() % 4 == 0) {
        l.w = 1 + upto(1);
        l.a = l.layout == BYTE ? 8 : 1 + upto(1);
    }
    l.planes = l.w + (rnd() % 2 ? upto(8 - l.w) : 0);
    l.kh = l.layout == CHANNEL ? 1 : 1 + upto(rnd() % 4 ? 2 : 8);
    l.kw = l.layout == CHANNEL ? 1 : 1 + upto(rnd() % 4 ? 2 : 8);
    l.sh = cdiv(l.kh, 3);
    l.sw = cdiv(l.kw, 3);
    int wide = l.sh * l.sw > 2 ? 20 : 40;
    l.channels = l.layout == CHANNEL ? 1 + upto(300) : l.layout == BYTE ? 1 + upto(4) : 1 + upto(wide);
    l.tiles = 1 + upto(l.depthwise ? 3 : 2);
    l.pixels = 1 + upto(rnd() % 3 ? 19 : 50);
    int eights = cdiv(l.channels, 8);
    if (l.depthwise) {
        l.groups = l.stored_groups = 1;
        l.segments = l.tail_segments = 1;
    } else if (l.layout == BYTE) {
        l.groups = l.stored_groups = cdiv(l.channels, 2);
        l.segments = cdiv(2, MC);
        l.tail_segments = cdiv(l.channels - 2 * (l.groups - 1), MC);
    } else if (l.layout == WINDOW) {
        l.groups = l.a == 1 ? cdiv(l.channels, 16) : eights;
        l.stored_groups = l.a == 1 || l.sh * l.sw > 1 || rnd() % 2 ? (eights + 1) / 2 * 2 : eights;
        int many = l.a == 1 ? 16 : 8;
        l.segments = many / MC;
        l.tail_segments = cdiv(l.channels - many * (l.groups - 1), MC);
    } else {
        l.groups = l.a == 1 ? cdiv(eights, 18) : cdiv(eights, 9);
        l.stored_groups = l.a == 1 ? 2 * l.groups : cdiv(eights, 9);
        if (rnd() % 2)
            l.stored_groups = (l.stored_groups + 1) / 2 * 2;
        l.segments = l.tail_segments = (l.a == 1 ? 16 : 8) / MC;
    }
    if (!l.mac)
        l.segments = l.tail_segments = 0;
    pick_blocks(l);
    l.sub_clocks = 1 << upto(2);
    l.writes = upto(8);
    l.slack = rnd() % 3 ? 0 : upto(9);

    l.real.assign(size_t(l.words()) * l.lanes(), 0);
    for (int k = 0; k < l.words(); k++)
        for (int lane = 0; lane < l.lanes(); lane++) {
            int sub = l.depthwise ? k : k / l.groups, tap = l.depthwise ? lane % 9 : lane % 72 / 8;
            bool in_kernel = l.layout == CHANNEL ||
                             (3 * (sub / l.sw) + tap / 3 < l.kh && 3 * (sub % l.sw) + tap % 3 < l.kw);
            int c = l.depthwise ? 0 : channel_of(l, k, lane);
            l.real[size_t(k) * l.lanes() + lane] = in_kernel && c >= 0 && c < l.channels;
        }
    l.x.assign(size_t(l.depthwise ? l.tiles : 1) * l.pixels * l.words() * l.lanes(), 0);
    int high = (1 << l.a) - 1, extreme = upto(7);
    for (int tile = 0; tile < (l.depthwise ? l.tiles : 1); tile++)
        for (int n = 0; n < l.pixels; n++) {
            uint32_t outside = rnd() % 2 ? 0 : rnd(); // taps outside the map
            for (int k = 0; k < l.words(); k++)
                for (int lane = 0; lane < l.lanes(); lane++) {
                    int tap = l.depthwise ? lane % 9 : lane % 72 / 8;
                    bool there = l.real[size_t(k) * l.lanes() + lane] && (l.layout == CHANNEL || !(outside >> tap & 1));
                    l.x[l.xi(tile, n, k, lane)] = uint8_t(!there ? 0 : extreme == 0 ? high : upto(high));
                }
        }
    l.bits.assign(size_t(l.tiles) * l.planes * l.words() * (l.depthwise ? 1 : R) * l.lanes(), 1);
    for (int tile = 0; tile < l.tiles; tile++)
        for (int p = 0; p < l.planes; p++)
            for (int k = 0; k < l.words(); k++)
                for (int r = 0; r < (l.depthwise ? 1 : R); r++)
                    for (int lane = 0; lane < l.lanes(); lane++)
                        if (l.real[size_t(k) * l.lanes() + lane])
                            l.bits[l.bi(tile, p, k, r, lane)] = extreme == 1 ? 0 : rnd() & 1;
    make_image(l);
    return l;
}

// What stands at the arrays' inputs in one clock.
struct Clock {
    bool act = false, sum = false, swap = false, first = false, last = false, plane0 = false, plane_first = false,
         word_first = false, word_last = false, block_last = false, high = false;
    int pixel = 0, shift = 0, segment = 0, pair = 0, group = 0;
    uint8_t lo[9] = {}, hi[9] = {};
};

// Planes of a K word: bit c of byte t is lane 8 t + c.
void words_of(const Layer &l, int tile, int n, int k, int pair, int group, Clock &c)
{
    for (int lane = 0; lane < 72; lane++) {
        int t = lane / 8, b = lane % 8, lo = 0, hi = 0;
        if (l.depthwise) {
            if (l.a == 1) {
                bool odd = R == 8 && tile % 2;
                int row = 16 * group + b;
                lo = odd ? int(rnd() & 1) : l.x[l.xi(tile, n, k, 9 * row + t)];
                hi = R == 8 ? (odd ? l.x[l.xi(tile, n, k, 9 * b + t)] : int(rnd() & 1)) : l.x[l.xi(tile, n, k, 9 * (row + 8) + t)];
            } else {
                int code = l.x[l.xi(tile, n, k, 9 * (8 * group + b) + t)];
                lo = code >> 2 * pair & 1;
                hi = code >> (2 * pair + 1) & 1;
            }
        } else if (l.layout == BYTE) {
            lo = l.x[l.xi(tile, n, k, 8 * t)] >> b & 1;
            hi = l.x[l.xi(tile, n, k, 8 * t + 1)] >> b & 1;
        } else if (l.a == 1) {
            lo = l.x[l.xi(tile, n, k, lane)];
            hi = l.x[l.xi(tile, n, k, 72 + lane)];
        } else {
            lo = l.x[l.xi(tile, n, k, lane)] >> 2 * pair & 1;
            hi = l.x[l.xi(tile, n, k, lane)] >> (2 * pair + 1) & 1;
        }
        c.lo[t] = uint8_t(c.lo[t] | lo << b);
        c.hi[t] = uint8_t(c.hi[t] | hi << b);
    }
}

// The clocks of a block from clock `at` on; returns how many it takes (C of the contract).
int xnor_block(const Layer &l, int tile, int n0, int pixels, std::vector<Clock> &clocks, size_t at)
{
    int na = l.pairs(), tw = pixels > (l.a == 1 ? 8 : 4) ? pixels : (l.a == 1 ? 8 : 4), previous = -1, used = 0;
    for (int e = l.w - 1 + 2 * (na - 1); e >= 0; e--)
        for (int i = l.w - 1; i >= 0; i--) {
            int k = e - i;
            if (k < 0 || k % 2 || k / 2 >= na)
                continue;
            for (int word = 0; word < l.words(); word++) {
                for (int n = 0; n < pixels; n++) {
                    Clock &c = clocks[at + used + n];
                    c.act = c.sum = true;
                    c.pixel = n;
                    c.first = previous < 0 && word == 0;
                    c.shift = previous > e && word == 0 ? previous - e : 0;
                    c.plane0 = i == 0;
                    c.last = i == 0 && k == 0 && word == l.words() - 1;
                    c.block_last = c.last && n == pixels - 1;
                    words_of(l, tile, n0 + n, word, k / 2, 0, c);
                }
                clocks[at + used - 1].swap = true;
                used += tw;
            }
            previous = e;
        }
    return used;
}

int mac_block(const Layer &l, int tile, int n0, int pixels, std::vector<Clock> &clocks, size_t at)
{
    int used = 0, groups = !l.depthwise ? 1 : l.a == 1 ? cdiv(R, 16) : R / 8;
    int gather = groups * (l.layout == BYTE ? 1 : l.pairs());
    for (int n = 0; n < pixels; n++)
        for (int word = 0; word < l.words(); word++) {
            int segments = word % l.groups == l.groups - 1 ? l.tail_segments : l.segments;
            for (int g = 0; g < gather; g++) {
                Clock &c = clocks[at + used + g];
                c.act = true;
                c.pair = g % (gather / groups);
                c.group = g / (gather / groups);
                c.high = l.depthwise && l.a == 1 && R == 8 && tile % 2;
                words_of(l, tile, n0 + n, word, c.pair, c.group, c);
            }
            for (int s = 0; s < l.w * segments; s++) {
                Clock &c = clocks[at + used + gather + s];
                c.sum = true;
                c.pixel = n;
                c.segment = s % segments;
                c.plane_first = c.segment == 0;
                c.word_first = s == 0;
                c.word_last = s == l.w * segments - 1;
                c.plane0 = s / segments == l.w - 1;
                c.first = word == 0;
                c.last = word == l.words() - 1;
                c.block_last = c.last && c.word_last && n == pixels - 1;
                if (MC == 2 || c.segment % 2 == 0)
                    clocks[at + used + gather + s - 1].swap = true;
            }
            used += gather > l.w * segments ? gather : l.w * segments;
        }
    return used;
}

struct Bench {
    Varrays top;
    uint64_t clocks = 0, compared = 0, different = 0;
    std::deque<uint64_t> beats; // to be loaded
    int load_word = -1;         // where they go, until said

    void edge()
    {
        top.clk_i = 1;
        top.eval();
        top.clk_i = 0;
        top.eval();
        clocks++;
    }
    // Beats of the next layer's weights, now and then.
    void load()
    {
        top.load_start_i = 0;
        top.load_we_i = 0;
        if (load_word >= 0) {
            top.load_start_i = 1;
            top.load_word_i = uint32_t(load_word);
            load_word = -1;
        } else if (!beats.empty() && rnd() % 8) {
            top.load_we_i = 1;
            top.load_beat_i = beats.front();
            beats.pop_front();
        }
    }
    void step()
    {
        load();
        edge();
    }
    void queue(const Layer &l, int base)
    {
        for (size_t at = 0; at < l.image.size(); at += 8) {
            uint64_t beat;
            memcpy(&beat, &l.image[at], 8);
            beats.push_back(beat);
        }
        load_word = base;
    }
    void compare(const Layer &l, int tile, int n)
    {
        int64_t window = 0;
        for (int r = 0; r < R; r++) {
            int64_t sum = 0, zeros = 0;
            window = 0;
            for (int k = 0; k < l.words(); k++)
                for (int lane = l.depthwise ? 9 * r : 0; lane < (l.depthwise ? 9 * r + 9 : l.lanes()); lane++) {
                    int64_t x = l.x[l.xi(tile, n, k, lane)];
                    sum += x * l.weight(tile, k, r, lane);
                    window += x;
                    for (int p = 0; p < l.w && !l.mac; p++)
                        zeros += (1 << (l.w - 1 - p)) * !l.bits[l.bi(tile, p, k, r, lane)];
                }
            if (!l.mac)
                sum += zeros * (l.a == 1 ? 1 : (1 << 2 * l.pairs()) - 1);
            else if (l.zero_point)
                sum -= window;
            check(int32_t(top.sums_o[r]), sum, l, tile, n, r);
        }
        check(int32_t(top.window_sum_o), l.mac ? 0 : window, l, tile, n, -1);
    }
    void check(int32_t got, int64_t expected, const Layer &l, int tile, int n, int r)
    {
        compared++;
        if (got == int32_t(expected) || different++ > 5)
            return;
        printf("%s%s layout %d w%da%d kernel %dx%d channels %d tile %d pixel %d (blocks of %d) row %d%s: %d, not %" PRId64 "\n",
               l.mac ? "MAC" : "XNOR", l.depthwise ? " depthwise" : "", l.layout, l.w, l.a, l.kh, l.kw, l.channels, tile, n,
               l.pixels_large, r, l.zero_point ? " zero point" : "", got, expected);
    }
    void run(const Layer &l, int base);
};

void Bench::run(const Layer &l, int base)
{
    top.mac_i = l.mac;
    top.depthwise_i = l.depthwise;
    top.zero_point_i = l.zero_point;
    top.weight_bits_i = uint8_t(l.w);
    top.in_bits_i = uint8_t(l.a);
    top.layout_i = l.layout;
    top.sub_rows_i = uint8_t(l.sh);
    top.sub_columns_i = uint8_t(l.sw);
    top.word_groups_i = uint16_t(l.groups);
    top.segments_i = uint8_t(l.segments);
    top.tail_segments_i = uint8_t(l.tail_segments);
    top.blocks_large_i = uint16_t(l.blocks_large);
    top.blocks_small_i = uint16_t(l.blocks_small);
    top.pixels_large_i = uint8_t(l.pixels_large);
    top.weight_plane_i = uint32_t(l.plane_words);
    step();
    step();

    // The schedule: blocks at their intervals, tile after tile.
    int period = l.sub_clocks > l.writes ? l.sub_clocks : l.writes, lead = 1 + (l.a == 1 ? 13 : 9);
    std::vector<Clock> clocks;
    size_t at = size_t(lead);
    auto block = l.mac ? mac_block : xnor_block;
    std::vector<Clock> scratch(1 << 18);
    int c_large = block(l, 0, 0, l.pixels_large, scratch, 1), c_small = l.blocks_small ? block(l, 0, 0, l.pixels_large - 1, scratch, 1) : 0;
    auto most = [](int a, int b) { return a > b ? a : b; };
    int i_large = most(most(c_large, l.pixels_large * period + (l.blocks_small ? c_large - c_small : 0)), 2) + l.slack;
    int i_small = most(most(c_small, (l.pixels_large - 1) * period), 2) + l.slack;
    size_t total = at + size_t(l.tiles) * (size_t(l.blocks_large) * i_large + size_t(l.blocks_small) * i_small);
    clocks.resize(total + 100);
    for (int tile = 0; tile < l.tiles; tile++)
        for (int b = 0, n = 0; b < l.blocks_large + l.blocks_small; b++) {
            int pixels = l.pixels_large - (b >= l.blocks_large);
            block(l, tile, n, pixels, clocks, at);
            n += pixels;
            at += size_t(b < l.blocks_large ? i_large : i_small);
        }

    int started = 0, done = 0, drained = 0, wait = -1, pixel = 0, block_pixels = 0;
    bool look = false;
    for (size_t t = 0; t < clocks.size() || drained < l.tiles * l.pixels; t++) {
        if (t > clocks.size() + 1000) {
            printf("a block never ended\n");
            different++;
            return;
        }
        const Clock none, &c = t < clocks.size() ? clocks[t] : none;
        top.fetch_start_i = started < l.tiles && top.fetch_free_o;
        top.fetch_word_i = uint32_t(base + started * l.step);
        started += top.fetch_start_i;
        top.act_valid_i = c.act;
        top.sum_i = c.sum;
        top.swap_i = c.swap;
        // what no valid bit covers is rubbish
        top.pixel_i = uint8_t(c.sum ? c.pixel : int(rnd() & 15));
        top.first_i = c.sum ? c.first : rnd() & 1;
        top.shift_i = uint8_t(c.sum ? c.shift : int(rnd() & 3));
        top.last_i = c.sum ? c.last : rnd() & 1;
        top.plane0_i = c.sum ? c.plane0 : rnd() & 1;
        top.segment_i = uint8_t(c.sum ? c.segment : int(rnd() & 15));
        top.plane_first_i = c.sum ? c.plane_first : rnd() & 1;
        top.word_first_i = c.sum ? c.word_first : rnd() & 1;
        top.word_last_i = c.sum ? c.word_last : rnd() & 1;
        top.block_last_i = c.sum ? c.block_last : rnd() & 1;
        top.gather_pair_i = uint8_t(c.act ? c.pair : int(rnd() & 3));
        top.gather_group_i = uint8_t(c.act ? c.group : int(rnd() & 7));
        top.gather_high_i = c.act ? c.high : rnd() & 1;
        uint8_t lo[12] = {}, hi[12] = {};
        for (int i = 0; i < 9; i++) {
            lo[i] = c.act ? c.lo[i] : uint8_t(rnd());
            hi[i] = c.act ? c.hi[i] : uint8_t(rnd());
        }
        memcpy(&top.act_lo_i, lo, 12);
        memcpy(&top.act_hi_i, hi, 12);
        // the drain: pixel p one clock after the block's last sum, and then every `period` clocks
        top.drain_read_i = 0;
        if (look) {
            compare(l, drained / l.pixels, drained % l.pixels);
            look = false;
            drained++;
        }
        if (wait > 0)
            wait--;
        if (wait == 0) {
            top.drain_read_i = 1;
            top.drain_pixel_i = uint8_t(pixel);
            wait = ++pixel < block_pixels ? period : -1;
            look = true;
        }
        load();
        top.eval();
        if (top.block_done_o) {
            int expected = l.pixels_large - (done % l.pixels >= l.blocks_large * l.pixels_large);
            block_pixels = top.block_pixels_o;
            if (wait >= 0 || block_pixels != expected || done == l.tiles * l.pixels) {
                printf("%s: a block of %d pixels is done after %d of %d in tiles of %d, %d drained\n", l.mac ? "MAC" : "XNOR",
                       block_pixels, done, l.tiles * l.pixels, l.pixels, drained);
                different++;
                return;
            }
            done += block_pixels;
            pixel = 0;
            wait = 1;
        }
        edge();
    }
    top.fetch_start_i = 0;
}
} // namespace

int main(int argc, char **argv)
{
    int layers = argc > 1 ? atoi(argv[1]) : 400;
    Bench bench;
    bench.top.rst_ni = 0;
    bench.edge();
    bench.top.rst_ni = 1;
    Layer now = random_layer(0);
    bench.queue(now, 0);
    for (int number = 0; number < layers && bench.different == 0; number++) {
        while (!bench.beats.empty() || bench.load_word >= 0)
            bench.step();
        for (int i = 0; i < 4; i++)
            bench.step();
        Layer next = random_layer(number + 1);
        if (next.step * next.tiles > HALF_WORDS) {
            printf("layer %d needs too many words\n", number);
            return 3;
        }
        bench.queue(next, (number + 1) % 2 * HALF_WORDS);
        bench.run(now, number % 2 * HALF_WORDS);
        now = next;
    }
    bench.top.final();
    printf("%d layers, %" PRIu64 " clocks, %" PRIu64 " sums compared, %" PRIu64 " different\n", layers, bench.clocks, bench.compared,
           bench.different);
    return bench.different != 0;
}
