// The layer descriptor and the limits, generated from hw/descriptor.yaml: do not edit.
// It lists what exists; not every block needs all of it.
// verilator lint_off UNUSEDPARAM
package bitdial_descriptor_pkg;
  // The largest that there is, and the bits that hold it.
  localparam int SIDE = 1023;  // rows or columns of a map
  localparam int SIDE_W = 10;
  localparam int CHANNELS = 4095;  // channels of a map
  localparam int CHANNELS_W = 12;
  localparam int WORD_ADDRESS = 1048575;  // word address in any memory of the chip
  localparam int WORD_ADDRESS_W = 20;
  localparam int KERNEL = 9;  // side of a kernel
  localparam int KERNEL_W = 4;
  localparam int STRIDE = 4;  // stride
  localparam int STRIDE_W = 3;
  localparam int WEIGHT_BITS = 8;  // bits of a weight code
  localparam int WEIGHT_BITS_W = 4;
  localparam int CODE_BITS = 8;  // bits of an activation code
  localparam int CODE_BITS_W = 4;
  localparam int BLOCK_PIXELS = 16;  // output pixels whose sums a row keeps at once
  localparam int BLOCK_PIXELS_W = 5;
  localparam int BORDER_CLASSES = 81;  // classes of output pixels by the taps that their windows miss
  localparam int BORDER_CLASSES_W = 7;
  localparam int INTERVAL = 16777215;  // clocks from one block of pixels to the next
  localparam int INTERVAL_W = 24;
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
  localparam int WORD_WEIGHT_ZERO_POINT = 20;
  localparam int WORD_POOL_KIND = 21;
  localparam int WORD_IN_BASE = 22;
  localparam int WORD_IN_LAYOUT = 23;
  localparam int WORD_IN_CELL_WORDS = 24;
  localparam int WORD_IN_PITCH = 25;
  localparam int WORD_IN_TAIL_BANKS = 26;
  localparam int WORD_OUT_BASE = 27;
  localparam int WORD_OUT_LAYOUT = 28;
  localparam int WORD_OUT_CELL_WORDS = 29;
  localparam int WORD_OUT_PITCH = 30;
  localparam int WORD_Z_IN_BASE = 31;
  localparam int WORD_Z_OUT_BASE = 32;
  localparam int WORD_ROW_GROUPS = 33;
  localparam int WORD_SUB_ROWS = 34;
  localparam int WORD_SUB_COLUMNS = 35;
  localparam int WORD_WORD_GROUPS = 36;
  localparam int WORD_SEGMENTS = 37;
  localparam int WORD_TAIL_SEGMENTS = 38;
  localparam int WORD_BLOCKS_LARGE = 39;
  localparam int WORD_BLOCKS_SMALL = 40;
  localparam int WORD_PIXELS_LARGE = 41;
  localparam int WORD_INTERVAL_LARGE = 42;
  localparam int WORD_INTERVAL_SMALL = 43;
  localparam int WORD_PIXEL_PERIOD = 44;
  localparam int WORD_SHIFT = 45;
  localparam int WORD_CODE_MULTIPLIER = 46;
  localparam int WORD_CODE_OFFSET = 47;
  localparam int WORD_CODE_SHIFT = 48;
  localparam int WORD_RESIDUAL_MULTIPLIER = 49;
  localparam int WORD_RESIDUAL_SHIFT = 50;
  localparam int WORD_BORDERS = 51;
  localparam int WORD_TABLE_BASE = 52;
  localparam int WORD_CORRECT_BASE = 53;
  localparam int WORD_WEIGHT_BASE = 54;
  localparam int WORD_WEIGHT_STEP = 55;
  localparam int WORD_WEIGHT_PLANE = 56;
  localparam int WORD_TABLE_OFFSET = 57;
  localparam int WORD_CORRECT_OFFSET = 58;
  localparam int WORD_WEIGHT_OFFSET = 59;
  localparam int WORD_STORE_CODES_OFFSET = 60;
  localparam int WORD_STORE_CODES_BYTES = 61;
  localparam int WORD_STORE_Z_OFFSET = 62;
  localparam int WORD_STORE_Z_BYTES = 63;

  // Values of words.
  localparam int OP_CONV = 1;  // convolution
  localparam int OP_POOL = 2;  // pooling of the residual stream
  localparam int OP_LOAD = 3;  // nothing is computed: output codes and stream come from memory (with the flag LOAD)
  localparam int DATAPATH_XNOR = 0;  // XNOR and popcount
  localparam int DATAPATH_MAC = 1;  // add-only MAC
  localparam int LAYOUT_WINDOW = 0;  // a bank for each place in 3x3 pixels, words of planes of 8 channels
  localparam int LAYOUT_CHANNEL = 1;  // a bank for each of nine groups of channels: for 1x1 readers
  localparam int LAYOUT_BYTE = 2;  // as LAYOUT_WINDOW, words of whole codes of two channels: images for the MAC

  // How a tensor lies in the activation buffer.
  typedef struct packed {
    logic [WORD_ADDRESS_W-1:0] base;
    logic [1:0] layout;
    logic [WORD_ADDRESS_W-1:0] cell_words;
    logic [WORD_ADDRESS_W-1:0] pitch;
  } tensor_t;

  // The part of a descriptor that the hardware uses.
  typedef struct packed {
    logic pool;
    logic load_input;
    logic write_codes;
    logic add_stream;
    logic write_stream;
    logic store_codes;
    logic store_stream;
    logic result;
    logic last;
    logic in_signed;
    logic depthwise;
    logic correct;
    logic sign_only;
    logic z_in_wide;
    logic z_out_wide;
    logic stream_tables;
    logic stream_weights;
    logic load;
    logic spill_codes;
    logic spill_stream;
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
    logic [9:0] kernel_h;
    logic [9:0] kernel_w;
    logic [9:0] stride;
    logic [3:0] pad_top;
    logic [3:0] pad_left;
    logic zero_point;
    logic [1:0] pool_kind;
    tensor_t in_tensor;
    logic [3:0] tail_banks;
    tensor_t out_tensor;
    logic [WORD_ADDRESS_W-1:0] z_in_base;
    logic [WORD_ADDRESS_W-1:0] z_out_base;
    logic [CHANNELS_W-1:0] row_groups;
    logic [1:0] sub_rows;
    logic [1:0] sub_columns;
    logic [10:0] word_groups;
    logic [4:0] segments;
    logic [4:0] tail_segments;
    logic [15:0] blocks_large;
    logic [15:0] blocks_small;
    logic [BLOCK_PIXELS_W-1:0] pixels_large;
    logic [INTERVAL_W-1:0] interval_large;
    logic [INTERVAL_W-1:0] interval_small;
    logic [INTERVAL_W-1:0] pixel_period;
    logic [5:0] shift;
    logic [17:0] code_multiplier;
    logic [31:0] code_offset;
    logic [4:0] code_shift;
    logic [31:0] borders;
    logic [WORD_ADDRESS_W-1:0] table_base;
    logic [WORD_ADDRESS_W-1:0] correct_base;
    logic [WORD_ADDRESS_W-1:0] weight_base;
    logic [19:0] weight_step;
    logic [WORD_ADDRESS_W-1:0] weight_plane;
    logic [31:0] table_offset;
    logic [31:0] correct_offset;
    logic [31:0] weight_offset;
    logic [31:0] store_codes_offset;
    logic [26:0] store_codes_bytes;
    logic [31:0] store_z_offset;
    logic [26:0] store_z_bytes;
  } descriptor_t;
endpackage
// verilator lint_on UNUSEDPARAM
