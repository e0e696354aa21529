// What the RTL refuses, descriptor by descriptor: values at and over every edge, typed by hand, and random changes of
// the layers of a program, whose verdicts are compared with those of the rules in C (model/program/device_rules.h). A
// verdict is seen at the pins: the frame ends with BAD_DESCRIPTOR as soon as the descriptor has come, or does not.
#ifndef BD_BENCH_LIMITS_H
#define BD_BENCH_LIMITS_H

#include "sim/bench/runner.h"

extern "C" {
#include "model/core/rng.h"
#include "model/program/device_rules.h"
#include "tests/support/descriptor_edges.h"
}

namespace
{

class Limits : public Runner
{
  public:
    Limits(const bd_hardware &hardware, const bd_program &program, const Options &options)
        : Runner(hardware, program, options), first_(*bd_program_descriptor(&program, 0, 0))
    {
        // A program that brings nothing onto the chip, so that its descriptors are fetched. A first layer of one pixel,
        // soon loaded and long computed, stands before the descriptor under test.
        first_.in_height = first_.in_width = first_.out_height = first_.out_width = 1;
        first_.out_channels = first_.row_groups = first_.blocks_large = first_.pixels_large = 1;
        first_.blocks_small = 0;
        first_.interval_large = 4000;
        first_.flags &= ~uint32_t(BD_FLAG_LAST | BD_FLAG_RESULT | BD_FLAG_STREAM_TABLES | BD_FLAG_STREAM_WEIGHTS);
        std::memset(device_->memory() + store_at_, 0, sizeof(bd_load_descriptor));
        device_->assertions(false); // what is taken begins to run
        set_context(BITDIAL_DESC_OFFSET_REG, uint32_t(store_at_));
        set_context(BITDIAL_LAYER_COUNT_REG, 3);
    }

    void edges(Tally &tally)
    {
        const uint32_t convolution[] = EDGE_CONVOLUTION, rows = head_.rows;
        bd_descriptor d;
        static_assert(sizeof convolution == sizeof d, "a descriptor has 64 words");
        std::memcpy(&d, convolution, sizeof d);
        expect(taken(d, 1), "the convolution is refused", 0, tally);
        const struct {
            unsigned word;
            uint32_t value;
            bool taken;
        } edges[] = {
#define X(word, value, taken) {word, value, taken},
            DESCRIPTOR_EDGES(X)
#undef X
        };
        for (const auto &edge : edges) {
            bd_descriptor changed = d;
            set(changed, edge.word, edge.value);
            expect(taken(changed, 1) == edge.taken, edge.taken ? "refused: word" : "taken: word", edge.word, tally);
            tally.layers++;
        }
#define SET(word, value) set(changed, word, value);
#define X(name, is_taken, changes)                                                                                     \
    {                                                                                                                  \
        bd_descriptor changed = d;                                                                                     \
        changes expect(taken(changed, 1) == is_taken, name, is_taken, tally);                                          \
        tally.layers++;                                                                                                \
    }
        DESCRIPTOR_PAIRS(X)
#undef X
#undef SET
        lists(d, tally);
    }

    // Layers of the program, one to three words changed.
    void random(uint64_t seed, Tally &tally)
    {
        bd_rng rng;
        bd_rng_seed(&rng, seed);
        unsigned refused = 0;
        for (int i = 0; i < 2000; i++) {
            const unsigned l = bd_rng_below(&rng, 3) ? bd_rng_below(&rng, head_.layer_count) : 0;
            bd_descriptor d = *bd_program_descriptor(&program_, bd_rng_below(&rng, head_.switch_count), l);
            const unsigned place = l > 0;
            if (bd_rng_below(&rng, 8))
                d.flags &= ~uint32_t(BD_FLAG_LAST | BD_FLAG_RESULT);
            for (unsigned n = 1 + bd_rng_below(&rng, 3); n > 0; n--) {
                const unsigned word = bd_rng_below(&rng, BD_DESCRIPTOR_WORDS);
                uint32_t value;
                std::memcpy(&value, reinterpret_cast<char *>(&d) + 4 * word, 4);
                set(d, word, changed(value, rng));
            }
            bd_refusal refusal;
            const bool want = bd_device_takes(&d, program_.header, place, 3, &refusal);
            const bool got = taken(d, place);
            refused += !want;
            tally.layers++;
            if (got == want)
                continue;
            fail(failure("behaviour", 0), "change %d of layer %u: the RTL %s it, C %s it: %s", i, l,
                 got ? "takes" : "refuses", want ? "takes" : "refuses", want ? "" : refusal.why);
            tally.mismatches++;
        }
        expect(refused > 200 && refused < 1800, "random changes are nearly all taken or all refused", refused, tally);
    }

  private:
    static constexpr uint64_t VERDICT = 100; // clocks
    static void set(bd_descriptor &d, unsigned word, uint32_t value)
    {
        std::memcpy(reinterpret_cast<char *>(&d) + 4 * word, &value, 4);
    }
    static uint32_t changed(uint32_t value, bd_rng &rng)
    {
        static const uint32_t edges[] = {0, 1, 2, 3, 4, 8, 9, 16, 256, 1024, 4096, 0x100000, 0x1000000, 0xffffffff};
        switch (bd_rng_below(&rng, 4)) {
        case 0:
            return edges[bd_rng_below(&rng, sizeof edges / sizeof edges[0])];
        case 1:
            return value + 1;
        case 2:
            return value - 1;
        default:
            return value ^ 1u << bd_rng_below(&rng, 32);
        }
    }
    void put(unsigned place, const bd_descriptor &d)
    {
        std::memcpy(device_->memory() + store_at_ + sizeof(bd_load_descriptor) + place * sizeof d, &d, sizeof d);
    }
    // Whether the RTL takes `d` as layer `place` (0 or 1) of the list.
    bool taken(const bd_descriptor &d, unsigned place)
    {
        put(0, first_);
        put(place, d);
        program_there_ = false;
        device_->plant(UINT64_MAX, UINT64_MAX);
        ring(0, false);
        // A refusal follows the descriptor's last beat, as soon as the machine is quiet.
        const uint64_t from = device_->now(), image = place ? (first_.in_channels + 7) / 8 : 0,
                       beats = (sizeof(bd_load_descriptor) + (place + 1) * sizeof d) / 8 + image;
        uint64_t arrived = UINT64_MAX;
        while (!device_->irq() && (arrived == UINT64_MAX || device_->now() - arrived < VERDICT)) {
            device_->clock();
            if (arrived == UINT64_MAX && device_->read_beats() >= beats)
                arrived = device_->now();
            if (device_->now() - from > 20000) {
                fail(failure("behaviour", 0), "no verdict on a descriptor after 20000 clocks");
                std::exit(BD_FAIL);
            }
        }
        // A descriptor that is taken may have the machine read where no memory is.
        uint32_t status = device_->read(BITDIAL_STATUS_REG);
        if (device_->irq()) // it may have come while that was read
            status = device_->read(BITDIAL_STATUS_REG);
        const uint32_t code = code_of(status);
        const bool refused = code == BITDIAL_ERROR_BAD_DESCRIPTOR;
        if (device_->irq() &&
            (refused ? status != (code << BITDIAL_STATUS_ERROR_SHIFT | place << BITDIAL_STATUS_ERROR_LAYER_SHIFT)
                     : code != BITDIAL_ERROR_BUS_ERROR)) {
            fail(failure("behaviour", 0), "STATUS is 0x%x after a descriptor", status);
            std::exit(BD_FAIL);
        }
        if (!device_->irq())
            soft_reset();
        while (device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUSY_MASK)
            if (device_->now() - from > 100000) {
                fail(failure("behaviour", 0), "busy after a soft reset");
                std::exit(BD_FAIL);
            }
        device_->clear();
        return !refused;
    }
    static uint32_t code_of(uint32_t status)
    {
        return (status & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT;
    }
    // Which layer of how many it may be.
    void lists(const bd_descriptor &d, Tally &tally)
    {
        bd_descriptor last = d, image = *bd_program_descriptor(&program_, 0, 0), pool = image;
        last.flags |= BD_FLAG_LAST | BD_FLAG_RESULT;
        image.flags &= ~uint32_t(BD_FLAG_LAST | BD_FLAG_RESULT);
        expect(taken(image, 0), "a first layer is refused", 0, tally);
        expect(!taken(image, 1), "the image is loaded by the second layer", 1, tally);
        expect(!taken(d, 0), "a first layer that loads no image is taken", 0, tally);
        pool.operation = BD_OP_POOL;
        pool.flags = BD_FLAG_LOAD_INPUT;
        expect(!taken(pool, 0), "a first layer that pools is taken", 0, tally);
        for (const uint32_t count : {0u, 1u, 2u, 3u, 256u, 257u, 258u, 514u, 0x80000002u}) {
            set_context(BITDIAL_LAYER_COUNT_REG, count);
            if (count == 1)
                continue; // the layer before is refused
            expect(taken(last, 1) == (count == 2), "a last layer by a LAYER_COUNT of", count, tally);
            expect(taken(d, 1) == (count != 2), "a layer but the last by a LAYER_COUNT of", count, tally);
        }
        set_context(BITDIAL_LAYER_COUNT_REG, 3);
    }

    bd_descriptor first_;
};

} // namespace

#endif
