/* Names and meanings of registers, generated from hw/regs.yaml: do not edit. */
/* clang-format off */
#ifndef BITDIAL_REGS_NAMES_H
#define BITDIAL_REGS_NAMES_H

/* X(name, offset, access, bits that read back as written, meaning) */
#define BITDIAL_REGISTERS(X) \
    X("ID", 0x000u, "ro", 0x0u, "'BDL1' in ASCII, first letter lowest") \
    X("ABI_VERSION", 0x004u, "ro", 0x0u, "version of this map; a driver refuses any other") \
    X("GEOMETRY", 0x008u, "ro", 0x0u, "shape of the arrays") \
    X("CAPABILITIES", 0x00cu, "ro", 0x0u, "what this build can execute; a descriptor that asks for more is refused with BAD_DESCRIPTOR") \
    X("ACT_WORDS", 0x010u, "ro", 0x0u, "plane memory: 16-bit words of each of its nine banks") \
    X("Z_WORDS", 0x014u, "ro", 0x0u, "residual memory, words of REQUANT_UNITS x 16 bits") \
    X("WEIGHT_WORDS", 0x018u, "ro", 0x0u, "weight memory, words of 18 x ROWS bits") \
    X("GEOMETRY_HASH_LO", 0x01cu, "ro", 0x0u, "hash of the geometry; equal to the one in the program header") \
    X("GEOMETRY_HASH_HI", 0x020u, "ro", 0x0u, "its upper half") \
    X("RTL_HASH", 0x024u, "ro", 0x0u, "CRC-32 of the SystemVerilog sources of this build") \
    X("BUILD_ID", 0x028u, "ro", 0x0u, "0 for a product build; the number of the planted fault in a build for fault tests") \
    X("TABLE_WORDS", 0x02cu, "ro", 0x0u, "table memory, entries of a row") \
    X("CORRECT_WORDS", 0x030u, "ro", 0x0u, "correction memory, words of REQUANT_UNITS x 24 bits") \
    X("DESCRIPTORS", 0x034u, "ro", 0x0u, "descriptors kept on the chip; 0: fetched for every layer") \
    X("CLOCK_KHZ", 0x038u, "ro", 0x0u, "clock that the build was made for, in kHz; 0: not told") \
    X("CONTROL", 0x040u, "rw", 0x3u, "modes") \
    X("STATUS", 0x044u, "ro", 0x0u, "state; the error fields describe the first error since IRQ_STATUS.ERROR was last cleared") \
    X("PROGRAM_ADDR_LO", 0x048u, "rw", 0xffffffffu, "byte address of the program image, a multiple of 64") \
    X("PROGRAM_ADDR_HI", 0x04cu, "rw", 0xffffffffu, "its upper half") \
    X("DESC_OFFSET", 0x050u, "rw", 0xffffffffu, "bytes from the image to the first descriptor list") \
    X("SWITCH_STRIDE", 0x054u, "rw", 0xffffffffu, "bytes from one switch's descriptor list to the next") \
    X("LAYER_COUNT", 0x058u, "rw", 0xffffffffu, "descriptors in a list, 1..256") \
    X("SWITCH_COUNT", 0x05cu, "rw", 0xffffffffu, "descriptor lists, 1..16") \
    X("STORE_ADDR_LO", 0x060u, "rw", 0xffffffffu, "byte address of the store area, a multiple of 8") \
    X("STORE_ADDR_HI", 0x064u, "rw", 0xffffffffu, "its upper half") \
    X("WATCHDOG_LIMIT", 0x068u, "rw", 0xffffffffu, "clocks without progress after which a frame is aborted with WATCHDOG; 0 waits for ever; acts at once, no doorbell latches it") \
    X("FRAME_LIMIT", 0x06cu, "rw", 0xffffffffu, "most clocks of a frame, as COUNTER_TOTAL counts them, a program's load among them; a longer one is aborted with FRAME_LIMIT; 0: no limit") \
    X("PRECISION", 0x080u, "rw", 0xffffffffu, "switch index of the next doorbell") \
    X("INPUT_ADDR_LO", 0x084u, "rw", 0xffffffffu, "byte address of the image, a multiple of 8") \
    X("INPUT_ADDR_HI", 0x088u, "rw", 0xffffffffu, "its upper half") \
    X("OUTPUT_ADDR_LO", 0x08cu, "rw", 0xffffffffu, "byte address of the result, a multiple of 8") \
    X("OUTPUT_ADDR_HI", 0x090u, "rw", 0xffffffffu, "its upper half") \
    X("TAG", 0x094u, "rw", 0xffffffffu, "software's name for the next frame, given back in DONE_TAG") \
    X("DOORBELL", 0x098u, "wo", 0x0u, "any write queues a frame; it uses every register of the two groups above but WATCHDOG_LIMIT, and STORE_ENABLE, as they stand at this moment") \
    X("IRQ_STATUS", 0x0a0u, "w1c", 0x0u, "causes") \
    X("IRQ_ENABLE", 0x0a4u, "rw", 0x3u, "causes that raise the interrupt line") \
    X("DONE_TAG", 0x0a8u, "ro", 0x0u, "TAG of the frame that was acknowledged last") \
    X("DONE_SWITCH", 0x0acu, "ro", 0x0u, "switch index of the frame that was acknowledged last") \
    X("FRAME_COUNT", 0x0b0u, "ro", 0x0u, "frames finished since reset") \
    X("COUNTER_TOTAL_LO", 0x0c0u, "ro", 0x0u, "clocks from the frame's start to its end, of the frame that was acknowledged last; keeps the upper half") \
    X("COUNTER_TOTAL_HI", 0x0c4u, "ro", 0x0u, "the upper half of the counter whose lower half was read last") \
    X("COUNTER_COMPUTE_LO", 0x0c8u, "ro", 0x0u, "clocks in which output pixels were issued") \
    X("COUNTER_COMPUTE_HI", 0x0ccu, "ro", 0x0u, "its upper half") \
    X("COUNTER_WEIGHT_STALL_LO", 0x0d0u, "ro", 0x0u, "clocks waiting for a tile's table and weights") \
    X("COUNTER_WEIGHT_STALL_HI", 0x0d4u, "ro", 0x0u, "its upper half") \
    X("COUNTER_INPUT_STALL_LO", 0x0d8u, "ro", 0x0u, "clocks waiting for the image") \
    X("COUNTER_INPUT_STALL_HI", 0x0dcu, "ro", 0x0u, "its upper half") \
    X("COUNTER_OUTPUT_STALL_LO", 0x0e0u, "ro", 0x0u, "clocks in store passes and in writing the result") \
    X("COUNTER_OUTPUT_STALL_HI", 0x0e4u, "ro", 0x0u, "its upper half") \
    X("COUNTER_OVERHEAD_LO", 0x0e8u, "ro", 0x0u, "the rest: descriptors, starts, drains") \
    X("COUNTER_OVERHEAD_HI", 0x0ecu, "ro", 0x0u, "its upper half")

/* X(offset of the register, name, shift, mask in place, meaning) */
#define BITDIAL_FIELDS(X) \
    X(0x008u, "ROWS", 0, 0xffu, "output channels computed at once") \
    X(0x008u, "REQUANT_UNITS", 8, 0xff00u, "requantizers side by side") \
    X(0x008u, "MAC_CHANNELS", 16, 0x30000u, "channels whose nine taps the add-only MAC takes a clock") \
    X(0x008u, "ACC_BITS", 24, 0x3f000000u, "bits of a sum") \
    X(0x00cu, "XNOR", 0, 0x1u, "XNOR-popcount datapath") \
    X(0x00cu, "MAC", 1, 0x2u, "add-only MAC datapath") \
    X(0x00cu, "DEPTHWISE", 2, 0x4u, "a channel of its own for each row") \
    X(0x00cu, "POOL", 3, 0x8u, "pooling: of the whole map, largest and average of windows") \
    X(0x00cu, "STREAM", 4, 0x10u, "residual stream") \
    X(0x00cu, "STORE", 5, 0x20u, "store passes of codes and stream") \
    X(0x00cu, "MULT_BITS", 8, 0x3f00u, "width of the requantizer's multiplier") \
    X(0x040u, "STORE_ENABLE", 0, 0x1u, "layers with store flags write codes and stream to STORE_ADDR; latched by the doorbell") \
    X(0x040u, "IRQ_ENABLE", 1, 0x2u, "the interrupt line follows IRQ_STATUS and IRQ_ENABLE; 0 holds it low") \
    X(0x040u, "SOFT_RESET", 2, 0x4u, "1 drops doorbells and results that wait and aborts the running frame without an interrupt; STATUS.BUSY falls when its bus transfers have ended, or at last with BUS_DEAD") \
    X(0x040u, "RELOAD", 3, 0x8u, "1 says that the program's bytes in memory have changed: frames rung from now on use nothing that was read before") \
    X(0x044u, "BUSY", 0, 0x1u, "a frame runs or is being aborted") \
    X(0x044u, "QUEUE_LEVEL", 1, 0x6u, "doorbells waiting, 0..2, the running frame not counted") \
    X(0x044u, "RESULT_LEVEL", 3, 0x18u, "frames that have finished and were not acknowledged, 0..3") \
    X(0x044u, "BUS_OPEN", 6, 0x40u, "transfers of a frame that ended with BUS_DEAD are still open; the next frame waits for their end") \
    X(0x044u, "ERROR", 8, 0xf00u, "code of the first error") \
    X(0x044u, "ERROR_LAYER", 16, 0xff0000u, "layer that ran when the frame was aborted, or whose descriptor was refused; else 0") \
    X(0x0a0u, "DONE", 0, 0x1u, "a frame has finished and its result is in memory; writing 1 acknowledges the oldest such frame: DONE_TAG, DONE_SWITCH and the counters then show it; stays 1 while another waits") \
    X(0x0a0u, "ERROR", 1, 0x2u, "an error; clearing it clears STATUS.ERROR and STATUS.ERROR_LAYER too") \
    X(0x0a4u, "DONE", 0, 0x1u, "as in IRQ_STATUS") \
    X(0x0a4u, "ERROR", 1, 0x2u, "as in IRQ_STATUS")

/* X(offset of the register, shift of the field, value, name, meaning) */
#define BITDIAL_VALUES(X) \
    X(0x044u, 8, 0, "NONE", "no error") \
    X(0x044u, 8, 1, "BAD_SWITCH", "doorbell with PRECISION not below SWITCH_COUNT; nothing started") \
    X(0x044u, 8, 2, "QUEUE_FULL", "doorbell while two wait, or with the running one and those not acknowledged three are in flight; it was ignored") \
    X(0x044u, 8, 3, "BUS_ERROR", "the AXI master got SLVERR or DECERR; the frame was aborted") \
    X(0x044u, 8, 4, "BAD_DESCRIPTOR", "a descriptor that this build cannot execute (DESCRIPTOR.md, CAPABILITIES); the frame was aborted") \
    X(0x044u, 8, 5, "WATCHDOG", "no transfer on the bus and no output pixel for WATCHDOG_LIMIT clocks; the frame was aborted") \
    X(0x044u, 8, 6, "BUS_DEAD", "an abort or soft reset found transfers that did not end in 65,536 clocks; it ended without them (BUS_OPEN)") \
    X(0x044u, 8, 7, "FRAME_LIMIT", "a frame did not end within the FRAME_LIMIT clocks that its doorbell gave it; the frame was aborted")

#endif
