// The Verilated accelerator with its memory, clock by clock, for bench.cpp: registers, interrupt, planted bus errors,
// and the rules of its AXI master watched at the pins.
#ifndef BD_BENCH_DEVICE_H
#define BD_BENCH_DEVICE_H

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <verilated.h>
#if VM_TRACE_FST
#include <verilated_fst_c.h>
#endif

#include "Vbitdial_top.h"
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
    Device(const bd_hardware &hardware, uint64_t memory_bytes, const char *trace) : timing_(hardware.memory)
    {
        bd_guarded_memory_init(&memory_, 0, memory_bytes);
        bus_ = std::make_unique<bitdial::AxiMemory>(&memory_, timing_);
        context_.randReset(2);
        context_.randSeed(7);
#if VM_TRACE_FST
        context_.traceEverOn(trace != nullptr);
        top_ = std::make_unique<Vbitdial_top>(&context_);
        if (trace) {
            trace_ = std::make_unique<VerilatedFstC>();
            top_->trace(trace_.get(), 99);
            trace_->open(trace);
        }
#else
        (void)trace;
        top_ = std::make_unique<Vbitdial_top>(&context_);
#endif
        top_->rst_ni = 1; // the reset is asynchronous: it acts on its falling edge
        top_->eval();
        top_->rst_ni = 0;
        for (int i = 0; i < 4; i++)
            clock();
        top_->rst_ni = 1;
        clock();
    }
    ~Device()
    {
#if VM_TRACE_FST
        if (trace_)
            trace_->close();
#endif
        top_->final();
        bd_guarded_memory_release(&memory_);
    }
    void stalls(uint64_t seed, uint64_t chance)
    {
        bus_->set_stalls(seed, chance);
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
        asked_.clear();
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
    // Bursts written since plant(), each with the clock of its response; the clock of the planted error.
    struct Written {
        uint64_t address, bytes, at;
    };
    const std::vector<Written> &written() const
    {
        return written_;
    }
    // Addresses of the read bursts since plant().
    const std::vector<uint64_t> &asked() const
    {
        return asked_;
    }
    uint64_t struck() const
    {
        return struck_;
    }

    void clock()
    {
        bus_->drive(*top_, now_);
        if (top_->m_axi_rvalid_i && read_beats_ == bad_read_)
            top_->m_axi_rresp_i = SLVERR;
        if (top_->m_axi_bvalid_i && responses_ == bad_response_)
            top_->m_axi_bresp_i = SLVERR;
        top_->clk_i = 0;
        top_->eval();
        dump();
        irq_ = top_->irq_o;
        if (top_->rst_ni)
            check_bus();
        watch();
        bus_->sample(*top_, now_);
        top_->clk_i = 1;
        top_->eval();
        dump();
        now_++;
    }

    uint32_t read(uint32_t offset)
    {
        top_->s_axi_araddr_i = uint16_t(offset);
        top_->s_axi_arvalid_i = 1;
        clock();
        top_->s_axi_arvalid_i = 0;
        top_->s_axi_rready_i = 1;
        const uint32_t value = top_->s_axi_rdata_o;
        response_ = top_->s_axi_rresp_o;
        clock();
        top_->s_axi_rready_i = 0;
        return value;
    }
    // The clock of the handshake.
    uint64_t write(uint32_t offset, uint32_t value, unsigned strobes = 15)
    {
        top_->s_axi_awaddr_i = uint16_t(offset);
        top_->s_axi_wdata_i = value;
        top_->s_axi_wstrb_i = uint8_t(strobes);
        top_->s_axi_awvalid_i = top_->s_axi_wvalid_i = 1;
        clock();
        const uint64_t handshake = now_ - 1;
        top_->s_axi_awvalid_i = top_->s_axi_wvalid_i = 0;
        top_->s_axi_bready_i = 1;
        response_ = top_->s_axi_bresp_o;
        clock();
        top_->s_axi_bready_i = 0;
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
            if (now_ - from > CLOCK_LIMIT) {
                std::fprintf(stderr, "bench: no interrupt after %" PRIu64 " clocks\n", CLOCK_LIMIT);
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
    void dump()
    {
#if VM_TRACE_FST
        if (trace_)
            trace_->dump(time_++);
#endif
    }
    void watch()
    {
        if (top_->m_axi_arvalid_o && top_->m_axi_arready_i)
            asked_.push_back(top_->m_axi_araddr_o);
        if (top_->m_axi_awvalid_o && top_->m_axi_awready_i)
            burst_ = {top_->m_axi_awaddr_o, (top_->m_axi_awlen_o + 1u) * 8u, 0};
        if (top_->m_axi_rvalid_i && top_->m_axi_rready_o && read_beats_++ == bad_read_)
            struck_ = now_;
        if (top_->m_axi_bvalid_i && top_->m_axi_bready_o) {
            written_.push_back({burst_.address, burst_.bytes, now_});
            if (responses_++ == bad_response_)
                struck_ = now_;
        }
    }
    bd_memory_model timing_;
    bd_guarded_memory memory_{};
    std::unique_ptr<bitdial::AxiMemory> bus_;
    VerilatedContext context_;
    std::unique_ptr<Vbitdial_top> top_;
    // A channel that waits must wait with the same signals; bursts are short and stay within 4 KiB; WLAST is the last.
    void check_bus()
    {
        const uint64_t now[3][3] = {
            {top_->m_axi_arvalid_o, top_->m_axi_araddr_o, top_->m_axi_arlen_o},
            {top_->m_axi_awvalid_o, top_->m_axi_awaddr_o, top_->m_axi_awlen_o},
            {top_->m_axi_wvalid_o, top_->m_axi_wdata_o, uint64_t(top_->m_axi_wstrb_o) << 1 | top_->m_axi_wlast_o}};
        const bool ready[3] = {bool(top_->m_axi_arready_i), bool(top_->m_axi_awready_i), bool(top_->m_axi_wready_i)};
        for (int c = 0; c < 3; c++) {
            if (waiting_[c] && std::memcmp(now[c], before_[c], sizeof now[c]))
                bus_fault("a waiting channel changes");
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
        std::printf("AXI: %s in clock %" PRIu64 "\n", what, now_);
        std::exit(BD_FAIL);
    }
    static constexpr int SLVERR = 2;
    bool waiting_[3] = {};
    uint64_t before_[3][3] = {}, write_left_ = 0;
    bool irq_ = false;
    unsigned response_ = 0;
    uint64_t now_ = 0, read_beats_ = 0, responses_ = 0, bad_read_ = UINT64_MAX, bad_response_ = UINT64_MAX;
    uint64_t struck_ = 0;
    Written burst_{};
    std::vector<Written> written_;
    std::vector<uint64_t> asked_;
#if VM_TRACE_FST
    std::unique_ptr<VerilatedFstC> trace_;
    uint64_t time_ = 0;
#endif
};

} // namespace

#endif
