// The device inside the platform: registers, an interrupt line and a clock. Two cores stand behind this interface:
// the Verilated RTL (rtl_core.cpp) and the C device model (tlm_core.cpp).
#ifndef BD_PLATFORM_CORE_H
#define BD_PLATFORM_CORE_H

#include <cstdint>
#include <memory>
#include <string>

extern "C" {
#include "model/program/hardware.h"
#include "sw/transport/guarded_memory.h"
#include "sw/transport/protocol.h"
}

namespace bitdial
{

class Core
{
  public:
    virtual ~Core() = default;
    // Register accesses; false where the device answered with an error or not at all.
    virtual bool read(uint32_t offset, uint32_t &value) = 0;
    virtual bool write(uint32_t offset, uint32_t value) = 0;
    virtual bool irq() const = 0;
    // Lets clocks pass until the line is high or `clocks` have passed; a core that knows itself idle may stop
    // earlier. Returns how many did.
    virtual uint64_t run(uint64_t clocks) = 0;
    virtual void set_memory(const bd_memory_model &memory) = 0;
    virtual bool set_stalls(uint64_t seed, uint64_t chance) = 0; // false: no bus to stall
    // Frame cycles, frames, clocks and bus bytes.
    virtual void statistics(bd_statistics &statistics) const = 0;
};

struct CoreOptions {
    const bd_hardware *hardware; // outlives the core
    bd_guarded_memory *memory;   // outlives the core
    uint64_t reset_seed;         // registers without reset start as random bits; 0: as zeros
    std::string trace;           // FST file, or empty
    int fault;                   // planted in the RTL (hw/bitdial_fault.svh); 0: none
    std::string pins;            // a fault at its pins (pin_faults.h), or empty
};

std::unique_ptr<Core> make_tlm_core(const CoreOptions &options);
// NULL where this build holds no RTL, or no tracing or no faults and one is asked for; `why` says which.
std::unique_ptr<Core> make_rtl_core(const CoreOptions &options, std::string &why);

} // namespace bitdial

#endif
