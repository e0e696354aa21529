// The virtual platform: a SystemC process of its own that answers the framed protocol on a descriptor. An initiator
// thread turns frames into TLM-2.0 transactions to two targets, memory and device. Loosely timed and temporally
// decoupled: the device runs its own clock loop for a quantum at a time, and only while the host waits for it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include "sim/platform/core.h"

extern "C" {
#include "sw/driver/bitdial_regs.h"
#include "sw/transport/ref.h"
#include "sw/transport/server.h"
}

namespace bitdial
{

using WallClock = std::chrono::steady_clock;

// Clocks that pass between two looks at the wall clock.
static constexpr uint64_t QUANTUM = 20000;

class MemoryTarget : public sc_core::sc_module
{
  public:
    tlm_utils::simple_target_socket<MemoryTarget> socket;

    MemoryTarget(sc_core::sc_module_name name, bd_guarded_memory *memory)
        : sc_module(name), socket("socket"), memory_(memory)
    {
        socket.register_b_transport(this, &MemoryTarget::b_transport);
    }

  private:
    void b_transport(tlm::tlm_generic_payload &transaction, sc_core::sc_time &)
    {
        uint64_t address = transaction.get_address(), size = transaction.get_data_length();
        bd_access access = transaction.is_write()
                               ? bd_guarded_memory_host_write(memory_, address, transaction.get_data_ptr(), size)
                               : bd_guarded_memory_host_read(memory_, address, transaction.get_data_ptr(), size);
        transaction.set_response_status(access == BD_ACCESS_OK        ? tlm::TLM_OK_RESPONSE
                                        : access == BD_ACCESS_OUTSIDE ? tlm::TLM_ADDRESS_ERROR_RESPONSE
                                                                      : tlm::TLM_COMMAND_ERROR_RESPONSE);
    }

    bd_guarded_memory *memory_;
};

class DeviceTarget : public sc_core::sc_module
{
  public:
    tlm_utils::simple_target_socket<DeviceTarget> socket;
    sc_core::sc_event paused; // the granted clocks have passed, or the interrupt line is high

    DeviceTarget(sc_core::sc_module_name name, Core *core, const sc_core::sc_time &period)
        : sc_module(name), socket("socket"), core_(core), period_(period)
    {
        socket.register_b_transport(this, &DeviceTarget::b_transport);
        SC_HAS_PROCESS(DeviceTarget);
        SC_THREAD(run);
    }

    void grant(uint64_t clocks)
    {
        granted_ = clocks;
        granted_event_.notify();
    }

    uint64_t passed() const
    {
        return passed_;
    } // clocks, of the last grant
    uint64_t nanoseconds() const
    {
        return nanoseconds_;
    }

  private:
    void run()
    {
        for (;;) {
            wait(granted_event_);
            auto from = WallClock::now();
            passed_ = core_->run(granted_);
            nanoseconds_ += static_cast<uint64_t>(
                std::chrono::duration_cast<std::chrono::nanoseconds>(WallClock::now() - from).count());
            wait(static_cast<double>(passed_) * period_);
            paused.notify();
        }
    }

    void b_transport(tlm::tlm_generic_payload &transaction, sc_core::sc_time &delay)
    {
        uint32_t value = 0, offset = static_cast<uint32_t>(transaction.get_address());
        bool good = transaction.get_data_length() == sizeof value;
        if (good && transaction.is_write()) {
            std::memcpy(&value, transaction.get_data_ptr(), sizeof value);
            good = core_->write(offset, value);
        } else if (good) {
            good = core_->read(offset, value);
            std::memcpy(transaction.get_data_ptr(), &value, sizeof value);
        }
        delay += period_;
        transaction.set_response_status(good ? tlm::TLM_OK_RESPONSE : tlm::TLM_GENERIC_ERROR_RESPONSE);
    }

    Core *core_;
    sc_core::sc_time period_;
    sc_core::sc_event granted_event_;
    uint64_t granted_ = 0, passed_ = 0, nanoseconds_ = 0;
};

struct HostOptions {
    int in, out;
    bool shared;
    const char *target;
};

// The initiator: the frame server, whose platform calls become transactions.
class Host : public sc_core::sc_module
{
  public:
    tlm_utils::simple_initiator_socket<Host> memory_socket, device_socket;

    Host(sc_core::sc_module_name name, const HostOptions &options, bd_guarded_memory *memory, Core *core,
         DeviceTarget *device)
        : sc_module(name), memory_socket("memory_socket"), device_socket("device_socket"), options_(options),
          memory_(memory), core_(core), device_(device)
    {
        SC_HAS_PROCESS(Host);
        SC_THREAD(serve);
    }

    bd_status status() const
    {
        return status_;
    }
    const bd_error &error() const
    {
        return error_;
    }

  private:
    void serve()
    {
        static const bd_platform_ops ops = {
            read_register, write_register, read_memory, write_memory, wait_irq, statistics,
            set_memory,    set_stalls,     region,      seal,         flip_bit, close,
        };
        bd_platform platform = {};
        platform.ops = &ops;
        platform.self = this;
        platform.memory_base = memory_->base;
        platform.memory_bytes = memory_->size;
        std::snprintf(platform.target, sizeof platform.target, "%s", options_.target);
        status_ = bd_serve(&platform, options_.in, options_.out, options_.shared, &error_);
        sc_core::sc_stop();
    }

    template <class Socket>
    tlm::tlm_response_status transport(Socket &socket, bool is_write, uint64_t address, void *data, uint64_t size)
    {
        tlm::tlm_generic_payload transaction;
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        transaction.set_command(is_write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
        transaction.set_address(address);
        transaction.set_data_ptr(static_cast<unsigned char *>(data));
        transaction.set_data_length(static_cast<unsigned>(size));
        transaction.set_streaming_width(static_cast<unsigned>(size));
        socket->b_transport(transaction, delay);
        return transaction.get_response_status();
    }

    bd_status access_register(bool is_write, uint32_t offset, uint32_t *value, bd_error *err)
    {
        if (offset % 4 != 0 || offset >= BITDIAL_WINDOW_BYTES)
            return bd_fail(err, BD_BAD_INPUT, "register offset 0x%x is not in the window", offset);
        if (transport(device_socket, is_write, offset, value, sizeof *value) != tlm::TLM_OK_RESPONSE)
            return bd_fail(err, BD_BAD_INPUT, "the device refused the %s of register 0x%03x",
                           is_write ? "write" : "read", offset);
        return BD_OK;
    }

    bd_status access_memory(bool is_write, uint64_t address, void *data, uint64_t size, bd_error *err)
    {
        tlm::tlm_response_status response = transport(memory_socket, is_write, address, data, size);
        return bd_access_status(response == tlm::TLM_OK_RESPONSE              ? BD_ACCESS_OK
                                : response == tlm::TLM_COMMAND_ERROR_RESPONSE ? BD_ACCESS_SEALED
                                                                              : BD_ACCESS_OUTSIDE,
                                is_write ? "write" : "read", address, size, err);
    }

    static Host &host(void *self)
    {
        return *static_cast<Host *>(self);
    }

    static bd_status read_register(void *self, uint32_t offset, uint32_t *value, bd_error *err)
    {
        return host(self).access_register(false, offset, value, err);
    }

    static bd_status write_register(void *self, uint32_t offset, uint32_t value, bd_error *err)
    {
        bd_guarded_memory_count(host(self).memory_, BD_WRITE_REGISTERS, sizeof value);
        return host(self).access_register(true, offset, &value, err);
    }

    static bd_status read_memory(void *self, uint64_t address, void *data, uint64_t size, bd_error *err)
    {
        return host(self).access_memory(false, address, data, size, err);
    }

    static bd_status write_memory(void *self, uint64_t address, const void *data, uint64_t size, bd_error *err)
    {
        return host(self).access_memory(true, address, const_cast<void *>(data), size, err);
    }

    static bd_status wait_irq(void *self, uint64_t milliseconds, uint64_t clocks, bool *raised, bd_error *)
    {
        Host &h = host(self);
        auto deadline = WallClock::now() + std::chrono::milliseconds(milliseconds);
        uint64_t left = clocks ? clocks : UINT64_MAX;
        while (!h.core_->irq() && left > 0 && WallClock::now() < deadline) {
            uint64_t quantum = std::min(left, QUANTUM);
            h.device_->grant(quantum);
            h.wait(h.device_->paused);
            left -= h.device_->passed();
            if (h.device_->passed() < quantum)
                break; // the line rose, or an idle device would wait for ever
        }
        *raised = h.core_->irq();
        return BD_OK;
    }

    static bd_status statistics(void *self, bd_statistics *statistics, bd_error *)
    {
        Host &h = host(self);
        *statistics = {};
        h.core_->statistics(*statistics);
        statistics->run_nanoseconds = h.device_->nanoseconds();
        std::copy(h.memory_->written, h.memory_->written + BD_WRITE_CLASSES, statistics->written);
        statistics->violations = h.memory_->violations;
        statistics->violation_address = h.memory_->violation_address;
        return BD_OK;
    }

    static bd_status set_memory(void *self, const bd_memory_model *memory, bd_error *)
    {
        host(self).core_->set_memory(*memory);
        return BD_OK;
    }

    static bd_status set_stalls(void *self, uint64_t seed, uint64_t chance, bd_error *err)
    {
        return host(self).core_->set_stalls(seed, chance)
                   ? BD_OK
                   : bd_fail(err, BD_BAD_INPUT, "a device without pins has no bus to stall");
    }

    static bd_status region(void *self, bd_write_class kind, uint64_t address, uint64_t size, bd_error *err)
    {
        return bd_guarded_memory_declare(host(self).memory_, kind, address, size, err);
    }

    static bd_status seal(void *self, bool sealed, bd_error *)
    {
        host(self).memory_->sealed = sealed;
        return BD_OK;
    }

    static bd_status flip_bit(void *self, uint64_t address, unsigned bit, bd_error *err)
    {
        return bd_guarded_memory_flip(host(self).memory_, address, bit, err);
    }

    static bd_status close(void *, bd_error *)
    {
        return BD_OK;
    }

    HostOptions options_;
    bd_guarded_memory *memory_;
    Core *core_;
    DeviceTarget *device_;
    bd_status status_ = BD_OK;
    bd_error error_ = {};
};

static const char usage[] =
    "Usage: platform --target rtl|tlm --hardware HW.yaml [options]\n"
    "The virtual platform; started by `bitdial`, it answers the framed device protocol.\n\n"
    "  --target NAME    rtl: the Verilated accelerator; tlm: the transaction-level model\n"
    "  --hardware FILE  hardware configuration: memory timing, and the geometry of the tlm target\n"
    "  --fd N           descriptor of the protocol's socket (default 3)\n"
    "  --stdio          the protocol on standard input and output\n"
    "  --no-shm         never offer shared memory\n"
    "  --seed N         start registers without reset as random bits of this seed\n"
    "  --trace FILE     write an FST trace (in a build for debugging)\n"
    "  --fault N        plant a fault (in a build for debugging)\n"
    "  --pins KIND,AT,CLOCKS  a fault at the pins of the rtl target: sim/platform/pin_faults.h\n"
    "  --help           print this\n";

struct Options {
    std::string target = "tlm", hardware, trace, pins;
    int in = 3, out = 3;
    bool shared = true, help = false;
    uint64_t seed = 0;
    int fault = 0;
};

static bool parse(int argc, char **argv, Options &options)
{
    static const option longs[] = {
        {"target", required_argument, nullptr, 't'},
        {"hardware", required_argument, nullptr, 'w'},
        {"fd", required_argument, nullptr, 'f'},
        {"stdio", no_argument, nullptr, 'o'},
        {"no-shm", no_argument, nullptr, 'n'},
        {"seed", required_argument, nullptr, 's'},
        {"trace", required_argument, nullptr, 'r'},
        {"fault", required_argument, nullptr, 'F'},
        {"pins", required_argument, nullptr, 'P'},
        {"help", no_argument, nullptr, 'h'},
        {nullptr, 0, nullptr, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", longs, nullptr)) != -1;) {
        switch (c) {
        case 't':
            options.target = optarg;
            break;
        case 'w':
            options.hardware = optarg;
            break;
        case 'f':
            options.in = options.out = std::atoi(optarg);
            break;
        case 'o':
            options.in = 0, options.out = 1;
            break;
        case 'n':
            options.shared = false;
            break;
        case 's':
            options.seed = std::strtoull(optarg, nullptr, 0);
            break;
        case 'r':
            options.trace = optarg;
            break;
        case 'F':
            options.fault = std::atoi(optarg);
            break;
        case 'P':
            options.pins = optarg;
            break;
        case 'h':
            options.help = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc &&
           (options.help || (!options.hardware.empty() && (options.target == "rtl" || options.target == "tlm")));
}

static int run(const Options &options)
{
    bd_error error;
    bd_hardware hardware;
    if (bd_hardware_load(&hardware, options.hardware.c_str(), &error) != BD_OK) {
        std::fprintf(stderr, "platform: %s\n", error.message);
        return error.status;
    }
    bd_guarded_memory memory;
    bd_guarded_memory_init(&memory, BD_PLATFORM_MEMORY_BASE, BD_PLATFORM_MEMORY_BYTES);
    CoreOptions core_options = {&hardware, &memory, options.seed, options.trace, options.fault, options.pins};
    std::string why;
    std::unique_ptr<Core> core =
        options.target == "tlm" ? make_tlm_core(core_options) : make_rtl_core(core_options, why);
    if (!core) {
        std::fprintf(stderr, "platform: %s\n", why.c_str());
        return BD_INFRA;
    }
    MemoryTarget memory_target("memory", &memory);
    DeviceTarget device("device", core.get(), sc_core::sc_time(1e3 / hardware.clock_mhz, sc_core::SC_NS));
    Host host("host", {options.in, options.out, options.shared, options.target.c_str()}, &memory, core.get(), &device);
    host.memory_socket.bind(memory_target.socket);
    host.device_socket.bind(device.socket);
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_DO_NOTHING); // "stopped by user"
    sc_core::sc_start();
    if (host.status() != BD_OK)
        std::fprintf(stderr, "platform: %s\n", host.error().message);
    core.reset();
    bd_guarded_memory_release(&memory);
    bd_hardware_release(&hardware);
    return host.status();
}

} // namespace bitdial

int sc_main(int argc, char **argv)
{
    bitdial::Options options;
    if (!bitdial::parse(argc, argv, options)) {
        std::fputs(bitdial::usage, stderr);
        return BD_BAD_INPUT;
    }
    if (options.help) {
        std::fputs(bitdial::usage, stdout);
        return BD_OK;
    }
    return bitdial::run(options);
}

// SystemC's own main would print its banner on standard output, which may be the protocol's channel.
int main(int argc, char **argv)
{
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
