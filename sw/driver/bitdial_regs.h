/* Register map of the accelerator, generated from hw/regs.yaml: do not edit. */
/* clang-format off */
#ifndef BITDIAL_REGS_H
#define BITDIAL_REGS_H

#define BITDIAL_WINDOW_BYTES 4096u

/* ro: 'BDL1' in ASCII, first letter lowest */
#define BITDIAL_ID_REG 0x000u
#define BITDIAL_ID_RESET 0x314c4442u

/* ro: version of this map; a driver refuses any other */
#define BITDIAL_ABI_VERSION_REG 0x004u
#define BITDIAL_ABI_VERSION_RESET 0x4u

/* ro: shape of the arrays */
#define BITDIAL_GEOMETRY_REG 0x008u
#define BITDIAL_GEOMETRY_ROWS_SHIFT 0 /* output channels computed at once */
#define BITDIAL_GEOMETRY_ROWS_MASK 0xffu /* in place */
#define BITDIAL_GEOMETRY_REQUANT_UNITS_SHIFT 8 /* requantizers side by side */
#define BITDIAL_GEOMETRY_REQUANT_UNITS_MASK 0xff00u /* in place */
#define BITDIAL_GEOMETRY_MAC_CHANNELS_SHIFT 16 /* channels whose nine taps the add-only MAC takes a clock */
#define BITDIAL_GEOMETRY_MAC_CHANNELS_MASK 0x30000u /* in place */
#define BITDIAL_GEOMETRY_ACC_BITS_SHIFT 24 /* bits of a sum */
#define BITDIAL_GEOMETRY_ACC_BITS_MASK 0x3f000000u /* in place */

/* ro: what this build can execute; a descriptor that asks for more is refused with BAD_DESCRIPTOR */
#define BITDIAL_CAPABILITIES_REG 0x00cu
#define BITDIAL_CAPABILITIES_XNOR_SHIFT 0 /* XNOR-popcount datapath */
#define BITDIAL_CAPABILITIES_XNOR_MASK 0x1u /* in place */
#define BITDIAL_CAPABILITIES_MAC_SHIFT 1 /* add-only MAC datapath */
#define BITDIAL_CAPABILITIES_MAC_MASK 0x2u /* in place */
#define BITDIAL_CAPABILITIES_DEPTHWISE_SHIFT 2 /* a channel of its own for each row */
#define BITDIAL_CAPABILITIES_DEPTHWISE_MASK 0x4u /* in place */
#define BITDIAL_CAPABILITIES_POOL_SHIFT 3 /* pooling: of the whole map, largest and average of windows */
#define BITDIAL_CAPABILITIES_POOL_MASK 0x8u /* in place */
#define BITDIAL_CAPABILITIES_STREAM_SHIFT 4 /* residual stream */
#define BITDIAL_CAPABILITIES_STREAM_MASK 0x10u /* in place */
#define BITDIAL_CAPABILITIES_STORE_SHIFT 5 /* store passes of codes and stream */
#define BITDIAL_CAPABILITIES_STORE_MASK 0x20u /* in place */
#define BITDIAL_CAPABILITIES_MULT_BITS_SHIFT 8 /* width of the requantizer's multiplier */
#define BITDIAL_CAPABILITIES_MULT_BITS_MASK 0x3f00u /* in place */

/* ro: plane memory: 16-bit words of each of its nine banks */
#define BITDIAL_ACT_WORDS_REG 0x010u

/* ro: residual memory, words of REQUANT_UNITS x 16 bits */
#define BITDIAL_Z_WORDS_REG 0x014u

/* ro: weight memory, words of 18 x ROWS bits */
#define BITDIAL_WEIGHT_WORDS_REG 0x018u

/* ro: hash of the geometry; equal to the one in the program header */
#define BITDIAL_GEOMETRY_HASH_LO_REG 0x01cu

/* ro: its upper half */
#define BITDIAL_GEOMETRY_HASH_HI_REG 0x020u

/* ro: CRC-32 of the SystemVerilog sources of this build */
#define BITDIAL_RTL_HASH_REG 0x024u

/* ro: 0 for a product build; the number of the planted fault in a build for fault tests */
#define BITDIAL_BUILD_ID_REG 0x028u

/* ro: table memory, entries of a row */
#define BITDIAL_TABLE_WORDS_REG 0x02cu

/* ro: correction memory, words of REQUANT_UNITS x 24 bits */
#define BITDIAL_CORRECT_WORDS_REG 0x030u

/* ro: descriptors kept on the chip; 0: fetched for every layer */
#define BITDIAL_DESCRIPTORS_REG 0x034u

/* ro: clock that the build was made for, in kHz; 0: not told */
#define BITDIAL_CLOCK_KHZ_REG 0x038u

/* rw: modes */
#define BITDIAL_CONTROL_REG 0x040u
#define BITDIAL_CONTROL_STORE_ENABLE_SHIFT 0 /* layers with store flags write codes and stream to STORE_ADDR; latched by the doorbell */
#define BITDIAL_CONTROL_STORE_ENABLE_MASK 0x1u /* in place */
#define BITDIAL_CONTROL_IRQ_ENABLE_SHIFT 1 /* the interrupt line follows IRQ_STATUS and IRQ_ENABLE; 0 holds it low */
#define BITDIAL_CONTROL_IRQ_ENABLE_MASK 0x2u /* in place */
#define BITDIAL_CONTROL_SOFT_RESET_SHIFT 2 /* 1 drops doorbells and results that wait and aborts the running frame without an interrupt; STATUS.BUSY falls when its bus transfers have ended, or at last with BUS_DEAD */
#define BITDIAL_CONTROL_SOFT_RESET_MASK 0x4u /* in place */
#define BITDIAL_CONTROL_RELOAD_SHIFT 3 /* 1 says that the program's bytes in memory have changed: frames rung from now on use nothing that was read before */
#define BITDIAL_CONTROL_RELOAD_MASK 0x8u /* in place */

/* ro: state; the error fields describe the first error since IRQ_STATUS.ERROR was last cleared */
#define BITDIAL_STATUS_REG 0x044u
#define BITDIAL_STATUS_BUSY_SHIFT 0 /* a frame runs or is being aborted */
#define BITDIAL_STATUS_BUSY_MASK 0x1u /* in place */
#define BITDIAL_STATUS_QUEUE_LEVEL_SHIFT 1 /* doorbells waiting, 0..2, the running frame not counted */
#define BITDIAL_STATUS_QUEUE_LEVEL_MASK 0x6u /* in place */
#define BITDIAL_STATUS_RESULT_LEVEL_SHIFT 3 /* frames that have finished and were not acknowledged, 0..3 */
#define BITDIAL_STATUS_RESULT_LEVEL_MASK 0x18u /* in place */
#define BITDIAL_STATUS_BUS_OPEN_SHIFT 6 /* transfers of a frame that ended with BUS_DEAD are still open; the next frame waits for their end */
#define BITDIAL_STATUS_BUS_OPEN_MASK 0x40u /* in place */
#define BITDIAL_STATUS_ERROR_SHIFT 8 /* code of the first error */
#define BITDIAL_STATUS_ERROR_MASK 0xf00u /* in place */
#define BITDIAL_ERROR_NONE 0x0u /* no error */
#define BITDIAL_ERROR_BAD_SWITCH 0x1u /* doorbell with PRECISION not below SWITCH_COUNT; nothing started */
#define BITDIAL_ERROR_QUEUE_FULL 0x2u /* doorbell while two wait, or with the running one and those not acknowledged three are in flight; it was ignored */
#define BITDIAL_ERROR_BUS_ERROR 0x3u /* the AXI master got SLVERR or DECERR; the frame was aborted */
#define BITDIAL_ERROR_BAD_DESCRIPTOR 0x4u /* a descriptor that this build cannot execute (DESCRIPTOR.md, CAPABILITIES); the frame was aborted */
#define BITDIAL_ERROR_WATCHDOG 0x5u /* no transfer on the bus and no output pixel for WATCHDOG_LIMIT clocks; the frame was aborted */
#define BITDIAL_ERROR_BUS_DEAD 0x6u /* an abort or soft reset found transfers that did not end in 65,536 clocks; it ended without them (BUS_OPEN) */
#define BITDIAL_ERROR_FRAME_LIMIT 0x7u /* a frame did not end within the FRAME_LIMIT clocks that its doorbell gave it; the frame was aborted */
#define BITDIAL_STATUS_ERROR_LAYER_SHIFT 16 /* layer that ran when the frame was aborted, or whose descriptor was refused; else 0 */
#define BITDIAL_STATUS_ERROR_LAYER_MASK 0xff0000u /* in place */

/* rw: byte address of the program image, a multiple of 64 */
#define BITDIAL_PROGRAM_ADDR_LO_REG 0x048u

/* rw: its upper half */
#define BITDIAL_PROGRAM_ADDR_HI_REG 0x04cu

/* rw: bytes from the image to the first descriptor list */
#define BITDIAL_DESC_OFFSET_REG 0x050u

/* rw: bytes from one switch's descriptor list to the next */
#define BITDIAL_SWITCH_STRIDE_REG 0x054u

/* rw: descriptors in a list, 1..256 */
#define BITDIAL_LAYER_COUNT_REG 0x058u

/* rw: descriptor lists, 1..16 */
#define BITDIAL_SWITCH_COUNT_REG 0x05cu

/* rw: byte address of the store area, a multiple of 8 */
#define BITDIAL_STORE_ADDR_LO_REG 0x060u

/* rw: its upper half */
#define BITDIAL_STORE_ADDR_HI_REG 0x064u

/* rw: clocks without progress after which a frame is aborted with WATCHDOG; 0 waits for ever; acts at once, no doorbell latches it */
#define BITDIAL_WATCHDOG_LIMIT_REG 0x068u
#define BITDIAL_WATCHDOG_LIMIT_RESET 0x1000000u

/* rw: most clocks of a frame, as COUNTER_TOTAL counts them, a program's load among them; a longer one is aborted with FRAME_LIMIT; 0: no limit */
#define BITDIAL_FRAME_LIMIT_REG 0x06cu

/* rw: switch index of the next doorbell */
#define BITDIAL_PRECISION_REG 0x080u

/* rw: byte address of the image, a multiple of 8 */
#define BITDIAL_INPUT_ADDR_LO_REG 0x084u

/* rw: its upper half */
#define BITDIAL_INPUT_ADDR_HI_REG 0x088u

/* rw: byte address of the result, a multiple of 8 */
#define BITDIAL_OUTPUT_ADDR_LO_REG 0x08cu

/* rw: its upper half */
#define BITDIAL_OUTPUT_ADDR_HI_REG 0x090u

/* rw: software's name for the next frame, given back in DONE_TAG */
#define BITDIAL_TAG_REG 0x094u

/* wo: any write queues a frame; it uses every register of the two groups above but WATCHDOG_LIMIT, and STORE_ENABLE, as they stand at this moment */
#define BITDIAL_DOORBELL_REG 0x098u

/* w1c: causes */
#define BITDIAL_IRQ_STATUS_REG 0x0a0u
#define BITDIAL_IRQ_STATUS_DONE_SHIFT 0 /* a frame has finished and its result is in memory; writing 1 acknowledges the oldest such frame: DONE_TAG, DONE_SWITCH and the counters then show it; stays 1 while another waits */
#define BITDIAL_IRQ_STATUS_DONE_MASK 0x1u /* in place */
#define BITDIAL_IRQ_STATUS_ERROR_SHIFT 1 /* an error; clearing it clears STATUS.ERROR and STATUS.ERROR_LAYER too */
#define BITDIAL_IRQ_STATUS_ERROR_MASK 0x2u /* in place */

/* rw: causes that raise the interrupt line */
#define BITDIAL_IRQ_ENABLE_REG 0x0a4u
#define BITDIAL_IRQ_ENABLE_DONE_SHIFT 0 /* as in IRQ_STATUS */
#define BITDIAL_IRQ_ENABLE_DONE_MASK 0x1u /* in place */
#define BITDIAL_IRQ_ENABLE_ERROR_SHIFT 1 /* as in IRQ_STATUS */
#define BITDIAL_IRQ_ENABLE_ERROR_MASK 0x2u /* in place */

/* ro: TAG of the frame that was acknowledged last */
#define BITDIAL_DONE_TAG_REG 0x0a8u

/* ro: switch index of the frame that was acknowledged last */
#define BITDIAL_DONE_SWITCH_REG 0x0acu

/* ro: frames finished since reset */
#define BITDIAL_FRAME_COUNT_REG 0x0b0u

/* ro: clocks from the frame's start to its end, of the frame that was acknowledged last; keeps the upper half */
#define BITDIAL_COUNTER_TOTAL_LO_REG 0x0c0u

/* ro: the upper half of the counter whose lower half was read last */
#define BITDIAL_COUNTER_TOTAL_HI_REG 0x0c4u

/* ro: clocks in which output pixels were issued */
#define BITDIAL_COUNTER_COMPUTE_LO_REG 0x0c8u

/* ro: its upper half */
#define BITDIAL_COUNTER_COMPUTE_HI_REG 0x0ccu

/* ro: clocks waiting for a tile's table and weights */
#define BITDIAL_COUNTER_WEIGHT_STALL_LO_REG 0x0d0u

/* ro: its upper half */
#define BITDIAL_COUNTER_WEIGHT_STALL_HI_REG 0x0d4u

/* ro: clocks waiting for the image */
#define BITDIAL_COUNTER_INPUT_STALL_LO_REG 0x0d8u

/* ro: its upper half */
#define BITDIAL_COUNTER_INPUT_STALL_HI_REG 0x0dcu

/* ro: clocks in store passes and in writing the result */
#define BITDIAL_COUNTER_OUTPUT_STALL_LO_REG 0x0e0u

/* ro: its upper half */
#define BITDIAL_COUNTER_OUTPUT_STALL_HI_REG 0x0e4u

/* ro: the rest: descriptors, starts, drains */
#define BITDIAL_COUNTER_OVERHEAD_LO_REG 0x0e8u

/* ro: its upper half */
#define BITDIAL_COUNTER_OVERHEAD_HI_REG 0x0ecu

/* Every rw register with the bits that read back as written: X(offset, mask). */
#define BITDIAL_WRITABLE(X) \
    X(BITDIAL_CONTROL_REG, 0x3u) \
    X(BITDIAL_PROGRAM_ADDR_LO_REG, 0xffffffffu) \
    X(BITDIAL_PROGRAM_ADDR_HI_REG, 0xffffffffu) \
    X(BITDIAL_DESC_OFFSET_REG, 0xffffffffu) \
    X(BITDIAL_SWITCH_STRIDE_REG, 0xffffffffu) \
    X(BITDIAL_LAYER_COUNT_REG, 0xffffffffu) \
    X(BITDIAL_SWITCH_COUNT_REG, 0xffffffffu) \
    X(BITDIAL_STORE_ADDR_LO_REG, 0xffffffffu) \
    X(BITDIAL_STORE_ADDR_HI_REG, 0xffffffffu) \
    X(BITDIAL_WATCHDOG_LIMIT_REG, 0xffffffffu) \
    X(BITDIAL_FRAME_LIMIT_REG, 0xffffffffu) \
    X(BITDIAL_PRECISION_REG, 0xffffffffu) \
    X(BITDIAL_INPUT_ADDR_LO_REG, 0xffffffffu) \
    X(BITDIAL_INPUT_ADDR_HI_REG, 0xffffffffu) \
    X(BITDIAL_OUTPUT_ADDR_LO_REG, 0xffffffffu) \
    X(BITDIAL_OUTPUT_ADDR_HI_REG, 0xffffffffu) \
    X(BITDIAL_TAG_REG, 0xffffffffu) \
    X(BITDIAL_IRQ_ENABLE_REG, 0x3u)

#endif
