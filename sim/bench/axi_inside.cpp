// The filter before a board's SDRAM (hw/fpga/ulx3s_sdram/axi_inside.sv) between a random master and a random memory
// that answers in order: what lies inside reaches the memory, whole, once and without the address bits above; what lies
// outside never does and is answered with DECERR; every answer has its burst's ID, length and place.
//     bench CLOCKS SEED [BYTES]     what the bench takes for the size of memory (8192)
#include <cstdio>
#include <cstdlib>
#include <deque>

#include <verilated.h>

#include "Vinside.h"
#include "sim/bench/draw.h"

namespace
{

constexpr uint64_t BASE = 0x100000000u;
uint64_t bytes = 8192;

struct Burst {
    uint8_t id;
    unsigned left; // beats
    bool outside;
    uint64_t address;
};

// Now and then far outside, just outside, or at the last word inside.
Burst choose()
{
    const uint64_t at[] = {BASE + 8 * draw(1024), BASE + 8 * draw(1024), BASE + 8184, BASE + 8192, BASE - 8,
                           (1ull << 40) + BASE};
    const uint64_t address = at[draw(6)];
    return {static_cast<uint8_t>(draw(16)), 1 + static_cast<unsigned>(draw(6)),
            address < BASE || address >= BASE + bytes, address};
}

class Test
{
  public:
    const char *clock(Vinside &d)
    {
        if (!d.arvalid_i && draw(2)) {
            read_ = choose();
            d.arvalid_i = 1;
            d.arid_i = read_.id;
            d.arlen_i = static_cast<uint8_t>(read_.left - 1);
            d.araddr_i = read_.address;
        }
        if (!d.awvalid_i && writing_ == 0 && draw(4) == 0) {
            write_ = choose();
            d.awvalid_i = 1;
            d.awid_i = write_.id;
            d.awaddr_i = write_.address;
            writing_ = write_.left;
        }
        if (!d.wvalid_i && writing_ > 0 && draw(2)) {
            d.wvalid_i = 1;
            d.wlast_i = writing_ == 1;
        }
        d.rready_i = draw(3) > 0;
        d.bready_i = draw(3) > 0;
        d.m_arready_i = draw(2);
        d.m_awready_i = draw(2);
        d.m_wready_i = draw(2);
        if (!d.m_rvalid_i && !memory_.empty() && draw(2)) {
            d.m_rvalid_i = 1;
            d.m_rid_i = memory_.front().id;
            d.m_rlast_i = memory_.front().left == 1;
        }
        if (!d.m_bvalid_i && answers_ > 0 && draw(3) == 0)
            d.m_bvalid_i = 1;
        d.clk_i = 0;
        d.eval();
        const char *wrong = take(d);
        d.clk_i = 1;
        taken(d);
        d.eval();
        return wrong;
    }
    uint64_t reads = 0, refused = 0, writes = 0;

  private:
    // What is wrong with this clock's handshakes, or NULL.
    const char *take(Vinside &d)
    {
        const bool ar = d.arvalid_i && d.arready_o, m_ar = d.m_arvalid_o && d.m_arready_i;
        if (m_ar != (ar && !read_.outside))
            return "a read reaches memory, or does not";
        if (m_ar && d.m_araddr_o != (read_.address & 8191))
            return "the address of a read";
        if (ar)
            open_.push_back(read_);
        if (m_ar)
            memory_.push_back(read_);
        if (d.rvalid_o && d.rready_i) {
            if (open_.empty())
                return "a beat that nobody asked for";
            Burst &burst = open_.front();
            if (d.rid_o != burst.id || d.rlast_o != (burst.left == 1) || d.rresp_o != (burst.outside ? 3 : 0))
                return "a beat's ID, response or place";
            if (--burst.left == 0) {
                reads++;
                refused += burst.outside;
                open_.pop_front();
            }
        }
        if ((d.m_awvalid_o && d.m_awready_i) != (d.awvalid_i && d.awready_o && !write_.outside))
            return "a write reaches memory, or does not";
        if (d.m_awvalid_o && d.m_awaddr_o != (write_.address & 8191))
            return "the address of a write";
        if ((d.m_wvalid_o && d.m_wready_i) != (d.wvalid_i && d.wready_o && !write_.outside))
            return "a beat of a write reaches memory, or does not";
        if (d.bvalid_o && (answering_ == 0 || d.bid_o != write_.id || d.bresp_o != (write_.outside ? 3 : 0)))
            return "a write's response";
        return nullptr;
    }

    // The inputs of the next clock follow from this one's handshakes, at the edge itself.
    void taken(Vinside &d)
    {
        const bool ar = d.arvalid_i && d.arready_o, aw = d.awvalid_i && d.awready_o, w = d.wvalid_i && d.wready_o;
        const bool mr = d.m_rvalid_i && d.m_rready_o, b = d.bvalid_o && d.bready_i, mb = d.m_bvalid_i && d.m_bready_o;
        d.eval();
        if (ar)
            d.arvalid_i = 0;
        if (aw)
            d.awvalid_i = 0;
        if (w) {
            d.wvalid_i = 0;
            if (--writing_ == 0) {
                answering_ = 1;
                answers_ += !write_.outside;
                writing_ = -1; // until the response
            }
        }
        if (mr) {
            d.m_rvalid_i = 0;
            if (--memory_.front().left == 0)
                memory_.pop_front();
        }
        if (mb) {
            d.m_bvalid_i = 0;
            answers_--;
        }
        if (b) {
            answering_ = 0;
            writing_ = 0;
            writes++;
        }
    }

    Burst read_ = {}, write_ = {};
    std::deque<Burst> open_, memory_; // reads that are not answered; of these, what memory owes
    int writing_ = 0, answering_ = 0, answers_ = 0;
};

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    const uint64_t clocks = strtoull(argv[1], nullptr, 10), seed = strtoull(argv[2], nullptr, 10);
    seed_draws(seed);
    if (argc > 3)
        bytes = strtoull(argv[3], nullptr, 10);
    Vinside dut;
    Test test;
    for (int i = 0; i < 8; i++) {
        dut.rst_ni = i >= 4;
        dut.clk_i = i & 1;
        dut.eval();
    }
    for (uint64_t now = 0; now < clocks; now++) {
        const char *wrong = test.clock(dut);
        if (wrong) {
            printf("seed %llu, clock %llu: %s\n", static_cast<unsigned long long>(seed),
                   static_cast<unsigned long long>(now), wrong);
            return 1;
        }
    }
    printf("axi_inside: %llu reads, %llu of them outside, %llu writes\n", static_cast<unsigned long long>(test.reads),
           static_cast<unsigned long long>(test.refused), static_cast<unsigned long long>(test.writes));
    return test.reads > clocks / 50 && test.refused > clocks / 200 && test.writes > clocks / 100 ? 0
                                                                                                 : 1; // less is no test
}
