// hw/datapath/requantizer_pipe.sv against model/exec/requantize.h: one function twice. Every M of 8 bits with small
// sums, every shift that matters and every code shift; comparisons of sums with thresholds; every edge of what z keeps;
// then random values over all of the widths, among them sums that are halved and the limits at which z and the codes
// saturate. Usage: requantizer [RANDOM COUNT [FAULT]]; FAULT 1: codes are driven to round up.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include <verilated.h>

#include "Vrequantizer.h"

extern "C" {
#include "model/core/rng.h"
#include "model/exec/requantize.h"
}

namespace
{

constexpr int BIAS_BITS = 52;

struct Case {
    bd_descriptor d;
    uint32_t sum, preset;
    int32_t multiplier, stream;
    int64_t bias;
    bool halve, sign_only, pooled; // of the layer, as is d
};

int32_t acc_of(const Case &c)
{
    const uint32_t p = c.d.flags & BD_FLAG_IN_SIGNED ? 2 * c.sum : c.sum;
    const uint32_t acc = p + c.preset;
    return c.halve ? int32_t(acc) >> 1 : int32_t(acc);
}

class Bench
{
  public:
    explicit Bench(bool round_up) : round_up_(round_up)
    {
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

    // Layer settings may change only while the pipeline is empty: `fresh` tells that they do.
    void put(const Case &c, bool fresh)
    {
        if (fresh)
            drain();
        top_.in_signed_i = (c.d.flags & BD_FLAG_IN_SIGNED) != 0;
        top_.add_stream_i = (c.d.flags & BD_FLAG_ADD_STREAM) != 0;
        top_.shift_i = uint8_t(c.d.shift);
        top_.code_multiplier_i = c.d.code_multiplier;
        top_.code_shift_i = uint8_t(c.d.code_shift);
        top_.halve_i = c.halve;
        top_.sign_only_i = c.sign_only;
        top_.top_i = uint8_t((1 << c.d.out_bits) - 1);
        const int64_t base = c.d.code_offset - (int64_t(c.d.code_multiplier) << 31),
                      up = round_up_ ? (INT64_C(1) << c.d.code_shift) - 1 : 0;
        top_.code_base_i = uint64_t(base + up) & ((UINT64_C(1) << 51) - 1);
        const uint32_t complement = c.preset & 1 ? ~0u : 0;
        top_.sum_i = c.pooled ? complement : c.sum;
        top_.pooled_i = c.pooled ? c.sum ^ complement : 0;
        top_.preset_i = c.preset;
        top_.multiplier_i = uint32_t(c.multiplier) & ((UINT64_C(1) << MULT_BITS) - 1);
        top_.valid_i = 1;
        flight_.push_back({c, 0});
        step();
        top_.valid_i = 0;
    }
    void drain()
    {
        while (!flight_.empty())
            step();
    }
    uint64_t compared = 0, different = 0;

  private:
    static constexpr int BIAS_CLOCKS = 3, STREAM_CLOCKS = 6, Z_CLOCKS = 9, CODE_CLOCKS = 15;
    struct Flight {
        Case c;
        int age;
    };
    void clock()
    {
        top_.clk_i = 0;
        top_.eval();
        top_.clk_i = 1;
        top_.eval();
    }
    void step()
    {
        // B and r come later than the value, and stand for one clock alone.
        uint64_t bias = ~UINT64_C(0);
        uint32_t stream = 0x5a5a5a5a;
        for (const Flight &f : flight_) {
            if (f.age == BIAS_CLOCKS)
                bias = uint64_t(f.c.bias);
            if (f.age == STREAM_CLOCKS)
                stream = uint32_t(f.c.stream);
        }
        top_.bias_i = bias & ((UINT64_C(1) << BIAS_BITS) - 1);
        top_.stream_i = stream;
        clock();
        bool z_there = false, code_there = false;
        for (Flight &f : flight_) {
            f.age++;
            if (f.age != Z_CLOCKS && f.age != CODE_CLOCKS)
                continue;
            const Case &c = f.c;
            const int32_t z = bd_requantize_z(&c.d, c.multiplier, c.bias, acc_of(c), c.stream);
            z_there |= f.age == Z_CLOCKS;
            code_there |= f.age == CODE_CLOCKS;
            if (f.age == Z_CLOCKS && int32_t(top_.z_o) != z)
                report("z", c, int32_t(top_.z_o), z);
            if (f.age == CODE_CLOCKS && top_.code_o != bd_requantize_code(&c.d, z))
                report("code", c, top_.code_o, bd_requantize_code(&c.d, z));
        }
        if ((top_.z_valid_o != z_there || top_.code_valid_o != code_there) && different++ < 5)
            std::printf("z valid %d, want %d; code valid %d, want %d\n", top_.z_valid_o, z_there, top_.code_valid_o,
                        code_there);
        if (!flight_.empty() && flight_.front().age == CODE_CLOCKS) {
            flight_.pop_front();
            compared++;
        }
    }
    void report(const char *what, const Case &c, int64_t got, int64_t want)
    {
        if (different++ < 5)
            std::printf("%s: got %" PRId64 ", want %" PRId64 ": P %u preset %u M %d B %" PRId64
                        " r %d sh %u S %u H %d ss %u bits %u"
                        " flags 0x%x%s%s%s\n",
                        what, got, want, c.sum, c.preset, c.multiplier, c.bias, c.stream, c.d.shift,
                        c.d.code_multiplier, c.d.code_offset, c.d.code_shift, c.d.out_bits, c.d.flags,
                        c.pooled ? " pooled" : "", c.halve ? " halved" : "", c.sign_only ? " compared" : "");
    }
    Vrequantizer top_;
    std::deque<Flight> flight_;
    const bool round_up_;
};

// Every M of 8 bits with sums -16..15, shifts 0..9, code shifts 0..4 with their halves, 2-bit codes.
void walk(Bench &bench)
{
    for (uint32_t shift = 0; shift < 10; shift++)
        for (uint32_t code_shift = 0; code_shift < 5; code_shift++) {
            Case c{};
            c.d.flags = BD_FLAG_ADD_STREAM;
            c.d.residual_multiplier = 1;
            c.d.shift = shift;
            c.d.code_shift = code_shift;
            c.d.code_offset = code_shift ? 1 << (code_shift - 1) : 0;
            c.d.code_multiplier = 1;
            c.d.out_bits = 2;
            bool fresh = true;
            for (int m = -128; m < 128; m++)
                for (int sum = -16; sum < 16; sum++) {
                    c.multiplier = m;
                    c.sum = uint32_t(sum);
                    c.stream = (m ^ sum) & 3;
                    c.bias = (sum & 1) ? 1 << shift >> 1 : 0;
                    bench.put(c, fresh);
                    fresh = false;
                }
        }
    bench.drain();
}

// A layer that leaves signs of M acc + B.
Case comparison()
{
    Case c{};
    c.d.residual_multiplier = 1;
    c.d.code_multiplier = 1;
    c.d.code_offset = 1;
    c.d.out_bits = 1;
    c.sign_only = true;
    return c;
}

// Every M of a comparison with sums around every small threshold.
void compare(Bench &bench)
{
    Case c = comparison();
    bool fresh = true;
    for (c.multiplier = -1; c.multiplier <= 1; c.multiplier++)
        for (c.bias = -20; c.bias <= 20; c.bias++)
            for (int sum = -24; sum < 24; sum++, fresh = false) {
                c.sum = uint32_t(sum);
                bench.put(c, fresh);
            }
    bench.drain();
}

// t >> sh around every power of two that z may or may not keep, with the r that bring it back, or not.
void edges(Bench &bench)
{
    const int32_t streams[] = {INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX};
    for (uint32_t shift = 0; shift < 16; shift++) {
        Case c{};
        c.d.flags = BD_FLAG_ADD_STREAM;
        c.d.residual_multiplier = 1;
        c.d.shift = shift;
        c.d.code_multiplier = 1;
        c.d.out_bits = 8;
        bool fresh = true;
        for (int bit = 28; bit < 47 - int(shift); bit++)
            for (const int64_t sign : {-1, 1})
                for (int64_t delta = -2; delta <= 2; delta++)
                    for (const int32_t r : streams) {
                        c.bias = (sign * (INT64_C(1) << bit) + delta) * (INT64_C(1) << shift);
                        c.stream = r;
                        bench.put(c, fresh);
                        fresh = false;
                    }
    }
    bench.drain();
}

// A value of a random number of bits, so that small and extreme ones both come often.
int64_t random_value(bd_rng &rng, int bits)
{
    const int used = int(bd_rng_below(&rng, uint32_t(bits))) + 1;
    return int64_t(bd_rng_u64(&rng)) >> (64 - used);
}

void scatter(Bench &bench, uint64_t count)
{
    bd_rng rng;
    bd_rng_seed(&rng, 5);
    Case c{};
    for (uint64_t i = 0; i < count; i++) {
        const bool fresh = i % 16 == 0;
        if (fresh && bd_rng_below(&rng, 8) == 0) {
            c = comparison();
            c.halve = bd_rng_below(&rng, 2);
            c.d.flags = bd_rng_below(&rng, 2) * BD_FLAG_IN_SIGNED;
        } else if (fresh) {
            c.sign_only = false;
            c.halve = bd_rng_below(&rng, 4) == 0;
            c.d.flags = bd_rng_below(&rng, 2) * BD_FLAG_IN_SIGNED | bd_rng_below(&rng, 2) * BD_FLAG_ADD_STREAM;
            c.d.residual_multiplier = 1;
            c.d.shift = bd_rng_below(&rng, 48);
            c.d.code_multiplier = uint32_t(random_value(rng, 19)) & 0x3ffff;
            c.d.code_shift = bd_rng_below(&rng, 32);
            c.d.code_offset = int32_t(random_value(rng, 32));
            c.d.out_bits = 1 + bd_rng_below(&rng, 8);
            c.pooled = !(c.d.flags & BD_FLAG_IN_SIGNED) && bd_rng_below(&rng, 3) == 0;
        }
        c.sum = uint32_t(random_value(rng, 32));
        c.preset = uint32_t(random_value(rng, 32));
        c.multiplier = c.sign_only ? int32_t(bd_rng_below(&rng, 3)) - 1 : int32_t(random_value(rng, MULT_BITS));
        c.bias = random_value(rng, BIAS_BITS);
        c.stream = int32_t(random_value(rng, 32));
        bench.put(c, fresh);
    }
    bench.drain();
}

} // namespace

int main(int argc, char **argv)
{
    Bench bench(argc > 2 && std::atoi(argv[2]));
    walk(bench);
    compare(bench);
    edges(bench);
    scatter(bench, argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 1000000);
    std::printf("requantizer, %d-bit M: %" PRIu64 " values compared, %" PRIu64 " differences\n", MULT_BITS,
                bench.compared, bench.different);
    return bench.different != 0;
}
