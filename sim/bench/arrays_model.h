// Layers for sim/bench/arrays.cpp: integer codes and weights, the image of the weights, what the window reader gives in
// each clock of a block, and the sums that are expected. ROWS and MAC_CHANNELS are the build's.
#ifndef SIM_BENCH_ARRAYS_MODEL_H
#define SIM_BENCH_ARRAYS_MODEL_H

#include <cstddef>
#include <cstdint>
#include <vector>

constexpr int R = ROWS, MC = MAC_CHANNELS;

// A planted fault, of the model or of what is driven: 0 none.
extern int mutation;
constexpr int MUTATIONS = 9;

void seed_random(uint64_t seed);
uint32_t rnd();
int upto(int n); // 0..n

enum Layout { WINDOW, CHANNEL, BYTE };

struct Layer {
    bool mac, depthwise, zero_point;
    Layout layout;
    int w, a, planes; // planes: weight planes stored
    int kh, kw, sh, sw, channels, tiles, pixels, groups, stored_groups, segments, tail_segments;
    int slack;        // clocks added to each block's interval
    int pixel_period; // of the drain
    int blocks_large, blocks_small, pixels_large;
    int plane_words, step; // of the image, in weight words

    // Lanes of a K word: 8 * tap + channel, then those of the hi half (a == 1). Depthwise: 9 * row + tap.
    std::vector<uint8_t> real;  // [word][lane]: a tap of the kernel and a channel
    std::vector<uint8_t> x;     // code [tile (depthwise)][pixel][word][lane]
    std::vector<uint8_t> bits;  // weight [tile][plane from the top][word][row][lane]
    std::vector<uint8_t> image; // of all tiles

    int pairs() const;
    int words() const;
    int lanes() const;
    uint8_t &code(int tile, int n, int k, int lane);
    int code(int tile, int n, int k, int lane) const;
    uint8_t &bit(int tile, int p, int k, int row, int lane);
    int bit(int tile, int p, int k, int row, int lane) const;
    int weight(int tile, int k, int row, int lane) const;

  private:
    size_t code_at(int tile, int n, int k, int lane) const;
    size_t bit_at(int tile, int p, int k, int row, int lane) const;
};

// What stands at the arrays' inputs in one clock.
struct Clock {
    bool act = false, sum = false, swap = false, first = false, last = false, plane0 = false, plane_first = false,
         word_first = false, word_last = false, block_last = false, high = false;
    int pixel = 0, shift = 0, segment = 0, pair = 0, group = 0;
    uint8_t lo[9] = {}, hi[9] = {}; // byte t: lanes 8 t to 8 t + 7
};

// Layer `number`: its kind and its pair of weight and code bits go through all that there are in 384 numbers.
Layer random_layer(int number);
// Clocks of a block; those from `at` on are written into `clocks` unless it is null.
int block_clocks(const Layer &l, int tile, int first_pixel, int pixels, std::vector<Clock> *clocks, size_t at);
// What a row's drained sum and the window sum shall be.
int64_t expected_sum(const Layer &l, int tile, int n, int row);
int64_t expected_window(const Layer &l, int tile, int n);

#endif
