// Cases that random networks meet seldom: every switch behind every other one at every phase of a frame, windows at
// every border of small maps, images at their extremes.
#ifndef BD_BENCH_DIRECTED_H
#define BD_BENCH_DIRECTED_H

#include "sim/bench/runner.h"

extern "C" {
#include "model/regress/case.h"
}

namespace
{

class Directed : public Runner
{
  public:
    using Runner::Runner;

    // A frame at switch s; some clocks after its doorbell, PRECISION is written and switch t rung: early, in the
    // middle, around the end, and when the first one is long done. Both must come out right.
    void switches(uint64_t seed, Tally &tally)
    {
        bd_random_image(&program_, seed, device_->memory() + image_at_);
        std::vector<bd_frame> want(head_.switch_count);
        std::vector<uint64_t> clocks(head_.switch_count);
        for (unsigned s = 0; s < head_.switch_count; s++) {
            check(bd_execute(&program_, decoded_, s, device_->memory() + image_at_, &want[s], &err_), err_);
            clocks[s] = frame(s, true, tally);
        }
        for (unsigned s = 0; s < head_.switch_count; s++)
            for (unsigned t = 0; t < head_.switch_count; t++)
                for (const uint64_t phase : phases(clocks[s])) {
                    const uint64_t elapsed = change(s, t, phase, want, tally);
                    if (!options_.stall_chance) // else no two frames take as long
                        cover_transition(s == t, elapsed, clocks[s]);
                }
        for (bd_frame &f : want)
            bd_frame_release(&f);
    }

    void extremes(Tally &tally)
    {
        uint8_t *image = device_->memory() + image_at_;
        for (unsigned pattern = 0; pattern < 6; pattern++) {
            for (uint32_t i = 0; i < head_.input_bytes; i++)
                image[i] = value(pattern, i);
            for (unsigned s = 0; s < head_.switch_count; s++)
                run_switch(s, tally);
        }
    }

  private:
    uint8_t value(unsigned pattern, uint32_t i) const
    {
        const bool corner = i == 0 || i + 1 == head_.input_bytes;
        switch (pattern) {
        case 0:
            return 0;
        case 1:
            return 255;
        case 2:
            return i % 2 ? 255 : 0;
        case 3:
            return i % 2 ? 127 : 128;
        case 4:
            return corner ? 255 : 0;
        default:
            return corner ? 0 : 255;
        }
    }
    static std::vector<uint64_t> phases(uint64_t clocks)
    {
        std::vector<uint64_t> all = {0, clocks / 4, clocks / 2, 3 * clocks / 4, clocks + 50};
        for (uint64_t before = 0; before <= 48 && before < clocks; before += 4)
            all.push_back(clocks + 4 - before); // over the end
        return all;
    }
    // Returns the clocks from the first doorbell to the second: `phase`, where the registers before it can be written
    // in that time, and a few more or less, for a write does not always take as long.
    uint64_t change(unsigned s, unsigned t, uint64_t phase, const std::vector<bd_frame> &want, Tally &tally)
    {
        std::memset(device_->memory() + store_at_, 0x5a, head_.store_bytes);
        std::memset(device_->memory() + output_at_, 0xa5, head_.output_bytes);
        began_ = ring(s, true);
        while (device_->now() + lead_ < began_ + phase)
            device_->clock();
        const uint64_t from = device_->now(), rung = ring(t, false);
        lead_ = rung - from;
        device_->read(BITDIAL_STATUS_REG);
        for (int i = 0; i < 2; i++) {
            if (!device_->irq())
                device_->wait();
            device_->clear(); // shows the result that it acknowledges
            const uint32_t done = device_->read(BITDIAL_DONE_SWITCH_REG), switch_index = i ? t : s;
            if (done != switch_index) {
                fail(failure("behaviour", s), "switch %u, %u rung %" PRIu64 " clocks later: DONE_SWITCH %d is %u", s, t,
                     phase, i, done);
                tally.mismatches++;
            }
        }
        tally.frames += 2;
        compare_layers(s, want[s], tally);
        if (std::memcmp(device_->memory() + output_at_, want[t].logits, head_.classes * 4)) {
            fail(failure("result", t), "switch %u behind %u, rung %" PRIu64 " clocks later: its result differs", t, s,
                 phase);
            tally.mismatches++;
        }
        return rung - began_;
    }
    uint64_t lead_ = 0; // clocks of the register writes up to a doorbell, the last time
};

// Windows of one kernel, with every stride, small and large padding, on maps that are smaller than it, as large, and a
// little larger: on either datapath, on codes of two bits and on +-1, where a border is no zero.
inline void borders(const bd_hardware &hardware, Options &options, unsigned kernel, uint64_t seed, Tally &tally)
{
    const int side = int(kernel);
    for (int stride = 1; stride <= BD_LIMIT_STRIDE; stride++)
        for (const int pad : {0, side / 2})
            for (int height = side > 2 ? side - 1 : 1; height <= side + 2; height++)
                for (int kind = 0; kind < 4; kind++) {
                    const bool is_signed = kind % 2, mac = kind / 2;
                    if ((mac && !hardware.mac) || (!mac && !hardware.xnor) || height + 2 * pad < side)
                        continue;
                    bd_case_layer layers[3]{};
                    const int datapath = hardware.xnor ? BD_DATAPATH_XNOR : BD_DATAPATH_MAC;
                    for (int l = 0; l < 3; l++) {
                        layers[l].id = l;
                        layers[l].reads = l - 1;
                        layers[l].operation = BD_OP_CONV;
                        layers[l].kernel = layers[l].stride = 1;
                        layers[l].channels = 3 + 2 * l;
                        layers[l].codes = l < 2;
                        layers[l].at[0] = {2, l < 2 ? 2 : 0, false, false, 0, datapath};
                    }
                    layers[0].at[0].out_bits = is_signed ? 1 : 2;
                    layers[0].at[0].out_signed = is_signed;
                    layers[1].kernel = side;
                    layers[1].stride = stride;
                    layers[1].pad = pad;
                    layers[1].at[0].datapath = mac ? BD_DATAPATH_MAC : BD_DATAPATH_XNOR;
                    std::vector<uint8_t> image(size_t(height * height));
                    for (size_t i = 0; i < image.size(); i++)
                        image[i] = uint8_t((i * 2654435761u + seed) >> 7);
                    bd_case c{};
                    c.seed = seed + unsigned(stride * 100 + height);
                    c.switch_count = 1;
                    c.layer_count = 3;
                    std::strcpy(c.switches[0].name, "s0");
                    c.layers = layers;
                    c.height = c.width = height;
                    c.channels = 1;
                    c.image = image.data();
                    bd_case_fit_last(&c);
                    bd_error refused{};
                    bd_program program{};
                    if (bd_case_pack(&c, &hardware, &program, &refused))
                        continue; // a last map that no kernel takes at once
                    options.image = image.data();
                    Runner(hardware, program, options).run(seed, tally);
                    bd_program_release(&program);
                }
    options.image = nullptr;
}

} // namespace

#endif
