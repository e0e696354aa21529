// A chip as `make fpga` builds it, Verilated from its top on, with its serial line on a pseudo-terminal, whose path is
// printed: for tests of what goes into the FPGA, memory and wiring too.
//
//     chip [--button] [--bit CLOCKS] [--noise PER-MILLE SEED] [--noise-kind change|lose|double] [--gap BYTES LENGTH]
//          [--unplug BYTES]
//
// --button holds the reset button for the first thousand clocks; the others are those of board.cpp, and SIGUSR1 plugs
// a cut line in again. Sleeps until the host writes while nothing is under way. Ends by SIGTERM, or after ten minutes
// without a byte, and prints what the lights were then.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <verilated.h>

#include "Vtop.h"
#include "sim/board/serial_line.h"

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

void run(Vtop &top, bitdial::SerialLine &line, bool button)
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
    }
    fprintf(stderr, "chip: %llu clocks, %llu bytes from the host, %llu to it, %llu disturbed, lights 0x%02x\n",
            static_cast<unsigned long long>(now), static_cast<unsigned long long>(line.from_host()),
            static_cast<unsigned long long>(line.to_host()), static_cast<unsigned long long>(line.disturbed()),
            top.led);
}

} // namespace

int main(int argc, char **argv)
{
    bitdial::LineOptions options;
    bool button = false;
    options.quiet_clocks = QUIET_CLOCKS;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--button"))
            button = true;
        else if (!bitdial::take_line_option(argc, argv, i, options))
            options.bit = 0;
    }
    if (options.bit < 4) {
        fprintf(stderr, "usage: chip [--button] %s, at least 4 clocks a bit\n", bitdial::LINE_OPTIONS);
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
    run(top, line, button);
    return 0;
}
