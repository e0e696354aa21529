// A plain C++ clock loop around the Verilated accelerator: runs every switch of a program image, or of random ones, and
// compares each stored layer with the reference, a frame with stores against one without, queued frames against lone
// ones, and the clocks with the cost model's. With stalls, every AXI channel is held back at random (clocks then differ
// from the model's, values may not). `--errors` plants bus errors, refused descriptors, soft resets and doorbells that
// may not ring, each followed by a frame that must be right; `--registers` walks the register map; `--speed` measures
// the loop alone.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "sim/bench/device.h"
#include <getopt.h>

extern "C" {
#include "model/core/rng.h"
#include "model/cost/cost.h"
#include "model/exec/exec.h"
#include "model/program/random_network.h"
#include "sw/driver/bitdial_regs.h"
#include "tests/support/regs_table.h"
}

namespace
{

void check(bd_status status, const bd_error &err)
{
    if (status == BD_OK)
        return;
    std::fprintf(stderr, "bench: %s\n", err.message);
    std::exit(status);
}

struct Tally {
    uint64_t frames = 0, layers = 0, mismatches = 0, cycle_misses = 0, queue_misses = 0;
};

struct Options {
    uint64_t stall_chance = 0, stall_seed = 1;
    bool cycles = true, verbose = false;
    const char *trace = nullptr;
    std::string repeat;
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
        std::memcpy(device_->memory(), program.image, head_.image_bytes);
        const struct {
            uint32_t offset, value;
        } setup[] = {{BITDIAL_PROGRAM_ADDR_LO_REG, 0},
                     {BITDIAL_DESC_OFFSET_REG, head_.descriptor_offset},
                     {BITDIAL_SWITCH_STRIDE_REG, head_.switch_stride},
                     {BITDIAL_LAYER_COUNT_REG, head_.layer_count},
                     {BITDIAL_SWITCH_COUNT_REG, head_.switch_count},
                     {BITDIAL_STORE_ADDR_LO_REG, uint32_t(store_at_)},
                     {BITDIAL_INPUT_ADDR_LO_REG, uint32_t(image_at_)},
                     {BITDIAL_OUTPUT_ADDR_LO_REG, uint32_t(output_at_)},
                     {BITDIAL_IRQ_ENABLE_REG, 3}};
        for (const auto &s : setup)
            device_->write(s.offset, s.value);
        check(bd_decode(&program, &decoded_, &err_), err_);
    }
    ~Runner()
    {
        bd_decoded_free(decoded_);
    }

    void run(uint64_t seed, Tally &tally)
    {
        bd_random_image(&program_, seed, device_->memory() + image_at_);
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
                    std::printf("%s: switch %u behind %u takes %" PRIu64 " clocks, alone %" PRIu64 "\n",
                                options_.repeat.c_str(), t, s, total, alone[t]);
                }
            }
    }

  private:
    uint64_t ring(unsigned s, bool store)
    {
        device_->write(BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | (store ? 1 : 0));
        device_->write(BITDIAL_PRECISION_REG, s);
        return device_->write(BITDIAL_DOORBELL_REG, 1);
    }
    uint64_t frame(unsigned s, bool store, Tally &tally)
    {
        std::memset(device_->memory() + output_at_, 0xa5, head_.output_bytes);
        const uint64_t from = ring(s, store);
        const uint64_t cycles = device_->wait() - from;
        const uint32_t status = device_->read(BITDIAL_STATUS_REG), cause = device_->read(BITDIAL_IRQ_STATUS_REG);
        device_->clear();
        tally.frames++;
        if (cause != 1) {
            std::printf("%s: switch %u: IRQ_STATUS %u, STATUS 0x%x\n", options_.repeat.c_str(), s, cause, status);
            tally.mismatches++;
        }
        const uint64_t total = device_->read(BITDIAL_COUNTER_TOTAL_LO_REG);
        uint64_t parts = 0, part[5];
        for (uint32_t k = 0; k < 5; k++)
            parts += part[k] = device_->read(BITDIAL_COUNTER_COMPUTE_LO_REG + 8 * k);
        if (total != cycles || parts != total) {
            std::printf("%s: switch %u: %" PRIu64 " clocks, counted %" PRIu64 ", parts %" PRIu64 "\n",
                        options_.repeat.c_str(), s, cycles, total, parts);
            tally.cycle_misses++;
        }
        if (options_.cycles && !options_.stall_chance)
            compare_cycles(s, store, cycles, part, tally);
        return cycles;
    }
    void compare_cycles(unsigned s, bool store, uint64_t cycles, const uint64_t *part, Tally &tally)
    {
        static bd_frame_cost cost;
        check(bd_cost_frame(&program_, &hardware_, s, store, &cost, &err_), err_);
        const uint64_t predicted[5] = {cost.compute, cost.weight_stall, cost.input_stall, cost.output_stall,
                                       cost.overhead};
        if (cost.cycles == cycles && !std::memcmp(predicted, part, sizeof predicted))
            return;
        std::printf("%s: switch %u store %d: %" PRIu64 " clocks, predicted %" PRIu64 " (", options_.repeat.c_str(), s,
                    store, cycles, cost.cycles);
        for (int k = 0; k < 5; k++)
            std::printf(" %" PRIu64 "/%" PRIu64, part[k], predicted[k]);
        std::printf(" )\n");
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
                    std::printf("%s: switch %u layer %u (%s) %s channel %d pixel (%d, %d): got %d, want %d\n",
                                options_.repeat.c_str(), s, layer, program_.names[layer], what, c, y, x, int(got[at]),
                                int(want[at]));
                    return false;
                }
        return true;
    }
    uint64_t run_switch(unsigned s, Tally &tally)
    {
        bd_frame want{};
        check(bd_execute(&program_, decoded_, s, device_->memory() + image_at_, &want, &err_), err_);
        std::memset(device_->memory() + store_at_, 0x5a, head_.store_bytes);
        const uint64_t stored = frame(s, true, tally);
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
            if (!good) {
                tally.mismatches++;
                break;
            }
        }
        const uint64_t cycles = frame(s, false, tally);
        if (std::memcmp(device_->memory() + output_at_, want.logits, head_.classes * 4)) {
            std::printf("%s: switch %u: the result without stores differs\n", options_.repeat.c_str(), s);
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
        std::printf("%s: %s (%" PRIu64 ")\n", options_.repeat.c_str(), what, value);
        tally.mismatches++;
    }
    // The frame that was rung ends in an interrupt for this error, which struck while layer `first` to `last` ran.
    void expect_error(uint32_t code, unsigned first, unsigned last, const char *what, uint64_t value, Tally &tally)
    {
        const uint32_t status = device_->read(BITDIAL_STATUS_REG), cause = device_->read(BITDIAL_IRQ_STATUS_REG);
        const uint32_t layer = (status & BITDIAL_STATUS_ERROR_LAYER_MASK) >> BITDIAL_STATUS_ERROR_LAYER_SHIFT;
        expect(cause == BITDIAL_IRQ_STATUS_ERROR_MASK &&
                   (status & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT == code,
               what, value, tally);
        if (layer < first || layer > last) {
            std::printf("%s: STATUS.ERROR_LAYER is %u, but the error struck at layer %u..%u: ", options_.repeat.c_str(),
                        layer, first, last);
            expect(false, what, value, tally);
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
    // The layer that writes to an address of the store area or the result.
    unsigned writer(unsigned s, uint64_t address) const
    {
        for (unsigned l = 0; l < head_.layer_count; l++) {
            const bd_descriptor *d = bd_program_descriptor(&program_, s, l);
            const uint64_t codes = store_at_ + d->store_codes_offset, z = store_at_ + d->store_z_offset;
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

  public:
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
        for (int i = 0; i < 6; i++) {
            const uint64_t beat = bd_rng_below(&rng, uint32_t(beats));
            device_->plant(beat, UINT64_MAX);
            ring(s, true);
            device_->wait();
            const uint64_t at = device_->struck();
            expect_error(BITDIAL_ERROR_BUS_ERROR, layers_done(s, at - 4), layers_done(s, at),
                         "no BUS_ERROR after an error in read beat", beat, tally);
            run_switch(s, tally);
        }
        for (int i = 0; i < 4; i++) {
            const uint64_t response = bd_rng_below(&rng, uint32_t(responses));
            device_->plant(UINT64_MAX, response);
            ring(s, true);
            device_->wait();
            const unsigned layer = writer(s, device_->written().back().address);
            expect_error(BITDIAL_ERROR_BUS_ERROR, layer, layer, "no BUS_ERROR after an error in write response",
                         response, tally);
            run_switch(s, tally);
        }
        for (int i = 0; i < 8; i++) {
            const uint64_t delay = bd_rng_below(&rng, uint32_t(clocks));
            ring(s, true);
            for (uint64_t t = 0; t < delay && !device_->irq(); t++)
                device_->clock();
            device_->write(BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | BITDIAL_CONTROL_SOFT_RESET_MASK);
            for (uint64_t t = 0; t < 100000 && (device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUSY_MASK); t++)
                continue;
            expect(!(device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUSY_MASK), "busy after a soft reset", delay,
                   tally);
            expect(!(device_->read(BITDIAL_IRQ_STATUS_REG) & BITDIAL_IRQ_STATUS_ERROR_MASK),
                   "a soft reset raises an error", delay, tally);
            device_->clear();
            run_switch(s, tally);
        }
        refused_descriptors(s, rng, tally);
        refused_doorbells(s, tally);
    }

  private:
    void refused_descriptors(unsigned s, bd_rng &rng, Tally &tally)
    {
        const struct {
            unsigned word;
            uint32_t value;
            const char *what;
        } plants[] = {{0, 3, "operation"},     {15, 2, "groups"},      {22, 1, "pool_kind"}, {20, 1, "in_zero_point"},
                      {59, 8, "channel_tile"}, {46, 32, "code_shift"}, {43, 48, "shift"},    {1, 0x800, "flags"},
                      {37, 0, "row_groups"},   {6, 2000, "in_height"}};
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
            run_switch(s, tally);
        }
        device_->write(BITDIAL_LAYER_COUNT_REG, head_.layer_count + 1);
        ring(s, true);
        device_->wait();
        const unsigned last = head_.layer_count - 1;
        expect_error(BITDIAL_ERROR_BAD_DESCRIPTOR, last, last, "a list that ends early is run", last, tally);
        device_->write(BITDIAL_LAYER_COUNT_REG, head_.layer_count);
        run_switch(s, tally);
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
        for (int i = 0; i < 4; i++)
            ring(s, false);
        device_->wait();
        expect_error(BITDIAL_ERROR_QUEUE_FULL, 0, 0, "no QUEUE_FULL at the fourth doorbell", 4, tally);
        for (int i = 0; i < 3; i++) {
            while (device_->read(BITDIAL_FRAME_COUNT_REG) - before <= uint32_t(i))
                device_->clock();
            device_->clear();
        }
        expect(!(device_->read(BITDIAL_STATUS_REG) & 7), "the doorbell on a full queue was kept", 4, tally);
        run_switch(s, tally);
    }

  public:
    // Reset values and access kinds of every register, strobes, and the holes of the map.
    void registers(Tally &tally)
    {
        std::vector<bool> known(BITDIAL_WINDOW_BYTES / 4);
        const struct {
            const char *name;
            uint32_t offset;
            regs_access access;
            uint32_t reset;
            bool fixed;
            uint32_t mask;
        } table[] = {
#define X(name, offset, access, reset, fixed, mask) {#name, offset, access, reset, bool(fixed), mask},
            REGS_TABLE(X)
#undef X
        };
        for (const auto &r : table) {
            known[r.offset / 4] = true;
            const bool set_up = r.access == REGS_RW; // the constructor has written some of them
            const uint32_t start = device_->read(r.offset);
            expect(!device_->refused(), r.name, 1, tally);
            expect(!r.fixed || set_up || start == r.reset, r.name, start, tally);
            if (r.access == REGS_WO)
                continue;
            for (const uint32_t value :
                 {0xffffffffu & ~BITDIAL_CONTROL_SOFT_RESET_MASK, 0xa5a5a5a1u, 0x5a5a5a5au, 0u}) {
                device_->write(r.offset, value);
                expect(!device_->refused(), r.name, 2, tally);
                const uint32_t want = r.access == REGS_RW ? value & r.mask : start;
                expect(device_->read(r.offset) == want, r.name, value, tally);
            }
            if (r.access != REGS_RW)
                continue;
            device_->write(r.offset, 0xffffff01u, 4); // byte 2 alone
            expect(device_->read(r.offset) == (r.mask & 0x00ff0000u), r.name, 3, tally);
            device_->write(r.offset, 0);
            tally.layers++;
        }
        for (uint32_t offset = 0; offset < BITDIAL_WINDOW_BYTES; offset += 4) {
            if (known[offset / 4])
                continue;
            device_->read(offset);
            expect(device_->refused(), "a read outside the map is answered", offset, tally);
            device_->write(offset, 1);
            expect(device_->refused(), "a write outside the map is answered", offset, tally);
        }
    }
    // Values after reset, before anything is written.
    static void reset_values(const bd_hardware &hardware, Tally &tally)
    {
        Device device(hardware, PAGE, nullptr);
#define X(name, offset, access, reset, fixed, mask)                                                                    \
    if (const uint32_t value = device.read(offset); fixed && value != reset) {                                         \
        std::printf(#name " is 0x%x after reset, not 0x%x\n", value, reset);                                           \
        tally.mismatches++;                                                                                            \
    }
        REGS_TABLE(X)
#undef X
        const uint32_t geometry = device.read(BITDIAL_GEOMETRY_REG);
        const uint64_t hash =
            device.read(BITDIAL_GEOMETRY_HASH_LO_REG) | uint64_t(device.read(BITDIAL_GEOMETRY_HASH_HI_REG)) << 32;
        if (geometry != uint32_t(hardware.rows | hardware.requant_units << 8 | hardware.lanes << 16 |
                                 hardware.mac_lanes << 25) ||
            hash != bd_hardware_geometry_hash(&hardware)) {
            std::printf("GEOMETRY 0x%x and its hash are not those of the configuration\n", geometry);
            tally.mismatches++;
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

  private:
    const bd_hardware &hardware_;
    const bd_program &program_;
    const Options &options_;
    const bd_program_header &head_;
    bd_error err_{};
    bd_decoded *decoded_ = nullptr;
    uint64_t image_at_, output_at_, store_at_;
    std::unique_ptr<Device> device_;
};

int usage(int status)
{
    std::puts(
        "Usage: bench --hardware HW.yaml [--program NET.bdp | --random COUNT] [--first N] [--seed N]\n"
        "             [--stalls 0..255] [--no-cycles] [--errors | --registers | --speed SECONDS] [--trace FILE.fst]\n"
        "             [--verbose]");
    return status;
}

} // namespace

int main(int argc, char **argv)
{
    const option table[] = {
        {"hardware", 1, nullptr, 'w'},  {"program", 1, nullptr, 'p'}, {"random", 1, nullptr, 'r'},
        {"first", 1, nullptr, 'f'},     {"seed", 1, nullptr, 's'},    {"stalls", 1, nullptr, 'a'},
        {"no-cycles", 0, nullptr, 'n'}, {"speed", 1, nullptr, 'e'},   {"trace", 1, nullptr, 't'},
        {"verbose", 0, nullptr, 'v'},   {"errors", 0, nullptr, 'E'},  {"registers", 0, nullptr, 'R'},
        {"help", 0, nullptr, 'h'},      {nullptr, 0, nullptr, 0}};
    const char *hardware_path = nullptr, *program_path = nullptr;
    uint64_t count = 1, first = 0, seed = 1;
    double seconds = 0;
    bool errors = false, registers = false;
    Options options;
    for (int c; (c = getopt_long(argc, argv, "", table, nullptr)) != -1;)
        switch (c) {
        case 'w':
            hardware_path = optarg;
            break;
        case 'p':
            program_path = optarg;
            break;
        case 'r':
            count = std::strtoull(optarg, nullptr, 0);
            break;
        case 'f':
            first = std::strtoull(optarg, nullptr, 0);
            break;
        case 's':
            seed = std::strtoull(optarg, nullptr, 0);
            break;
        case 'a':
            options.stall_chance = std::strtoull(optarg, nullptr, 0);
            break;
        case 'n':
            options.cycles = false;
            break;
        case 'e':
            seconds = std::strtod(optarg, nullptr);
            break;
        case 't':
            options.trace = optarg;
            break;
        case 'E':
            errors = true;
            break;
        case 'R':
            registers = true;
            break;
        case 'v':
            options.verbose = true;
            break;
        case 'h':
            return usage(0);
        default:
            return usage(2);
        }
    if (!hardware_path)
        return usage(2);
    bd_error err{};
    bd_hardware hardware{};
    check(bd_hardware_load(&hardware, hardware_path, &err), err);
    Tally tally;
    for (uint64_t i = first; i < first + count; i++) {
        bd_program program{};
        if (program_path)
            check(bd_program_load(&program, program_path, &err), err);
        else
            check(bd_random_network(seed, uint32_t(i), &hardware, &program, &err), err);
        options.repeat =
            "--hardware " + std::string(hardware_path) +
            (program_path ? " --program " + std::string(program_path)
                          : " --random 1 --seed " + std::to_string(seed) + " --first " + std::to_string(i)) +
            (options.stall_chance ? " --stalls " + std::to_string(options.stall_chance) : "");
        options.stall_seed = seed * 1000003 + i;
        if (registers)
            Runner::reset_values(hardware, tally); // one model at a time
        Runner runner(hardware, program, options);
        if (registers)
            runner.registers(tally);
        else if (errors)
            runner.errors(seed + i, tally);
        else if (seconds > 0)
            for (unsigned s = 0; s < program.header->switch_count; s++)
                runner.speed(s, seconds);
        else
            runner.run(seed + i, tally);
        bd_program_release(&program);
    }
    bd_hardware_release(&hardware);
    if (seconds > 0)
        return 0;
    std::printf("%" PRIu64 " frames, %" PRIu64 " layers compared, %" PRIu64 " mismatches, %" PRIu64
                " cycle differences, %" PRIu64 " queue differences\n",
                tally.frames, tally.layers, tally.mismatches, tally.cycle_misses, tally.queue_misses);
    return tally.mismatches || tally.cycle_misses || tally.queue_misses;
}
