// hw/datapath/requantizer.sv against model/exec/requantize.h: one function twice. A multiplier of 8 bits is walked
// whole (every M, small sums, every shift that matters, every code shift), then random values over all of the widths,
// among them the limits at which z and the codes saturate. Usage: requantizer [RANDOM COUNT]
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

struct Case {
    bd_descriptor d;
    uint32_t sum, preset;
    int32_t multiplier, stream;
    int64_t bias;
};

class Bench
{
  public:
    Bench()
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
        top_.code_offset_i = uint32_t(c.d.code_offset);
        top_.code_shift_i = uint8_t(c.d.code_shift);
        top_.out_bits_i = uint8_t(c.d.out_bits);
        top_.sum_i = c.sum;
        top_.preset_i = c.preset;
        top_.multiplier_i = uint32_t(c.multiplier) & ((UINT64_C(1) << MULT_BITS) - 1);
        top_.bias_i = uint64_t(c.bias) & ((UINT64_C(1) << 48) - 1);
        top_.stream_i = uint32_t(c.stream);
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
    static constexpr int Z_CLOCKS = 5, CODE_CLOCKS = 7;
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
        clock();
        for (Flight &f : flight_) {
            f.age++;
            const Case &c = f.c;
            const uint32_t p = c.d.flags & BD_FLAG_IN_SIGNED ? 2 * c.sum : c.sum;
            const int32_t z = bd_requantize_z(&c.d, c.multiplier, c.bias, int32_t(p + c.preset), c.stream);
            if (f.age == Z_CLOCKS && int32_t(top_.z_o) != z)
                report("z", c, int32_t(top_.z_o), z);
            if (f.age == CODE_CLOCKS && top_.code_o != bd_requantize_code(&c.d, z))
                report("code", c, top_.code_o, bd_requantize_code(&c.d, z));
        }
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
                        " flags 0x%x\n",
                        what, got, want, c.sum, c.preset, c.multiplier, c.bias, c.stream, c.d.shift,
                        c.d.code_multiplier, c.d.code_offset, c.d.code_shift, c.d.out_bits, c.d.flags);
    }
    Vrequantizer top_;
    std::deque<Flight> flight_;
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
        if (fresh) {
            c.d.flags = bd_rng_below(&rng, 2) * BD_FLAG_IN_SIGNED | bd_rng_below(&rng, 2) * BD_FLAG_ADD_STREAM;
            c.d.residual_multiplier = 1;
            c.d.shift = bd_rng_below(&rng, 48);
            c.d.code_multiplier = uint32_t(random_value(rng, 19)) & 0x3ffff;
            c.d.code_shift = bd_rng_below(&rng, 32);
            c.d.code_offset = int32_t(random_value(rng, 32));
            c.d.out_bits = 1 + bd_rng_below(&rng, 8);
        }
        c.sum = uint32_t(random_value(rng, 32));
        c.preset = uint32_t(random_value(rng, 32));
        c.multiplier = int32_t(random_value(rng, MULT_BITS));
        c.bias = random_value(rng, 48);
        c.stream = int32_t(random_value(rng, 32));
        bench.put(c, fresh);
    }
    bench.drain();
}

} // namespace

int main(int argc, char **argv)
{
    Bench bench;
    if (MULT_BITS == 8)
        walk(bench);
    scatter(bench, argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 1000000);
    std::printf("requantizer, %d-bit M: %" PRIu64 " values compared, %" PRIu64 " differences\n", MULT_BITS,
                bench.compared, bench.different);
    return bench.different != 0;
}
