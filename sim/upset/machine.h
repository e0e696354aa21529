// The Verilated accelerator with its memory and the driver at its registers, as one thing that can be kept, put back,
// and have a bit flipped between two clocks.
#ifndef BD_UPSET_MACHINE_H
#define BD_UPSET_MACHINE_H

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

#include <verilated.h>
#if VM_TRACE_FST
#include <verilated_fst_c.h>
#endif

#include "sim/platform/axi_memory.h"
#include "sim/upset/fields.h"

extern "C" {
#include "model/program/program.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/driver/driver.h"
}

// Every wire anew from the flip-flops and inputs (Verilator's region before the first clock).
void Vbitdial_top___024root___eval_settle(Vbitdial_top___024root *root);

namespace bitdial
{

constexpr uint64_t CLOCKS_PER_MS = 1000; // the driver's milliseconds, of the clocks that pass here
constexpr uint64_t PAGE = 4096;

// All that the machine goes on from: but for memories that frames do not write, of which there is one copy.
struct Snapshot {
    uint64_t now = 0;
    bool in_wait = false; // within bd_device_wait; else before bd_device_start
    std::vector<uint8_t> model, tail;
    std::unique_ptr<AxiMemory> bus;
    bd_device device{};
    uint64_t doorbell = 0;
};

class Machine
{
  public:
    Machine(const bd_hardware &hardware, const bd_program &program, const char *trace)
        : program_(program), timing_(hardware.memory)
    {
        const bd_program_header &head = *program.header;
        input_at_ = up(head.image_bytes);
        output_at_ = up(input_at_ + head.input_bytes + 8);
        maps_at_ = up(output_at_ + head.output_bytes);
        bd_guarded_memory_init(&memory_, 0, up(maps_at_ + head.map_bytes + 8));
        bus_ = std::make_unique<AxiMemory>(&memory_, timing_);
        context_.randReset(0);
        context_.assertOn(false);
        const char *arguments[] = {"upset"};
        context_.commandArgs(1, arguments);
        context_.traceEverOn(trace != nullptr);
        top_ = std::make_unique<Vbitdial_top>(&context_);
#if VM_TRACE_FST
        if (trace) {
            trace_ = std::make_unique<VerilatedFstC>();
            top_->trace(trace_.get(), 99);
            trace_->open(trace);
            if (!trace_->isOpen())
                throw std::runtime_error(std::string("cannot write the trace '") + trace + "'");
        }
#else
        if (trace)
            throw std::runtime_error("this model was built without tracing");
#endif
        fields_ = list_fields(*root());
        for (const Field &field : fields_)
            if (is_kept(field))
                kept_.push_back({field.offset, size_t(field.elements) * field.stride});
        std::sort(kept_.begin(), kept_.end());
        power_up();
    }
    ~Machine()
    {
#if VM_TRACE_FST
        if (trace_)
            trace_->close();
#endif
        top_->final();
        bd_guarded_memory_release(&memory_);
    }
    Machine(const Machine &) = delete;
    Machine &operator=(const Machine &) = delete;

    const std::vector<Field> &fields() const
    {
        return fields_;
    }
    // Takes a variable out of the table: a fault of the tool, to be found by its self-check.
    void forget(const std::string &name)
    {
        fields_.erase(
            std::remove_if(fields_.begin(), fields_.end(), [&](const Field &field) { return field.name == name; }),
            fields_.end());
    }
    uint64_t now() const
    {
        return now_;
    }
    uint64_t doorbell() const
    {
        return doorbell_;
    } // the clock in which the last one was accepted
    bool busy() const
    {
        return in_wait_;
    }
    uint8_t *input()
    {
        return memory_.bytes + input_at_;
    }
    const bd_guarded_memory &memory() const
    {
        return memory_;
    }
    const uint8_t *bytes() const
    {
        return reinterpret_cast<const uint8_t *>(root());
    }
    bd_device &device()
    {
        return device_;
    }

    bool tracing = true; // with a trace: this part of it

    // Called after every clock; false ends the wait.
    std::function<bool()> hook;
    uint64_t next_hook = UINT64_MAX; // ... from that clock on

    // The driver at work: opens the device and loads the program; the limits of waits and of frames, in clocks.
    bd_device_status open(uint64_t watchdog, uint64_t frame_limit)
    {
        const bd_port port = {this, read32, write32, read_memory, write_memory, wait_irq, now_ms};
        watchdog_ = watchdog;
        frame_limit_ = frame_limit;
        const bd_device_status status = bd_device_open(&device_, &port);
        return status ? status : load();
    }
    bd_device_status load()
    {
        bd_device_status status = bd_device_load(&device_, 0, program_.image, program_.size);
        if (!status && program_.header->map_bytes > 0)
            status = bd_device_place_maps(&device_, maps_at_);
        for (unsigned s = 0; s < program_.header->switch_count && !status; s++)
            status = bd_device_limit_frames(&device_, s, uint32_t(frame_limit_));
        if (!status && write32(this, BITDIAL_WATCHDOG_LIMIT_REG, uint32_t(watchdog_)) != BD_PORT_OK)
            status = BD_DEVICE_TRANSPORT;
        return status;
    }
    bd_device_status start(unsigned switch_index)
    {
        std::memset(memory_.bytes + output_at_, 0xa5, program_.header->output_bytes);
        bd_device_status status = bd_device_set_precision(&device_, switch_index);
        return status ? status : bd_device_start(&device_, input_at_, output_at_, nullptr);
    }
    // The frame's end as the driver tells it; BD_DEVICE_TRANSPORT where the hook ended the wait.
    bd_device_status wait(uint64_t limit)
    {
        in_wait_ = true;
        const bd_device_status status = bd_device_wait(&device_, uint32_t(limit / CLOCKS_PER_MS), nullptr);
        in_wait_ = false;
        return status;
    }
    bd_device_status reset()
    {
        return bd_device_reset(&device_, BD_DEVICE_RESET_MS);
    }
    // Since the last call: did a register access have no answer, did the wait for an interrupt run out.
    struct Silence {
        bool access, interrupt;
    };
    Silence silence()
    {
        return std::exchange(silence_, Silence{});
    }
    // STATUS.BUSY as the driver last saw it.
    bool is_busy() const
    {
        return device_.seen_status & BITDIAL_STATUS_BUSY_MASK;
    }
    // Clocks from the doorbell to the interrupt.
    uint64_t clocks() const
    {
        return interrupt_ - doorbell_;
    }
    const int32_t *logits() const
    {
        return reinterpret_cast<const int32_t *>(memory_.bytes + output_at_);
    }

    // Between two clocks; every wire follows.
    void flip(const std::vector<Place> &places)
    {
        for (const Place &place : places) {
            const Field &field = fields_[size_t(place.field)];
            raw()[field.offset + size_t(place.element) * field.stride + place.bit / 8] ^= uint8_t(1u << place.bit % 8);
        }
        settle();
    }
    void settle()
    {
        Vbitdial_top___024root___eval_settle(root());
    }
    uint8_t *raw()
    {
        return reinterpret_cast<uint8_t *>(root());
    }

    // The copy of what no frame writes: weights, tables, descriptors; memory up to the end of the image.
    void keep_constants()
    {
        constants_.assign(bytes(), bytes() + sizeof *root());
        memory_constants_.assign(memory_.bytes, memory_.bytes + output_at_);
    }
    const uint8_t *constants() const
    {
        return constants_.data();
    }
    Snapshot save() const
    {
        Snapshot s;
        s.now = now_;
        s.in_wait = in_wait_;
        size_t from = 0;
        for (const auto &[offset, size] : kept_) {
            s.model.insert(s.model.end(), bytes() + from, bytes() + offset);
            from = offset + size;
        }
        s.model.insert(s.model.end(), bytes() + from, bytes() + sizeof *root());
        s.tail.assign(memory_.bytes + output_at_, memory_.bytes + memory_.size);
        s.bus = std::make_unique<AxiMemory>(*bus_);
        s.device = device_;
        s.doorbell = doorbell_;
        return s;
    }
    void restore(const Snapshot &s)
    {
        now_ = s.now;
        size_t from = 0;
        const uint8_t *in = s.model.data();
        for (const auto &[offset, size] : kept_) {
            std::memcpy(raw() + from, in, offset - from);
            in += offset - from;
            std::memcpy(raw() + offset, constants_.data() + offset, size);
            from = offset + size;
        }
        std::memcpy(raw() + from, in, sizeof *root() - from);
        std::memcpy(memory_.bytes, memory_constants_.data(), memory_constants_.size());
        std::memcpy(memory_.bytes + output_at_, s.tail.data(), s.tail.size());
        *bus_ = *s.bus;
        device_ = s.device;
        doorbell_ = s.doorbell;
        irq_ = false;
    }
    // Where a byte of the model lies in a snapshot; only of what snapshots hold.
    size_t place_in(size_t offset) const
    {
        size_t left_out = 0;
        for (const auto &[at, size] : kept_)
            left_out += at < offset ? size : 0;
        return offset - left_out;
    }
    // As restore(), of what the table of state names alone: all else stays, and wires follow.
    void carry(const Snapshot &s)
    {
        const std::vector<uint8_t> before(bytes(), bytes() + sizeof *root());
        restore(s);
        const std::vector<uint8_t> after(bytes(), bytes() + sizeof *root());
        std::memcpy(raw(), before.data(), before.size());
        for (const Field &field : fields_)
            std::memcpy(raw() + field.offset, after.data() + field.offset, size_t(field.elements) * field.stride);
        settle();
    }
    // Whether memory and bus are those of the snapshot; `on_time`: of the same clock. An idle bus knows no time but
    // that it may be used again, in a beat's interval.
    bool same_memory(const Snapshot &s, bool on_time) const
    {
        const bool same_bus =
            (bus_->idle() && s.bus->idle()) || (on_time && std::memcmp(bus_.get(), s.bus.get(), sizeof *bus_) == 0);
        return same_bus && std::memcmp(memory_.bytes, memory_constants_.data(), memory_constants_.size()) == 0 &&
               std::memcmp(memory_.bytes + output_at_, s.tail.data(), s.tail.size()) == 0;
    }
    static bool is_kept(const Field &field)
    {
        return field.watch >= 0 && field.owner != BD_UPSET_ACTIVATIONS;
    }

  private:
    static constexpr int ACCESS_LIMIT = 1000; // clocks in which a register access must end
    static uint64_t up(uint64_t v)
    {
        return (v + PAGE - 1) / PAGE * PAGE;
    }
    Vbitdial_top___024root *root() const
    {
        return top_->rootp;
    }
    void half(uint8_t level)
    {
        top_->aclk = level;
        top_->eval();
#if VM_TRACE_FST
        if (trace_ && tracing)
            trace_->dump(time_++);
#endif
    }
    void power_up()
    {
        top_->aresetn = 1; // the reset is asynchronous: it acts on its falling edge
        top_->eval();
        top_->aresetn = 0;
        for (int i = 0; i < 4; i++) {
            half(0);
            half(1);
        }
        top_->aresetn = 1;
        clock();
    }
    // False where the hook wants to end.
    bool clock()
    {
        bus_->drive(*top_, now_);
        half(0);
        if (top_->irq && !irq_)
            interrupt_ = now_;
        irq_ = top_->irq;
        taken_ = {top_->s_axi_awvalid && top_->s_axi_awready, top_->s_axi_wvalid && top_->s_axi_wready,
                  top_->s_axi_bvalid && top_->s_axi_bready, top_->s_axi_arvalid && top_->s_axi_arready,
                  top_->s_axi_rvalid && top_->s_axi_rready};
        response_ = taken_.b ? top_->s_axi_bresp : top_->s_axi_rresp;
        data_ = top_->s_axi_rdata;
        bus_->sample(*top_, now_);
        half(1);
        now_++;
        return now_ < next_hook || hook();
    }
    static int read32(void *context, uint32_t offset, uint32_t *value)
    {
        auto &m = *static_cast<Machine *>(context);
        Vbitdial_top &top = *m.top_;
        top.s_axi_araddr = uint16_t(offset);
        top.s_axi_arvalid = top.s_axi_rready = 1;
        bool done = false, good = false;
        for (int i = 0; i < ACCESS_LIMIT && !done; i++) {
            m.clock();
            if (m.taken_.r) {
                done = true;
                good = m.response_ == 0;
                *value = m.data_;
            }
            if (m.taken_.ar)
                top.s_axi_arvalid = 0;
        }
        top.s_axi_arvalid = top.s_axi_rready = 0;
        m.silence_.access |= !done;
        return good ? BD_PORT_OK : BD_PORT_FAILED;
    }
    static int write32(void *context, uint32_t offset, uint32_t value)
    {
        auto &m = *static_cast<Machine *>(context);
        Vbitdial_top &top = *m.top_;
        top.s_axi_awaddr = uint16_t(offset);
        top.s_axi_wdata = value;
        top.s_axi_wstrb = 15;
        top.s_axi_awvalid = top.s_axi_wvalid = top.s_axi_bready = 1;
        bool done = false, good = false;
        for (int i = 0; i < ACCESS_LIMIT && !done; i++) {
            m.clock();
            if (m.taken_.w && offset == BITDIAL_DOORBELL_REG)
                m.doorbell_ = m.now_ - 1;
            if (m.taken_.b) {
                done = true;
                good = m.response_ == 0;
            }
            if (m.taken_.aw)
                top.s_axi_awvalid = 0;
            if (m.taken_.w)
                top.s_axi_wvalid = 0;
        }
        top.s_axi_awvalid = top.s_axi_wvalid = top.s_axi_bready = 0;
        m.silence_.access |= !done;
        return good ? BD_PORT_OK : BD_PORT_FAILED;
    }
    static int read_memory(void *context, uint64_t address, void *data, size_t size)
    {
        auto &m = *static_cast<Machine *>(context);
        return bd_guarded_memory_host_read(&m.memory_, address, data, size) ? BD_PORT_FAILED : BD_PORT_OK;
    }
    static int write_memory(void *context, uint64_t address, const void *data, size_t size)
    {
        auto &m = *static_cast<Machine *>(context);
        return bd_guarded_memory_host_write(&m.memory_, address, data, size) ? BD_PORT_FAILED : BD_PORT_OK;
    }
    static int wait_irq(void *context, uint32_t milliseconds)
    {
        auto &m = *static_cast<Machine *>(context);
        for (const uint64_t end = m.now_ + uint64_t(milliseconds) * CLOCKS_PER_MS; m.now_ < end;) {
            if (!m.clock())
                return BD_PORT_FAILED;
            if (m.irq_)
                return BD_PORT_OK;
        }
        m.silence_.interrupt = true;
        return BD_PORT_TIMEOUT;
    }
    static uint64_t now_ms(void *context)
    {
        return static_cast<Machine *>(context)->now_ / CLOCKS_PER_MS;
    }

    const bd_program &program_;
    bd_memory_model timing_;
    bd_guarded_memory memory_{};
    std::unique_ptr<AxiMemory> bus_;
    VerilatedContext context_;
    std::unique_ptr<Vbitdial_top> top_;
    std::vector<Field> fields_;
    std::vector<std::pair<size_t, size_t>> kept_; // offset and size of memories that snapshots leave out
    std::vector<uint8_t> constants_, memory_constants_;
    bd_device device_{};
    uint64_t input_at_, output_at_, maps_at_;
    uint64_t watchdog_ = 0, frame_limit_ = 0;
    uint64_t now_ = 0, doorbell_ = 0, interrupt_ = 0;
    Silence silence_{};
    bool irq_ = false, in_wait_ = false;
    struct {
        bool aw, w, b, ar, r;
    } taken_{};
    unsigned response_ = 0;
    uint32_t data_ = 0;
#if VM_TRACE_FST
    std::unique_ptr<VerilatedFstC> trace_;
    uint64_t time_ = 0;
#endif
};

} // namespace bitdial

#endif
