#include "arrays_model.h"

int mutation = 0;

namespace
{
uint64_t state = 1;

int cdiv(int a, int b)
{
    return (a + b - 1) / b;
}
} // namespace

void seed_random(uint64_t seed)
{
    state = seed;
    rnd();
}

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
int Layer::pairs() const
{
    return a == 1 ? 1 : cdiv(a, 2);
}

int Layer::words() const
{
    return sh * sw * groups;
}

int Layer::lanes() const
{
    return depthwise ? 9 * R : a == 1 ? 144 : 72;
}

size_t Layer::code_at(int tile, int n, int k, int lane) const
{
    return ((size_t(depthwise ? tile : 0) * pixels + n) * words() + k) * lanes() + lane;
}

uint8_t &Layer::code(int tile, int n, int k, int lane)
{
    return x[code_at(tile, n, k, lane)];
}

int Layer::code(int tile, int n, int k, int lane) const
{
    return x[code_at(tile, n, k, lane)];
}

size_t Layer::bit_at(int tile, int p, int k, int row, int lane) const
{
    size_t word = (size_t(tile) * planes + p) * words() + k;
    return (depthwise ? word : word * R + row) * lanes() + lane; // depthwise: the lane says the row
}

uint8_t &Layer::bit(int tile, int p, int k, int row, int lane)
{
    return bits[bit_at(tile, p, k, row, lane)];
}

int Layer::bit(int tile, int p, int k, int row, int lane) const
{
    return bits[bit_at(tile, p, k, row, lane)];
}

int Layer::weight(int tile, int k, int row, int lane) const
{
    int sum = 0;
    for (int p = 0; p < w; p++)
        sum += (1 << (w - 1 - p)) * (2 * bit(tile, p, k, row, lane) - 1);
    return sum;
}

namespace
{

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
                        bool bit = l.bit(tile, p, k, r, lane);
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

void random_shape(Layer &l, int number)
{
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
    l.pixel_period = 1 + upto(rnd() % 2 ? 1 : 7);
    l.slack = rnd() % 3 ? 0 : upto(9);
}

void random_values(Layer &l)
{
    l.real.assign(size_t(l.words()) * l.lanes(), 0);
    for (int k = 0; k < l.words(); k++)
        for (int lane = 0; lane < l.lanes(); lane++) {
            int sub = l.depthwise ? k : k / l.groups, tap = l.depthwise ? lane % 9 : lane % 72 / 8;
            bool in_kernel =
                l.layout == CHANNEL || (3 * (sub / l.sw) + tap / 3 < l.kh && 3 * (sub % l.sw) + tap % 3 < l.kw);
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
                    l.code(tile, n, k, lane) = uint8_t(!there ? 0 : extreme == 0 ? high : upto(high));
                }
        }
    l.bits.assign(size_t(l.tiles) * l.planes * l.words() * (l.depthwise ? 1 : R) * l.lanes(), 1);
    for (int tile = 0; tile < l.tiles; tile++)
        for (int p = 0; p < l.planes; p++)
            for (int k = 0; k < l.words(); k++)
                for (int r = 0; r < (l.depthwise ? 1 : R); r++)
                    for (int lane = 0; lane < l.lanes(); lane++)
                        if (l.real[size_t(k) * l.lanes() + lane])
                            l.bit(tile, p, k, r, lane) = extreme == 1 ? 0 : rnd() & 1;
    make_image(l);
}

// Planes of a K word: bit c of byte t is lane 8 t + c.
void words_of(const Layer &l, int tile, int n, int k, int pair, int group, Clock &c)
{
    for (int lane = 0; lane < 72; lane++) {
        int t = lane / 8, b = lane % 8, lo = 0, hi = 0;
        if (l.depthwise) {
            if (l.a == 1) {
                bool odd = R == 8 && tile % 2;
                int row = 16 * group + b;
                lo = odd ? int(rnd() & 1) : l.code(tile, n, k, 9 * row + t);
                hi = R == 8 ? (odd ? l.code(tile, n, k, 9 * b + t) : int(rnd() & 1))
                            : l.code(tile, n, k, 9 * (row + 8) + t);
            } else {
                int code = l.code(tile, n, k, 9 * (8 * group + b) + t);
                lo = code >> 2 * pair & 1;
                hi = code >> (2 * pair + 1) & 1;
            }
        } else if (l.layout == BYTE) {
            lo = l.code(tile, n, k, 8 * t) >> b & 1;
            hi = l.code(tile, n, k, 8 * t + 1) >> b & 1;
        } else if (l.a == 1) {
            lo = l.code(tile, n, k, lane);
            hi = l.code(tile, n, k, 72 + lane);
        } else {
            lo = l.code(tile, n, k, lane) >> 2 * pair & 1;
            hi = l.code(tile, n, k, lane) >> (2 * pair + 1) & 1;
        }
        c.lo[t] = uint8_t(c.lo[t] | lo << b);
        c.hi[t] = uint8_t(c.hi[t] | hi << b);
    }
}

// The clocks of a block from clock `at` on; returns how many it takes (C of the contract).
int xnor_block(const Layer &l, int tile, int n0, int pixels, std::vector<Clock> *clocks, size_t at)
{
    int na = l.pairs(), tw = pixels > (l.a == 1 ? 8 : 4) ? pixels : (l.a == 1 ? 8 : 4), previous = -1, used = 0;
    for (int e = l.w - 1 + 2 * (na - 1); e >= 0; e--)
        for (int i = l.w - 1; i >= 0; i--) {
            int k = e - i;
            if (k < 0 || k % 2 || k / 2 >= na)
                continue;
            for (int word = 0; word < l.words(); word++) {
                for (int n = 0; n < pixels && clocks; n++) {
                    Clock &c = (*clocks)[at + used + n];
                    c.act = c.sum = true;
                    c.pixel = n;
                    c.first = previous < 0 && (word == 0 || mutation == 1);
                    c.shift = previous > e && word == 0 ? (mutation == 2 ? 1 : previous - e) : 0;
                    c.plane0 = i == 0 || mutation == 3;
                    c.last = i == 0 && k == 0 && word == l.words() - 1;
                    c.block_last = c.last && n == pixels - 1;
                    words_of(l, tile, n0 + n, word, k / 2, 0, c);
                }
                if (clocks)
                    (*clocks)[at + used - 1].swap = true;
                used += tw;
            }
            previous = e;
        }
    return used;
}

int mac_block(const Layer &l, int tile, int n0, int pixels, std::vector<Clock> *clocks, size_t at)
{
    int used = 0, groups = !l.depthwise ? 1 : l.a == 1 ? cdiv(R, 16) : R / 8;
    int gather = groups * (l.layout == BYTE ? 1 : l.pairs());
    for (int n = 0; n < pixels; n++)
        for (int word = 0; word < l.words(); word++) {
            int segments = word % l.groups == l.groups - 1 ? l.tail_segments : l.segments;
            for (int g = 0; g < gather && clocks; g++) {
                Clock &c = (*clocks)[at + used + g];
                c.act = true;
                c.pair = mutation == 4 ? 0 : g % (gather / groups);
                c.group = mutation == 5 ? 0 : g / (gather / groups);
                c.high = l.depthwise && l.a == 1 && R == 8 && tile % 2;
                words_of(l, tile, n0 + n, word, g % (gather / groups), g / (gather / groups), c);
            }
            for (int s = 0; s < l.w * segments && clocks; s++) {
                Clock &c = (*clocks)[at + used + gather + s];
                c.sum = true;
                c.pixel = n;
                c.segment = s % segments;
                c.plane_first = c.segment == 0 && mutation != 6;
                c.word_first = s == 0;
                c.word_last = s == l.w * segments - 1 && (mutation != 7 || word == l.words() - 1);
                c.plane0 = s / segments == l.w - 1;
                c.first = word == 0;
                c.last = word == l.words() - 1;
                c.block_last = c.last && c.word_last && n == pixels - 1;
                if (MC == 2 || c.segment % 2 == 0)
                    (*clocks)[at + used + gather + s - 1].swap = true;
            }
            used += gather > l.w * segments ? gather : l.w * segments;
        }
    return used;
}
} // namespace

Layer random_layer(int number)
{
    Layer l{};
    random_shape(l, number);
    random_values(l);
    return l;
}

int block_clocks(const Layer &l, int tile, int first_pixel, int pixels, std::vector<Clock> *clocks, size_t at)
{
    return l.mac ? mac_block(l, tile, first_pixel, pixels, clocks, at)
                 : xnor_block(l, tile, first_pixel, pixels, clocks, at);
}

// The product of integers, and for XNOR rows the constant: 0 bits of each plane, under all planes of codes.
int64_t expected_sum(const Layer &l, int tile, int n, int row)
{
    int64_t sum = 0, zeros = 0;
    for (int k = 0; k < l.words(); k++)
        for (int lane = l.depthwise ? 9 * row : 0; lane < (l.depthwise ? 9 * row + 9 : l.lanes()); lane++) {
            sum += l.code(tile, n, k, lane) * (l.weight(tile, k, row, lane) - (l.mac && l.zero_point && mutation != 8));
            for (int p = 0; p < l.w && !l.mac; p++)
                zeros += (1 << (l.w - 1 - p)) * !l.bit(tile, p, k, row, lane);
        }
    return sum + zeros * (l.a == 1 ? 1 : (1 << (mutation == 9 ? l.a : 2 * l.pairs())) - 1);
}

// All codes of the window. MAC rows take it off themselves.
int64_t expected_window(const Layer &l, int tile, int n)
{
    int64_t sum = 0;
    for (int k = 0; k < l.words() && !l.mac; k++)
        for (int lane = 0; lane < l.lanes(); lane++)
            sum += l.code(tile, n, k, lane);
    return sum;
}
