// The model of an SDRAM chip (sim/board/sdram.h) alone: a sequence that keeps every rule breaks none and brings back
// what was written, masked bytes and all; and for each rule a sequence that breaks it is told by that rule's name.
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "sim/board/sdram.h"

namespace
{

using bitdial::Sdram;
using bitdial::SdramPins;
using bitdial::SdramTimes;

// At 10 ns a clock: tRCD and tRP 2 clocks, tRAS 5, tRC 9, tRFC 7, tWR 2, tRRD 2, a refresh every 781.
class Player
{
  public:
    Player()
    {
        SdramTimes times;
        if (!times.set("clock=10") || !times.set("power_up=100") || !times.set("trc=90") || times.set("trdc=10"))
            failed_ = true;
        chip_ = new Sdram(times);
    }
    ~Player()
    {
        delete chip_;
    }
    Player(const Player &) = delete;
    Player &operator=(const Player &) = delete;

    void command(unsigned code, unsigned bank = 0, unsigned address = 0, unsigned mask = 0, uint16_t data = 0)
    {
        chip_->clock({true, false, (code & 4) != 0, (code & 2) != 0, (code & 1) != 0, bank, address, mask, data});
    }
    void wait(unsigned clocks)
    {
        for (; clocks > 0; clocks--)
            command(7);
    }
    void start(unsigned mode = 0x20, unsigned refreshes = 2)
    {
        wait(10);
        command(2, 0, 1 << 10);
        wait(1);
        for (unsigned i = 0; i < refreshes; i++) {
            command(1);
            wait(6);
        }
        command(0, 0, mode);
        wait(1);
    }
    void activate(unsigned bank, unsigned row)
    {
        command(3, bank, row);
        wait(1);
    }
    uint16_t read(unsigned bank, unsigned column, unsigned latency = 2)
    {
        command(5, bank, column);
        wait(latency - 1);
        failed_ |= !chip_->drives();
        return chip_->data();
    }
    void write(unsigned bank, unsigned column, uint16_t data, unsigned mask = 0)
    {
        command(4, bank, column, mask, data);
    }
    Sdram &chip()
    {
        return *chip_;
    }
    bool failed() const
    {
        return failed_;
    }

  private:
    Sdram *chip_;
    bool failed_ = false;
};

bool keeps_all()
{
    Player p;
    p.start();
    bool good = true;
    for (unsigned row = 0; row < 40; row++) {
        const unsigned bank = row % 4;
        p.activate(bank, row * 200);
        p.write(bank, row, static_cast<uint16_t>(row * 257 + 3));
        p.write(bank, row + 1, 0x1234);
        p.write(bank, row + 1, 0xabcd, 1);
        good &= p.read(bank, row) == static_cast<uint16_t>(row * 257 + 3);
        good &= p.read(bank, row + 1) == 0xab34;
        p.wait(2);
        p.command(2, bank);
        p.wait(1);
        p.command(1);
        p.wait(6);
    }
    p.activate(1, 200); // row 1's, after all the others
    good &= p.read(1, 1) == 1 * 257 + 3;
    if (p.chip().violations() == 0 && good && !p.failed())
        return true;
    printf("FAIL: what keeps every rule breaks %llu, or brings back something else\n",
           static_cast<unsigned long long>(p.chip().violations()));
    return false;
}

bool told(const char *rule, const std::function<void(Player &)> &play)
{
    Player p;
    play(p);
    if (p.chip().broken(rule) > 0 && p.chip().violations() == p.chip().broken(rule))
        return true;
    printf("FAIL: %s broken %llu times, of %llu in all\n", rule, static_cast<unsigned long long>(p.chip().broken(rule)),
           static_cast<unsigned long long>(p.chip().violations()));
    return false;
}

} // namespace

int main()
{
    bool good = keeps_all();
    const auto rule = [&](const char *name, const std::function<void(Player &)> &play) { good &= told(name, play); };
    rule("tRCD", [](Player &p) { p.start(), p.command(3, 0, 1), p.command(5, 0, 1); });
    rule("tRP", [](Player &p) { p.start(), p.activate(0, 1), p.wait(4), p.command(2, 0), p.command(1); });
    rule("tRAS", [](Player &p) { p.start(), p.activate(0, 1), p.command(2, 0); });
    rule("tRAS", [](Player &p) { p.start(), p.activate(0, 1), p.command(5, 0, 1 << 10); });
    rule("tRC",
         [](Player &p) { p.start(), p.activate(0, 1), p.wait(3), p.command(2, 0), p.wait(1), p.command(3, 0, 2); });
    rule("tRFC", [](Player &p) { p.start(), p.command(1), p.wait(5), p.command(3, 0, 1); });
    rule("tRRD", [](Player &p) { p.start(), p.command(3, 0, 1), p.command(3, 1, 1); });
    rule("tWR", [](Player &p) { p.start(), p.activate(0, 1), p.wait(4), p.write(0, 1, 5), p.command(2, 0); });
    rule("tMRD", [](Player &p) { p.start(), p.command(0, 0, 0x20), p.command(1); });
    rule("power-up", [](Player &p) { p.wait(5), p.command(2, 0, 1 << 10); });
    rule("initialisation", [](Player &p) { p.start(0x20, 1), p.activate(0, 1); });
    rule("mode", [](Player &p) { p.start(0x22), p.activate(0, 1); });
    rule("mode", [](Player &p) { p.start(0x120), p.activate(0, 1); });
    rule("open", [](Player &p) { p.start(), p.wait(10), p.command(5, 0, 1); });
    rule("closed", [](Player &p) { p.start(), p.activate(0, 1), p.wait(8), p.command(3, 0, 2); });
    rule("closed", [](Player &p) { p.start(), p.activate(0, 1), p.wait(6), p.command(1); });
    rule("turnaround", [](Player &p) { p.start(), p.activate(0, 1), p.read(0, 1), p.write(0, 1, 5); });
    rule("mask", [](Player &p) { p.start(), p.activate(0, 1), p.command(5, 0, 1, 1); });
    rule("command", [](Player &p) { p.start(), p.command(6); });
    rule("refresh", [](Player &p) { p.start(), p.activate(0, 1), p.wait(781 * 11); });
    printf(good ? "sdram: rules kept, and each told where it is broken\n" : "sdram: FAILED\n");
    return good ? 0 : 1;
}
