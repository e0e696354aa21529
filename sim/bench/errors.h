// What may go wrong around a frame: bus errors, refused descriptors, soft resets, doorbells that may not ring. Each
// must end in its error, at its layer, and the next frame must be right.
#ifndef BD_BENCH_ERRORS_H
#define BD_BENCH_ERRORS_H

#include "sim/bench/runner.h"

extern "C" {
#include "model/core/rng.h"
}

namespace
{

class Errors : public Runner
{
  public:
    using Runner::Runner;

    // What may go wrong around a frame, and a right frame after each.
    void errors(uint64_t seed, Tally &tally)
    {
        bd_rng rng;
        bd_rng_seed(&rng, seed);
        bd_random_image(&program_, seed, device_->memory() + image_at_);
        const unsigned s = bd_rng_below(&rng, head_.switch_count);
        device_->plant(UINT64_MAX, UINT64_MAX);
        const uint64_t from = ring(s, true);
        const uint64_t clocks = device_->wait() - from, beats = device_->read_beats(), responses = device_->responses();
        device_->clear();
        run_switch(s, tally);
        const uint64_t load = load_beats();
        for (int i = 0; i < 8; i++) { // of the program: its load descriptor, its parts; anywhere
            const uint64_t most = i == 0 ? LOAD_DESCRIPTOR_BEATS : i == 1 ? load : beats;
            const uint64_t beat = bd_rng_below(&rng, uint32_t(most));
            device_->plant(beat, UINT64_MAX);
            ring(s, true);
            device_->wait();
            const uint64_t at = device_->struck();
            expect_error(BITDIAL_ERROR_BUS_ERROR, before_loads(s, layers_done(s, at - 4)), layers_done(s, at),
                         "no BUS_ERROR after an error in read beat", beat, tally);
            run_switch(s, tally, i % 4 != 0);
        }
        for (int i = 0; i < 4; i++) {
            const uint64_t response = bd_rng_below(&rng, uint32_t(responses));
            device_->plant(UINT64_MAX, response);
            ring(s, true);
            device_->wait();
            const unsigned layer = writer(s, device_->written().back().address);
            expect_error(BITDIAL_ERROR_BUS_ERROR, layer, layer, "no BUS_ERROR after an error in write response",
                         response, tally);
            run_switch(s, tally, i % 4 != 0);
        }
        for (int i = 0; i < 8; i++) {
            const uint64_t delay = bd_rng_below(&rng, uint32_t(clocks));
            ring(s, true);
            for (uint64_t t = 0; t < delay && !device_->irq(); t++)
                device_->clock();
            soft_reset();
            for (uint64_t t = 0; t < 100000 && (device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUSY_MASK); t++)
                continue;
            expect(!(device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUSY_MASK), "busy after a soft reset", delay,
                   tally);
            expect(!(device_->read(BITDIAL_IRQ_STATUS_REG) & BITDIAL_IRQ_STATUS_ERROR_MASK),
                   "a soft reset raises an error", delay, tally);
            device_->clear();
            run_switch(s, tally, i % 4 != 0);
        }
        refused_descriptors(s, rng, tally);
        refused_doorbells(s, tally);
        kept_results(rng, tally);
    }

  private:
    static constexpr uint64_t LOAD_DESCRIPTOR_BEATS = sizeof(bd_load_descriptor) / 8;
    uint64_t load_beats() const
    {
        const bd_load_descriptor *load = bd_program_load_descriptor(&program_);
        return LOAD_DESCRIPTOR_BEATS + load->descriptor_beats + load->table_beats + load->correct_beats +
               load->weight_beats;
    }
    // The frame that was rung ends in an interrupt for this error, which struck while layer `first` to `last` ran.
    // `done`: results may wait too.
    void expect_error(uint32_t code, unsigned first, unsigned last, const char *what, uint64_t value, Tally &tally,
                      bool done = false)
    {
        const uint32_t status = device_->read(BITDIAL_STATUS_REG), cause = device_->read(BITDIAL_IRQ_STATUS_REG);
        const uint32_t layer = (status & BITDIAL_STATUS_ERROR_LAYER_MASK) >> BITDIAL_STATUS_ERROR_LAYER_SHIFT;
        expect((cause & ~(done ? BITDIAL_IRQ_STATUS_DONE_MASK : 0u)) == BITDIAL_IRQ_STATUS_ERROR_MASK &&
                   (status & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT == code,
               what, value, tally);
        if (layer < first || layer > last) {
            std::printf("%s: %s (%" PRIu64 "):\n", options_.repeat.c_str(), what, value);
            expect_at_layer(layer, first, last, tally);
        }
        // A second error changes nothing until the first is cleared.
        ring(16, false);
        const uint32_t fields = BITDIAL_STATUS_ERROR_MASK | BITDIAL_STATUS_ERROR_LAYER_MASK;
        expect(((device_->read(BITDIAL_STATUS_REG) ^ status) & fields) == 0, "a second error hides the first", value,
               tally);
        device_->clear();
        expect((device_->read(BITDIAL_STATUS_REG) & fields) == 0, "an error stays when cleared", code, tally);
        device_->plant(UINT64_MAX, UINT64_MAX);
    }
    void expect_at_layer(unsigned layer, unsigned first, unsigned last, Tally &tally)
    {
        Failure found = failure("behaviour", 0);
        found.layer = int(layer);
        fail(found, "STATUS.ERROR_LAYER is %u, but the error struck at layer %u..%u", layer, first, last);
        tally.mismatches++;
    }
    // The layer that writes to an address of the store area or the result.
    unsigned writer(unsigned s, uint64_t address) const
    {
        for (unsigned l = 0; l < head_.layer_count; l++) {
            const bd_descriptor *d = bd_program_descriptor(&program_, s, l);
            const uint64_t codes = store_at_ + d->store_codes_offset, z = store_at_ + d->store_z_offset;
            if (d->operation == BD_OP_LOAD)
                continue;
            if ((address >= codes && address - codes < d->store_codes_bytes) ||
                (address >= z && address - z < d->store_z_bytes))
                return l;
        }
        return head_.layer_count - 1;
    }
    // Layers of which all that they store was written by a clock: the next one runs then.
    unsigned layers_done(unsigned s, uint64_t clock) const
    {
        std::vector<uint64_t> left(head_.layer_count);
        for (unsigned l = 0; l < head_.layer_count; l++) {
            const bd_descriptor *d = bd_program_descriptor(&program_, s, l);
            if (d->operation == BD_OP_LOAD)
                continue;
            left[l] = d->store_codes_bytes + d->store_z_bytes + (d->flags & BD_FLAG_RESULT ? head_.output_bytes : 0);
        }
        for (const auto &burst : device_->written())
            if (burst.at <= clock)
                left[writer(s, burst.address)] -= burst.bytes;
        unsigned done = 0;
        while (done < head_.layer_count && left[done] == 0)
            done++;
        return done;
    }
    // Layers that load maps write nothing: they may still be at work.
    unsigned before_loads(unsigned s, unsigned layer) const
    {
        while (layer > 0 && bd_program_descriptor(&program_, s, layer - 1)->operation == BD_OP_LOAD)
            layer--;
        return layer;
    }
    void refused_descriptors(unsigned s, bd_rng &rng, Tally &tally)
    {
        const struct {
            unsigned word;
            uint32_t value;
            const char *what;
        } plants[] = {{0, 4, "operation"},
                      {2, 2, "datapath"},
                      {15, 4096, "groups"},
                      {21, 3, "pool_kind"},
                      {41, 17, "pixels_large"},
                      {20, 2, "weight_zero_point"},
                      {46, 262144, "code_multiplier"},
                      {45, 48, "shift"},
                      {1, 0x20000, "flags"},
                      {33, 0, "row_groups"},
                      {6, 1024, "in_height"},
                      {51, 0x09000000, "borders"}};
        for (const auto &plant : plants) {
            const unsigned layer = bd_rng_below(&rng, head_.layer_count);
            uint8_t *at =
                device_->memory() + head_.descriptor_offset + s * head_.switch_stride + layer * 256 + plant.word * 4;
            uint32_t kept;
            std::memcpy(&kept, at, 4);
            std::memcpy(at, &plant.value, 4);
            ring(s, true);
            device_->wait();
            expect_error(BITDIAL_ERROR_BAD_DESCRIPTOR, layer, layer, plant.what, layer, tally);
            std::memcpy(at, &kept, 4);
            run_switch(s, tally, true);
        }
        // Lists of other switches would be sought elsewhere.
        set_context(BITDIAL_LAYER_COUNT_REG, head_.layer_count + 1);
        ring(0, true);
        device_->wait();
        const unsigned last = head_.layer_count - 1;
        expect_error(BITDIAL_ERROR_BAD_DESCRIPTOR, last, last, "a list that ends early is run", last, tally);
        set_context(BITDIAL_LAYER_COUNT_REG, head_.layer_count);
        run_switch(s, tally);
    }
    // Frames that nobody acknowledges keep their results, and no fourth is rung; each acknowledgement shows the next.
    void kept_results(bd_rng &rng, Tally &tally)
    {
        unsigned order[3];
        uint64_t alone[3];
        for (int i = 0; i < 3; i++) {
            order[i] = bd_rng_below(&rng, head_.switch_count);
            alone[i] = frame(order[i], false, tally);
        }
        const uint32_t before = device_->read(BITDIAL_FRAME_COUNT_REG);
        for (uint32_t i = 0; i < 3; i++) {
            set_context(BITDIAL_TAG_REG, 0x1000 + i);
            ring(order[i], false);
        }
        while (device_->read(BITDIAL_FRAME_COUNT_REG) - before < 3)
            continue;
        expect(device_->read(BITDIAL_STATUS_REG) == 3u << BITDIAL_STATUS_RESULT_LEVEL_SHIFT, "RESULT_LEVEL is not 3", 0,
               tally);
        ring(order[0], false);
        expect(device_->read(BITDIAL_IRQ_STATUS_REG) == 3, "no QUEUE_FULL where three results wait", 0, tally);
        device_->write(BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_ERROR_MASK);
        for (uint32_t i = 0; i < 3; i++) {
            expect(device_->irq(), "no interrupt while results wait", i, tally);
            device_->write(BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_DONE_MASK);
            const uint32_t left = device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_RESULT_LEVEL_MASK;
            expect(left >> BITDIAL_STATUS_RESULT_LEVEL_SHIFT == 2 - i, "results that wait are miscounted", i, tally);
            for (int again = 0; again < 2; again++) {
                const uint64_t total = device_->read(BITDIAL_COUNTER_TOTAL_LO_REG);
                expect(device_->read(BITDIAL_DONE_TAG_REG) == 0x1000 + i, "wrong DONE_TAG", i, tally);
                expect(device_->read(BITDIAL_DONE_SWITCH_REG) == order[i], "wrong DONE_SWITCH", i, tally);
                expect(options_.stall_chance || total == alone[i], "another frame's clocks", i, tally);
            }
        }
        expect(!device_->irq(), "an interrupt though no result waits", 0, tally);
        ring(order[0], false);
        device_->wait();
        soft_reset();
        expect(device_->read(BITDIAL_STATUS_REG) == 0 && !device_->irq(), "a soft reset keeps a result", 0, tally);
        expect(device_->read(BITDIAL_DONE_TAG_REG) == 0x1002, "a soft reset takes the result that is shown", 0, tally);
    }
    void refused_doorbells(unsigned s, Tally &tally)
    {
        const uint32_t before = device_->read(BITDIAL_FRAME_COUNT_REG);
        for (const uint32_t bad : {head_.switch_count, 16u + s, 0x80000000u + s}) {
            ring(bad, false);
            device_->wait();
            expect_error(BITDIAL_ERROR_BAD_SWITCH, 0, 0, "no BAD_SWITCH for PRECISION", bad, tally);
            expect(!(device_->read(BITDIAL_STATUS_REG) & 7), "a bad switch starts a frame", bad, tally);
        }
        for (int i = 0; i < 4; i++) // a small frame may have ended before the fourth
            ring(s, false);
        device_->wait();
        expect_error(BITDIAL_ERROR_QUEUE_FULL, 0, 0, "no QUEUE_FULL at the fourth doorbell", 4, tally, true);
        for (int i = 0; i < 3; i++) {
            while (device_->read(BITDIAL_FRAME_COUNT_REG) - before <= uint32_t(i))
                device_->clock();
            device_->clear();
        }
        expect(!(device_->read(BITDIAL_STATUS_REG) & 7), "the doorbell on a full queue was kept", 4, tally);
        run_switch(s, tally);
    }
};

} // namespace

#endif
