// The port of the bridge's bytes at a board's SDRAM (hw/fpga/ulx3s_sdram/axi_byte.sv) between a random bridge and a
// random memory. The bridge withdraws bytes in any clock before their answer, and asks for others behind it. Every byte
// that is not withdrawn is answered once: with what memory holds, or with an error where it lies outside; no other one
// is, and a burst that has begun ends by the rules of AXI before the next begins.
//     bench CLOCKS SEED [FAULT]     1: the port is not shown that bytes are withdrawn, 2: memory gives the word behind
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <verilated.h>

#include "Vbyte.h"
#include "sim/bench/draw.h"

namespace
{

constexpr uint64_t BASE = 0x100000000u, BYTES = 64;
constexpr unsigned PATIENCE = 2000; // clocks: far more than memory takes for two bursts
int fault;

struct Request {
    bool valid, write;
    uint64_t address;
    uint8_t data;

    bool outside() const
    {
        return address < BASE || address >= BASE + BYTES;
    }
};

// One burst of one word at a time, every handshake after some clocks; now and then after many.
class Memory
{
  public:
    void drive(Vbyte &d)
    {
        if (wait_ > 0)
            wait_--;
        else if (draw(100) == 0)
            wait_ = static_cast<unsigned>(draw(60));
        d.arready_i = wait_ == 0 && draw(2);
        d.awready_i = wait_ == 0 && draw(2);
        d.wready_i = wait_ == 0 && draw(2);
        if (reading_ && !d.rvalid_i && wait_ == 0 && draw(3) == 0) {
            d.rvalid_i = 1;
            memcpy(&d.rdata_i, bytes + (at_ + 8 * (fault == 2)) % BYTES, 8);
        }
        if (address_ && data_ && !d.bvalid_i && wait_ == 0 && draw(3) == 0)
            d.bvalid_i = 1;
    }

    // What is wrong with this clock's signals, or NULL; before: what the port was shown in the clock before.
    const char *check(const Vbyte &d, const Request &before)
    {
        const bool any = d.arvalid_o || d.awvalid_o || d.wvalid_o;
        if (any && !open_) {
            burst_ = before;
            open_ = true;
            if (!burst_.valid || burst_.outside())
                return "a burst that nobody asked for";
        }
        if ((ar_waits_ && !d.arvalid_o) || (aw_waits_ && !d.awvalid_o) || (w_waits_ && !d.wvalid_o))
            return "a transfer is given up";
        if ((d.arvalid_o && (burst_.write || reading_)) || (d.awvalid_o && (!burst_.write || address_)) ||
            (d.wvalid_o && (!burst_.write || data_)))
            return "a transfer too many";
        if ((d.arvalid_o || d.awvalid_o) && d.addr_o != (burst_.address - BASE) / 8 * 8)
            return "an address";
        if (d.wvalid_o && (d.wstrb_o != 1u << burst_.address % 8 ||
                           static_cast<uint8_t>(d.wdata_o >> 8 * (burst_.address % 8)) != burst_.data))
            return "what is written";
        ar_waits_ = d.arvalid_o && !d.arready_i;
        aw_waits_ = d.awvalid_o && !d.awready_i;
        w_waits_ = d.wvalid_o && !d.wready_i;
        ar_ = d.arvalid_o && d.arready_i;
        aw_ = d.awvalid_o && d.awready_i;
        w_ = d.wvalid_o && d.wready_i;
        r_ = d.rvalid_i && d.rready_o;
        b_ = d.bvalid_i && d.bready_o;
        return nullptr;
    }

    // At the clock's edge: what was handed over in it.
    void take(Vbyte &d)
    {
        if (ar_ || aw_)
            at_ = static_cast<unsigned>((burst_.address - BASE) / 8 * 8);
        reading_ = (reading_ || ar_) && !r_;
        address_ = (address_ || aw_) && !b_;
        data_ = (data_ || w_) && !b_;
        if (b_)
            bytes[burst_.address - BASE] = burst_.data;
        if (r_)
            d.rvalid_i = 0;
        if (b_)
            d.bvalid_i = 0;
        if (r_ || b_) {
            open_ = false;
            bursts++;
        }
    }

    uint8_t bytes[BYTES] = {};
    uint64_t bursts = 0;

  private:
    Request burst_ = {};
    unsigned wait_ = 0, at_ = 0;
    bool open_ = false, reading_ = false, address_ = false, data_ = false;
    bool ar_waits_ = false, aw_waits_ = false, w_waits_ = false;
    bool ar_ = false, aw_ = false, w_ = false, r_ = false, b_ = false;
};

// Asks for a byte, waits for its answer, or withdraws it first.
class Bridge
{
  public:
    void drive(Vbyte &d)
    {
        if (asked_.valid && (answered_ || left_-- == 0)) {
            withdrawn += !answered_;
            asked_.valid = false;
            d.byte_valid_i = fault == 1 && !answered_;
        } else if (!asked_.valid && draw(3) == 0) {
            const uint64_t at[] = {BASE + draw(BYTES), BASE + draw(BYTES), BASE + draw(BYTES), BASE + draw(BYTES),
                                   BASE + BYTES,       BASE - 1,           (1ull << 40) + BASE};
            asked_ = {true, draw(2) == 0, at[draw(7)], static_cast<uint8_t>(draw(256))};
            patient_ = draw(3) > 0;
            left_ = patient_ ? PATIENCE : static_cast<unsigned>(draw(20));
            d.byte_valid_i = 1;
            d.byte_write_i = asked_.write;
            d.byte_addr_i = asked_.address;
            d.byte_data_i = asked_.data;
        }
        answered_ = false;
    }

    const char *check(const Vbyte &d, const Memory &memory)
    {
        if (!d.byte_ready_o)
            return asked_.valid && patient_ && left_ == 0 ? "no answer" : nullptr;
        if (!asked_.valid)
            return "an answer that nobody waits for";
        if (d.byte_error_o != asked_.outside())
            return "whether there is such a byte";
        if (!asked_.outside() && memory.bytes[asked_.address - BASE] != (asked_.write ? asked_.data : d.byte_data_o))
            return asked_.write ? "a byte is not written" : "a byte";
        answered_ = true;
        answers++;
        return nullptr;
    }

    const Request &asked() const
    {
        return asked_;
    }
    uint64_t answers = 0, withdrawn = 0;

  private:
    Request asked_ = {};
    bool answered_ = false, patient_ = false;
    unsigned left_ = 0; // clocks until it is withdrawn
};

const char *run_clock(Vbyte &d, Memory &memory, Bridge &bridge)
{
    const Request before = bridge.asked();
    bridge.drive(d);
    memory.drive(d);
    d.clk_i = 0;
    d.eval();
    const char *wrong = memory.check(d, before);
    wrong = wrong ? wrong : bridge.check(d, memory);
    d.clk_i = 1;
    d.eval(); // with the inputs of this clock
    memory.take(d);
    return wrong;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    const uint64_t clocks = strtoull(argv[1], nullptr, 10), seed = strtoull(argv[2], nullptr, 10);
    seed_draws(seed);
    fault = argc > 3 ? atoi(argv[3]) : 0;
    Vbyte dut;
    Memory memory;
    Bridge bridge;
    for (int i = 0; i < 8; i++) {
        dut.rst_ni = i >= 4;
        dut.clk_i = i & 1;
        dut.eval();
    }
    for (uint64_t now = 0; now < clocks; now++) {
        const char *wrong = run_clock(dut, memory, bridge);
        if (wrong) {
            printf("seed %llu, clock %llu: %s\n", static_cast<unsigned long long>(seed),
                   static_cast<unsigned long long>(now), wrong);
            return 1;
        }
    }
    printf("axi_byte: %llu bytes answered, %llu withdrawn, %llu bursts\n",
           static_cast<unsigned long long>(bridge.answers), static_cast<unsigned long long>(bridge.withdrawn),
           static_cast<unsigned long long>(memory.bursts));
    return bridge.answers > clocks / 50 && bridge.withdrawn > clocks / 200 ? 0 : 1; // less is no test
}
