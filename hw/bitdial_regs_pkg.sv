// Register map of the accelerator, generated from hw/regs.yaml: do not edit.
// The map lists what exists; not every block needs all of it.
// verilator lint_off UNUSEDPARAM
package bitdial_regs_pkg;

  // ro: 'BDL1' in ASCII, first letter lowest
  localparam logic [11:0] ID_ADDR = 12'h000;
  localparam logic [31:0] ID_RESET = 32'h314c4442;

  // ro: version of this map; a driver refuses any other
  localparam logic [11:0] ABI_VERSION_ADDR = 12'h004;
  localparam logic [31:0] ABI_VERSION_RESET = 32'h00000004;

  // ro: shape of the arrays
  localparam logic [11:0] GEOMETRY_ADDR = 12'h008;
  localparam int GEOMETRY_W = 30;  // bits up to the last field
  localparam int GEOMETRY_ROWS_LSB = 0;
  localparam int GEOMETRY_REQUANT_UNITS_LSB = 8;
  localparam int GEOMETRY_MAC_CHANNELS_LSB = 16;
  localparam int GEOMETRY_ACC_BITS_LSB = 24;

  // ro: what this build can execute; a descriptor that asks for more is refused with BAD_DESCRIPTOR
  localparam logic [11:0] CAPABILITIES_ADDR = 12'h00c;
  localparam int CAPABILITIES_W = 14;  // bits up to the last field
  localparam int CAPABILITIES_XNOR_LSB = 0;
  localparam int CAPABILITIES_MAC_LSB = 1;
  localparam int CAPABILITIES_DEPTHWISE_LSB = 2;
  localparam int CAPABILITIES_POOL_LSB = 3;
  localparam int CAPABILITIES_STREAM_LSB = 4;
  localparam int CAPABILITIES_STORE_LSB = 5;
  localparam int CAPABILITIES_MULT_BITS_LSB = 8;

  // ro: plane memory: 16-bit words of each of its nine banks
  localparam logic [11:0] ACT_WORDS_ADDR = 12'h010;

  // ro: residual memory, words of REQUANT_UNITS x 16 bits
  localparam logic [11:0] Z_WORDS_ADDR = 12'h014;

  // ro: weight memory, words of 18 x ROWS bits
  localparam logic [11:0] WEIGHT_WORDS_ADDR = 12'h018;

  // ro: hash of the geometry; equal to the one in the program header
  localparam logic [11:0] GEOMETRY_HASH_LO_ADDR = 12'h01c;

  // ro: its upper half
  localparam logic [11:0] GEOMETRY_HASH_HI_ADDR = 12'h020;

  // ro: CRC-32 of the SystemVerilog sources of this build
  localparam logic [11:0] RTL_HASH_ADDR = 12'h024;

  // ro: 0 for a product build; the number of the planted fault in a build for fault tests
  localparam logic [11:0] BUILD_ID_ADDR = 12'h028;

  // ro: table memory, entries of a row
  localparam logic [11:0] TABLE_WORDS_ADDR = 12'h02c;

  // ro: correction memory, words of REQUANT_UNITS x 24 bits
  localparam logic [11:0] CORRECT_WORDS_ADDR = 12'h030;

  // ro: descriptors kept on the chip; 0: fetched for every layer
  localparam logic [11:0] DESCRIPTORS_ADDR = 12'h034;

  // ro: clock that the build was made for, in kHz; 0: not told
  localparam logic [11:0] CLOCK_KHZ_ADDR = 12'h038;

  // rw: modes
  localparam logic [11:0] CONTROL_ADDR = 12'h040;
  localparam logic [31:0] CONTROL_RESET = 32'h00000000;
  localparam int CONTROL_W = 4;  // bits up to the last field
  localparam logic [31:0] CONTROL_WRITABLE = 32'h00000003;
  localparam int CONTROL_STORE_ENABLE_LSB = 0;
  localparam int CONTROL_IRQ_ENABLE_LSB = 1;
  localparam int CONTROL_SOFT_RESET_LSB = 2;
  localparam int CONTROL_RELOAD_LSB = 3;

  // ro: state; the error fields describe the first error since IRQ_STATUS.ERROR was last cleared
  localparam logic [11:0] STATUS_ADDR = 12'h044;
  localparam logic [31:0] STATUS_RESET = 32'h00000000;
  localparam int STATUS_W = 24;  // bits up to the last field
  localparam int STATUS_BUSY_LSB = 0;
  localparam int STATUS_QUEUE_LEVEL_LSB = 1;
  localparam int STATUS_RESULT_LEVEL_LSB = 3;
  localparam int STATUS_BUS_OPEN_LSB = 6;
  localparam int STATUS_ERROR_LSB = 8;
  localparam logic [3:0] ERROR_NONE = 4'd0;
  localparam logic [3:0] ERROR_BAD_SWITCH = 4'd1;
  localparam logic [3:0] ERROR_QUEUE_FULL = 4'd2;
  localparam logic [3:0] ERROR_BUS_ERROR = 4'd3;
  localparam logic [3:0] ERROR_BAD_DESCRIPTOR = 4'd4;
  localparam logic [3:0] ERROR_WATCHDOG = 4'd5;
  localparam logic [3:0] ERROR_BUS_DEAD = 4'd6;
  localparam logic [3:0] ERROR_FRAME_LIMIT = 4'd7;
  localparam int STATUS_ERROR_LAYER_LSB = 16;

  // rw: byte address of the program image, a multiple of 64
  localparam logic [11:0] PROGRAM_ADDR_LO_ADDR = 12'h048;
  localparam logic [31:0] PROGRAM_ADDR_LO_RESET = 32'h00000000;

  // rw: its upper half
  localparam logic [11:0] PROGRAM_ADDR_HI_ADDR = 12'h04c;
  localparam logic [31:0] PROGRAM_ADDR_HI_RESET = 32'h00000000;

  // rw: bytes from the image to the first descriptor list
  localparam logic [11:0] DESC_OFFSET_ADDR = 12'h050;
  localparam logic [31:0] DESC_OFFSET_RESET = 32'h00000000;

  // rw: bytes from one switch's descriptor list to the next
  localparam logic [11:0] SWITCH_STRIDE_ADDR = 12'h054;
  localparam logic [31:0] SWITCH_STRIDE_RESET = 32'h00000000;

  // rw: descriptors in a list, 1..256
  localparam logic [11:0] LAYER_COUNT_ADDR = 12'h058;
  localparam logic [31:0] LAYER_COUNT_RESET = 32'h00000000;

  // rw: descriptor lists, 1..16
  localparam logic [11:0] SWITCH_COUNT_ADDR = 12'h05c;
  localparam logic [31:0] SWITCH_COUNT_RESET = 32'h00000000;

  // rw: byte address of the store area, a multiple of 8
  localparam logic [11:0] STORE_ADDR_LO_ADDR = 12'h060;
  localparam logic [31:0] STORE_ADDR_LO_RESET = 32'h00000000;

  // rw: its upper half
  localparam logic [11:0] STORE_ADDR_HI_ADDR = 12'h064;
  localparam logic [31:0] STORE_ADDR_HI_RESET = 32'h00000000;

  // rw: clocks without progress after which a frame is aborted with WATCHDOG; 0 waits for ever; acts at once, no doorbell latches it
  localparam logic [11:0] WATCHDOG_LIMIT_ADDR = 12'h068;
  localparam logic [31:0] WATCHDOG_LIMIT_RESET = 32'h01000000;

  // rw: most clocks of a frame, as COUNTER_TOTAL counts them, a program's load among them; a longer one is aborted with FRAME_LIMIT; 0: no limit
  localparam logic [11:0] FRAME_LIMIT_ADDR = 12'h06c;
  localparam logic [31:0] FRAME_LIMIT_RESET = 32'h00000000;

  // rw: switch index of the next doorbell
  localparam logic [11:0] PRECISION_ADDR = 12'h080;
  localparam logic [31:0] PRECISION_RESET = 32'h00000000;

  // rw: byte address of the image, a multiple of 8
  localparam logic [11:0] INPUT_ADDR_LO_ADDR = 12'h084;
  localparam logic [31:0] INPUT_ADDR_LO_RESET = 32'h00000000;

  // rw: its upper half
  localparam logic [11:0] INPUT_ADDR_HI_ADDR = 12'h088;
  localparam logic [31:0] INPUT_ADDR_HI_RESET = 32'h00000000;

  // rw: byte address of the result, a multiple of 8
  localparam logic [11:0] OUTPUT_ADDR_LO_ADDR = 12'h08c;
  localparam logic [31:0] OUTPUT_ADDR_LO_RESET = 32'h00000000;

  // rw: its upper half
  localparam logic [11:0] OUTPUT_ADDR_HI_ADDR = 12'h090;
  localparam logic [31:0] OUTPUT_ADDR_HI_RESET = 32'h00000000;

  // rw: software's name for the next frame, given back in DONE_TAG
  localparam logic [11:0] TAG_ADDR = 12'h094;
  localparam logic [31:0] TAG_RESET = 32'h00000000;

  // wo: any write queues a frame; it uses every register of the two groups above but WATCHDOG_LIMIT, and STORE_ENABLE, as they stand at this moment
  localparam logic [11:0] DOORBELL_ADDR = 12'h098;
  localparam logic [31:0] DOORBELL_RESET = 32'h00000000;

  // w1c: causes
  localparam logic [11:0] IRQ_STATUS_ADDR = 12'h0a0;
  localparam logic [31:0] IRQ_STATUS_RESET = 32'h00000000;
  localparam int IRQ_STATUS_W = 2;  // bits up to the last field
  localparam int IRQ_STATUS_DONE_LSB = 0;
  localparam int IRQ_STATUS_ERROR_LSB = 1;

  // rw: causes that raise the interrupt line
  localparam logic [11:0] IRQ_ENABLE_ADDR = 12'h0a4;
  localparam logic [31:0] IRQ_ENABLE_RESET = 32'h00000000;
  localparam int IRQ_ENABLE_W = 2;  // bits up to the last field
  localparam logic [31:0] IRQ_ENABLE_WRITABLE = 32'h00000003;
  localparam int IRQ_ENABLE_DONE_LSB = 0;
  localparam int IRQ_ENABLE_ERROR_LSB = 1;

  // ro: TAG of the frame that was acknowledged last
  localparam logic [11:0] DONE_TAG_ADDR = 12'h0a8;
  localparam logic [31:0] DONE_TAG_RESET = 32'h00000000;

  // ro: switch index of the frame that was acknowledged last
  localparam logic [11:0] DONE_SWITCH_ADDR = 12'h0ac;
  localparam logic [31:0] DONE_SWITCH_RESET = 32'h00000000;

  // ro: frames finished since reset
  localparam logic [11:0] FRAME_COUNT_ADDR = 12'h0b0;
  localparam logic [31:0] FRAME_COUNT_RESET = 32'h00000000;

  // ro: clocks from the frame's start to its end, of the frame that was acknowledged last; keeps the upper half
  localparam logic [11:0] COUNTER_TOTAL_LO_ADDR = 12'h0c0;
  localparam logic [31:0] COUNTER_TOTAL_LO_RESET = 32'h00000000;

  // ro: the upper half of the counter whose lower half was read last
  localparam logic [11:0] COUNTER_TOTAL_HI_ADDR = 12'h0c4;
  localparam logic [31:0] COUNTER_TOTAL_HI_RESET = 32'h00000000;

  // ro: clocks in which output pixels were issued
  localparam logic [11:0] COUNTER_COMPUTE_LO_ADDR = 12'h0c8;
  localparam logic [31:0] COUNTER_COMPUTE_LO_RESET = 32'h00000000;

  // ro: its upper half
  localparam logic [11:0] COUNTER_COMPUTE_HI_ADDR = 12'h0cc;
  localparam logic [31:0] COUNTER_COMPUTE_HI_RESET = 32'h00000000;

  // ro: clocks waiting for a tile's table and weights
  localparam logic [11:0] COUNTER_WEIGHT_STALL_LO_ADDR = 12'h0d0;
  localparam logic [31:0] COUNTER_WEIGHT_STALL_LO_RESET = 32'h00000000;

  // ro: its upper half
  localparam logic [11:0] COUNTER_WEIGHT_STALL_HI_ADDR = 12'h0d4;
  localparam logic [31:0] COUNTER_WEIGHT_STALL_HI_RESET = 32'h00000000;

  // ro: clocks waiting for the image
  localparam logic [11:0] COUNTER_INPUT_STALL_LO_ADDR = 12'h0d8;
  localparam logic [31:0] COUNTER_INPUT_STALL_LO_RESET = 32'h00000000;

  // ro: its upper half
  localparam logic [11:0] COUNTER_INPUT_STALL_HI_ADDR = 12'h0dc;
  localparam logic [31:0] COUNTER_INPUT_STALL_HI_RESET = 32'h00000000;

  // ro: clocks in store passes and in writing the result
  localparam logic [11:0] COUNTER_OUTPUT_STALL_LO_ADDR = 12'h0e0;
  localparam logic [31:0] COUNTER_OUTPUT_STALL_LO_RESET = 32'h00000000;

  // ro: its upper half
  localparam logic [11:0] COUNTER_OUTPUT_STALL_HI_ADDR = 12'h0e4;
  localparam logic [31:0] COUNTER_OUTPUT_STALL_HI_RESET = 32'h00000000;

  // ro: the rest: descriptors, starts, drains
  localparam logic [11:0] COUNTER_OVERHEAD_LO_ADDR = 12'h0e8;
  localparam logic [31:0] COUNTER_OVERHEAD_LO_RESET = 32'h00000000;

  // ro: its upper half
  localparam logic [11:0] COUNTER_OVERHEAD_HI_ADDR = 12'h0ec;
  localparam logic [31:0] COUNTER_OVERHEAD_HI_RESET = 32'h00000000;
endpackage
// verilator lint_on UNUSEDPARAM
