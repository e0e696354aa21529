// The front of the machine (walker, window reader, plane memory) against a plain model: random layers are put into the
// memory by the formulas of the layouts, tiles are walked, and every word, tag and clock at the arrays is compared.
// Usage: Vfront [--layers N] [--seed S] [--mutate M] [--fault 1]
// --mutate M plants a fault in the model's rules (1..MUTATIONS): the comparison must then fail. --fault 1 plants one
// before the walker: the map seems to have a row more. Exit 0: all equal. 1: a difference, printed. 2: usage.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <verilated.h>

#include "Vfront.h"

#include "front_layers.h"

namespace
{

constexpr int SETTLE = 8, START_TO_WORDS = 10;

class Bench
{
  public:
    explicit Bench(int fault)
    {
        top_.fault_i = fault != 0;
        top_.setup_i = top_.start_i = top_.abort_i = top_.write_i = 0;
        top_.clk_i = 0;
        top_.rst_ni = 1;
        top_.eval();
        top_.rst_ni = 0;
        clock();
        top_.rst_ni = 1;
        for (int address = 0; address < ACT_WORDS; address++)
            for (int bank = 0; bank < 9; bank++)
                put({bank, address, uint16_t(generator())}, 3);
    }
    ~Bench()
    {
        top_.final();
    }

    // Walks the layer's tiles. Returns false after the first difference, which is printed.
    bool walk(const Layer &l)
    {
        for (const Word &word : memory_words(l))
            if (chance(70)) {
                put(word, 3);
            } else {
                put({word.bank, word.address, uint16_t(word.data ^ uint16_t(generator() << 8))}, 3);
                put(word, 2);
                put({word.bank, word.address, uint16_t(word.data ^ 0xff)}, 2);
                put(word, 2);
            }
        settings(l);
        bool gapless = chance(60), abort = chance(8);
        if (abort && !aborted(l))
            return false;
        top_.setup_i = 1;
        clock();
        top_.setup_i = 0;
        for (int t = 1; t < SETTLE; t++)
            clock();

        int length = l.large * l.interval_large + l.small * l.interval_small;
        std::vector<Clock> expected;
        bool done = true; // the tile may start
        int tile = 0, begin = 0, pause = 0;
        clocks_ = 0;
        for (int t = 0;; t++) {
            top_.start_i = 0;
            if (tile < l.tiles && done && pause-- == 0) {
                tile_clocks(l, tile++, t + START_TO_WORDS, expected);
                top_.start_i = 1;
                begin = t;
                done = false;
                pause = gapless ? 0 : any(0, 25);
            }
            other_write(l);
            top_.clk_i = 0;
            top_.eval();
            if (!same(l, t, size_t(t) < expected.size() ? expected[size_t(t)] : Clock()))
                return false;
            int at_end = t == begin + length - 1 - (mutation == 6);
            if (!done && top_.done_o != at_end)
                return fail(l, t, "done_o", top_.done_o, at_end);
            if (!done && t > begin && !top_.busy_o)
                return fail(l, t, "busy_o", top_.busy_o, 1);
            if (top_.done_o)
                done = true;
            bool end = tile == l.tiles && t >= int(expected.size()) + 4 && !top_.busy_o;
            top_.clk_i = 1;
            top_.eval();
            clocks_++;
            if (end)
                break;
        }
        total_ += clocks_;
        top_.write_i = 0;
        return true;
    }
    uint64_t clocks() const
    {
        return total_;
    }

  private:
    Vfront top_;
    uint64_t clocks_ = 0, total_ = 0;

    void clock()
    {
        top_.clk_i = 0;
        top_.eval();
        top_.clk_i = 1;
        top_.eval();
    }

    void put(const Word &word, int bytes)
    {
        top_.write_i = 1;
        top_.wbank_i = uint8_t(word.bank);
        top_.waddr_i = uint32_t(word.address);
        top_.wdata_i = word.data;
        top_.wbe_i = uint8_t(bytes);
        clock();
        top_.write_i = 0;
    }

    // Other tensors are written while this one is read.
    void other_write(const Layer &l)
    {
        int address = any(0, ACT_WORDS - 1);
        top_.write_i = chance(50) && (address < l.base || address >= l.base + l.words);
        top_.wbank_i = uint8_t(any(0, 8));
        top_.waddr_i = uint32_t(address);
        top_.wdata_i = uint16_t(generator());
        top_.wbe_i = uint8_t(any(0, 3));
    }

    // A tile is begun and aborted: nothing more comes out.
    bool aborted(const Layer &l)
    {
        top_.setup_i = 1;
        clock();
        top_.setup_i = 0;
        for (int t = 1; t < SETTLE; t++)
            clock();
        top_.start_i = 1;
        clock();
        top_.start_i = 0;
        for (int t = any(0, 40); t > 0; t--)
            clock();
        top_.abort_i = 1;
        clock();
        top_.abort_i = 0;
        for (int t = 0; t < 60; t++) {
            if (top_.act_valid_o || top_.sum_o || top_.swap_o || top_.block_last_o || top_.busy_o || top_.done_o)
                return fail(l, t, "outputs after abort", 1, 0);
            clock();
        }
        return true;
    }

    void settings(const Layer &l)
    {
        top_.mac_i = l.mac;
        top_.depthwise_i = l.depthwise;
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
        top_.tail_banks_i = uint8_t(mutation == 7 && l.layout == CHANNEL ? 9 : l.tail_banks);
        top_.sub_rows_i = uint8_t(cdiv(l.kh, 3));
        top_.sub_columns_i = uint8_t(cdiv(l.kw, 3));
        top_.word_groups_i = uint16_t(l.depthwise ? any(1, 2047) : l.groups);
        top_.segments_i = uint8_t(l.depthwise ? any(0, 16) : l.segments);
        top_.tail_segments_i = uint8_t(l.depthwise ? any(0, 16) : l.tail_segments);
        top_.blocks_large_i = uint16_t(l.large);
        top_.blocks_small_i = uint16_t(l.small);
        top_.pixels_large_i = uint8_t(l.pixels);
        top_.interval_large_i = uint32_t(l.interval_large);
        top_.interval_small_i = uint32_t(l.interval_small);
    }

    bool fail(const Layer &l, int t, const char *what, int got, int expected)
    {
        printf("%s\nclock %d: %s is %d, expected %d\n", describe(l).c_str(), t, what, got, expected);
        return false;
    }

    static int byte_of(const WData *lanes, int tap)
    {
        return int(lanes[tap / 4] >> (8 * (tap % 4)) & 0xff);
    }

    bool same(const Layer &l, int t, const Clock &e)
    {
        struct {
            const char *name;
            bool when;
            int got, expected;
        } rows[] = {
            {"act_valid_o", true, top_.act_valid_o, e.valid},
            {"sum_o", true, top_.sum_o, e.sum},
            {"swap_o", true, top_.swap_o, mutation == 8 && e.swap ? 0 : e.swap},
            {"block_last_o", true, top_.block_last_o, e.block_last},
            {"pixel_o", e.sum, top_.pixel_o, e.pixel},
            {"first_o", e.sum, top_.first_o, e.first},
            {"shift_o", e.sum, top_.shift_o, mutation == 9 && e.shift == 2 ? 1 : e.shift},
            {"last_o", e.sum, top_.last_o, e.last},
            {"plane0_o", e.sum, top_.plane0_o, e.plane0},
            {"segment_o", e.sum && l.mac, top_.segment_o, e.segment},
            {"plane_first_o", e.sum && l.mac, top_.plane_first_o, e.plane_first},
            {"word_first_o", e.sum && l.mac, top_.word_first_o, e.word_first},
            {"word_last_o", e.sum && l.mac, top_.word_last_o, mutation == 10 ? 0 : e.word_last},
            {"block_small_o", e.sum, top_.block_small_o, e.block_small},
            {"tile_last_o", e.sum, top_.tile_last_o, mutation == 11 ? e.block_last : e.tile_last},
            {"gather_last_o", e.valid && l.mac, top_.gather_last_o, e.gather_last},
            {"gather_pair_o", e.valid && l.mac, top_.gather_pair_o, e.gather_pair},
            {"gather_group_o", e.valid && l.mac, top_.gather_group_o, e.gather_group},
            {"gather_high_o", e.valid && l.mac, top_.gather_high_o, e.gather_high},
        };
        for (const auto &row : rows)
            if (row.when && row.got != row.expected)
                return fail(l, t, row.name, row.got, row.expected);
        for (int tap = 0; e.valid && tap < 9; tap++) {
            int lo = byte_of(top_.act_lo_o.data(), tap), hi = byte_of(top_.act_hi_o.data(), tap);
            if (lo != e.lo[tap] || hi != (mutation == 12 ? e.lo[tap] : e.hi[tap])) {
                printf("tap %d: ", tap);
                return fail(l, t, "hi, lo", hi << 8 | lo, e.hi[tap] << 8 | e.lo[tap]);
            }
        }
        return true;
    }
};

} // namespace

int main(int argc, char **argv)
{
    int layers = 200, seed = 1, fault = 0;
    for (int n = 1; n + 1 < argc; n += 2) {
        if (!strcmp(argv[n], "--layers"))
            layers = atoi(argv[n + 1]);
        else if (!strcmp(argv[n], "--seed"))
            seed = atoi(argv[n + 1]);
        else if (!strcmp(argv[n], "--mutate"))
            mutation = atoi(argv[n + 1]);
        else if (!strcmp(argv[n], "--fault"))
            fault = atoi(argv[n + 1]);
        else
            argc = 0;
    }
    if (argc % 2 != 1 || mutation < 0 || mutation > MUTATIONS) {
        fprintf(stderr, "usage: Vfront [--layers N] [--seed S] [--mutate 1..%d] [--fault 1]\n", MUTATIONS);
        return 2;
    }
    generator.seed(uint32_t(seed));
    Verilated::randSeed(seed);
    Verilated::randReset(2); // registers without reset start as random bits
    Bench bench(fault);
    int kinds[2][3][2] = {};
    for (int n = 0; n < layers;) {
        Layer layer;
        if (!random_layer(layer))
            continue;
        if (!bench.walk(layer)) {
            printf("layer %d of seed %d differs: Vfront --layers %d --seed %d\n", n, seed, layers, seed);
            return 1;
        }
        kinds[layer.mac][layer.layout][layer.depthwise]++;
        n++;
    }
    printf("front, %d rows, %d MAC channels, %d words: %d layers (xnor window %d, channel %d; mac window %d, channel "
           "%d, byte %d, "
           "depthwise %d), %llu clocks, all as in the model\n",
           ROWS, MAC_CHANNELS, ACT_WORDS, layers, kinds[0][WINDOW][0], kinds[0][CHANNEL][0], kinds[1][WINDOW][0],
           kinds[1][CHANNEL][0], kinds[1][BYTE][0], kinds[1][WINDOW][1], (unsigned long long)bench.clocks());
    return 0;
}
