// Block RAM as a board's memory (hw/board/block_memory.sv) against the platform's plain model of memory
// (sim/platform/axi_memory.h), clock by clock: both get the same random bursts and stalls of the master, and all that
// they answer must be equal in every clock. Beside that a bridge reads and writes bytes of its own and what the bursts
// wrote, which may change no clock.
//     bench CLOCKS SEED [LATENCY]     the latency that the model has (6)
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <verilated.h>

#include "Vmemory.h"
#include "sim/bench/draw.h"
#include "sim/platform/axi_memory.h"

namespace
{

constexpr uint64_t BASE = 0x100000000u, BYTES = 8192, OWN = 64; // the last bytes are the bridge's

struct Pins {
    uint64_t m_axi_araddr = BASE, m_axi_awaddr = BASE, m_axi_rdata = 0, m_axi_wdata = 0;
    uint8_t m_axi_arid = 0, m_axi_arlen = 0, m_axi_awid = 0, m_axi_awlen = 0, m_axi_wstrb = 0, m_axi_rid = 0,
            m_axi_bid = 0;
    uint8_t m_axi_rresp = 0, m_axi_bresp = 0;
    bool m_axi_arvalid = false, m_axi_arready = false, m_axi_rlast = false, m_axi_rvalid = false, m_axi_rready = false;
    bool m_axi_awvalid = false, m_axi_awready = false, m_axi_wlast = false, m_axi_wvalid = false, m_axi_wready = false;
    bool m_axi_bvalid = false, m_axi_bready = false;
};

// The master: bursts within 4 KiB, a few of them outside. Reads and writes have halves of memory of their own, which
// they change now and then when nothing is open: in one clock no word is read and written.
class Master
{
  public:
    void drive(Pins &p, bool pause)
    {
        if (!p.m_axi_arvalid && !pause && draw(100) < busy_) {
            p.m_axi_arvalid = true;
            p.m_axi_arid = static_cast<uint8_t>(draw(16));
            choose(half_, p.m_axi_araddr, p.m_axi_arlen);
        }
        if (!p.m_axi_awvalid && writes_ == 0 && !pause && draw(100) < busy_ / 2) {
            p.m_axi_awvalid = true;
            p.m_axi_awid = static_cast<uint8_t>(draw(16));
            choose(!half_, p.m_axi_awaddr, p.m_axi_awlen);
            writes_ = p.m_axi_awlen + 1u;
            address_taken_ = false;
        }
        if (!p.m_axi_wvalid && writes_ > 0 && address_taken_ && draw(100) < busy_) {
            p.m_axi_wvalid = true;
            p.m_axi_wdata = draw_state * 0x9e3779b97f4a7c15u;
            p.m_axi_wstrb = static_cast<uint8_t>(draw(4) ? 0xff : draw(256));
            p.m_axi_wlast = writes_ == 1;
        }
        p.m_axi_rready = draw(100) < ready_;
        p.m_axi_bready = draw(100) < ready_;
    }

    void sample(Pins &p)
    {
        if (p.m_axi_arvalid && p.m_axi_arready) {
            p.m_axi_arvalid = false;
            reads_++;
        }
        if (p.m_axi_rvalid && p.m_axi_rready && p.m_axi_rlast)
            reads_--;
        if (p.m_axi_awvalid && p.m_axi_awready) {
            p.m_axi_awvalid = false;
            address_taken_ = responding_ = true;
        }
        if (p.m_axi_wvalid && p.m_axi_wready) {
            p.m_axi_wvalid = false;
            writes_--;
        }
        if (p.m_axi_bvalid && p.m_axi_bready)
            responding_ = false;
    }

    bool idle(const Pins &p) const
    {
        return reads_ == 0 && writes_ == 0 && !responding_ && !p.m_axi_arvalid && !p.m_axi_awvalid;
    }

    void change()
    {
        half_ = !half_;
        busy_ = 20 + draw(81);
        ready_ = draw(3) ? 100 : 20 + draw(80);
    }

  private:
    static void choose(bool half, uint64_t &address, uint8_t &length)
    {
        const uint64_t room = (half ? BYTES / 2 - OWN : BYTES / 2) / 8, word = draw(room);
        const uint64_t most = room - word < 16 ? room - word : 16;
        length = static_cast<uint8_t>(draw(2) ? most - 1 : draw(most));
        address = BASE + half * BYTES / 2 + 8 * word;
        if (draw(50) == 0)
            address += draw(2) ? BYTES : 1ull << 40;
    }

    bool half_ = false, address_taken_ = false, responding_ = false;
    uint64_t busy_ = 100, ready_ = 100;
    unsigned reads_ = 0, writes_ = 0;
};

// The bridge: one byte at a time, of its own or, while the bursts pause, of all memory. Some it withdraws before their
// answer, which may then still come in the next clock, but not for the byte behind; such writes change nothing.
class Bridge
{
  public:
    void drive(Vmemory &dut, const bd_guarded_memory &memory, bool quiet)
    {
        gone_ = dut.byte_valid_i && !answered_ && left_-- == 0;
        withdrawn_ += gone_;
        if (gone_ || answered_) // in the clock before
            dut.byte_valid_i = 0;
        answered_ = false;
        if (!dut.byte_valid_i && !gone_ && draw(4) == 0) {
            const bool all = quiet && draw(2);
            dut.byte_valid_i = 1;
            dut.byte_write_i = !all && draw(2);
            dut.byte_addr_i = draw(20) == 0 ? BASE + BYTES + draw(64)
                              : all         ? BASE + draw(BYTES)
                                            : BASE + BYTES - 1 - draw(OWN);
            const uint8_t *at = bd_guarded_memory_at(&memory, dut.byte_addr_i, 1);
            expected_ = at ? *at : 0;
            const bool leaves = draw(4) == 0;
            left_ = leaves ? static_cast<unsigned>(draw(8)) : ~0u;
            dut.byte_data_i = leaves ? expected_ : static_cast<uint8_t>(draw(256));
            outside_ = !at;
            waited_ = 0;
        }
    }

    // False after an answer that is wrong or does not come.
    bool sample(Vmemory &dut, const bd_guarded_memory &memory)
    {
        if (!dut.byte_valid_i)
            return !dut.byte_ready_o || gone_;
        if (!dut.byte_ready_o)
            return ++waited_ < 2000;
        const bool good =
            dut.byte_error_o == outside_ && (outside_ || dut.byte_write_i || dut.byte_data_o == expected_);
        if (dut.byte_write_i && !outside_)
            *bd_guarded_memory_at(&memory, dut.byte_addr_i, 1) = dut.byte_data_i;
        answered_ = true;
        done_++;
        return good;
    }

    uint64_t done() const
    {
        return done_;
    }
    uint64_t withdrawn() const
    {
        return withdrawn_;
    }

  private:
    uint8_t expected_ = 0;
    bool outside_ = false, answered_ = false, gone_ = false; // gone: withdrawn in this clock
    unsigned waited_ = 0, left_ = 0;                         // left: clocks until it is withdrawn
    uint64_t done_ = 0, withdrawn_ = 0;
};

void give(Vmemory &dut, const Pins &p)
{
    dut.arid_i = p.m_axi_arid;
    dut.araddr_i = p.m_axi_araddr;
    dut.arlen_i = p.m_axi_arlen;
    dut.arvalid_i = p.m_axi_arvalid;
    dut.rready_i = p.m_axi_rready;
    dut.awid_i = p.m_axi_awid;
    dut.awaddr_i = p.m_axi_awaddr;
    dut.awvalid_i = p.m_axi_awvalid;
    dut.wdata_i = p.m_axi_wdata;
    dut.wstrb_i = p.m_axi_wstrb;
    dut.wlast_i = p.m_axi_wlast;
    dut.wvalid_i = p.m_axi_wvalid;
    dut.bready_i = p.m_axi_bready;
}

// What differs, or NULL.
const char *compare(const Vmemory &dut, const Pins &p)
{
    if (dut.arready_o != p.m_axi_arready)
        return "ARREADY";
    if (dut.rvalid_o != p.m_axi_rvalid)
        return "RVALID";
    if (p.m_axi_rvalid && (dut.rresp_o != p.m_axi_rresp || dut.rid_o != p.m_axi_rid || dut.rlast_o != p.m_axi_rlast ||
                           (p.m_axi_rresp == 0 && dut.rdata_o != p.m_axi_rdata)))
        return "a read beat";
    if (dut.awready_o != p.m_axi_awready)
        return "AWREADY";
    if (dut.wready_o != p.m_axi_wready)
        return "WREADY";
    if (dut.bvalid_o != p.m_axi_bvalid)
        return "BVALID";
    if (p.m_axi_bvalid && (dut.bresp_o != p.m_axi_bresp || dut.bid_o != p.m_axi_bid))
        return "a write response";
    return nullptr;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    const uint64_t clocks = strtoull(argv[1], nullptr, 10), seed = strtoull(argv[2], nullptr, 10);
    seed_draws(seed);
    bd_guarded_memory memory = {};
    bd_guarded_memory_init(&memory, BASE, BYTES);
    const bd_memory_model timing = {argc > 3 ? strtoll(argv[3], nullptr, 10) : 6, 1, 4};
    bitdial::AxiMemory model(&memory, timing);
    Vmemory dut;
    Pins pins;
    Master master;
    Bridge bridge;
    uint64_t pause_until = 0, beats = 0;
    for (int i = 0; i < 8; i++) {
        dut.rst_ni = i >= 4;
        dut.clk_i = i & 1;
        dut.eval();
    }
    for (uint64_t a = 0; a < BYTES; a++) { // what block RAM holds at first is nobody's to know
        dut.byte_valid_i = dut.byte_write_i = 1;
        dut.byte_addr_i = BASE + a;
        dut.byte_data_i = 0;
        for (bool ready = false; !ready; dut.clk_i = 1, dut.eval()) {
            dut.clk_i = 0;
            dut.eval();
            ready = dut.byte_ready_o;
        }
        dut.byte_valid_i = 0;
    }
    for (uint64_t now = 0; now < clocks; now++) {
        if (now % 2000 == 1900)
            pause_until = now + 100 + draw(100);
        const bool pause = now < pause_until;
        master.drive(pins, pause);
        bridge.drive(dut, memory, pause && master.idle(pins));
        if (pause && master.idle(pins) && now + 1 == pause_until)
            master.change();
        model.drive(pins, now);
        give(dut, pins);
        dut.clk_i = 0;
        dut.eval();
        const char *different = compare(dut, pins);
        if (!different && !bridge.sample(dut, memory))
            different = "a byte of the bridge";
        if (different) {
            printf("seed %llu, clock %llu: %s differs\n", static_cast<unsigned long long>(seed),
                   static_cast<unsigned long long>(now), different);
            return 1;
        }
        beats += (pins.m_axi_rvalid && pins.m_axi_rready) + (pins.m_axi_wvalid && pins.m_axi_wready);
        model.sample(pins, now);
        master.sample(pins);
        dut.clk_i = 1;
        dut.eval();
    }
    printf("block memory: %llu clocks as the model says, %llu beats, %llu bytes of the bridge, %llu withdrawn\n",
           static_cast<unsigned long long>(clocks), static_cast<unsigned long long>(beats),
           static_cast<unsigned long long>(bridge.done()), static_cast<unsigned long long>(bridge.withdrawn()));
    bd_guarded_memory_release(&memory);
    return beats > clocks / 4 && bridge.done() > clocks / 40 && bridge.withdrawn() > clocks / 400
               ? 0
               : 1; // less would be no test
}
