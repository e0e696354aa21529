// A board on this machine, for tests: the Verilated accelerator, the Verilated bridge (hw/board/uart_bridge.sv) joined
// to it pin by pin, memory behind both, and the bridge's serial line on a pseudo-terminal, whose path is printed.
//
//     board HARDWARE.yaml [--bit CLOCKS] [--noise PER-MILLE SEED] [--noise-kind change|lose|double]
//           [--gap BYTES LENGTH] [--unplug BYTES] [--silent-memory BYTES COUNT]
//
// Bytes of the pseudo-terminal become bits at the pins, and bits at the pins become bytes. With noise, bytes of both
// directions are changed, lost or doubled. The accelerator's clock stands still while nothing is asked of it, as on the
// platform (sim/README.md): a line is slow, and idle clocks cost as much as busy ones. --gap loses LENGTH bytes to the
// host after BYTES, --unplug cuts the line after so many bytes from the host, until SIGUSR1. --silent-memory: behind
// BYTES of the bridge, memory leaves COUNT of them without an answer, so that the bridge withdraws them. Clocks pass
// while something is under way, and a while longer; then the board sleeps until the host writes. Ends by SIGTERM, or
// after ten minutes without a byte.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <verilated.h>

#include "Vbitdial_top.h"
#include "Vuart_bridge.h"
#include "sim/board/serial_line.h"
#include "sim/platform/axi_memory.h"

extern "C" {
#include "sw/driver/bitdial_regs.h"
}

namespace
{

constexpr uint64_t MEMORY_BASE = 0x100000000u, MEMORY_BYTES = 4u << 20; // as sim/board/build.sh tells the bridge
constexpr uint64_t AWAKE_CLOCKS = 64;                                   // of the accelerator after an access ...
constexpr uint64_t RESET_CLOCKS = 70000; // ... and after a soft reset, which waits for the bus
constexpr uint64_t LOOK_CLOCKS = 64;     // between two looks at the pseudo-terminal

bitdial::SerialLine *the_line;
volatile sig_atomic_t ending = 0;

void plug(int)
{
    the_line->plug();
}

void end(int)
{
    ending = 1;
}

struct Options {
    const char *hardware = nullptr;
    bitdial::LineOptions line;
    uint64_t silent_from = UINT64_MAX, silent_count = 0; // bytes of the bridge
};

class Board
{
  public:
    Board(bitdial::SerialLine &line, const bd_hardware &hardware, const Options &options)
        : line_(line), options_(options)
    {
        bd_guarded_memory_init(&memory_, MEMORY_BASE, MEMORY_BYTES);
        bus_ = std::make_unique<bitdial::AxiMemory>(&memory_, hardware.memory);
        bridge_.uart_rx_i = 1;
        top_.aresetn = bridge_.rst_ni = 1;
        half(0);
        top_.aresetn = bridge_.rst_ni = 0;
        for (int i = 0; i < 4; i++) {
            half(0);
            half(1);
        }
        top_.aresetn = bridge_.rst_ni = 1;
    }

    ~Board()
    {
        fprintf(stderr,
                "board: %llu clocks, %llu of the accelerator, %llu bytes from the host, %llu to it, %llu disturbed\n",
                static_cast<unsigned long long>(now_), static_cast<unsigned long long>(busy_),
                static_cast<unsigned long long>(line_.from_host()), static_cast<unsigned long long>(line_.to_host()),
                static_cast<unsigned long long>(line_.disturbed()));
        bd_guarded_memory_release(&memory_);
    }

    void run()
    {
        while (!ending) {
            if (now_ % LOOK_CLOCKS == 0 && !line_.take_bytes())
                return;
            clock();
        }
    }

  private:
    void half(int clock, bool awake = true)
    {
        bridge_.clk_i = clock;
        bridge_.eval();
        if (awake) {
            top_.aclk = clock;
            top_.eval();
        }
    }

    // What is asked of the accelerator in this clock: an access, and frames that it begins or whose end is taken note
    // of.
    bool is_awake()
    {
        const bool access = bridge_.m_axil_awvalid_o || bridge_.m_axil_wvalid_o || bridge_.m_axil_bready_o ||
                            bridge_.m_axil_arvalid_o || bridge_.m_axil_rready_o;
        if (access && awake_until_ < now_ + AWAKE_CLOCKS)
            awake_until_ = now_ + AWAKE_CLOCKS;
        if (bridge_.m_axil_wvalid_o && top_.s_axi_wready) {
            const uint32_t offset = bridge_.m_axil_awaddr_o, value = bridge_.m_axil_wdata_o;
            if (offset == BITDIAL_DOORBELL_REG)
                frames_++;
            if (offset == BITDIAL_IRQ_STATUS_REG && value & BITDIAL_IRQ_STATUS_DONE_MASK && frames_ > 0)
                frames_--;
            if ((offset == BITDIAL_IRQ_STATUS_REG && value & BITDIAL_IRQ_STATUS_ERROR_MASK) ||
                (offset == BITDIAL_CONTROL_REG && value & BITDIAL_CONTROL_SOFT_RESET_MASK)) {
                frames_ = 0;
                awake_until_ = now_ + RESET_CLOCKS;
            }
        }
        return now_ < awake_until_ || frames_ > 1 || (frames_ == 1 && !top_.irq);
    }

    // Everything that the two show each other comes out of registers, so one turn settles it.
    void connect()
    {
        top_.s_axi_awaddr = bridge_.m_axil_awaddr_o & 0xfff;
        top_.s_axi_awvalid = bridge_.m_axil_awvalid_o;
        top_.s_axi_wdata = bridge_.m_axil_wdata_o;
        top_.s_axi_wstrb = bridge_.m_axil_wstrb_o;
        top_.s_axi_wvalid = bridge_.m_axil_wvalid_o;
        top_.s_axi_bready = bridge_.m_axil_bready_o;
        top_.s_axi_araddr = bridge_.m_axil_araddr_o & 0xfff;
        top_.s_axi_arvalid = bridge_.m_axil_arvalid_o;
        top_.s_axi_rready = bridge_.m_axil_rready_o;
        bridge_.m_axil_awready_i = top_.s_axi_awready;
        bridge_.m_axil_wready_i = top_.s_axi_wready;
        bridge_.m_axil_bresp_i = top_.s_axi_bresp;
        bridge_.m_axil_bvalid_i = top_.s_axi_bvalid;
        bridge_.m_axil_arready_i = top_.s_axi_arready;
        bridge_.m_axil_rdata_i = top_.s_axi_rdata;
        bridge_.m_axil_rresp_i = top_.s_axi_rresp;
        bridge_.m_axil_rvalid_i = top_.s_axi_rvalid;
        bridge_.irq_i = top_.irq;
    }

    // The bridge's own way to memory, a byte a clock.
    void serve_memory()
    {
        asked_ += bridge_.mem_valid_o && !asks_;
        asks_ = bridge_.mem_valid_o;
        bridge_.mem_ready_i = asks_ && asked_ - 1 - options_.silent_from >= options_.silent_count;
        uint8_t *at = bridge_.mem_ready_i ? bd_guarded_memory_at(&memory_, bridge_.mem_addr_o, 1) : nullptr;
        bridge_.mem_error_i = bridge_.mem_ready_i && !at;
        bridge_.mem_rdata_i = at ? *at : 0;
        if (at && bridge_.mem_write_o)
            *at = bridge_.mem_wdata_o;
    }

    void clock()
    {
        const bool awake = is_awake();
        if (awake) {
            bus_->drive(top_, busy_);
            half(0);
        }
        connect();
        bridge_.uart_rx_i = line_.drive();
        serve_memory();
        half(0, awake);
        line_.watch(bridge_.uart_tx_o);
        if (awake)
            bus_->sample(top_, busy_);
        half(1, awake);
        busy_ += awake;
        now_++;
    }

    bitdial::SerialLine &line_;
    const Options &options_;
    bool asks_ = false; // the bridge, for a byte
    uint64_t asked_ = 0;
    bd_guarded_memory memory_ = {};
    std::unique_ptr<bitdial::AxiMemory> bus_;
    Vbitdial_top top_;
    Vuart_bridge bridge_;
    uint64_t awake_until_ = 0, busy_ = 0,
             frames_ = 0; // clocks of the accelerator; doorbells whose end was not taken note of
    uint64_t now_ = 0;
};

bool parse(int argc, char **argv, Options &options)
{
    for (int i = 1; i < argc; i++) {
        if (bitdial::take_line_option(argc, argv, i, options.line)) {
            continue;
        } else if (!strcmp(argv[i], "--silent-memory") && i + 2 < argc) {
            options.silent_from = strtoull(argv[++i], nullptr, 10);
            options.silent_count = strtoull(argv[++i], nullptr, 10);
        } else if (!options.hardware && argv[i][0] != '-') {
            options.hardware = argv[i];
        } else {
            return false;
        }
    }
    return options.hardware && options.line.bit >= 4;
}

} // namespace

int main(int argc, char **argv)
{
    Options options;
    bd_hardware hardware;
    bd_error error;
    if (!parse(argc, argv, options)) {
        fprintf(stderr, "usage: board HARDWARE.yaml %s [--silent-memory BYTES COUNT]\n", bitdial::LINE_OPTIONS);
        return BD_BAD_INPUT;
    }
    if (bd_hardware_load(&hardware, options.hardware, &error) != BD_OK) {
        fprintf(stderr, "board: %s\n", error.message);
        return error.status;
    }
    bitdial::SerialLine line(options.line);
    the_line = &line;
    struct sigaction action = {};
    action.sa_handler = plug;
    sigaction(SIGUSR1, &action, nullptr);
    action.sa_handler = end;
    sigaction(SIGTERM, &action, nullptr);
    if (!line.open_terminal()) {
        fprintf(stderr, "board: cannot open a pseudo-terminal: %s\n", strerror(errno));
        return BD_INFRA;
    }
    {
        Board board(line, hardware, options);
        board.run();
    }
    bd_hardware_release(&hardware);
    return BD_OK;
}
