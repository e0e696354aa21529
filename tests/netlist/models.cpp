// Memories and products of models.v, as they are written, as Yosys maps them, and so in the form of flat_verilog.py, at
// the same random inputs: all outputs must be equal in every clock. A port never reads in a clock where the other
// writes the same address, which is undefined on the chip, but with an argument, where the models must differ. Exit
// codes: 0 equal, 1 not.
#include <cstdint>
#include <cstdio>
#include <random>

#include <verilated.h>

#include "Vflat.h"
#include "Vmapped.h"
#include "Vwritten.h"

namespace
{

template <class Top> void drive(Top &top, const uint64_t *x, bool clock)
{
    top.clk = clock;
    top.rst = x[0] % 16 == 0;
    top.re = x[1] % 4 != 0;
    top.we = x[2] & 15;
    top.raddr = x[3] & 0x3fff;
    top.waddr = x[4] & 0x3fff;
    top.d = x[5] & 0xfffffffff;
    top.e = x[6] & 0xfffffffff;
    top.eval();
}

} // namespace

int main(int argc, char **)
{
    const bool collide = argc > 1;
    Vwritten written;
    Vmapped mapped;
    Vflat flat;
    std::mt19937_64 random(1);
    uint64_t seen[22] = {}; // outputs that have been other than 0: each is exercised
    for (int clock = 0; clock < 200000; clock++) {
        uint64_t x[7];
        for (uint64_t &value : x)
            value = random();
        x[3] &= 0x7f | (clock & 1 ? 0x3f80 : 0); // addresses meet often
        x[4] &= 0x7f | (clock & 1 ? 0x3f80 : 0);
        if (!collide && (x[3] & 0x1ff) == (x[4] & 0x1ff))
            x[3] ^= 1; // differs in the bits that every memory looks at
        drive(written, x, false);
        drive(mapped, x, false);
        drive(flat, x, false);
        drive(written, x, true);
        drive(mapped, x, true);
        drive(flat, x, true);
#define SAME(n, port)                                                                                                  \
    seen[n] |= written.port;                                                                                           \
    if (written.port != mapped.port || written.port != flat.port) {                                                    \
        printf("clock %d: %s is 0x%llx, mapped 0x%llx, flat 0x%llx\n", clock, #port, (unsigned long long)written.port, \
               (unsigned long long)mapped.port, (unsigned long long)flat.port);                                        \
        return 1;                                                                                                      \
    }
        SAME(0, wide)
        SAME(1, word)
        SAME(2, sync)
        SAME(3, async)
        SAME(4, nine)
        SAME(5, four)
        SAME(6, two)
        SAME(7, one)
        SAME(8, kept)
        SAME(9, through)
        SAME(10, was)
        SAME(11, dual_a)
        SAME(12, dual_b)
        SAME(13, uu)
        SAME(14, ss)
        SAME(15, little)
        SAME(16, mixed)
        SAME(17, quad)
        SAME(18, both)
        SAME(19, behind)
        SAME(20, shared)
        SAME(21, signs)
    }
    for (int n = 0; n < 22; n++)
        if (!seen[n]) {
            printf("output %d was never anything but 0\n", n);
            return 1;
        }
    printf("models of DP16KD and MULT18X18D: 22 memories and products, 200000 clocks, equal, flat too\n");
    return 0;
}
