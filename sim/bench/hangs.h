// Nothing hangs: memories that never answer or answer late, on every channel and at random places; resets of the
// accelerator alone while reads are open; broken descriptors; frames with more to do than they may. Each ends in a
// named error in bounded time, and a right frame follows as soon as the memory is one again.
#ifndef BD_BENCH_HANGS_H
#define BD_BENCH_HANGS_H

#include <map>

#include "sim/bench/runner.h"

extern "C" {
#include "model/core/rng.h"
}

namespace
{

class Hangs : public Runner
{
  public:
    Hangs(const bd_hardware &hardware, const bd_program &program, const Options &options)
        : Runner(hardware, program, options)
    {
        // No wait of a right frame is as long: from block to block, or for a layer that pools.
        static bd_frame_cost cost;
        for (unsigned s = 0; s < head_.switch_count; s++) {
            check(bd_cost_frame(&program_, &hardware_, s, true, &cost, &err_), err_);
            for (unsigned l = 0; l < head_.layer_count; l++) {
                const bd_descriptor &d = *bd_program_descriptor(&program_, s, l);
                const uint64_t longest = d.operation == BD_OP_POOL ? uint64_t(cost.layers[l].total)
                                                                   : std::max(d.interval_large, d.interval_small);
                limit_ = std::max(limit_, 1000 + longest);
            }
        }
    }

    void hangs(uint64_t seed, Tally &tally)
    {
        bd_rng_seed(&rng_, seed);
        bd_random_image(&program_, seed, device_->memory() + image_at_);
        s_ = bd_rng_below(&rng_, head_.switch_count);
        timed_ = false;
        device_->patience(50000000);
        device_->write(BITDIAL_WATCHDOG_LIMIT_REG, uint32_t(limit_));
        for (int c = 0; c < Device::CHANNELS; c++)
            for (int i = 0; i < 2; i++) {
                if (!mine(unsigned(2 * c + i)))
                    continue;
                silent(Device::Channel(c), i == 0, tally);
                late(Device::Channel(c), limit_ / 2, true, tally);
                late(Device::Channel(c), limit_ * 4, false, tally);
            }
        switched_off(tally);
        bounded(tally);
        resets(tally);
    }

    // Every word of the load descriptor, and of a descriptor of a random layer, at its edges.
    void words(uint64_t seed, Tally &tally)
    {
        bd_rng_seed(&rng_, seed);
        bd_random_image(&program_, seed, device_->memory() + image_at_);
        timed_ = false;
        device_->patience(50000000);
        device_->assertions(false);
        device_->write(BITDIAL_WATCHDOG_LIMIT_REG, uint32_t(limit_));
        for (unsigned s = 0; s < head_.switch_count; s++) {
            const uint64_t from = ring(s, true);
            most_ = std::max(most_, 2 * (device_->wait() - from));
            device_->clear();
        }
        set_context(BITDIAL_FRAME_LIMIT_REG, uint32_t(most_));
        for (unsigned word = 0; word < LOAD_WORDS + BD_DESCRIPTOR_WORDS; word++) {
            if (!mine(word))
                continue;
            s_ = bd_rng_below(&rng_, head_.switch_count);
            const unsigned layer = bd_rng_below(&rng_, head_.layer_count);
            const uint64_t place = word < LOAD_WORDS ? head_.load_offset + word * 4
                                                     : head_.descriptor_offset + s_ * head_.switch_stride +
                                                           layer * 256 + (word - LOAD_WORDS) * 4;
            uint32_t kept;
            std::memcpy(&kept, program_.image + place, 4);
            for (const uint32_t value : {0u, 0xffffffffu, 0x7fffffffu, kept + 1, kept - 1, kept * 2, kept + 8}) {
                std::memcpy(device_->memory() + place, &value, 4);
                broken(word, value, tally);
                std::memcpy(device_->memory(), program_.image, head_.image_bytes); // it may have been written over
                bd_random_image(&program_, seed, device_->memory() + image_at_);
                right_frame(tally, true);
            }
        }
        if (options_.verbose)
            std::printf("%u broken words made a frame too long\n", late_);
        set_context(BITDIAL_FRAME_LIMIT_REG, 0);
        right_frame(tally);
    }

    // A reset in any clock of a frame, of the memory's bus too where a write burst is open, and sometimes where none
    // is: the registers are as after the first reset, and the next frame is right, in the clocks of a lone one where
    // nothing is open.
    void resets_anywhere(uint64_t seed, Tally &tally)
    {
        bd_rng_seed(&rng_, seed);
        bd_random_image(&program_, seed, device_->memory() + image_at_);
        device_->patience(10000000);
        for (int done = 0; done < RESETS; done++) {
            if (!mine(unsigned(done)))
                continue;
            s_ = bd_rng_below(&rng_, head_.switch_count);
            const bool store = done % 2, slow = done % 3 == 0; // answers of a slow memory come when the next frame runs
            device_->timing(slow ? bd_memory_model{300, 2, 4} : hardware_.memory);
            program_there_ = false;
            uint64_t &clocks = clocks_[s_][2 * store + slow];
            if (!clocks) { // from a right frame
                const uint64_t from = ring(s_, store);
                clocks = device_->wait() - from;
                device_->clear();
                program_there_ = false;
            }
            ring(s_, store);
            for (uint64_t t = bd_rng_below(&rng_, uint32_t(clocks)); t > 0; t--)
                device_->clock();
            const bool with_bus = device_->writes_open() || bd_rng_below(&rng_, 4) == 0;
            timed_ = !slow && (with_bus || !device_->reads_open());
            device_->reset(1 + int(bd_rng_below(&rng_, 4)), with_bus);
            for (const uint32_t offset : {BITDIAL_STATUS_REG, BITDIAL_IRQ_STATUS_REG, BITDIAL_FRAME_COUNT_REG,
                                          BITDIAL_IRQ_ENABLE_REG, BITDIAL_PRECISION_REG, BITDIAL_CONTROL_REG})
                expect(device_->read(offset) == 0, "after a reset a register is not 0; offset", offset, tally);
            device_->write(BITDIAL_IRQ_ENABLE_REG, 3);
            program_there_ = false;
            right_frame(tally, done / int(options_.share) % 10 != 0);
        }
        device_->timing(hardware_.memory);
    }

  private:
    static constexpr int RESETS = 200;
    static constexpr uint64_t ABORT = 65536;
    static constexpr unsigned LOAD_WORDS = sizeof(bd_load_descriptor) / 4;
    static constexpr uint64_t BOUND = 200; // register accesses, the drain, the steps between

    bool mine(unsigned fault) const
    {
        return fault % options_.share == options_.turn;
    }
    void right_frame(Tally &tally, bool stored_only = false)
    {
        device_->plant(UINT64_MAX, UINT64_MAX);
        run_switch(s_, tally, stored_only);
    }
    uint32_t error() const
    {
        return (device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT;
    }
    void expect_error(uint32_t code, const char *what, Tally &tally)
    {
        const uint32_t found = error();
        expect(found == code && !(device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUSY_MASK), what, found, tally);
        device_->clear();
    }
    // Handshakes on a channel in a frame with stores.
    uint64_t frame_handshakes(Device::Channel channel)
    {
        const uint64_t before = device_->handshakes(channel);
        ring(s_, true);
        device_->wait();
        device_->clear();
        compute_ = device_->read(BITDIAL_COUNTER_COMPUTE_LO_REG);
        return device_->handshakes(channel) - before;
    }
    // A channel falls silent for good in the middle of a frame. `stays`: for two frames more.
    void silent(Device::Channel channel, bool stays, Tally &tally)
    {
        const uint64_t after = bd_rng_below(&rng_, uint32_t(frame_handshakes(channel)));
        device_->mute(channel, after, UINT64_MAX);
        ring(s_, true);
        uint64_t end = device_->wait();
        expect(end - device_->progress() <= compute_ + limit_ + ABORT + BOUND, "late BUS_DEAD on channel", channel,
               tally);
        expect(device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUS_OPEN_MASK, "no BUS_OPEN, channel", channel,
               tally);
        expect_error(BITDIAL_ERROR_BUS_DEAD, "no BUS_DEAD after silence", tally);
        // The next frame ends the same way; so does a soft reset in the middle of it.
        if (stays) {
            uint64_t from = ring(s_, true);
            end = device_->wait();
            expect(end - from <= limit_ + ABORT + BOUND, "late BUS_DEAD of a second frame, channel", channel, tally);
            expect_error(BITDIAL_ERROR_BUS_DEAD, "no BUS_DEAD of a second frame", tally);
            ring(s_, true);
            from = soft_reset();
            end = device_->wait();
            expect(end - from <= ABORT + BOUND, "late BUS_DEAD of a soft reset, channel", channel, tally);
            expect_error(BITDIAL_ERROR_BUS_DEAD, "no BUS_DEAD of a soft reset", tally);
        }
        if (bd_rng_below(&rng_, 2)) { // a frame waits for the old transfers
            ring(s_, true);
            for (uint64_t t = 0; t < limit_ / 2; t++)
                device_->clock();
            device_->unmute();
            device_->wait();
            expect(device_->read(BITDIAL_IRQ_STATUS_REG) == BITDIAL_IRQ_STATUS_DONE_MASK,
                   "a frame that waits for old transfers fails, channel", channel, tally);
            device_->clear();
        } else {
            device_->unmute();
            while (device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUS_OPEN_MASK)
                if (device_->now() - end > 100000) {
                    expect(false, "BUS_OPEN stays, channel", channel, tally);
                    break;
                }
        }
        right_frame(tally);
    }
    // A channel pauses: for less than the limit, which nobody sees, or for more, which ends the frame.
    void late(Device::Channel channel, uint64_t clocks, bool good, Tally &tally)
    {
        device_->mute(channel, bd_rng_below(&rng_, uint32_t(frame_handshakes(channel))), clocks);
        if (good) {
            right_frame(tally, true);
            device_->unmute();
            return;
        }
        ring(s_, true);
        const uint64_t end = device_->wait();
        // What is read ahead may pause for as long as pixels are computed.
        const bool ahead = channel <= Device::R && error() == BITDIAL_ERROR_NONE;
        expect(ahead || end - device_->progress() <= compute_ + limit_ + BOUND, "late WATCHDOG on channel", channel,
               tally);
        expect_error(ahead ? BITDIAL_ERROR_NONE : BITDIAL_ERROR_WATCHDOG, "no WATCHDOG after a pause", tally);
        device_->unmute();
        right_frame(tally, true);
    }
    // A limit of 0 waits for ever.
    void switched_off(Tally &tally)
    {
        device_->write(BITDIAL_WATCHDOG_LIMIT_REG, 0);
        device_->mute(Device::R, 40, 200000);
        right_frame(tally);
        device_->unmute();
        device_->write(BITDIAL_WATCHDOG_LIMIT_REG, uint32_t(limit_));
    }
    // A frame that takes as many clocks as it may is right, one that takes more ends in FRAME_LIMIT, at the layer that
    // ran; what the next doorbell gives is for the next frame. The last limits end it in each clock of writing the
    // result. Without stalls, for whose clocks nobody could know.
    void bounded(Tally &tally)
    {
        device_->stalls(options_.stall_seed, 0);
        uint64_t clocks = 0, from = 0;
        for (int i = 0; i < 2; i++) { // the first one loads the program
            from = ring(s_, false);
            clocks = device_->wait() - from;
            device_->clear();
        }
        static bd_frame_cost cost;
        check(bd_cost_frame(&program_, &hardware_, s_, false, &cost, &err_), err_);
        for (unsigned i = 0; i < 70; i++) {
            if (i && !mine(i))
                continue;
            const uint64_t limit = i < 64 ? clocks - i : 1 + bd_rng_below(&rng_, uint32_t(clocks - 1));
            set_context(BITDIAL_FRAME_LIMIT_REG, uint32_t(limit));
            from = ring(s_, false);
            const uint64_t took = device_->wait() - from;
            const unsigned layer = (device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_ERROR_LAYER_MASK) >>
                                   BITDIAL_STATUS_ERROR_LAYER_SHIFT;
            uint64_t end = 0;
            unsigned runs = 0;
            while (i && runs + 1 < cost.layer_count && (end += cost.layers[runs].total) <= limit)
                runs++;
            expect(i ? took > limit && took <= limit + BOUND : took == clocks, "clocks with FRAME_LIMIT", limit, tally);
            expect(layer == runs, "ERROR_LAYER of FRAME_LIMIT", limit, tally);
            expect_error(i ? BITDIAL_ERROR_FRAME_LIMIT : BITDIAL_ERROR_NONE, "no FRAME_LIMIT", tally);
        }
        set_context(BITDIAL_FRAME_LIMIT_REG, uint32_t(clocks));
        ring(s_, false);
        set_context(BITDIAL_FRAME_LIMIT_REG, uint32_t(clocks - 1));
        ring(s_, false);
        set_context(BITDIAL_FRAME_LIMIT_REG, 0);
        device_->wait();
        expect(device_->read(BITDIAL_IRQ_STATUS_REG) == BITDIAL_IRQ_STATUS_DONE_MASK,
               "FRAME_LIMIT of a frame that keeps it", clocks, tally);
        device_->clear();
        device_->wait();
        expect_error(BITDIAL_ERROR_FRAME_LIMIT, "no FRAME_LIMIT of a frame that waited", tally);
        right_frame(tally);
        device_->stalls(options_.stall_seed, options_.stall_chance);
    }
    void resets(Tally &tally)
    {
        device_->timing({300, 2, 4}); // old beats come long after the reset
        program_there_ = false;
        const uint64_t from = ring(s_, false);
        const uint64_t clocks = device_->wait() - from;
        device_->clear();
        for (unsigned done = 0, tries = 0; done < (50 + options_.share - 1) / options_.share; tries++) {
            program_there_ = false;
            ring(s_, bd_rng_below(&rng_, 2));
            for (uint64_t t = bd_rng_below(&rng_, uint32_t(clocks)); t > 0; t--)
                device_->clock();
            // A write burst that was begun and is not ended can be healed by no master.
            for (int t = 0; t < 100 && (!device_->reads_open() || device_->writes_open()); t++)
                device_->clock();
            const bool open = device_->reads_open() && !device_->writes_open();
            if (open)
                device_->reset(1 + int(bd_rng_below(&rng_, 4)));
            else
                soft_reset();
            for (uint64_t t = 0; !open && t < 100000 && device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUSY_MASK;)
                t++;
            device_->clear();
            device_->write(BITDIAL_IRQ_ENABLE_REG, 3);
            device_->write(BITDIAL_WATCHDOG_LIMIT_REG, uint32_t(limit_));
            done += open;
            right_frame(tally, done % 10 != 0);
            if (tries > 500) {
                expect(false, "reads are hardly ever open; resets", uint64_t(done), tally);
                break;
            }
        }
        device_->timing(hardware_.memory);
    }
    // Ends well or in a named error, within what the frame may take. Words of the load descriptor come first: below 0.
    void broken(unsigned word, uint32_t value, Tally &tally)
    {
        const uint64_t from = ring(s_, true);
        const uint64_t limit = most_ + ABORT + BOUND;
        while (!device_->irq() && device_->now() - from < limit)
            device_->clock();
        const uint32_t code = error(), cause = device_->read(BITDIAL_IRQ_STATUS_REG);
        const bool named = cause == BITDIAL_IRQ_STATUS_ERROR_MASK &&
                           (code == BITDIAL_ERROR_BAD_DESCRIPTOR || code == BITDIAL_ERROR_BUS_ERROR ||
                            code == BITDIAL_ERROR_WATCHDOG || code == BITDIAL_ERROR_FRAME_LIMIT);
        late_ += code == BITDIAL_ERROR_FRAME_LIMIT;
        if (!named && cause != BITDIAL_IRQ_STATUS_DONE_MASK) {
            fail(failure("behaviour", s_), "word %d at 0x%x: IRQ_STATUS %u, error %u after %" PRIu64 " clocks",
                 int(word) - int(LOAD_WORDS), value, cause, code, device_->now() - from);
            tally.mismatches++;
        }
        if (options_.verbose)
            std::printf("word %d at 0x%x: cause %u error %u, %" PRIu64 " clocks\n", int(word) - int(LOAD_WORDS), value,
                        cause, code, device_->now() - from);
        device_->clear();
    }

    bd_rng rng_;
    unsigned s_ = 0;
    uint64_t limit_ = 3000;                              // WATCHDOG_LIMIT
    uint64_t compute_ = 0;                               // clocks in which the frame comes on without the bus
    uint64_t most_ = 0;                                  // clocks that a frame may take
    unsigned late_ = 0;                                  // frames that took more
    std::map<unsigned, std::map<int, uint64_t>> clocks_; // of frames: by switch, with stores, on a slow memory
};

} // namespace

#endif
