// Types shared by several blocks. Widths bound what one build can execute; the descriptor reader refuses fields
// that do not fit.
package bitdial_pkg;
  localparam int DIM_W   = 10;  // rows and columns of a map
  localparam int CHAN_W  = 12;  // channels of a map
  localparam int WORD_W  = 20;  // word addresses of the activation and residual buffers
  localparam int COUNT_W = 48;  // performance counters
  localparam int BEAT_W  = 24;  // beats of one DMA job

  // A queued doorbell.
  typedef struct packed {
    logic [3:0]  switch_index;
    logic [63:0] input_addr;
    logic [63:0] output_addr;
    logic [31:0] tag;
    logic        store_enable;
  } frame_t;

  // How a tensor lies in the activation buffer.
  typedef struct packed {
    logic [WORD_W-1:0] base;
    logic [1:0]        slots;        // U: pixels side by side in a word
    logic [8:0]        slot_lanes;   // Cs: lanes from one slot to the next
    logic [7:0]        pixel_words;  // cw
    logic [WORD_W-1:0] pitch;        // words a row
    logic              left;         // PL: words before column 0
  } tensor_t;

  // The part of a layer descriptor that the hardware uses.
  typedef struct packed {
    logic              pool;  // operation
    logic              load_input;
    logic              im2col;
    logic              write_codes;
    logic              add_stream;
    logic              write_stream;
    logic              store_codes;
    logic              store_stream;
    logic              result;
    logic              last;
    logic              in_signed;
    logic              mac;  // datapath
    logic [3:0]        weight_bits;
    logic [3:0]        in_bits;
    logic [3:0]        out_bits;
    logic [DIM_W-1:0]  in_height;
    logic [DIM_W-1:0]  in_width;
    logic [CHAN_W-1:0] in_channels;
    logic [DIM_W-1:0]  out_height;
    logic [DIM_W-1:0]  out_width;
    logic [CHAN_W-1:0] out_channels;
    logic [1:0]        kernel_h;
    logic [1:0]        kernel_w;
    logic [1:0]        stride;
    logic              pad_top;
    logic              pad_left;
    tensor_t           in_tensor;
    tensor_t           out_tensor;
    logic [WORD_W-1:0] z_in_base;
    logic [WORD_W-1:0] z_out_base;
    logic [CHAN_W-1:0] row_groups;
    logic [1:0]        row_words;
    logic [11:0]       k_words;
    logic [7:0]        segments;
    logic [23:0]       initiation_interval;
    logic [5:0]        shift;
    logic [17:0]       code_multiplier;
    logic [31:0]       code_offset;
    logic [4:0]        code_shift;
    logic              border_presets;  // 16 presets instead of one
    logic [31:0]       table_offset;
    logic [19:0]       table_stride;
    logic [31:0]       weight_offset;
    logic [31:0]       weight_stride;
    logic [23:0]       weight_bytes;
    logic [31:0]       store_codes_offset;
    logic [26:0]       store_codes_bytes;
    logic [31:0]       store_z_offset;
    logic [26:0]       store_z_bytes;
  } descriptor_t;
endpackage
