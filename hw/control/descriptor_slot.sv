// Holds one layer descriptor, filled two words a beat, and judges it: `bad_o` once it asks for more than this build
// can execute. Word numbers are those of the program image (model/program/program.h).
module descriptor_slot #(
  parameter int LANES = 64,
  parameter int HAS_XNOR = 1,
  parameter int HAS_MAC = 1,
  parameter int WEIGHT_WORDS = 128
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,        // a new descriptor follows
  input  logic        we_i,
  input  logic [4:0]  beat_i,         // words 2*beat (low half) and 2*beat + 1
  input  logic [63:0] data_i,
  input  logic        keep_table_i,   // fault tests only: leave the table offset of the descriptor before
  input  logic        first_layer_i,
  input  logic        last_layer_i,
  output bitdial_pkg::descriptor_t descriptor_o,
  output logic        bad_o
);
  bitdial_pkg::descriptor_t d_q;
  logic misfit_q;
  logic [31:0] lo, hi;
  assign lo = data_i[31:0];
  assign hi = data_i[63:32];

  // Fields that must hold one value, and bits above a field's width.
  logic misfit;
  always_comb begin
    case (beat_i)
      5'd0:  misfit = (lo != 32'd1 && lo != 32'd2) || |hi[31:11];                      // operation, flags
      5'd1:  misfit = lo > 32'd1 || hi > 32'd8;                                        // datapath, weight_bits
      5'd2:  misfit = lo > 32'd8 || hi > 32'd8;                                        // in_bits, out_bits
      5'd3:  misfit = |lo[31:bitdial_pkg::DIM_W] || |hi[31:bitdial_pkg::DIM_W];        // in_height, in_width
      5'd4:  misfit = |lo[31:bitdial_pkg::CHAN_W] || |hi[31:bitdial_pkg::DIM_W];       // in_channels, out_height
      5'd5:  misfit = |lo[31:bitdial_pkg::DIM_W] || |hi[31:bitdial_pkg::CHAN_W];       // out_width, out_channels
      5'd6:  misfit = !d_q.pool && (|lo[31:2] || |hi[31:2]);                                          // kernel_h, kernel_w
      5'd7:  misfit = |lo[31:2] || hi > 32'd1;                                         // stride, groups
      5'd8:  misfit = lo > 32'd1 || hi > 32'd1;                                        // pad_top, pad_bottom
      5'd9:  misfit = lo > 32'd1 || hi > 32'd1;                                        // pad_left, pad_right
      5'd10: misfit = |lo || |hi;                                                      // zero points
      5'd11: misfit = |lo || |hi[31:bitdial_pkg::WORD_W];                              // pool_kind, in_base
      5'd12: misfit = lo > 32'd3 || |hi[31:9];                                         // in_slots, in_slot_lanes
      5'd13: misfit = |lo[31:8] || |hi[31:bitdial_pkg::WORD_W];                        // in_pixel_words, in_pitch
      5'd14: misfit = lo > 32'd1 || |hi[31:bitdial_pkg::WORD_W];                       // in_left, out_base
      5'd15: misfit = lo > 32'd3 || |hi[31:9];                                         // out_slots, out_slot_lanes
      5'd16: misfit = |lo[31:8] || |hi[31:bitdial_pkg::WORD_W];                        // out_pixel_words, out_pitch
      5'd17: misfit = lo > 32'd1 || |hi[31:bitdial_pkg::WORD_W];                       // out_left, z_in_base
      5'd18: misfit = |lo[31:bitdial_pkg::WORD_W] || |hi[31:bitdial_pkg::CHAN_W];      // z_out_base, row_groups
      5'd19: misfit = |lo[31:2] || |hi[31:12];                                         // row_words, k_words
      5'd20: misfit = |lo[31:8];                                                       // segments
      5'd21: misfit = |lo[31:24] || hi > 32'd47;                                       // interval, shift
      5'd22: misfit = |lo[31:18];                                                      // code_multiplier
      5'd23: misfit = |lo[31:5] || (d_q.add_stream && hi != 32'd1);                    // code_shift, residual R
      5'd24: misfit = (d_q.add_stream && |lo) || (hi != 32'd1 && hi != 32'd16);        // residual shift, presets
      5'd25: misfit = |hi[31:20];                                                      // table_stride
      5'd27: misfit = |lo[31:24];                                                      // weight_bytes
      5'd28: misfit = |lo[31:27];                                                      // store_codes_bytes
      5'd29: misfit = |lo[31:27] || |hi;                                               // store_z_bytes, channel_tile
      5'd30: misfit = |lo || |hi;                                                      // row_tile, spill
      default: misfit = 1'b0;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      d_q <= '0;
      misfit_q <= 1'b0;
    end else begin
      if (start_i) misfit_q <= 1'b0;
      if (we_i) begin
        misfit_q <= misfit_q || misfit;
        case (beat_i)
          5'd0: begin
            d_q.pool <= lo[1];
            d_q.load_input <= hi[0];
            d_q.im2col <= hi[1];
            d_q.write_codes <= hi[2];
            d_q.add_stream <= hi[3];
            d_q.write_stream <= hi[4];
            d_q.store_codes <= hi[5];
            d_q.store_stream <= hi[6];
            d_q.result <= hi[7];
            d_q.last <= hi[8];
            d_q.in_signed <= hi[9];
          end
          5'd1: begin
            d_q.mac <= lo[0];
            d_q.weight_bits <= hi[3:0];
          end
          5'd2: begin
            d_q.in_bits <= lo[3:0];
            d_q.out_bits <= hi[3:0];
          end
          5'd3: begin
            d_q.in_height <= lo[bitdial_pkg::DIM_W-1:0];
            d_q.in_width <= hi[bitdial_pkg::DIM_W-1:0];
          end
          5'd4: begin
            d_q.in_channels <= lo[bitdial_pkg::CHAN_W-1:0];
            d_q.out_height <= hi[bitdial_pkg::DIM_W-1:0];
          end
          5'd5: begin
            d_q.out_width <= lo[bitdial_pkg::DIM_W-1:0];
            d_q.out_channels <= hi[bitdial_pkg::CHAN_W-1:0];
          end
          5'd6: begin
            d_q.kernel_h <= lo[1:0];
            d_q.kernel_w <= hi[1:0];
          end
          5'd7: d_q.stride <= lo[1:0];
          5'd8: d_q.pad_top <= lo[0];
          5'd9: d_q.pad_left <= lo[0];
          5'd11: d_q.in_tensor.base <= hi[bitdial_pkg::WORD_W-1:0];
          5'd12: begin
            d_q.in_tensor.slots <= lo[1:0];
            d_q.in_tensor.slot_lanes <= hi[8:0];
          end
          5'd13: begin
            d_q.in_tensor.pixel_words <= lo[7:0];
            d_q.in_tensor.pitch <= hi[bitdial_pkg::WORD_W-1:0];
          end
          5'd14: begin
            d_q.in_tensor.left <= lo[0];
            d_q.out_tensor.base <= hi[bitdial_pkg::WORD_W-1:0];
          end
          5'd15: begin
            d_q.out_tensor.slots <= lo[1:0];
            d_q.out_tensor.slot_lanes <= hi[8:0];
          end
          5'd16: begin
            d_q.out_tensor.pixel_words <= lo[7:0];
            d_q.out_tensor.pitch <= hi[bitdial_pkg::WORD_W-1:0];
          end
          5'd17: begin
            d_q.out_tensor.left <= lo[0];
            d_q.z_in_base <= hi[bitdial_pkg::WORD_W-1:0];
          end
          5'd18: begin
            d_q.z_out_base <= lo[bitdial_pkg::WORD_W-1:0];
            d_q.row_groups <= hi[bitdial_pkg::CHAN_W-1:0];
          end
          5'd19: begin
            d_q.row_words <= lo[1:0];
            d_q.k_words <= hi[11:0];
          end
          5'd20: d_q.segments <= lo[7:0];
          5'd21: begin
            d_q.initiation_interval <= lo[23:0];
            d_q.shift <= hi[5:0];
          end
          5'd22: begin
            d_q.code_multiplier <= lo[17:0];
            d_q.code_offset <= hi;
          end
          5'd23: d_q.code_shift <= lo[4:0];
          5'd24: d_q.border_presets <= hi[4];
          5'd25: begin
            if (!keep_table_i) d_q.table_offset <= lo;
            d_q.table_stride <= hi[19:0];
          end
          5'd26: begin
            d_q.weight_offset <= lo;
            d_q.weight_stride <= hi;
          end
          5'd27: begin
            d_q.weight_bytes <= lo[23:0];
            d_q.store_codes_offset <= hi;
          end
          5'd28: begin
            d_q.store_codes_bytes <= lo[26:0];
            d_q.store_z_offset <= hi;
          end
          5'd29: d_q.store_z_bytes <= lo[26:0];
          default: ;
        endcase
      end
    end
  end

  // Rules over several fields.
  localparam logic [bitdial_pkg::CHAN_W-1:0] CHAN_LIMIT =
      (LANES / 9 > 4) ? bitdial_pkg::CHAN_W'(4) : bitdial_pkg::CHAN_W'(LANES / 9);
  logic no_datapath, odd_window, odd_input, too_many_weights, odd_sizes;
  always_comb begin
    no_datapath = d_q.mac ? HAS_MAC == 0 : HAS_XNOR == 0;
    odd_window = d_q.kernel_h != d_q.kernel_w || d_q.kernel_h[0] == 1'b0 || d_q.stride == 2'd0 || d_q.stride == 2'd3 ||
                 (d_q.kernel_h == 2'd1 && (d_q.pad_top || d_q.pad_left));
    odd_input = (d_q.load_input && !first_layer_i) || (d_q.im2col && !d_q.load_input) ||
                (d_q.im2col && (d_q.in_channels > CHAN_LIMIT || |d_q.in_width[bitdial_pkg::DIM_W-1:9] ||
                                (d_q.in_width[8] && |d_q.in_width[7:0]) || d_q.kernel_h != 2'd3 || !d_q.pad_top));
    too_many_weights = 32'(d_q.k_words) * 32'(d_q.weight_bits) > 32'(WEIGHT_WORDS);
    odd_sizes = d_q.in_height == '0 || d_q.in_width == '0 || d_q.in_channels == '0 || d_q.out_height == '0 ||
                d_q.out_width == '0 || d_q.out_channels == '0 || d_q.row_groups == '0 || d_q.initiation_interval == '0;
  end

  assign bad_o = misfit_q || odd_sizes || odd_input || d_q.last != last_layer_i ||
                 (!d_q.pool && (no_datapath || odd_window || too_many_weights || d_q.weight_bits == 4'd0 ||
                                d_q.in_bits == 4'd0 || d_q.k_words == '0 || d_q.row_words == '0 ||
                                d_q.segments == '0));
  assign descriptor_o = d_q;
endmodule
