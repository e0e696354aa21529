// A plain model of the front of the machine: how a tensor lies in the nine banks, and what the arrays see, clock by
// clock, while a tile is walked. Written for reading, not for speed.
#ifndef BITDIAL_FRONT_MODEL_H
#define BITDIAL_FRONT_MODEL_H
#include <cstddef>
#include <cstdint>
#include <vector>

// The rule that is broken on purpose, 1..MUTATIONS; 0: none.
constexpr int MUTATIONS = 12;
extern int mutation;

inline int cdiv(int a, int b)
{
    return (a + b - 1) / b;
}

enum Layout { WINDOW, CHANNEL, BYTE };

struct Layer {
    Layout layout;
    bool mac, depthwise;
    int a, w, channels, h, w_in, kh, kw, stride, top, left, oh, ow, tiles;
    int base, cell_words, pitch, words, tail_banks, groups, segments, tail_segments;
    int large, small, pixels, interval_large, interval_small;
    std::vector<uint8_t> codes; // [h][w_in][channels]

    int pairs() const
    {
        return layout == BYTE || a == 1 ? 1 : cdiv(a, 2);
    }
    int word_channels() const // of a group
    {
        return layout == BYTE ? 2 : a == 1 ? 16 : 8;
    }
    int code(int y, int x, int c) const
    {
        return y < 0 || x < 0 || y >= h || x >= w_in || c >= channels ? 0 : codes[(y * w_in + x) * channels + c];
    }
};

// What the arrays see in one clock.
struct Clock {
    bool valid = false, sum = false, swap = false;
    uint8_t lo[9] = {}, hi[9] = {};
    int pixel = 0, first = 0, shift = 0, last = 0, plane0 = 0, segment = 0, plane_first = 0, word_first = 0,
        word_last = 0;
    int block_last = 0, block_small = 0, tile_last = 0;
    int gather_last = 0, gather_pair = 0, gather_group = 0, gather_high = 0;
};

struct Word {
    int bank, address;
    uint16_t data;
};

// All words of the layer's input.
std::vector<Word> memory_words(const Layer &l);

// Clocks of a block's walk.
int block_clocks(const Layer &l, int pixels);

// Sets the clocks of a tile whose first word is at the arrays in clock t.
void tile_clocks(const Layer &l, int tile, int t, std::vector<Clock> &clocks);

#endif
