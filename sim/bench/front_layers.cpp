// See front_layers.h.
#include <algorithm>
#include <cstdio>

#include "front_layers.h"

namespace
{

constexpr int BLOCK = 16;

} // namespace

std::mt19937 generator;

int any(int low, int high)
{
    return low + int(generator() % uint32_t(high - low + 1));
}

bool chance(int percent)
{
    return any(1, 100) <= percent;
}

bool random_layer(Layer &l)
{
    l = {};
    l.mac = MAC_CHANNELS > 0 && chance(50);
    l.depthwise = l.mac && chance(35);
    l.layout = l.depthwise ? WINDOW : l.mac && chance(30) ? BYTE : chance(25) ? CHANNEL : WINDOW;
    l.a = l.layout == BYTE ? 8 : chance(30) ? 1 : any(1, 8);
    l.w = chance(30) ? 1 : any(1, 8);
    l.channels = l.layout == CHANNEL ? any(1, chance(30) ? 320 : 100)
                 : l.layout == BYTE  ? any(1, 7)
                                     : any(1, chance(20) ? 130 : 40);
    l.h = any(1, chance(20) ? 20 : 7);
    l.w_in = any(1, chance(20) ? 20 : 7);
    l.kh = l.layout == CHANNEL ? 1 : chance(40) ? 3 : any(1, 9);
    l.kw = l.layout == CHANNEL ? 1 : chance(70) ? l.kh : any(1, 9);
    l.stride = chance(50) ? 1 : any(1, 4);
    if (chance(6)) { // a long map
        (chance(50) ? l.h : l.w_in) = any(200, 1023);
        l.channels = any(1, 20);
        l.w = 1;
    } else if (chance(4)) { // the shortest walk
        l.h = l.w_in = l.kh = l.kw = l.channels = l.w = l.a = 1;
        l.layout = WINDOW;
    }
    int bottom = 0, right = 0;
    if (l.layout != CHANNEL && chance(70)) {
        int most = chance(80) ? std::min(8, std::max(l.kh, l.kw) / 2) : 8;
        l.top = any(0, most);
        l.left = any(0, most);
        bottom = any(0, most);
        right = any(0, most);
    }
    int rows = l.h + l.top + bottom - l.kh, columns = l.w_in + l.left + right - l.kw;
    if (rows < 0 || columns < 0)
        return false;
    l.oh = rows / l.stride + 1;
    l.ow = columns / l.stride + 1;

    int na = l.pairs();
    if (l.layout == CHANNEL) {
        int q = cdiv(l.channels, 8);
        l.groups = cdiv(q, l.a == 1 ? 18 : 9);
        l.tail_banks = l.a == 1 ? std::min(9, q - 18 * (l.groups - 1)) : q - 9 * (l.groups - 1);
        l.cell_words = l.groups * na;
        l.pitch = l.w_in * l.cell_words;
        l.words = l.h * l.pitch;
    } else {
        l.groups = cdiv(l.channels, l.word_channels());
        l.cell_words = l.groups * na;
        l.pitch = cdiv(l.w_in, 3) * l.cell_words;
        l.words = cdiv(l.h, 3) * l.pitch;
    }
    if (l.words > ACT_WORDS)
        return false;
    l.base = chance(50) ? (chance(50) ? 0 : ACT_WORDS - l.words) : any(0, ACT_WORDS - l.words);
    l.tiles = l.depthwise ? cdiv(l.channels, ROWS) : any(1, 2);
    if (l.mac) {
        int lanes = l.layout == CHANNEL ? (l.a == 1 ? 16 : 8) : l.word_channels();
        l.segments = cdiv(lanes, MAC_CHANNELS);
        l.tail_segments = l.layout == CHANNEL
                              ? l.segments
                              : cdiv(std::min(lanes, l.channels - l.word_channels() * (l.groups - 1)), MAC_CHANNELS);
    }
    int n = l.oh * l.ow, blocks = cdiv(n, BLOCK);
    l.pixels = cdiv(n, blocks);
    l.large = n - blocks * (l.pixels - 1);
    l.small = blocks - l.large;
    int slack = chance(50) ? 0 : any(0, 40);
    l.interval_large = std::max(2, block_clocks(l, l.pixels) + slack);
    l.interval_small = l.small ? std::max(2, block_clocks(l, l.pixels - 1) + (chance(50) ? 0 : slack)) : 0;
    if ((int64_t(l.large) * l.interval_large + int64_t(l.small) * l.interval_small) * l.tiles > 40000)
        return false;
    l.codes.resize(size_t(l.h * l.w_in * l.channels));
    for (uint8_t &code : l.codes)
        code = uint8_t(any(0, (1 << l.a) - 1));
    return true;
}

std::string describe(const Layer &l)
{
    char text[512];
    snprintf(
        text, sizeof text,
        "%s%s layout %d, a %d, w %d, %d x %d x %d, kernel %d x %d, stride %d, padding %d %d, out %d x %d, %d groups, "
        "segments %d %d, %d tiles, blocks %d + %d of %d, intervals %d %d, base %d",
        l.depthwise ? "depthwise " : "", l.mac ? "mac" : "xnor", int(l.layout), l.a, l.w, l.h, l.w_in, l.channels, l.kh,
        l.kw, l.stride, l.top, l.left, l.oh, l.ow, l.groups, l.segments, l.tail_segments, l.tiles, l.large, l.small,
        l.pixels, l.interval_large, l.interval_small, l.base);
    return text;
}
