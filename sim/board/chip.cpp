// A chip as `make fpga` builds it, Verilated from its top on, with its serial line on a pseudo-terminal, whose path is
// printed: for tests of what goes into the FPGA, memory and wiring too.
//
//     chip [--button] [--bit CLOCKS] [--noise PER-MILLE SEED] [--noise-kind change|lose|double] [--gap BYTES LENGTH]
//          [--unplug BYTES] [--sdram TIME=NANOSECONDS]...
//
// --button holds the reset button for the first thousand clocks; the others are those of board.cpp, and SIGUSR1 plugs
// a cut line in again. Where the board has SDRAM, --sdram gives its chip another time than sdram.h does, and a rule
// that the controller breaks ends the run with exit code 1. Sleeps until the host writes while nothing is under way.
// Ends by SIGTERM, or after ten minutes without a byte, and prints what the lights were then.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <verilated.h>

#include "Vtop.h"
#include "sim/board/serial_line.h"
#ifdef CHIP_SDRAM
#include "sim/board/sdram.h"
#endif

namespace
{

constexpr uint64_t LOOK_CLOCKS = 64;      // between two looks at the pseudo-terminal
constexpr uint64_t QUIET_CLOCKS = 140000; // the bridge answers at least every 1 << 16
constexpr uint64_t BUTTON_CLOCKS = 1000;

bitdial::SerialLine *the_line;
volatile sig_atomic_t ending = 0;

void end(int)
{
    ending = 1;
}

void plug(int)
{
    the_line->plug();
}

#ifdef CHIP_SDRAM
using bitdial::Sdram;
using bitdial::SdramTimes;

void clock_memory(Vtop &top, bitdial::Sdram &sdram)
{
    sdram.clock({top.sdram_cke != 0, top.sdram_csn != 0, top.sdram_rasn != 0, top.sdram_casn != 0, top.sdram_wen != 0,
                 top.sdram_ba, top.sdram_a, top.sdram_dqm, top.wires});
    top.memory_drives = sdram.drives();
    top.memory_data = sdram.data();
}

bool report_memory(const bitdial::Sdram &sdram)
{
    fprintf(stderr, "sdram: %llu rows opened, %llu reads, %llu writes, %llu refreshes, %llu rules broken\n",
            static_cast<unsigned long long>(sdram.activates), static_cast<unsigned long long>(sdram.reads),
            static_cast<unsigned long long>(sdram.writes), static_cast<unsigned long long>(sdram.refreshes),
            static_cast<unsigned long long>(sdram.violations()));
    return sdram.violations() == 0;
}
#else
struct SdramTimes {
    bool set(const char *)
    {
        return false;
    }
};
struct Sdram {
    explicit Sdram(const SdramTimes &)
    {
    }
};
void clock_memory(Vtop &, Sdram &)
{
}
bool report_memory(const Sdram &)
{
    return true;
}
#endif

bool run(Vtop &top, bitdial::SerialLine &line, Sdram &sdram, bool button)
{
    uint64_t now = 0;
    for (; !ending && (now % LOOK_CLOCKS != 0 || line.take_bytes()); now++) {
        top.btn_reset = button && now < BUTTON_CLOCKS;
        top.ftdi_txd = line.drive();
        top.clk_25mhz = 0;
        top.eval();
        line.watch(top.ftdi_rxd);
        top.clk_25mhz = 1;
        top.eval();
        clock_memory(top, sdram);
    }
    fprintf(stderr, "chip: %llu clocks, %llu bytes from the host, %llu to it, %llu disturbed, lights 0x%02x\n",
            static_cast<unsigned long long>(now), static_cast<unsigned long long>(line.from_host()),
            static_cast<unsigned long long>(line.to_host()), static_cast<unsigned long long>(line.disturbed()),
            top.led);
    return report_memory(sdram);
}

} // namespace

int main(int argc, char **argv)
{
    bitdial::LineOptions options;
    SdramTimes times;
    bool button = false;
    options.quiet_clocks = QUIET_CLOCKS;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--button"))
            button = true;
        else if (!strcmp(argv[i], "--sdram") && i + 1 < argc && times.set(argv[i + 1]))
            i++;
        else if (!bitdial::take_line_option(argc, argv, i, options))
            options.bit = 0;
    }
    if (options.bit < 4) {
        fprintf(stderr, "usage: chip [--button] %s [--sdram TIME=NANOSECONDS]..., at least 4 clocks a bit\n",
                bitdial::LINE_OPTIONS);
        return 2;
    }
    bitdial::SerialLine line(options);
    the_line = &line;
    struct sigaction action = {};
    action.sa_handler = plug;
    sigaction(SIGUSR1, &action, nullptr);
    action.sa_handler = end;
    sigaction(SIGTERM, &action, nullptr);
    if (!line.open_terminal()) {
        fprintf(stderr, "chip: cannot open a pseudo-terminal: %s\n", strerror(errno));
        return 3;
    }
    Vtop top;
    Sdram sdram(times);
    return run(top, line, sdram, button) ? 0 : 1;
}
