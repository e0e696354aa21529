// The `rtl` target: the Verilated accelerator with its own clock loop. No SystemC here: the loop runs at the model's
// own speed, and this file alone is compiled again for each geometry.
#include <deque>

#include <verilated.h>
#if VM_TRACE_FST
#include <verilated_fst_c.h>
#endif

#include "Vbitdial_top.h"
#include "sim/platform/axi_memory.h"
#include "sim/platform/core.h"
#include "sim/platform/pin_faults.h"

extern "C" {
#include "sw/driver/bitdial_regs.h"
}

namespace bitdial
{

namespace
{

class RtlCore final : public Core
{
  public:
    explicit RtlCore(const CoreOptions &options) : memory_(options.memory, options.hardware->memory)
    {
        is_known_ = pins_.parse(options.pins.c_str());
        context_.randReset(options.reset_seed ? 2 : 0);
        context_.randSeed(static_cast<int>(options.reset_seed));
        context_.traceEverOn(!options.trace.empty());
        std::string fault = "+bitdial_fault=" + std::to_string(options.fault);
        const char *arguments[] = {"platform", fault.c_str()};
        context_.commandArgs(2, arguments);
        top_ = std::make_unique<Vbitdial_top>(&context_);
#if VM_TRACE_FST
        if (!options.trace.empty()) {
            trace_ = std::make_unique<VerilatedFstC>();
            top_->trace(trace_.get(), 99);
            trace_->open(options.trace.c_str());
            is_good_ = trace_->isOpen();
        }
#endif
        reset();
    }

    ~RtlCore() override
    {
#if VM_TRACE_FST
        if (trace_)
            trace_->close();
#endif
        top_->final();
    }

    bool read(uint32_t offset, uint32_t &value) override
    {
        top_->s_axi_araddr = offset;
        top_->s_axi_arvalid = 1;
        top_->s_axi_rready = 1;
        bool good = false, done = false;
        for (int i = 0; i < ACCESS_LIMIT && !done; i++) {
            settle();
            bool accepted = top_->s_axi_arvalid && top_->s_axi_arready;
            if (top_->s_axi_rvalid) {
                value = top_->s_axi_rdata;
                good = top_->s_axi_rresp == 0;
                done = true;
            }
            edge();
            if (accepted)
                top_->s_axi_arvalid = 0;
        }
        top_->s_axi_arvalid = 0;
        top_->s_axi_rready = 0;
        return good;
    }

    bool write(uint32_t offset, uint32_t value) override
    {
        top_->s_axi_awaddr = offset;
        top_->s_axi_wdata = value;
        top_->s_axi_wstrb = 0xf;
        top_->s_axi_awvalid = top_->s_axi_wvalid = top_->s_axi_bready = 1;
        bool good = false, done = false;
        for (int i = 0; i < ACCESS_LIMIT && !done; i++) {
            settle();
            bool address = top_->s_axi_awvalid && top_->s_axi_awready;
            bool data = top_->s_axi_wvalid && top_->s_axi_wready;
            if (data && offset == BITDIAL_DOORBELL_REG)
                doorbells_.push_back(now_);
            if (data && offset == BITDIAL_CONTROL_REG && (value & BITDIAL_CONTROL_SOFT_RESET_MASK))
                doorbells_.clear();
            if (top_->s_axi_bvalid) {
                good = top_->s_axi_bresp == 0;
                done = true;
            }
            edge();
            if (address)
                top_->s_axi_awvalid = 0;
            if (data)
                top_->s_axi_wvalid = 0;
        }
        top_->s_axi_awvalid = top_->s_axi_wvalid = top_->s_axi_bready = 0;
        return good;
    }

    bool is_good() const
    {
        return is_good_;
    } // the trace, where one is asked for, is being written
    bool is_known() const
    {
        return is_known_;
    } // the fault at the pins
    bool irq() const override
    {
        return irq_;
    }

    uint64_t run(uint64_t clocks) override
    {
        uint64_t from = now_, limit = now_ + clocks;
        while (!irq_ && now_ < limit) {
            settle();
            edge();
        }
        return now_ - from;
    }

    void set_memory(const bd_memory_model &memory) override
    {
        memory_.set_timing(memory);
    }

    bool set_stalls(uint64_t seed, uint64_t chance) override
    {
        memory_.set_stalls(seed, chance);
        return true;
    }

    void statistics(bd_statistics &statistics) const override
    {
        statistics.frame_cycles = frame_cycles_;
        statistics.frames = frames_;
        statistics.clocks = now_;
        statistics.bus_read_bytes = memory_.read_bytes();
        statistics.bus_write_bytes = memory_.write_bytes();
    }

  private:
    static constexpr int ACCESS_LIMIT = 1000; // clocks in which a register access must end

    // The first half of a clock: inputs are presented, outputs settle.
    void settle()
    {
        memory_.drive(*top_, now_);
        pins_.drive(*top_);
        top_->aclk = 0;
        top_->eval();
        dump();
        const bool line = pins_.irq(top_->irq);
        if (line && !irq_)
            end_frame();
        irq_ = line;
    }

    // The second half: handshakes happen, the edge comes.
    void edge()
    {
        memory_.sample(*top_, now_);
        pins_.sample(*top_);
        top_->aclk = 1;
        top_->eval();
        dump();
        now_++;
    }

    // The interrupt line rose in this clock.
    void end_frame()
    {
        uint64_t start = last_end_;
        if (!doorbells_.empty()) {
            start = doorbells_.front() > last_end_ ? doorbells_.front() : last_end_;
            doorbells_.pop_front();
        }
        frame_cycles_ = now_ - start;
        last_end_ = now_;
        frames_++;
    }

    void reset()
    {
        top_->s_axi_awvalid = top_->s_axi_wvalid = top_->s_axi_bready = 0; // random where resets are
        top_->s_axi_arvalid = top_->s_axi_rready = 0;
        top_->aclk = 0;
        top_->aresetn = 1;
        top_->eval();
        top_->aresetn = 0;
        for (int i = 0; i < 4; i++) { // nothing listens yet: what random registers say on the bus is no transfer
            top_->aclk = 0;
            top_->eval();
            dump();
            top_->aclk = 1;
            top_->eval();
            dump();
            now_++;
        }
        top_->aresetn = 1;
        settle();
        edge();
    }

    void dump()
    {
#if VM_TRACE_FST
        if (trace_)
            trace_->dump(time_++);
#endif
    }

    VerilatedContext context_;
    std::unique_ptr<Vbitdial_top> top_;
    AxiMemory memory_;
    PinFaults pins_;
    bool irq_ = false, is_good_ = true, is_known_ = true;
    uint64_t now_ = 0, last_end_ = 0, frame_cycles_ = 0, frames_ = 0;
    std::deque<uint64_t> doorbells_; // clocks of the handshakes whose frames have not ended
#if VM_TRACE_FST
    std::unique_ptr<VerilatedFstC> trace_;
    uint64_t time_ = 0;
#endif
};

} // namespace

std::unique_ptr<Core> make_rtl_core(const CoreOptions &options, std::string &why)
{
#if !VM_TRACE_FST
    if (!options.trace.empty()) {
        why = "this platform was built without tracing";
        return nullptr;
    }
#endif
    auto core = std::make_unique<RtlCore>(options);
    uint32_t fault = 0;
    if (options.fault && (!core->read(BITDIAL_BUILD_ID_REG, fault) || fault != uint32_t(options.fault))) {
        why = "this platform was built without fault " + std::to_string(options.fault);
        return nullptr;
    }
    if (!core->is_known()) {
        why = "no fault at the pins is '" + options.pins + "' (sim/platform/pin_faults.h)";
        return nullptr;
    }
    if (!core->is_good()) {
        why = "cannot write the trace '" + options.trace + "'";
        return nullptr;
    }
    return core;
}

} // namespace bitdial
