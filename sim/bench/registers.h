// The register map, walked: reset values, access kinds, strobes, holes.
#ifndef BD_BENCH_REGISTERS_H
#define BD_BENCH_REGISTERS_H

#include "sim/bench/runner.h"

extern "C" {
#include "tests/support/regs_table.h"
}

namespace
{

class Registers : public Runner
{
    static constexpr int OF_PROGRAM = 6; // registers that describe the program

  public:
    using Runner::Runner;

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
            // A byte and a halfword at their own addresses.
            device_->write(r.offset + 3, 0xa5ffffff, 8);
            device_->write(r.offset + 1, 0xffffc3ff, 2);
            expect(device_->read(r.offset + 2) == (r.mask & 0xa500c300u) && !device_->refused(), r.name, 4, tally);
            device_->write(r.offset + 2, 0xffffffff, 12);
            expect(device_->read(r.offset) == (r.mask & 0xffffc300u) && !device_->refused(), r.name, 5, tally);
            device_->write(r.offset, 0xffffffff, 0); // no byte at all
            expect(device_->read(r.offset) == (r.mask & 0xffffc300u), r.name, 6, tally);
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
    // What says that the program may be another one makes the next frame that is taken load it, and that one alone:
    // however often registers are written before, whatever doorbells are refused between, and where frames that were to
    // load it are dropped as they wait. The clocks say whether it was loaded.
    void reloads(Tally &tally)
    {
        for (const int writes : {0, 1, 255, 256, 257, 512, 2048}) {
            frame(0, false, tally); // loads it
            frame(0, false, tally);
            for (int n = 0; n < writes - OF_PROGRAM; n++) // the frame below writes the others
                device_->write(BITDIAL_DESC_OFFSET_REG, uint32_t(n) * 64);
            program_there_ = writes == 0;
        }
        frame(0, false, tally);
        device_->write(BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | BITDIAL_CONTROL_RELOAD_MASK);
        for (const uint32_t none : {head_.switch_count, 99u}) { // refused: the next one has still to load it
            device_->write(BITDIAL_PRECISION_REG, none);
            device_->write(BITDIAL_DOORBELL_REG, 1);
            expect((device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT ==
                       BITDIAL_ERROR_BAD_SWITCH,
                   "a doorbell rings for a switch that is none", none, tally);
            device_->clear();
        }
        program_there_ = false;
        for (int n = 0; n < 130; n++) { // two frames a round that are dropped, the second as it waits
            ring(0, false);
            set_context(BITDIAL_DESC_OFFSET_REG, head_.load_offset);
            ring(0, false);
            soft_reset();
            while (device_->read(BITDIAL_STATUS_REG) & BITDIAL_STATUS_BUSY_MASK)
                continue;
        }
        frame(0, false, tally);
        frame(0, false, tally);
    }
    // Values after reset, before anything is written.
    static void reset_values(const bd_hardware &hardware, Tally &tally)
    {
        Device device(hardware, PAGE, nullptr);
#define X(name, offset, access, reset, fixed, mask)                                                                    \
    if (const uint32_t value = device.read(offset); fixed && value != reset) {                                         \
        fail({.kind = "behaviour"}, #name " is 0x%x after reset, not 0x%x", value, unsigned(reset));                   \
        tally.mismatches++;                                                                                            \
    }
        REGS_TABLE(X)
#undef X
        const uint32_t geometry = device.read(BITDIAL_GEOMETRY_REG);
        const uint64_t hash =
            device.read(BITDIAL_GEOMETRY_HASH_LO_REG) | uint64_t(device.read(BITDIAL_GEOMETRY_HASH_HI_REG)) << 32;
        if (geometry != uint32_t(hardware.rows | hardware.requant_units << 8 | hardware.mac_channels << 16 |
                                 hardware.acc_bits << 24) ||
            hash != bd_hardware_geometry_hash(&hardware)) {
            fail({.kind = "behaviour"}, "GEOMETRY 0x%x and its hash are not those of the configuration", geometry);
            tally.mismatches++;
        }
    }
};

} // namespace

#endif
