// An SDR SDRAM chip of 16 bits (MT48LC16M16 and its like: 4 banks, 8,192 rows, 512 columns, 32 MiB) at its pins, a
// clock at a time, that holds the controller to the chip's rules: commands to the right banks, times between them,
// refreshes, the mode register, who drives the data. What breaks a rule is told, and counted; the chip then does what
// was asked as well as it can.
//
// clock(pins) is the chip's rising edge, which lies between two of the controller: it takes what the pins show after
// the controller's edge, and what it drives afterwards is for the next one. Bursts are of one column.
#ifndef BD_BOARD_SDRAM_H
#define BD_BOARD_SDRAM_H

#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace bitdial
{

// In nanoseconds: the longest of the chips that boards carry.
struct SdramTimes {
    double clock = 20;
    double trcd = 20, trp = 20, tras = 44, trc = 66, trfc = 66, twr = 15, trrd = 15;
    double tref = 64e6 / 8192; // a refresh each; eight may be late
    double power_up = 100e3;   // before the first command

    // Takes "NAME=NANOSECONDS". False where there is no such time.
    bool set(const char *text)
    {
        const std::map<std::string, double *> times = {
            {"clock", &clock}, {"trcd", &trcd}, {"trp", &trp},   {"tras", &tras}, {"trc", &trc},
            {"trfc", &trfc},   {"twr", &twr},   {"trrd", &trrd}, {"tref", &tref}, {"power_up", &power_up}};
        const char *equals = strchr(text, '=');
        const auto at = times.find(std::string(text, equals ? static_cast<size_t>(equals - text) : 0));
        if (at == times.end())
            return false;
        *at->second = strtod(equals + 1, nullptr);
        return true;
    }
};

struct SdramPins {
    bool cke, cs_n, ras_n, cas_n, we_n;
    unsigned bank, address, mask; // BA, A, DQM: a bit a byte
    uint16_t data;                // what stands on DQ
};

class Sdram
{
  public:
    static constexpr unsigned BANKS = 4, ROWS = 8192, COLUMNS = 512;

    explicit Sdram(const SdramTimes &times) : times_(times), cells_(BANKS * ROWS * COLUMNS)
    {
        uint32_t noise = 1; // nobody may rely on what a chip holds at first
        for (uint16_t &cell : cells_)
            cell = static_cast<uint16_t>((noise = noise * 1664525u + 1013904223u) >> 16);
    }

    void clock(const SdramPins &pins)
    {
        now_++;
        for (size_t i = 0; i + 1 < pipeline_.size(); i++)
            pipeline_[i] = pipeline_[i + 1];
        pipeline_.back() = {};
        if (pins.cke && !pins.cs_n)
            command(pins);
        hide(pins.mask);
        check_refresh();
    }

    // What is driven until the next edge.
    bool drives() const
    {
        return pipeline_[0].valid;
    }
    uint16_t data() const
    {
        return pipeline_[0].data;
    }

    uint64_t violations() const
    {
        uint64_t sum = 0;
        for (const auto &rule : broken_)
            sum += rule.second;
        return sum;
    }
    uint64_t broken(const char *rule) const
    {
        const auto at = broken_.find(rule);
        return at == broken_.end() ? 0 : at->second;
    }
    uint64_t reads = 0, writes = 0, activates = 0, refreshes = 0;

  private:
    static constexpr int64_t NEVER = -1000000;
    struct Bank {
        bool open = false;
        unsigned row = 0;
        int64_t active = NEVER, precharge = NEVER, write = NEVER; // clocks of the last of each
    };
    struct Output {
        bool valid = false;
        unsigned hidden = 0;
        uint16_t data = 0;
    };

    // The first of every rule is told.
    void breaks(const char *rule, const char *format, ...) __attribute__((format(printf, 3, 4)))
    {
        if (broken_[rule]++ > 0)
            return;
        va_list words;
        va_start(words, format);
        fprintf(stderr, "sdram: %s broken in clock %lld: ", rule, static_cast<long long>(now_));
        vfprintf(stderr, format, words);
        fputc('\n', stderr);
        va_end(words);
    }

    // At least `time` must lie between that clock and now (clocks are counted, to a picosecond).
    void since(int64_t then, double time, const char *rule, const char *what)
    {
        const int64_t needed = static_cast<int64_t>(std::ceil(time / times_.clock - 1e-6));
        if (now_ - then < needed)
            breaks(rule, "%lld clocks behind %s, %lld are needed", static_cast<long long>(now_ - then), what,
                   static_cast<long long>(needed));
    }

    void command(const SdramPins &p)
    {
        const unsigned code = (p.ras_n ? 4u : 0) | (p.cas_n ? 2u : 0) | (p.we_n ? 1u : 0);
        if (code == 7)
            return;
        if (static_cast<double>(now_) * times_.clock < times_.power_up)
            breaks("power-up", "a command after %.0f ns", static_cast<double>(now_) * times_.clock);
        since(refreshed_, times_.trfc, "tRFC", "a refresh");
        if (now_ - mode_set_ < 2)
            breaks("tMRD", "a command in the clock behind the mode register's");
        switch (code) {
        case 0:
            set_mode(p.address);
            break;
        case 1:
            refresh();
            break;
        case 2:
            precharge(p);
            break;
        case 3:
            activate(p);
            break;
        case 4:
        case 5:
            access(p, code == 4);
            break;
        default:
            breaks("command", "a burst is ended, and there is none");
        }
    }

    void all_closed(const char *what)
    {
        for (const Bank &bank : banks_) {
            if (bank.open)
                breaks("closed", "%s while a bank is open", what);
            since(bank.precharge, times_.trp, "tRP", "a precharge");
        }
    }

    void set_mode(unsigned mode)
    {
        all_closed("the mode register is set");
        mode_ = mode;
        mode_set_ = now_;
    }

    void refresh()
    {
        all_closed("a refresh");
        refreshed_ = now_;
        refreshes++;
    }

    void close(Bank &bank, int64_t when)
    {
        if (!bank.open)
            return;
        if (when - bank.active < static_cast<int64_t>(std::ceil(times_.tras / times_.clock - 1e-6)))
            breaks("tRAS", "a bank is closed %lld clocks behind its opening",
                   static_cast<long long>(when - bank.active));
        bank.open = false;
        bank.precharge = when;
    }

    void precharge(const SdramPins &p)
    {
        for (unsigned b = 0; b < BANKS; b++) {
            if (!(p.address >> 10 & 1) && b != p.bank)
                continue;
            if (banks_[b].open)
                since(banks_[b].write, times_.twr, "tWR", "a write");
            close(banks_[b], now_);
        }
    }

    void activate(const SdramPins &p)
    {
        Bank &bank = banks_[p.bank];
        if ((mode_ & 0x3ff) != (mode_ & 0x30) || (mode_ >> 4 != 2 && mode_ >> 4 != 3))
            breaks("mode", "0x%03x: bursts of one column at a latency of 2 or 3 are expected", mode_);
        if (refreshes < 2)
            breaks("initialisation", "a bank is opened before two refreshes");
        if (bank.open)
            breaks("closed", "bank %u is opened, and is open", p.bank);
        since(bank.precharge, times_.trp, "tRP", "a precharge");
        since(bank.active, times_.trc, "tRC", "the bank's opening before");
        for (const Bank &other : banks_)
            if (&other != &bank)
                since(other.active, times_.trrd, "tRRD", "the opening of another bank");
        bank.open = true;
        bank.row = p.address % ROWS;
        bank.active = now_;
        if (started_ < 0)
            started_ = now_;
        activates++;
    }

    void access(const SdramPins &p, bool write)
    {
        Bank &bank = banks_[p.bank];
        const size_t latency = mode_ >> 4 == 3 ? 3 : 2;
        if (!bank.open)
            breaks("open", "bank %u is accessed, and is closed", p.bank);
        since(bank.active, times_.trcd, "tRCD", "the bank's opening");
        uint16_t &cell = cells_[(static_cast<size_t>(p.bank) * ROWS + bank.row) * COLUMNS + p.address % COLUMNS];
        if (write) {
            // What was read before is on the wires from the edge before its own on until behind it.
            if (now_ - read_ <= static_cast<int64_t>(latency))
                breaks("turnaround", "a write %lld clocks behind a read", static_cast<long long>(now_ - read_));
            const uint16_t keep = static_cast<uint16_t>((p.mask & 1 ? 0xff : 0) | (p.mask & 2 ? 0xff00 : 0));
            cell = static_cast<uint16_t>((cell & keep) | (p.data & ~keep));
            bank.write = now_;
            writes++;
        } else {
            pipeline_[latency - 1] = {true, 0, cell};
            read_ = now_;
            reads++;
        }
        if (p.address >> 10 & 1)
            close(bank, now_ + (write ? static_cast<int64_t>(std::ceil(times_.twr / times_.clock - 1e-6)) : 1));
    }

    void hide(unsigned mask)
    {
        if (mask && pipeline_[1].valid)
            breaks("mask", "what is read is hidden by DQM");
    }

    void check_refresh()
    {
        if (started_ < 0)
            return;
        const double due = static_cast<double>(now_ - started_) * times_.clock / times_.tref;
        if (due > static_cast<double>(refreshes) + 8) {
            breaks("refresh", "%llu refreshes, %.0f are due", static_cast<unsigned long long>(refreshes), due);
            refreshes++; // one is told each time
        }
    }

    SdramTimes times_;
    std::vector<uint16_t> cells_;
    std::array<Bank, BANKS> banks_;
    std::array<Output, 4> pipeline_; // [0]: driven until the next edge
    std::map<std::string, uint64_t> broken_;
    unsigned mode_ = 0xfff;
    int64_t now_ = 0, refreshed_ = NEVER, mode_set_ = NEVER, read_ = NEVER, started_ = -1;
};

} // namespace bitdial

#endif
