// See front_model.h.
#include <algorithm>

#include "front_model.h"

int mutation;

namespace
{

// --- the model: words of a window

uint8_t plane_byte(const Layer &l, int y, int x, int channel, int plane)
{
    uint8_t byte = 0;
    for (int c = 0; c < 8; c++)
        byte |= uint8_t((l.code(y, x, channel + c) >> plane & 1) << c);
    return byte;
}

// Window and byte layout: taps of a sub-window, `first` the first channel of the group.
void window_word(const Layer &l, int oy, int ox, int sy, int sx, int first, int pair, Clock &clock)
{
    for (int ky = 0; ky < 3; ky++)
        for (int kx = 0; kx < 3; kx++) {
            int r = 3 * sy + ky, s = 3 * sx + kx, y = oy * l.stride - l.top + r, x = ox * l.stride - l.left + s;
            bool real = r < l.kh && s < l.kw && y >= 0 && x >= 0 && y < l.h && x < l.w_in;
            if (mutation == 1 && r == l.kh)
                real = y >= 0 && x >= 0 && y < l.h && x < l.w_in;
            uint8_t &lo = clock.lo[3 * ky + kx], &hi = clock.hi[3 * ky + kx];
            if (!real)
                continue;
            if (l.layout == BYTE) {
                lo = uint8_t(l.code(y, x, first));
                hi = uint8_t(l.code(y, x, first + 1));
            } else if (l.a == 1) {
                lo = plane_byte(l, y, x, first, 0);
                hi = plane_byte(l, y, x, first + 8, 0);
            } else {
                lo = plane_byte(l, y, x, first, 2 * pair);
                hi = plane_byte(l, y, x, first, 2 * pair + 1);
            }
        }
}

void channel_word(const Layer &l, int oy, int ox, int group, int pair, Clock &clock)
{
    int y = oy * l.stride, x = ox * l.stride;
    for (int bank = 0; bank < 9; bank++) {
        if (l.a == 1) {
            clock.lo[bank] = plane_byte(l, y, x, 8 * (18 * group + bank), 0);
            clock.hi[bank] = plane_byte(l, y, x, 8 * (18 * group + 9 + bank), 0);
        } else {
            clock.lo[bank] = plane_byte(l, y, x, 8 * (9 * group + bank), 2 * pair);
            clock.hi[bank] = plane_byte(l, y, x, 8 * (9 * group + bank), 2 * pair + 1);
        }
    }
}

void word(const Layer &l, int pixel, int sy, int sx, int group, int pair, Clock &clock)
{
    int oy = pixel / l.ow, ox = pixel % l.ow;
    if (l.layout == CHANNEL)
        channel_word(l, oy, ox, group, pair, clock);
    else
        window_word(l, oy, ox, sy, sx, group * l.word_channels(), pair, clock);
}

// --- the model: walks

struct Step {
    int i, k, e;
};

std::vector<Step> steps_of(const Layer &l)
{
    std::vector<Step> steps;
    for (int i = 0; i < l.w; i++)
        for (int k = 0; k < l.pairs(); k++)
            steps.push_back({i, k, i + 2 * k});
    std::sort(steps.begin(), steps.end(), [](const Step &a, const Step &b) {
        if (a.e != b.e)
            return a.e > b.e;
        return mutation == 2 ? a.i < b.i : a.i > b.i;
    });
    return steps;
}

Clock &at(std::vector<Clock> &clocks, size_t t)
{
    if (t >= clocks.size())
        clocks.resize(t + 1);
    return clocks[t];
}

void block_tags(Clock &clock, int pixel, bool small, bool tile_last)
{
    clock.sum = true;
    clock.pixel = pixel;
    clock.block_small = small;
    clock.tile_last = tile_last;
}

// Clocks of a block's walk; with `clocks` the block's are set from `t` on.
int xnor_block(const Layer &l, int first_pixel, int pixels, bool small, bool tile_last, std::vector<Clock> *clocks,
               int t)
{
    int sh = cdiv(l.kh, 3), sw = cdiv(l.kw, 3), slot = std::max(pixels, l.a == 1 ? 8 : 4), begin = t;
    if (mutation == 3)
        slot = std::max(pixels, 4);
    std::vector<Step> steps = steps_of(l);
    for (size_t n = 0; n < steps.size(); n++)
        for (int v = 0; v < sh * sw * l.groups; v++, t += slot)
            for (int p = 0; p < pixels && clocks; p++) {
                int g = v % l.groups, sx = v / l.groups % sw, sy = v / l.groups / sw;
                Clock &clock = at(*clocks, size_t(t + p));
                block_tags(clock, p, small, tile_last);
                clock.valid = true;
                word(l, first_pixel + p, sy, sx, g, steps[n].k, clock);
                clock.first = n == 0 && v == 0;
                clock.shift = v == 0 && n > 0 ? steps[n - 1].e - steps[n].e : 0;
                clock.last = n == steps.size() - 1 && v == sh * sw * l.groups - 1;
                clock.plane0 = steps[n].i == 0;
                clock.block_last = clock.last && p == pixels - 1;
                if (p == 0)
                    at(*clocks, size_t(t - 1)).swap = true;
            }
    return t - begin;
}

void mac_compute(const Layer &l, int segments, bool first, bool last, int pixel, int pixels, bool small, bool tile_last,
                 std::vector<Clock> &clocks, int t)
{
    for (int i = l.w - 1; i >= 0; i--)
        for (int s = 0; s < segments; s++, t++) {
            Clock &clock = at(clocks, size_t(t));
            block_tags(clock, pixel, small, tile_last);
            clock.first = first;
            clock.last = last;
            clock.plane0 = i == 0;
            clock.segment = s;
            clock.plane_first = s == 0;
            clock.word_first = i == l.w - 1 && s == 0;
            clock.word_last = i == 0 && s == segments - 1;
            clock.block_last = clock.word_last && last && pixel == pixels - 1;
            if (MAC_CHANNELS != 1 || s % 2 == 0)
                at(clocks, size_t(t - 1)).swap = true;
        }
}

int mac_block(const Layer &l, int tile, int first_pixel, int pixels, bool small, bool tile_last,
              std::vector<Clock> *clocks, int t)
{
    int sh = cdiv(l.kh, 3), sw = cdiv(l.kw, 3), begin = t, na = l.pairs();
    int gather = !l.depthwise ? na : l.a == 1 ? cdiv(ROWS, 16) : ROWS / 8 * na;
    int words = l.depthwise ? sh * sw : sh * sw * l.groups;
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < words; v++) {
            int g = l.depthwise ? 0 : v % l.groups, sub = l.depthwise ? v : v / l.groups, sx = sub % sw, sy = sub / sw;
            int segments = l.depthwise ? 1 : g == l.groups - 1 ? l.tail_segments : l.segments;
            for (int n = 0; n < gather && clocks; n++) {
                Clock &clock = at(*clocks, size_t(t + n));
                int pixel = first_pixel + p;
                clock.valid = true;
                clock.gather_last = n == gather - 1;
                clock.gather_pair = n % na;
                if (!l.depthwise) {
                    word(l, pixel, sy, sx, g, n, clock);
                } else {
                    int channel = ROWS * tile + (l.a == 1 ? 16 : 8) * (n / na);
                    if (l.a == 1 && ROWS == 8)
                        channel = tile / 2 * 16;
                    window_word(l, pixel / l.ow, pixel % l.ow, sy, sx, channel, n % na, clock);
                    clock.gather_group = n / na;
                    clock.gather_high = l.a == 1 && ROWS == 8 && tile % 2;
                }
            }
            if (clocks)
                mac_compute(l, segments, v == 0, v == words - 1, p, pixels, small, tile_last, *clocks, t + gather);
            t += mutation == 4 ? l.w * segments : std::max(gather, l.w * segments);
        }
    return t - begin;
}

} // namespace

int block_clocks(const Layer &l, int pixels)
{
    return l.mac ? mac_block(l, 0, 0, pixels, false, false, nullptr, 0)
                 : xnor_block(l, 0, pixels, false, false, nullptr, 0);
}

void tile_clocks(const Layer &l, int tile, int t, std::vector<Clock> &clocks)
{
    int pixel = 0;
    for (int b = 0; b < l.large + l.small; b++) {
        bool small = b >= l.large, last = b == l.large + l.small - 1;
        int pixels = small ? l.pixels - 1 : l.pixels;
        if (l.mac)
            mac_block(l, tile, pixel, pixels, small, last, &clocks, t);
        else
            xnor_block(l, pixel, pixels, small, last, &clocks, t);
        pixel += pixels;
        t += small ? l.interval_small : l.interval_large;
    }
}

// --- the layer in the memory

std::vector<Word> memory_words(const Layer &l)
{
    std::vector<Word> words;
    int na = l.pairs();
    for (int y = 0; y < l.h; y++)
        for (int x = 0; x < l.w_in; x++) {
            if (l.layout == CHANNEL) {
                int q_count = cdiv(l.channels, 8), address = l.base + y * l.pitch + x * l.cell_words;
                for (int q = 0; q < q_count; q++)
                    for (int k = 0; k < na; k++) {
                        int j = l.a == 1 ? q / 18 : q / 9;
                        uint8_t lo = plane_byte(l, y, x, 8 * q, 2 * k), hi = plane_byte(l, y, x, 8 * q, 2 * k + 1);
                        if (l.a == 1) {
                            if (q / 9 % 2 == 1)
                                continue;
                            hi = plane_byte(l, y, x, 8 * (q + 9), 0);
                        }
                        words.push_back({q % 9, address + j * na + k, uint16_t(hi << 8 | lo)});
                    }
                continue;
            }
            int bank = 3 * (y % 3) + x % 3, address = l.base + y / 3 * l.pitch + x / 3 * l.cell_words;
            for (int g = 0; g < cdiv(l.channels, l.word_channels()); g++)
                for (int k = 0; k < na; k++) {
                    uint8_t lo, hi;
                    int c = g * l.word_channels();
                    if (l.layout == BYTE) {
                        lo = uint8_t(l.code(y, x, c));
                        hi = uint8_t(l.code(y, x, c + 1));
                    } else if (l.a == 1) {
                        lo = plane_byte(l, y, x, c, 0);
                        hi = plane_byte(l, y, x, c + 8, 0);
                    } else {
                        lo = plane_byte(l, y, x, c, 2 * k);
                        hi = plane_byte(l, y, x, c, 2 * k + 1);
                    }
                    words.push_back({bank, address + g * na + k, uint16_t(hi << 8 | lo)});
                }
        }
    if (mutation == 5)
        for (Word &w : words)
            w.bank = w.bank / 3 + w.bank % 3 * 3;
    return words;
}
