// hw/datapath/xnor_count.sv in both of its forms against counts of equal bits: random vectors of any density, one a
// clock. Usage: Vcount [COUNT [FAULT]]. Exit 0: all equal. 1: a difference, printed.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>

#include "Vcount.h"

int main(int argc, char **argv)
{
    const int count = argc > 1 ? std::atoi(argv[1]) : 100000, clocks = 5;
    std::mt19937_64 generator(1);
    Vcount top;
    top.fault_i = argc > 2 && std::atoi(argv[2]);
    std::deque<int> expected;
    for (int n = 0; n < count; n++) {
        uint32_t act[3], weight[3];
        int equal = 0;
        const unsigned density = unsigned(generator() % 5);
        for (int w = 0; w < 3; w++) {
            const uint32_t mask = w == 2 ? 0xffu : ~0u;
            const uint64_t bits = generator(), a = generator(), b = generator();
            const uint64_t same[] = {0, a & b, a, a | b, ~UINT64_C(0)};
            act[w] = uint32_t(bits) & mask;
            weight[w] = (act[w] ^ ~uint32_t(same[density])) & mask;
            equal += __builtin_popcount(uint32_t(same[density]) & mask);
            top.act_i[w] = act[w];
            top.weight_i[w] = weight[w];
        }
        expected.push_back(equal);
        top.clk_i = 0;
        top.eval();
        top.clk_i = 1;
        top.eval();
        if (int(expected.size()) < clocks)
            continue;
        if (top.built_o != expected.front() || top.fast_o != expected.front()) {
            std::printf("vector %d: %d and %d equal lanes, expected %d\n", n - clocks + 1, top.built_o, top.fast_o,
                        expected.front());
            return 1;
        }
        expected.pop_front();
    }
    top.final();
    std::printf("counters of equal lanes: %d vectors, as built and as simulated\n", count);
    return 0;
}
