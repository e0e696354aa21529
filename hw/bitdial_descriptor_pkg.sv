// The layer descriptor and the limits, generated from hw/descriptor.yaml: do not edit.
// It lists what exists; not every block needs all of it.
// verilator lint_off UNUSEDPARAM
package bitdial_descriptor_pkg;
  // The largest that there is, and the bits that hold it.
  localparam int SIDE = 1023;  // rows or columns of a map
  localparam int SIDE_W = 10;
  localparam int CHANNELS = 4095;  // channels of a map
  localparam int CHANNELS_W = 12;
  localparam int PIXEL_WORDS = 255;  // words of the activation buffer that one pixel takes
  localparam int PIXEL_WORDS_W = 8;
  localparam int WORD_ADDRESS = 1048575;  // word address in the activation or residual buffer
  localparam int WORD_ADDRESS_W = 20;
  localparam int LANES = 256;  // lanes of a word
  localparam int LANES_W = 9;
  localparam int KERNEL = 3;  // side of a kernel, 1 or this
  localparam int KERNEL_W = 2;
  localparam int STRIDE = 2;  // stride
  localparam int STRIDE_W = 2;
  localparam int WEIGHT_BITS = 8;  // bits of a weight code
  localparam int WEIGHT_BITS_W = 4;
  localparam int CODE_BITS = 8;  // bits of an activation code
  localparam int CODE_BITS_W = 4;
  localparam int IM2COL_CHANNELS = 4;  // channels of an image that is loaded as windows
  localparam int IM2COL_CHANNELS_W = 3;
  localparam int IM2COL_WIDTH = 256;  // columns of an image that is loaded as windows
  localparam int IM2COL_WIDTH_W = 9;
  localparam int LAYERS = 256;  // layers of a program
  localparam int LAYERS_W = 9;
  localparam int SWITCHES = 16;  // switches of a program
  localparam int SWITCHES_W = 5;
  localparam int REFERENCE_SIDE = 4096;  // rows or columns of a map in a program for the reference alone
  localparam int REFERENCE_SIDE_W = 13;
  localparam int REFERENCE_CHANNELS = 65535;  // its channels
  localparam int REFERENCE_CHANNELS_W = 16;
  localparam int REFERENCE_KERNEL = 64;  // side of its kernels, and its strides
  localparam int REFERENCE_KERNEL_W = 7;

  // Number of each word.
  localparam int WORD_OPERATION = 0;
  localparam int WORD_FLAGS = 1;
  localparam int WORD_DATAPATH = 2;
  localparam int WORD_WEIGHT_BITS = 3;
  localparam int WORD_IN_BITS = 4;
  localparam int WORD_OUT_BITS = 5;
  localparam int WORD_IN_HEIGHT = 6;
  localparam int WORD_IN_WIDTH = 7;
  localparam int WORD_IN_CHANNELS = 8;
  localparam int WORD_OUT_HEIGHT = 9;
  localparam int WORD_OUT_WIDTH = 10;
  localparam int WORD_OUT_CHANNELS = 11;
  localparam int WORD_KERNEL_H = 12;
  localparam int WORD_KERNEL_W = 13;
  localparam int WORD_STRIDE = 14;
  localparam int WORD_GROUPS = 15;
  localparam int WORD_PAD_TOP = 16;
  localparam int WORD_PAD_BOTTOM = 17;
  localparam int WORD_PAD_LEFT = 18;
  localparam int WORD_PAD_RIGHT = 19;
  localparam int WORD_IN_ZERO_POINT = 20;
  localparam int WORD_WEIGHT_ZERO_POINT = 21;
  localparam int WORD_POOL_KIND = 22;
  localparam int WORD_IN_BASE = 23;
  localparam int WORD_IN_SLOTS = 24;
  localparam int WORD_IN_SLOT_LANES = 25;
  localparam int WORD_IN_PIXEL_WORDS = 26;
  localparam int WORD_IN_PITCH = 27;
  localparam int WORD_IN_LEFT = 28;
  localparam int WORD_OUT_BASE = 29;
  localparam int WORD_OUT_SLOTS = 30;
  localparam int WORD_OUT_SLOT_LANES = 31;
  localparam int WORD_OUT_PIXEL_WORDS = 32;
  localparam int WORD_OUT_PITCH = 33;
  localparam int WORD_OUT_LEFT = 34;
  localparam int WORD_Z_IN_BASE = 35;
  localparam int WORD_Z_OUT_BASE = 36;
  localparam int WORD_ROW_GROUPS = 37;
  localparam int WORD_ROW_WORDS = 38;
  localparam int WORD_K_WORDS = 39;
  localparam int WORD_SEGMENTS = 40;
  localparam int WORD_PIXEL_CYCLES = 41;
  localparam int WORD_INITIATION_INTERVAL = 42;
  localparam int WORD_SHIFT = 43;
  localparam int WORD_CODE_MULTIPLIER = 44;
  localparam int WORD_CODE_OFFSET = 45;
  localparam int WORD_CODE_SHIFT = 46;
  localparam int WORD_RESIDUAL_MULTIPLIER = 47;
  localparam int WORD_RESIDUAL_SHIFT = 48;
  localparam int WORD_PRESETS = 49;
  localparam int WORD_TABLE_OFFSET = 50;
  localparam int WORD_TABLE_STRIDE = 51;
  localparam int WORD_WEIGHT_OFFSET = 52;
  localparam int WORD_WEIGHT_STRIDE = 53;
  localparam int WORD_WEIGHT_BYTES = 54;
  localparam int WORD_STORE_CODES_OFFSET = 55;
  localparam int WORD_STORE_CODES_BYTES = 56;
  localparam int WORD_STORE_Z_OFFSET = 57;
  localparam int WORD_STORE_Z_BYTES = 58;
  localparam int WORD_CHANNEL_TILE = 59;
  localparam int WORD_ROW_TILE = 60;
  localparam int WORD_SPILL_OFFSET = 61;
  localparam int WORD_LAYER = 62;
  localparam int WORD_RESERVED = 63;

  // How a tensor lies in the activation buffer.
  typedef struct packed {
    logic [WORD_ADDRESS_W-1:0] base;
    logic [1:0] slots;
    logic [LANES_W-1:0] slot_lanes;
    logic [PIXEL_WORDS_W-1:0] pixel_words;
    logic [WORD_ADDRESS_W-1:0] pitch;
    logic left;
  } tensor_t;

  // The part of a descriptor that the hardware uses.
  typedef struct packed {
    logic pool;
    logic load_input;
    logic im2col;
    logic write_codes;
    logic add_stream;
    logic write_stream;
    logic store_codes;
    logic store_stream;
    logic result;
    logic last;
    logic in_signed;
    logic mac;
    logic [WEIGHT_BITS_W-1:0] weight_bits;
    logic [CODE_BITS_W-1:0] in_bits;
    logic [CODE_BITS_W-1:0] out_bits;
    logic [SIDE_W-1:0] in_height;
    logic [SIDE_W-1:0] in_width;
    logic [CHANNELS_W-1:0] in_channels;
    logic [SIDE_W-1:0] out_height;
    logic [SIDE_W-1:0] out_width;
    logic [CHANNELS_W-1:0] out_channels;
    logic [KERNEL_W-1:0] kernel_h;
    logic [KERNEL_W-1:0] kernel_w;
    logic [STRIDE_W-1:0] stride;
    logic pad_top;
    logic pad_bottom;
    logic pad_left;
    logic pad_right;
    tensor_t in_tensor;
    tensor_t out_tensor;
    logic [WORD_ADDRESS_W-1:0] z_in_base;
    logic [WORD_ADDRESS_W-1:0] z_out_base;
    logic [CHANNELS_W-1:0] row_groups;
    logic [1:0] row_words;
    logic [11:0] k_words;
    logic [7:0] segments;
    logic [23:0] initiation_interval;
    logic [5:0] shift;
    logic [17:0] code_multiplier;
    logic [31:0] code_offset;
    logic [4:0] code_shift;
    logic border_presets;
    logic [31:0] table_offset;
    logic [19:0] table_stride;
    logic [31:0] weight_offset;
    logic [31:0] weight_stride;
    logic [23:0] weight_bytes;
    logic [31:0] store_codes_offset;
    logic [26:0] store_codes_bytes;
    logic [31:0] store_z_offset;
    logic [26:0] store_z_bytes;
  } descriptor_t;
endpackage
// verilator lint_on UNUSEDPARAM
