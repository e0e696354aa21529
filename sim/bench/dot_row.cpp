// hw/datapath/dot_row.sv against integers. First operations at random, with gaps, repeated pixels and every step, whose
// sums are asked for at the earliest clock and later ones between: dot_row [OPERATIONS]. Then, on few lanes, every
// operand pair of every weight and activation width up to 8 x 8, walked by plane pairs as the machine walks them,
// against the sum of products. Both forms of the row must agree with the integers, and rows with planted faults must
// not.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include <verilated.h>

#include "Vdot_row.h"

extern "C" {
#include "model/core/rng.h"
}

namespace
{

constexpr int LEVEL = HALF_LANES < 8 ? 0 : HALF_LANES < 16 ? 1 : HALF_LANES < 32 ? 2 : HALF_LANES < 64 ? 3 : 4;
constexpr int LATENCY = LEVEL + 5;
constexpr int SUMS = 8, WORDS = (HALF_LANES + 31) / 32;
constexpr int FEW = HALF_LANES < 8 ? HALF_LANES : 1; // lanes that are walked whole
constexpr uint32_t MODULUS = 1u << 24;

struct Lanes {
    uint32_t word[WORDS] = {};
    bool get(int l) const
    {
        return word[l / 32] >> (l % 32) & 1;
    }
    void set(int l, bool bit)
    {
        word[l / 32] |= uint32_t(bit) << (l % 32);
    }
};

struct Operation {
    bool valid, two_planes, last, bank;
    int pixel, step;
    Lanes act_lo, act_hi, weight_lo, weight_hi;
};

struct Read {
    bool known;
    int bank, pixel;
    uint32_t value;
};

class Bench
{
  public:
    Bench()
    {
        top_.rst_ni = 1;
        top_.eval();
        top_.rst_ni = 0;
        clock(Operation{}, 0, 0);
        top_.rst_ni = 1;
    }
    ~Bench()
    {
        top_.final();
    }

    // One clock, in which the drain RAM is asked for `bank`, `pixel`, or for the sum that is there for the first time.
    void clock(const Operation &o, int bank, int pixel)
    {
        for (Ready &r : on_the_way_)
            r.age++;
        if (!on_the_way_.empty() && on_the_way_.front().age == LATENCY) {
            const Ready r = on_the_way_.front();
            on_the_way_.pop_front();
            drain_[r.bank][r.pixel] = {true, r.bank, r.pixel, r.value};
            bank = r.bank;
            pixel = r.pixel;
        }
        expect_ = drain_[bank][pixel];
        if (o.valid)
            apply(o);
        top_.valid_i = o.valid;
        top_.two_planes_i = o.two_planes;
        top_.pixel_i = uint8_t(o.pixel);
        top_.step_i = uint8_t(o.step);
        top_.last_i = o.last;
        top_.bank_i = o.bank;
        drive(top_.act_lo_i, o.act_lo);
        drive(top_.act_hi_i, o.act_hi);
        drive(top_.weight_lo_i, o.weight_lo);
        drive(top_.weight_hi_i, o.weight_hi);
        top_.drain_bank_i = uint8_t(bank);
        top_.drain_pixel_i = uint8_t(pixel);
        top_.clk_i = 0;
        top_.eval();
        top_.clk_i = 1;
        top_.eval();
        if (expect_.known && top_.rst_ni)
            check(expect_);
    }
    void idle(int clocks)
    {
        for (int i = 0; i < clocks; i++)
            clock(Operation{}, 0, 0);
    }
    // A sum that left as the last of its pixel, as the drain RAM holds it.
    uint32_t drained(int bank, int pixel)
    {
        clock(Operation{}, bank, pixel);
        return top_.gates_o;
    }
    uint64_t operations = 0, compared = 0, different = 0, miscounts = 0, forgets = 0;

  private:
    struct Ready {
        int age, bank, pixel;
        uint32_t value;
    };
    template <typename T> static void drive(T &port, const Lanes &lanes)
    {
        std::memcpy(&port, lanes.word, sizeof lanes.word < sizeof port ? sizeof lanes.word : sizeof port);
    }
    static uint32_t equal(const Lanes &a, const Lanes &b)
    {
        uint32_t n = 0;
        for (int l = 0; l < HALF_LANES; l++)
            n += a.get(l) == b.get(l);
        return n;
    }
    void apply(const Operation &o)
    {
        const uint32_t factor[] = {0, 1, 2, 4};
        const uint32_t sum = equal(o.act_lo, o.weight_lo) + (o.two_planes ? 2 : 1) * equal(o.act_hi, o.weight_hi);
        sums_[o.pixel] = (factor[o.step] * sums_[o.pixel] + sum) % MODULUS;
        if (o.last)
            on_the_way_.push_back({0, o.bank, o.pixel, sums_[o.pixel]});
        operations++;
    }
    void check(const Read &want)
    {
        compared++;
        for (const uint32_t got : {uint32_t(top_.gates_o), uint32_t(top_.fast_o)})
            if (got != want.value && different++ < 5)
                std::printf("sum of bank %d, pixel %d: got %u, want %u\n", want.bank, want.pixel, got, want.value);
        miscounts += top_.miscounts_o != want.value;
        forgets += top_.forgets_o != want.value;
    }
    Vdot_row top_;
    uint32_t sums_[SUMS] = {};
    Read drain_[2][SUMS] = {}, expect_ = {};
    std::deque<Ready> on_the_way_;
};

uint32_t u32(bd_rng &rng)
{
    return uint32_t(bd_rng_u64(&rng));
}

Lanes random_lanes(bd_rng &rng)
{
    Lanes lanes;
    const uint32_t kind = bd_rng_below(&rng, 8);
    for (int l = 0; l < HALF_LANES; l += 32) {
        const uint32_t bits = kind == 0 ? 0 : kind == 1 ? ~0u : u32(rng);
        lanes.word[l / 32] = HALF_LANES - l >= 32 ? bits : bits & ((1u << (HALF_LANES - l)) - 1);
    }
    return lanes;
}

void scatter(Bench &bench, uint64_t count)
{
    bd_rng rng;
    bd_rng_seed(&rng, 11);
    int before = -1, pixels = SUMS;
    bool started[SUMS] = {};
    for (uint64_t i = 0; i < count; i++) {
        if (i % 64 == 0)
            pixels = 1 + int(bd_rng_below(&rng, SUMS));
        Operation o{};
        o.valid = bd_rng_below(&rng, 8) != 0;
        o.two_planes = bd_rng_below(&rng, 2);
        o.last = bd_rng_below(&rng, 4) == 0;
        o.bank = bd_rng_below(&rng, 2);
        o.pixel = int(bd_rng_below(&rng, uint32_t(pixels)));
        o.step = bd_rng_below(&rng, 16) == 0 || !started[o.pixel] ? 0 : 1 + int(bd_rng_below(&rng, 3));
        if (o.step == 3 && o.pixel == before)
            o.step = 2;
        o.act_lo = random_lanes(rng);
        o.act_hi = random_lanes(rng);
        o.weight_lo = random_lanes(rng);
        o.weight_hi = random_lanes(rng);
        if (o.valid)
            started[o.pixel] = true;
        before = o.valid ? o.pixel : -1;
        bench.clock(o, int(bd_rng_below(&rng, 2)), int(bd_rng_below(&rng, SUMS)));
    }
    bench.idle(LATENCY + 1);
}

// Every pair of operands of up to 7 lanes at once would be too many: every pair of one half, the other at random.
void exhaust(Bench &bench)
{
    bd_rng rng;
    bd_rng_seed(&rng, 12);
    for (uint32_t i = 0; i < 1u << (2 * FEW); i++)
        for (int half = 0; half < 2; half++) {
            Operation o{};
            o.valid = o.last = true;
            o.two_planes = i % 3 == 0;
            o.pixel = int(i % SUMS);
            o.act_lo = random_lanes(rng);
            o.weight_lo = random_lanes(rng);
            o.act_hi = random_lanes(rng);
            o.weight_hi = random_lanes(rng);
            (half ? o.act_hi : o.act_lo).word[0] = i & ((1u << FEW) - 1);
            (half ? o.weight_hi : o.weight_lo).word[0] = i >> FEW;
            bench.clock(o, 0, 0);
        }
    bench.idle(LATENCY + 1);
}

// A block of pixels: `words` words of HALF_LANES codes each.
struct Block {
    int w, a, words, pixels;
    std::vector<uint32_t> weights; // codes c, W = 2c + 1 - 2^w: (word, lane)
    std::vector<uint32_t> x[SUMS]; // activations: (word, lane)
};

Lanes plane(const std::vector<uint32_t> &codes, int words, int word, int bit, bool fill)
{
    Lanes lanes;
    for (int l = 0; l < HALF_LANES; l++)
        lanes.set(l, word < words ? codes[size_t(word * HALF_LANES + l)] >> bit & 1 : fill);
    return lanes;
}

// Diagonal, pair of planes, word, pixel. In two-plane mode a pair is a weight plane and two activation planes, and with
// one weight plane diagonals are four times apart; else two words of an activation plane go together. Counts the planes
// so that the caller can take out what equal zeros add.
int walk(Bench &bench, const Block &b, bool two_planes, bool bank)
{
    const int group = two_planes ? 2 : 1; // activation planes of an operation
    const int pairs = (b.a + group - 1) / group;
    const int operations = two_planes ? b.words : (b.words + 1) / 2;
    bool first = true;
    for (int e = b.w - 1 + group * (pairs - 1); e >= 0; e--) {
        bool fresh = true; // of the diagonal
        for (int j = pairs - 1; j >= 0; j--) {
            const int i = e - group * j;
            if (i < 0 || i >= b.w)
                continue;
            const bool end = e == 0;
            for (int k = 0; k < operations; k++) {
                for (int p = 0; p < b.pixels; p++) {
                    Operation o{};
                    o.valid = true;
                    o.two_planes = two_planes;
                    o.pixel = p;
                    o.bank = bank;
                    o.step = first ? 0 : !fresh ? 1 : two_planes && b.w == 1 ? 3 : 2;
                    o.last = end && k == operations - 1;
                    if (o.step == 3 && b.pixels == 1)
                        bench.idle(1);
                    const int word = two_planes ? k : 2 * k, plane_lo = group * j;
                    o.act_lo = plane(b.x[p], b.words, word, plane_lo, false);
                    o.weight_lo = plane(b.weights, b.words, word, i, true);
                    o.act_hi =
                        plane(b.x[p], b.words, two_planes ? k : word + 1, two_planes ? plane_lo + 1 : plane_lo, false);
                    o.weight_hi = two_planes ? o.weight_lo : plane(b.weights, b.words, word + 1, i, true);
                    bench.clock(o, !bank, p);
                }
                fresh = first = false;
            }
        }
    }
    return group * pairs;
}

void compare_products(Bench &bench, const Block &b, bool two_planes, bool bank, int planes)
{
    // Where a weight's bit is 0 each plane counts one more than the product: the preset takes it out.
    int64_t preset = 0;
    for (const uint32_t c : b.weights)
        preset -= int64_t((1 << b.w) - 1 - int(c)) * ((1 << planes) - 1);
    for (int p = 0; p < b.pixels; p++) {
        int64_t want = 0;
        for (size_t l = 0; l < b.weights.size(); l++)
            want += int64_t(2 * int(b.weights[l]) + 1 - (1 << b.w)) * b.x[p][l];
        const uint32_t got = uint32_t(int64_t(bench.drained(bank, p)) + preset) % MODULUS;
        if (got != uint32_t(want) % MODULUS && bench.different++ < 5)
            std::printf("w%da%d, %d words, %d pixels, %s: got %u, want %" PRId64 "\n", b.w, b.a, b.words, b.pixels,
                        two_planes ? "two planes" : "one plane", got, want);
    }
}

uint64_t every_product(Bench &bench)
{
    bd_rng rng;
    bd_rng_seed(&rng, 13);
    uint64_t products = 0;
    bool bank = false;
    for (int w = 1; w <= 8; w++)
        for (int a = 1; a <= 8; a++)
            for (int two_planes = 0; two_planes < 2; two_planes++)
                for (uint32_t next = 0; next < 1u << (w + a);) {
                    Block b{};
                    b.w = w;
                    b.a = a;
                    b.words = 1 + int(bd_rng_below(&rng, 3));
                    b.pixels = 1 + int(bd_rng_below(&rng, SUMS));
                    // All pixels share the weights. Even lanes go through all activations of one weight, odd ones
                    // hold what comes.
                    const uint32_t c = next >> a;
                    for (int l = 0; l < b.words * HALF_LANES; l++)
                        b.weights.push_back((l % 2 ? u32(rng) : c) & ((1u << w) - 1));
                    for (int p = 0; p < b.pixels; p++)
                        for (int l = 0; l < b.words * HALF_LANES; l++) {
                            const bool walked = l % 2 == 0 && next >> a == c;
                            b.x[p].push_back((walked ? next : u32(rng)) & ((1u << a) - 1));
                            next += walked;
                        }
                    products += uint64_t(b.pixels) * uint64_t(b.words) * HALF_LANES;
                    bank = !bank;
                    const int planes = walk(bench, b, two_planes, bank);
                    bench.idle(LATENCY);
                    compare_products(bench, b, two_planes, bank, planes);
                }
    return products;
}

} // namespace

int main(int argc, char **argv)
{
    Bench bench;
    uint64_t products = 0;
    scatter(bench, argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 1000000);
    if (FEW == HALF_LANES) {
        exhaust(bench);
        products = every_product(bench);
    }
    std::printf("dot_row, 2 x %d lanes: %" PRIu64 " operations, %" PRIu64 " sums and %" PRIu64
                " products compared, %" PRIu64 " differences\n",
                HALF_LANES, bench.operations, bench.compared, products, bench.different);
    if (BROKEN && (!bench.miscounts || !bench.forgets)) {
        std::printf("a planted fault is not seen: %" PRIu64 " wrong counts, %" PRIu64 " sums forgotten\n",
                    bench.miscounts, bench.forgets);
        return 1;
    }
    return bench.different != 0;
}
