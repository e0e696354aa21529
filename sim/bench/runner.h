// Frames on the Verilated accelerator, compared with the reference, for bench.cpp.
#ifndef BD_BENCH_RUNNER_H
#define BD_BENCH_RUNNER_H

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/bench/device.h"

extern "C" {
#include "model/cost/cost.h"
#include "model/exec/exec.h"
#include "model/program/random_network.h"
#include "sw/driver/bitdial_regs.h"
}

namespace
{

void check(bd_status status, const bd_error &err)
{
    if (status == BD_OK)
        return;
    std::fprintf(stderr, "bench: %s\n", err.message);
    if (!first_failure.kind) {
        first_failure.kind = status == BD_FAIL ? "behaviour" : "input";
        first_failure.text = err.message;
    }
    std::exit(status);
}

struct Tally {
    uint64_t frames = 0, layers = 0, streamed = 0, mismatches = 0, cycle_misses = 0, queue_misses = 0;
};

struct Options {
    uint64_t stall_chance = 0, stall_seed = 1;
    bool cycles = true, verbose = false, assertions = true;
    const char *trace = nullptr;
    uint64_t patience = CLOCK_LIMIT; // clocks in which a frame must end
    const uint8_t *image = nullptr;  // instead of a random one
    std::string repeat;
    unsigned share = 1, turn = 0; // of the faults planted in turn, every share-th from the turn-th on
};

uint64_t up(uint64_t v)
{
    return (v + PAGE - 1) / PAGE * PAGE;
}

class Runner
{
  public:
    Runner(const bd_hardware &hardware, const bd_program &program, const Options &options)
        : hardware_(hardware), program_(program), options_(options), head_(*program.header)
    {
        image_at_ = up(head_.image_bytes);
        output_at_ = up(image_at_ + head_.input_bytes + 8);
        store_at_ = up(output_at_ + head_.output_bytes);
        device_ = std::make_unique<Device>(hardware, up(store_at_ + head_.store_bytes), options.trace);
        device_->stalls(options.stall_seed, options.stall_chance);
        device_->patience(options.patience);
        device_->assertions(options.assertions);
        std::memcpy(device_->memory(), program.image, head_.image_bytes);
        context_ = {{BITDIAL_PROGRAM_ADDR_LO_REG, 0},
                    {BITDIAL_PROGRAM_ADDR_HI_REG, 0},
                    {BITDIAL_DESC_OFFSET_REG, head_.load_offset},
                    {BITDIAL_SWITCH_STRIDE_REG, head_.switch_stride},
                    {BITDIAL_LAYER_COUNT_REG, head_.layer_count},
                    {BITDIAL_SWITCH_COUNT_REG, head_.switch_count},
                    {BITDIAL_STORE_ADDR_LO_REG, uint32_t(store_at_)},
                    {BITDIAL_STORE_ADDR_HI_REG, 0},
                    {BITDIAL_INPUT_ADDR_LO_REG, uint32_t(image_at_)},
                    {BITDIAL_INPUT_ADDR_HI_REG, 0},
                    {BITDIAL_OUTPUT_ADDR_LO_REG, uint32_t(output_at_)},
                    {BITDIAL_OUTPUT_ADDR_HI_REG, 0},
                    {BITDIAL_TAG_REG, 0},
                    {BITDIAL_FRAME_LIMIT_REG, 0}};
        device_->write(BITDIAL_IRQ_ENABLE_REG, 3);
        check(bd_decode(&program, &decoded_, &err_), err_);
    }
    ~Runner()
    {
        bd_decoded_free(decoded_);
    }

    void run(uint64_t seed, Tally &tally)
    {
        if (options_.image)
            std::memcpy(device_->memory() + image_at_, options_.image, head_.input_bytes);
        else
            bd_random_image(&program_, seed, device_->memory() + image_at_);
        scatter_ = seed * 2 + 1;
        mask_ = device_->repeat_memory();
        std::vector<uint64_t> alone(head_.switch_count);
        for (unsigned s = 0; s < head_.switch_count; s++)
            alone[s] = run_switch(s, tally);
        // Queued: each switch behind every other, without stores. A queued frame starts where the one before ended.
        if (options_.stall_chance || head_.switch_count < 2)
            return;
        for (unsigned s = 0; s < head_.switch_count; s++)
            for (unsigned t = 0; t < head_.switch_count; t++) {
                ring(s, false);
                ring(t, false);
                device_->wait();
                device_->clear();
                device_->wait();
                device_->clear();
                const uint64_t total = device_->read(BITDIAL_COUNTER_TOTAL_LO_REG);
                if (total != alone[t]) {
                    tally.queue_misses++;
                    fail(failure("queue", t), "switch %u behind %u takes %" PRIu64 " clocks, alone %" PRIu64, t, s,
                         total, alone[t]);
                }
            }
    }

    // Frames at one switch for about `seconds`: clocks and binary MAC a second.
    void speed(unsigned s, double seconds)
    {
        static bd_frame_cost cost;
        check(bd_cost_frame(&program_, &hardware_, s, false, &cost, &err_), err_);
        uint64_t operations = 0;
        for (unsigned l = 0; l < cost.layer_count; l++)
            operations += cost.layers[l].xnor_ops;
        const uint64_t from = device_->now();
        const auto start = std::chrono::steady_clock::now();
        uint64_t frames = 0;
        double passed = 0;
        while (passed < seconds) {
            ring(s, false);
            device_->wait();
            device_->clear();
            frames++;
            passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        }
        std::printf("switch %u: %.0f clocks/s, %.3g binary MAC/s, %.2f frames/s\n", s,
                    double(device_->now() - from) / passed, double(operations) * double(frames) / passed,
                    double(frames) / passed);
    }

  protected:
    // The doorbell latches all that its frame uses: behind it, every register is spoilt, those of the program only
    // where stores are asked for, since a device loads a program anew whose registers were written.
    uint64_t ring(unsigned s, bool store)
    {
        reloads_ = store || !program_there_;
        if (scatter_)
            scatter();
        for (const auto &[offset, value] : context_)
            if (reloads_ || !of_program(offset))
                device_->write(offset, value);
        device_->write(BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | (store ? 1 : 0));
        device_->write(BITDIAL_PRECISION_REG, s);
        const uint64_t at = device_->write(BITDIAL_DOORBELL_REG, 1);
        program_there_ = !store;
        for (const auto &[offset, value] : context_)
            if (store || !of_program(offset))
                device_->write(offset, value ^ SPOILT);
        device_->write(BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | (store ? 0 : 1));
        device_->write(BITDIAL_PRECISION_REG, s ^ 1);
        return at;
    }
    // Another tag, other upper bits of all addresses, which mean the same memory, and where no limit of the frame is
    // asked for, none or one that no frame meets.
    void scatter()
    {
        const auto draw = [this] {
            scatter_ ^= scatter_ << 13;
            scatter_ ^= scatter_ >> 7;
            return scatter_ ^= scatter_ << 17;
        };
        context_[BITDIAL_TAG_REG] = uint32_t(draw() >> 16);
        if (uint32_t &limit = context_[BITDIAL_FRAME_LIMIT_REG]; !limit || limit >= DISTANT)
            limit = draw() % 2 ? 0 : DISTANT | uint32_t(draw() >> 32);
        for (const uint32_t low : {BITDIAL_PROGRAM_ADDR_LO_REG, BITDIAL_STORE_ADDR_LO_REG, BITDIAL_INPUT_ADDR_LO_REG,
                                   BITDIAL_OUTPUT_ADDR_LO_REG}) {
            if (of_program(low) && !reloads_)
                continue;
            const uint64_t address = (context_[low] & mask_) | (draw() & ~mask_);
            context_[low] = uint32_t(address);
            context_[low + 4] = uint32_t(address >> 32);
        }
    }
    static bool of_program(uint32_t offset)
    {
        return offset >= BITDIAL_PROGRAM_ADDR_LO_REG && offset <= BITDIAL_SWITCH_COUNT_REG;
    }
    // The value of a register at the doorbells from now on.
    void set_context(uint32_t offset, uint32_t value)
    {
        context_[offset] = value;
        if (of_program(offset))
            program_there_ = false;
    }
    // Drops what waits and what runs; the next frame loads its program anew.
    uint64_t soft_reset()
    {
        program_there_ = false;
        return device_->write(BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | BITDIAL_CONTROL_SOFT_RESET_MASK);
    }
    uint64_t frame(unsigned s, bool store, Tally &tally)
    {
        std::memset(device_->memory() + output_at_, 0xa5, head_.output_bytes);
        const uint64_t from = began_ = ring(s, store);
        const uint64_t cycles = device_->wait() - from;
        const uint32_t status = device_->read(BITDIAL_STATUS_REG), cause = device_->read(BITDIAL_IRQ_STATUS_REG);
        device_->clear();
        tally.frames++;
        for (unsigned l = 0; l < head_.layer_count && cause == 1; l++)
            cover_layer(*bd_program_descriptor(&program_, s, l));
        if (cause != 1) {
            Failure found = failure("interrupt", s);
            if (cause == BITDIAL_IRQ_STATUS_ERROR_MASK)
                name_layer(found, (status & BITDIAL_STATUS_ERROR_LAYER_MASK) >> BITDIAL_STATUS_ERROR_LAYER_SHIFT);
            fail(found, "switch %u: IRQ_STATUS %u, STATUS 0x%x", s, cause, status);
            tally.mismatches++;
        }
        const uint64_t total = device_->read(BITDIAL_COUNTER_TOTAL_LO_REG);
        uint64_t parts = 0, part[5];
        for (uint32_t k = 0; k < 5; k++)
            parts += part[k] = device_->read(BITDIAL_COUNTER_COMPUTE_LO_REG + 8 * k);
        if (total != cycles || parts != total) {
            fail(failure("clocks", s), "switch %u: %" PRIu64 " clocks, counted %" PRIu64 ", parts %" PRIu64, s, cycles,
                 total, parts);
            tally.cycle_misses++;
        }
        if (timed_ && options_.cycles && !options_.stall_chance)
            compare_cycles(s, store, cycles, part, tally);
        return cycles;
    }
    void compare_cycles(unsigned s, bool store, uint64_t cycles, const uint64_t *part, Tally &tally)
    {
        static bd_frame_cost cost;
        check(bd_cost_frame(&program_, &hardware_, s, store, &cost, &err_), err_);
        uint64_t bytes;
        const uint64_t load =
            reloads_ ? bd_cost_load(&head_, bd_program_load_descriptor(&program_), &hardware_.memory, &bytes) : 0;
        cost.cycles += load;
        const uint64_t predicted[5] = {cost.compute, cost.weight_stall + load, cost.input_stall, cost.output_stall,
                                       cost.overhead};
        if (cost.cycles == cycles && !std::memcmp(predicted, part, sizeof predicted))
            return;
        std::string parts;
        for (int k = 0; k < 5; k++)
            parts += " " + std::to_string(part[k]) + "/" + std::to_string(predicted[k]);
        fail(failure("clocks", s), "switch %u store %d: %" PRIu64 " clocks, predicted %" PRIu64 " (%s )", s, store,
             cycles, cost.cycles, parts.c_str());
        tally.cycle_misses++;
    }
    template <class T>
    bool compare(unsigned s, unsigned layer, const char *what, const T *got, const T *want,
                 const bd_layer_output &shape)
    {
        for (int y = 0; y < shape.height; y++)
            for (int x = 0; x < shape.width; x++)
                for (int c = 0; c < shape.channels; c++) {
                    const size_t at = (size_t(y) * shape.width + x) * shape.channels + c;
                    if (got[at] == want[at])
                        continue;
                    Failure found = failure("value", s);
                    found.what = what;
                    name_layer(found, layer);
                    const bd_descriptor *d = bd_program_descriptor(&program_, s, layer);
                    found.unit = d->operation == BD_OP_POOL ? "pool" : d->datapath == BD_DATAPATH_XNOR ? "xnor" : "mac";
                    found.channel = c, found.row = y, found.column = x;
                    found.got = int(got[at]), found.want = int(want[at]);
                    found.clock = first_wrong(s, layer, got, want, shape);
                    fail(found, "switch %u layer %u (%s) %s channel %d pixel (%d, %d): got %d, want %d", s, layer,
                         program_.names[layer], what, c, y, x, int(got[at]), int(want[at]));
                    return false;
                }
        return true;
    }
    // Every layer that the last frame stored, up to the first that differs.
    void compare_layers(unsigned s, const bd_frame &want, Tally &tally)
    {
        for (unsigned l = 0; l < head_.layer_count; l++) {
            bd_layer_output got{};
            bd_store_unpack(&program_, s, l, device_->memory() + store_at_, &got);
            bool good = true;
            if (got.codes)
                good = compare(s, l, "code", got.codes, want.outputs[l].codes, got);
            if (good && got.z)
                good = compare(s, l, "z", got.z, want.outputs[l].z, got);
            std::free(got.codes);
            std::free(got.z);
            tally.layers++;
            tally.streamed +=
                (bd_program_descriptor(&program_, s, l)->flags & (BD_FLAG_STREAM_TABLES | BD_FLAG_STREAM_WEIGHTS)) != 0;
            if (!good) {
                tally.mismatches++;
                return;
            }
        }
    }
    // The clock in which the first wrong value of a layer's store crossed the bus; 0 where none did.
    template <class T>
    uint64_t first_wrong(unsigned s, unsigned layer, const T *got, const T *want, const bd_layer_output &shape) const
    {
        const bd_descriptor *d = bd_program_descriptor(&program_, s, layer);
        const uint64_t at = store_at_ + (sizeof(T) == 1 ? d->store_codes_offset : d->store_z_offset);
        const uint64_t pitch = sizeof(T) == 1 ? up_to(shape.channels, 8) : uint64_t(d->row_groups) * head_.rows * 4;
        for (const Device::Written &burst : device_->written()) {
            const uint64_t address = burst.address & mask_; // upper bits are scattered
            for (uint64_t k = 0; k < burst.bytes && burst.beats[k / 8] >= began_ && address + k >= at; k++) {
                const uint64_t place = address + k - at, channel = place % pitch / sizeof(T);
                const uint64_t value = place / pitch * shape.channels + channel;
                if (place / pitch < uint64_t(shape.height) * shape.width && channel < uint64_t(shape.channels) &&
                    got[value] != want[value])
                    return burst.beats[k / 8];
            }
        }
        return 0;
    }
    static uint64_t up_to(uint64_t value, uint64_t multiple)
    {
        return (value + multiple - 1) / multiple * multiple;
    }
    // Of a frame that was rung at began_ and has ended now.
    Failure failure(const char *kind, unsigned s) const
    {
        Failure f;
        f.kind = kind;
        f.switch_index = int(s);
        f.begin = began_;
        f.clock = device_->now();
        f.repeat = options_.repeat;
        return f;
    }
    void name_layer(Failure &found, unsigned layer) const
    {
        found.layer = int(layer);
        found.layer_name = layer < head_.layer_count ? program_.names[layer] : "";
    }
    // A frame with its layers stored, each compared; then two without, the second of a program that is on the chip
    // already. Returns the clocks of the last. `stored_only`: the first alone.
    uint64_t run_switch(unsigned s, Tally &tally, bool stored_only = false)
    {
        bd_frame want{};
        check(bd_execute(&program_, decoded_, s, device_->memory() + image_at_, &want, &err_), err_);
        std::memset(device_->memory() + store_at_, 0x5a, head_.store_bytes);
        const uint64_t stored = frame(s, true, tally);
        compare_layers(s, want, tally);
        if (stored_only) {
            bd_frame_release(&want);
            return stored;
        }
        frame(s, false, tally);
        const uint64_t cycles = frame(s, false, tally);
        if (std::memcmp(device_->memory() + output_at_, want.logits, head_.classes * 4)) {
            fail(failure("result", s), "switch %u: the result without stores differs", s);
            tally.mismatches++;
        }
        if (options_.verbose)
            std::printf("switch %u: %" PRIu64 " clocks, %" PRIu64 " with stores\n", s, cycles, stored);
        bd_frame_release(&want);
        return cycles;
    }

    void expect(bool good, const char *what, uint64_t value, Tally &tally)
    {
        if (good)
            return;
        fail(failure("behaviour", 0), "%s (%" PRIu64 ")", what, value);
        tally.mismatches++;
    }

    uint64_t scatter_ = 0, mask_ = UINT64_MAX; // state of a xorshift; 0: addresses and tags stay
    bool program_there_ = false, reloads_ = false;
    uint64_t began_ = 0; // clock of the last frame's doorbell
    bool timed_ = true;  // the memory is the one that the cost model knows
    static constexpr uint32_t SPOILT = 0x5a5a5a58;
    static constexpr uint32_t DISTANT = 0x80000000; // clocks

    const bd_hardware &hardware_;
    const bd_program &program_;
    const Options &options_;
    const bd_program_header &head_;
    bd_error err_{};
    bd_decoded *decoded_ = nullptr;
    uint64_t image_at_, output_at_, store_at_;
    std::map<uint32_t, uint32_t> context_; // registers that a doorbell latches, by offset
    std::unique_ptr<Device> device_;
};

} // namespace

#endif
