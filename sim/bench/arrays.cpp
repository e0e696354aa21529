// The arrays (hw/datapath/arrays.sv) against integer products (arrays_model.h). Random layers of every kind and every
// pair of weight and code bits: their weights go in as beats of the image, their words and tags as the window reader
// gives them, blocks and tiles without a gap, the next layer's weights meanwhile; sums come out through the drain port
// as the drain reads them. Some layers are aborted first. Usage: arrays [LAYERS [MUTATION]] Exit 0: all equal. 1: a
// difference, printed. 2: usage. 3: a layer that the bench cannot hold.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include <verilated.h>

#include "Varrays.h"

#include "arrays_model.h"

namespace
{
constexpr int HALF_WORDS = 16384; // of the weight memory: a layer's, and the next one's

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
        for (int r = 0; r < R; r++)
            check(int32_t(top.sums_o[r]), expected_sum(l, tile, n, r), l, tile, n, r);
        check(int32_t(top.window_sum_o), expected_window(l, tile, n), l, tile, n, -1);
    }
    void check(int32_t got, int64_t expected, const Layer &l, int tile, int n, int r)
    {
        compared++;
        char what[64];
        snprintf(what, sizeof what, "tile %d, pixel %d, row %d (-1: window)", tile, n, r);
        if (got != int32_t(expected))
            fail(l, what, got, expected);
    }
    void fail(const Layer &l, const char *what, int64_t got, int64_t expected)
    {
        if (different++ < 5)
            printf("%s%s%s, layout %d, w%da%d, kernel %dx%d, %d channels, blocks of %d, drained every %d: %s: %" PRId64
                   ", not %" PRId64 "\n",
                   l.mac ? "MAC" : "XNOR", l.depthwise ? " depthwise" : "", l.zero_point ? " zero point" : "", l.layout,
                   l.w, l.a, l.kh, l.kw, l.channels, l.pixels_large, l.pixel_period, what, got, expected);
    }
    void reset()
    {
        top.clk_i = 0;
        top.rst_ni = 0;
        top.fetch_start_i = top.abort_i = top.load_start_i = top.load_we_i = 0;
        top.eval();
        edge();
        top.rst_ni = 1;
    }
    // What is left to be loaded, and the clocks until it is there.
    void load_all()
    {
        while (!beats.empty() || load_word >= 0)
            step();
        for (int i = 0; i < 4; i++)
            step();
    }
    // Runs all tiles, or aborts them in clock `abort`, after which nothing may come.
    void run(const Layer &l, int base, size_t abort);

  private:
    void settings(const Layer &l);
    void drive(const Clock &c);
    std::vector<Clock> schedule(const Layer &l);
};

void Bench::settings(const Layer &l)
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
}

// What no valid bit covers is rubbish.
void Bench::drive(const Clock &c)
{
    top.act_valid_i = c.act;
    top.sum_i = c.sum;
    top.swap_i = c.swap;
    top.pixel_i = uint8_t(c.sum ? c.pixel : upto(15));
    top.first_i = uint8_t(c.sum ? c.first : upto(1));
    top.shift_i = uint8_t(c.sum ? c.shift : upto(3));
    top.last_i = uint8_t(c.sum ? c.last : upto(1));
    top.plane0_i = uint8_t(c.sum ? c.plane0 : upto(1));
    top.segment_i = uint8_t(c.sum ? c.segment : upto(15));
    top.plane_first_i = uint8_t(c.sum ? c.plane_first : upto(1));
    top.word_first_i = uint8_t(c.sum ? c.word_first : upto(1));
    top.word_last_i = uint8_t(c.sum ? c.word_last : upto(1));
    top.block_last_i = uint8_t(c.sum ? c.block_last : upto(1));
    top.gather_pair_i = uint8_t(c.act ? c.pair : upto(3));
    top.gather_group_i = uint8_t(c.act ? c.group : upto(7));
    top.gather_high_i = uint8_t(c.act ? c.high : upto(1));
    uint8_t lo[12] = {}, hi[12] = {};
    for (int i = 0; i < 9; i++) {
        lo[i] = c.act ? c.lo[i] : uint8_t(rnd());
        hi[i] = c.act ? c.hi[i] : uint8_t(rnd());
    }
    memcpy(&top.act_lo_i, lo, 12);
    memcpy(&top.act_hi_i, hi, 12);
}

// Blocks at their intervals, tile after tile. The first word may come eleven clocks after the first fetch, fifteen for
// one-bit codes.
std::vector<Clock> Bench::schedule(const Layer &l)
{
    int large = block_clocks(l, 0, 0, l.pixels_large, nullptr, 0);
    int small = l.blocks_small ? block_clocks(l, 0, 0, l.pixels_large - 1, nullptr, 0) : 0;
    int drain = l.pixels_large * l.pixel_period + (l.blocks_small ? large - small : 0);
    size_t interval_large = size_t(std::max({large, drain, 2}) + l.slack);
    size_t interval_small = size_t(std::max({small, (l.pixels_large - 1) * l.pixel_period, 2}) + l.slack);
    size_t at = l.a == 1 ? 15 : 11;
    std::vector<Clock> clocks(
        at + size_t(l.tiles) * (size_t(l.blocks_large) * interval_large + size_t(l.blocks_small) * interval_small) +
        50);
    for (int tile = 0; tile < l.tiles; tile++)
        for (int b = 0, n = 0; b < l.blocks_large + l.blocks_small; b++) {
            int pixels = l.pixels_large - (b >= l.blocks_large);
            block_clocks(l, tile, n, pixels, &clocks, at);
            n += pixels;
            at += b < l.blocks_large ? interval_large : interval_small;
        }
    return clocks;
}

void Bench::run(const Layer &l, int base, size_t abort)
{
    settings(l);
    step();
    step();
    std::vector<Clock> clocks = schedule(l);
    if (abort && abort + 60 > clocks.size())
        return;
    int started = 0, done = 0, drained = 0, wait = -1, pixel = 0, block_pixels = 0;
    bool look = false;
    for (size_t t = 0; t < clocks.size() || drained < l.tiles * l.pixels; t++) {
        if (t > clocks.size() + 200)
            return fail(l, "a block never ends", done, l.tiles * l.pixels);
        bool aborted = abort && t > abort;
        if (abort && t > abort + 50)
            return;
        drive(t < clocks.size() && !aborted ? clocks[t] : Clock());
        top.abort_i = abort && t == abort;
        top.fetch_start_i = started < l.tiles && top.fetch_free_o && !aborted;
        top.fetch_word_i = uint32_t(base + started * l.step);
        started += top.fetch_start_i;
        // the drain: pixel p one clock after the block's last sum, and then every pixel_period clocks
        top.drain_read_i = 0;
        if (look) {
            compare(l, drained / l.pixels, drained % l.pixels);
            look = false;
            drained++;
        }
        if (wait > 0)
            wait--;
        if (wait == 0 && !aborted) {
            top.drain_read_i = 1;
            top.drain_pixel_i = uint8_t(pixel);
            wait = ++pixel < block_pixels ? l.pixel_period : -1;
            look = true;
        }
        load();
        top.eval();
        if (top.block_done_o) {
            if (aborted)
                return fail(l, "a block is done after the abort", 1, 0);
            int expected = l.pixels_large - (done % l.pixels >= l.blocks_large * l.pixels_large);
            block_pixels = top.block_pixels_o;
            if (wait >= 0 || done == l.tiles * l.pixels)
                return fail(l, "a block is done too early: pixels drained", drained, done);
            if (block_pixels != expected)
                return fail(l, "pixels of a block", block_pixels, expected);
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
    mutation = argc > 2 ? atoi(argv[2]) : 0;
    if (layers < 1 || mutation < 0 || mutation > MUTATIONS) {
        fprintf(stderr, "usage: arrays [LAYERS [MUTATION]], mutations 1 to %d\n", MUTATIONS);
        return 2;
    }
    seed_random(1);
    Verilated::randSeed(1);
    Verilated::randReset(2); // registers without reset start as random bits
    Bench bench;
    bench.reset();
    Layer now = random_layer(0);
    bench.queue(now, 0);
    for (int number = 0; number < layers && bench.different == 0; number++) {
        bench.load_all();
        Layer next = random_layer(number + 1);
        if (next.step * next.tiles > HALF_WORDS) {
            printf("layer %d needs too many words\n", number + 1);
            return 3;
        }
        bench.queue(next, (number + 1) % 2 * HALF_WORDS);
        if (rnd() % 8 == 0)
            bench.run(now, number % 2 * HALF_WORDS, 1 + upto(300));
        bench.run(now, number % 2 * HALF_WORDS, 0);
        now = next;
    }
    bench.top.final();
    printf("arrays, %d rows, %d MAC channels: %d layers, %" PRIu64 " clocks, %" PRIu64 " sums compared, %" PRIu64
           " different\n",
           R, MC, layers, bench.clocks, bench.compared, bench.different);
    return bench.different != 0;
}
