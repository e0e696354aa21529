// The Verilated accelerator with its memory, clock by clock, for bench.cpp: registers, interrupt, planted bus errors,
// and the rules of its AXI master watched at the pins.
#ifndef BD_BENCH_DEVICE_H
#define BD_BENCH_DEVICE_H

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <verilated.h>

#include "Vbitdial_top.h"
#include "sim/bench/failure.h"
#include "sim/bench/places.h"
#include "sim/bench/wave.h"
#include "sim/platform/axi_memory.h"

extern "C" {
#include "sw/driver/bitdial_regs.h"
}

namespace
{

constexpr uint64_t PAGE = 4096;
constexpr uint64_t CLOCK_LIMIT = 2000000000;

class Device
{
  public:
    inline static int fault = 0; // planted in a build with faults (hw/bitdial_fault.svh)

    Device(const bd_hardware &hardware, uint64_t memory_bytes, const char *trace) : timing_(hardware.memory)
    {
        bd_guarded_memory_init(&memory_, 0, memory_bytes);
        bus_ = std::make_unique<bitdial::AxiMemory>(&memory_, timing_);
        // Registers without reset start as random bits, but not where places are counted that they would run by chance.
#if VM_COVERAGE
        context_.randReset(0);
#else
        context_.randReset(2);
#endif
        context_.randSeed(7);
        std::string plant = "+bitdial_fault=" + std::to_string(fault);
        const char *arguments[] = {"bench", plant.c_str()};
        context_.commandArgs(2, arguments);
#if VM_TRACE_FST
        context_.traceEverOn(trace != nullptr);
        top_ = std::make_unique<Vbitdial_top>(&context_);
        if (trace) {
            trace_ = std::make_unique<VerilatedFstC>();
            top_->trace(trace_.get(), 99);
            trace_->open(trace);
            ::trace.writer = trace_.get();
            ::trace.path = trace;
            close_trace = [] { ::trace.close(); };
        }
#else
        (void)trace;
        top_ = std::make_unique<Vbitdial_top>(&context_);
#endif
        top_->s_axi_awvalid = top_->s_axi_wvalid = top_->s_axi_bready = 0; // inputs start at random, too
        top_->s_axi_arvalid = top_->s_axi_rready = 0;
        power_up(4);
        if (fault && read(BITDIAL_BUILD_ID_REG) != uint32_t(fault)) {
            std::fprintf(stderr, "bench: this build plants no fault %d (sim/bench/build.sh --debug)\n", fault);
            std::exit(2);
        }
    }
    ~Device()
    {
#if VM_TRACE_FST
        ::trace.close();
#endif
        static const char *const channels[] = {"ar", "r", "r_held", "aw", "w", "w_held", "b"};
        for (size_t w = 0; w < sizeof waited_; w++)
            if (waited_[w])
                cover(std::string("stall/") + channels[w]);
        top_->final();
        keep_places(context_);
        bd_guarded_memory_release(&memory_);
    }
    // Before the first reset has been taken registers say anything: nothing listens to the bus yet.
    void power_up(int clocks)
    {
        top_->aresetn = 1; // the reset is asynchronous: it acts on its falling edge
        top_->eval();
        top_->aresetn = 0;
        for (int i = 0; i < clocks; i++, now_++) {
            half_clock(0);
            half_clock(1);
        }
        top_->aresetn = 1;
    }
    // The accelerator alone, whose memory goes on; or both.
    void reset(int clocks, bool with_bus = false)
    {
        top_->aresetn = 1; // the reset is asynchronous: it acts on its falling edge
        top_->eval();
        top_->aresetn = 0;
        for (int i = 0; i < clocks; i++)
            clock();
        top_->aresetn = 1;
        std::memset(waiting_, 0, sizeof waiting_);
        if (with_bus) {
            bus_->reset();
            open_ = write_left_ = 0;
        }
    }
    // Assertions say what a broken program would do to the machine: off where programs are broken on purpose.
    void assertions(bool on)
    {
        context_.assertOn(on);
    }
    void timing(const bd_memory_model &timing)
    {
        bus_->set_timing(timing);
    }
    // The longest wait for an interrupt.
    void patience(uint64_t clocks)
    {
        patience_ = clocks;
    }
    // From now on: after `handshakes` more of them, the channel is silent for `clocks` in which it is wanted.
    enum Channel { AR, R, AW, W, B, CHANNELS };
    void mute(Channel channel, uint64_t handshakes, uint64_t clocks)
    {
        muted_ = channel;
        mute_after_ = counts_[channel] + handshakes;
        mute_clocks_ = clocks;
    }
    void unmute()
    {
        muted_ = CHANNELS;
    }
    uint64_t handshakes(Channel channel) const
    {
        return counts_[channel];
    }
    uint64_t progress() const
    {
        return progress_;
    } // clock of the last handshake on the bus
    bool reads_open() const
    {
        return open_ > 0;
    }
    bool writes_open() const
    {
        return write_left_ > 0;
    } // beats of a burst are owed
    void stalls(uint64_t seed, uint64_t chance)
    {
        bus_->set_stalls(seed, chance);
    }
    // The memory is there again and again, wherever the upper bits of an address point. Returns the mask of the lower
    // ones.
    uint64_t repeat_memory()
    {
        uint64_t mask = PAGE - 1;
        while (mask < memory_.size - 1)
            mask = mask << 1 | 1;
        bus_->set_mask(mask);
        return mask;
    }
    uint8_t *memory()
    {
        return memory_.bytes;
    }
    uint64_t now() const
    {
        return now_;
    }
    bool irq() const
    {
        return irq_;
    }
    // The read beat, the write response that comes after so many others is an error; counted from now on.
    void plant(uint64_t read_beat, uint64_t response)
    {
        read_beats_ = responses_ = 0;
        written_.clear();
        bad_read_ = read_beat;
        bad_response_ = response;
    }
    uint64_t read_beats() const
    {
        return read_beats_;
    }
    uint64_t responses() const
    {
        return responses_;
    }
    // Bursts written since plant(), each with the clock of its response and those of its beats; the clock of the
    // planted error.
    struct Written {
        uint64_t address, bytes, at;
        uint64_t beats[16];
    };
    const std::vector<Written> &written() const
    {
        return written_;
    }
    uint64_t struck() const
    {
        return struck_;
    }

    void clock()
    {
        bus_->drive(*top_, now_);
        if (top_->m_axi_rvalid && read_beats_ == bad_read_)
            top_->m_axi_rresp = SLVERR;
        if (top_->m_axi_bvalid && responses_ == bad_response_)
            top_->m_axi_bresp = SLVERR;
        silence();
        half_clock(0);
        irq_ = top_->irq;
        taken_ = {top_->s_axi_awvalid && top_->s_axi_awready,
                  top_->s_axi_wvalid && top_->s_axi_wready,
                  top_->s_axi_bvalid && top_->s_axi_bready,
                  top_->s_axi_arvalid && top_->s_axi_arready,
                  top_->s_axi_rvalid && top_->s_axi_rready,
                  top_->s_axi_bvalid && top_->s_axi_bready ? top_->s_axi_bresp : top_->s_axi_rresp,
                  top_->s_axi_rdata};
        if (top_->aresetn)
            check_bus();
        watch();
        bus_->sample(*top_, now_);
        half_clock(1);
        now_++;
    }

    uint32_t read(uint32_t offset)
    {
        top_->s_axi_araddr = uint16_t(offset);
        top_->s_axi_arvalid = 1;
        while (!step().ar)
            continue;
        top_->s_axi_arvalid = 0;
        top_->s_axi_rready = 1;
        uint32_t value;
        do {
            value = step().data;
        } while (!taken_.r);
        response_ = taken_.resp;
        top_->s_axi_rready = 0;
        if (offset == BITDIAL_STATUS_REG)
            cover_status(value);
        return value;
    }
    // The clock of the last handshake. Address and data come together, or one of them a clock or two early.
    uint64_t write(uint32_t offset, uint32_t value, unsigned strobes = 15)
    {
        const unsigned early = order_++ % 5;
        top_->s_axi_awaddr = uint16_t(offset);
        top_->s_axi_wdata = value;
        top_->s_axi_wstrb = uint8_t(strobes);
        bool address = false, data = false;
        for (unsigned t = 0; !address || !data; t++) {
            top_->s_axi_awvalid = !address && (early < 3 || t >= early - 2);
            top_->s_axi_wvalid = !data && (early >= 3 || t >= early);
            step();
            address = address || taken_.aw;
            data = data || taken_.w;
        }
        const uint64_t handshake = now_ - 1;
        top_->s_axi_awvalid = top_->s_axi_wvalid = 0;
        top_->s_axi_bready = 1;
        while (!step().b)
            continue;
        response_ = taken_.resp;
        top_->s_axi_bready = 0;
        return handshake;
    }
    bool refused() const
    {
        return response_ != 0;
    } // the last register access
    // Clocks until the interrupt; the clock in which it was first seen.
    uint64_t wait()
    {
        const uint64_t from = now_;
        do {
            clock();
            if (now_ - from > patience_) {
                fail({.kind = "interrupt", .begin = from, .clock = progress_}, "no interrupt after %" PRIu64 " clocks",
                     patience_);
                std::exit(BD_FAIL);
            }
        } while (!irq_);
        return now_ - 1;
    }
    void clear()
    {
        write(BITDIAL_IRQ_STATUS_REG, 3);
    }

  private:
    // A clock, and which register channels were taken in it.
    struct Taken {
        bool aw, w, b, ar, r;
        unsigned resp;
        uint32_t data;
    };
    const Taken &step()
    {
        clock();
        if (++stuck_ > 1000) {
            fail({.kind = "behaviour", .clock = now_}, "a register access is not answered");
            std::exit(BD_FAIL);
        }
        if (taken_.aw || taken_.w || taken_.b || taken_.ar || taken_.r)
            stuck_ = 0;
        return taken_;
    }
    void half_clock(uint8_t level)
    {
        top_->aclk = level;
        top_->eval();
        dump();
    }
    void dump()
    {
#if VM_TRACE_FST
        if (trace_)
            trace_->dump(time_++);
#endif
    }
    void silence()
    {
        if (muted_ == CHANNELS || counts_[muted_] < mute_after_)
            return;
        const bool wanted[CHANNELS] = {bool(top_->m_axi_arvalid), open_ > 0, bool(top_->m_axi_awvalid),
                                       bool(top_->m_axi_wvalid), bool(top_->m_axi_bready)};
        if (wanted[muted_] && mute_clocks_ != UINT64_MAX && mute_clocks_-- == 0) {
            unmute();
            return;
        }
        uint8_t *const pins[CHANNELS] = {&top_->m_axi_arready, &top_->m_axi_rvalid, &top_->m_axi_awready,
                                         &top_->m_axi_wready, &top_->m_axi_bvalid};
        *pins[muted_] = 0;
    }
    void watch()
    {
        const bool taken[CHANNELS] = {
            top_->m_axi_arvalid && top_->m_axi_arready, top_->m_axi_rvalid && top_->m_axi_rready,
            top_->m_axi_awvalid && top_->m_axi_awready, top_->m_axi_wvalid && top_->m_axi_wready,
            top_->m_axi_bvalid && top_->m_axi_bready};
        for (int c = 0; c < CHANNELS; c++)
            if (taken[c]) {
                counts_[c]++;
                progress_ = now_;
            }
        const bool waits[] = {
            top_->m_axi_arvalid && !top_->m_axi_arready, open_ > 0 && top_->m_axi_rready && !top_->m_axi_rvalid,
            top_->m_axi_rvalid && !top_->m_axi_rready,   top_->m_axi_awvalid && !top_->m_axi_awready,
            top_->m_axi_wvalid && !top_->m_axi_wready,   write_left_ > 0 && !top_->m_axi_wvalid,
            top_->m_axi_bready && !top_->m_axi_bvalid};
        for (size_t w = 0; w < sizeof waits; w++)
            waited_[w] |= waits[w];
        open_ = open_ + taken[AR] - (taken[R] && top_->m_axi_rlast);
        if (top_->m_axi_awvalid && top_->m_axi_awready)
            burst_ = {top_->m_axi_awaddr, (top_->m_axi_awlen + 1u) * 8u, 0, {}}, beat_ = 0;
        if (top_->m_axi_wvalid && top_->m_axi_wready && beat_ < 16)
            burst_.beats[beat_++] = now_;
        if (top_->m_axi_rvalid && top_->m_axi_rready && read_beats_++ == bad_read_)
            struck_ = now_;
        if (top_->m_axi_bvalid && top_->m_axi_bready) {
            burst_.at = now_;
            written_.push_back(burst_);
            if (responses_++ == bad_response_)
                struck_ = now_;
        }
    }
    bd_memory_model timing_;
    bd_guarded_memory memory_{};
    std::unique_ptr<bitdial::AxiMemory> bus_;
    VerilatedContext context_;
    std::unique_ptr<Vbitdial_top> top_;
    // The bytes of WDATA that WSTRB chooses: the others say nothing and may change (AXI4_ERRM_WDATA_STABLE of Arm's
    // protocol assertions).
    uint64_t write_data() const
    {
        uint64_t mask = 0;
        for (int byte = 0; byte < 8; byte++)
            mask |= top_->m_axi_wstrb >> byte & 1 ? UINT64_C(0xff) << 8 * byte : 0;
        return top_->m_axi_wdata & mask;
    }
    // A channel that waits must wait with the same signals; bursts are short and stay within 4 KiB; WLAST is the last.
    void check_bus()
    {
        const uint64_t now[3][3] = {
            {top_->m_axi_arvalid, top_->m_axi_araddr, top_->m_axi_arlen},
            {top_->m_axi_awvalid, top_->m_axi_awaddr, top_->m_axi_awlen},
            {top_->m_axi_wvalid, write_data(), uint64_t(top_->m_axi_wstrb) << 1 | top_->m_axi_wlast}};
        const bool ready[3] = {bool(top_->m_axi_arready), bool(top_->m_axi_awready), bool(top_->m_axi_wready)};
        for (int c = 0; c < 3; c++) {
            if (waiting_[c] && std::memcmp(now[c], before_[c], sizeof now[c])) {
                static const char *const names[] = {"AR", "AW", "W"};
                char what[200];
                std::snprintf(what, sizeof what,
                              "%s changes while it waits: valid %" PRIu64 ", 0x%" PRIx64 ", %" PRIu64
                              "; before %" PRIu64 ", 0x%" PRIx64 ", %" PRIu64,
                              names[c], now[c][0], now[c][1], now[c][2], before_[c][0], before_[c][1], before_[c][2]);
                bus_fault(what);
            }
            if (c < 2 && now[c][0] &&
                (now[c][2] > 15 || now[c][1] % 8 || now[c][1] / PAGE != (now[c][1] + now[c][2] * 8) / PAGE))
                bus_fault("a burst is too long, unaligned or crosses 4 KiB");
            waiting_[c] = now[c][0] && !ready[c];
        }
        std::memcpy(before_, now, sizeof now);
        if (now[1][0] && ready[1])
            write_left_ = now[1][2] + 1;
        if (now[2][0] && ready[2] && (--write_left_ == 0) != (now[2][2] & 1))
            bus_fault("WLAST is not with the last beat");
    }
    [[noreturn]] void bus_fault(const char *what)
    {
        fail({.kind = "bus", .clock = now_}, "AXI: %s in clock %" PRIu64, what, now_);
        std::exit(BD_FAIL);
    }
    static constexpr int SLVERR = 2;
    Channel muted_ = CHANNELS;
    uint64_t patience_ = CLOCK_LIMIT;
    uint64_t counts_[CHANNELS] = {}, mute_after_ = 0, mute_clocks_ = 0, progress_ = 0, open_ = 0;
    bool waiting_[3] = {}, waited_[7] = {}; // waited_: in the order of the bins "stall"
    uint64_t before_[3][3] = {}, write_left_ = 0;
    bool irq_ = false;
    Taken taken_{};
    unsigned response_ = 0, order_ = 0, stuck_ = 0;
    uint64_t now_ = 0, read_beats_ = 0, responses_ = 0, bad_read_ = UINT64_MAX, bad_response_ = UINT64_MAX;
    uint64_t struck_ = 0;
    unsigned beat_ = 0;
    Written burst_{};
    std::vector<Written> written_;
#if VM_TRACE_FST
    std::unique_ptr<VerilatedFstC> trace_;
    uint64_t time_ = 0;
#endif
};

} // namespace

#endif
