// Decodes and checks a descriptor, two words a beat; generated from hw/descriptor.yaml: do not edit.
module descriptor_fields (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        we_i,
  input  logic [4:0]  beat_i,    // words 2*beat (low half) and 2*beat + 1
  input  logic [63:0] data_i,
  output bitdial_descriptor_pkg::descriptor_t descriptor_o,
  output logic        misfit_o   // a word of this beat holds what no device takes; beats come in order
);
  bitdial_descriptor_pkg::descriptor_t d_q;
  logic [31:0] lo, hi;
  assign lo = data_i[31:0];
  assign hi = data_i[63:32];
  assign descriptor_o = d_q;

  always_comb begin
    case (beat_i)
      // operation, flags
      5'd0: misfit_o = lo > 32'd2 || lo == 32'd0 || |hi[31:11];
      // datapath, weight_bits
      5'd1: misfit_o = |lo[31:1] || hi > 32'd8 || (!d_q.pool && hi == 32'd0);
      // in_bits, out_bits
      5'd2: misfit_o = lo > 32'd8 || (!d_q.pool && lo == 32'd0) || hi > 32'd8 || (d_q.write_codes && hi == 32'd0);
      // in_height, in_width
      5'd3: misfit_o = |lo[31:10] || lo == 32'd0 || |hi[31:10] || hi == 32'd0;
      // in_channels, out_height
      5'd4: misfit_o = |lo[31:12] || lo == 32'd0 || |hi[31:10] || hi == 32'd0;
      // out_width, out_channels
      5'd5: misfit_o = |lo[31:10] || lo == 32'd0 || |hi[31:12] || hi == 32'd0;
      // kernel_h, kernel_w
      5'd6: misfit_o = (!d_q.pool && lo != 32'd1 && lo != 32'd3) || (!d_q.pool && hi != 32'd1 && hi != 32'd3);
      // stride, groups
      5'd7: misfit_o = (!d_q.pool && lo > 32'd2) || (!d_q.pool && lo == 32'd0) || |hi[31:1] || (!d_q.pool && hi == 32'd0);
      // pad_top, pad_bottom
      5'd8: misfit_o = |lo[31:1] || |hi[31:1];
      // pad_left, pad_right
      5'd9: misfit_o = |lo[31:1] || |hi[31:1];
      // in_zero_point, weight_zero_point
      5'd10: misfit_o = |lo || |hi;
      // pool_kind, in_base
      5'd11: misfit_o = |lo || |hi[31:20];
      // in_slots, in_slot_lanes
      5'd12: misfit_o = |lo[31:2] || (!d_q.pool && lo == 32'd0) || hi > 32'd256;
      // in_pixel_words, in_pitch
      5'd13: misfit_o = |lo[31:8] || (!d_q.pool && lo == 32'd0) || |hi[31:20];
      // in_left, out_base
      5'd14: misfit_o = |lo[31:1] || |hi[31:20];
      // out_slots, out_slot_lanes
      5'd15: misfit_o = |lo[31:2] || (d_q.write_codes && lo == 32'd0) || hi > 32'd256;
      // out_pixel_words, out_pitch
      5'd16: misfit_o = |lo[31:8] || (d_q.write_codes && lo == 32'd0) || |hi[31:20];
      // out_left, z_in_base
      5'd17: misfit_o = |lo[31:1] || |hi[31:20];
      // z_out_base, row_groups
      5'd18: misfit_o = |lo[31:20] || |hi[31:12] || hi == 32'd0;
      // row_words, k_words
      5'd19: misfit_o = |lo[31:2] || (!d_q.pool && lo == 32'd0) || |hi[31:12] || (!d_q.pool && hi == 32'd0);
      // segments, pixel_cycles
      5'd20: misfit_o = |lo[31:8] || (!d_q.pool && lo == 32'd0);
      // initiation_interval, shift
      5'd21: misfit_o = |lo[31:24] || lo == 32'd0 || hi > 32'd47;
      // code_multiplier, code_offset
      5'd22: misfit_o = |lo[31:18];
      // code_shift, residual_multiplier
      5'd23: misfit_o = |lo[31:5] || (d_q.add_stream && hi != 32'd1);
      // residual_shift, presets
      5'd24: misfit_o = (d_q.add_stream && |lo) || (hi != 32'd1 && hi != 32'd16);
      // table_offset, table_stride
      5'd25: misfit_o = |lo[2:0] || |hi[31:20] || |hi[2:0] || hi == 32'd0;
      // weight_offset, weight_stride
      5'd26: misfit_o = |lo[2:0] || |hi[2:0];
      // weight_bytes, store_codes_offset
      5'd27: misfit_o = |lo[31:24] || |lo[2:0] || (!d_q.pool && lo == 32'd0) || |hi[2:0];
      // store_codes_bytes, store_z_offset
      5'd28: misfit_o = |lo[31:27] || |lo[2:0] || (d_q.store_codes && lo == 32'd0) || |hi[2:0];
      // store_z_bytes, channel_tile
      5'd29: misfit_o = |lo[31:27] || |lo[2:0] || (d_q.store_stream && lo == 32'd0) || |hi;
      // row_tile, spill_offset
      5'd30: misfit_o = |lo || |hi;
      // layer, reserved
      5'd31: misfit_o = |hi;
      default: misfit_o = 1'b0;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) d_q <= '0;
    else if (we_i) begin
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
          d_q.in_height <= lo[9:0];
          d_q.in_width <= hi[9:0];
        end
        5'd4: begin
          d_q.in_channels <= lo[11:0];
          d_q.out_height <= hi[9:0];
        end
        5'd5: begin
          d_q.out_width <= lo[9:0];
          d_q.out_channels <= hi[11:0];
        end
        5'd6: begin
          d_q.kernel_h <= lo[1:0];
          d_q.kernel_w <= hi[1:0];
        end
        5'd7: begin
          d_q.stride <= lo[1:0];
        end
        5'd8: begin
          d_q.pad_top <= lo[0];
          d_q.pad_bottom <= hi[0];
        end
        5'd9: begin
          d_q.pad_left <= lo[0];
          d_q.pad_right <= hi[0];
        end
        5'd11: begin
          d_q.in_tensor.base <= hi[19:0];
        end
        5'd12: begin
          d_q.in_tensor.slots <= lo[1:0];
          d_q.in_tensor.slot_lanes <= hi[8:0];
        end
        5'd13: begin
          d_q.in_tensor.pixel_words <= lo[7:0];
          d_q.in_tensor.pitch <= hi[19:0];
        end
        5'd14: begin
          d_q.in_tensor.left <= lo[0];
          d_q.out_tensor.base <= hi[19:0];
        end
        5'd15: begin
          d_q.out_tensor.slots <= lo[1:0];
          d_q.out_tensor.slot_lanes <= hi[8:0];
        end
        5'd16: begin
          d_q.out_tensor.pixel_words <= lo[7:0];
          d_q.out_tensor.pitch <= hi[19:0];
        end
        5'd17: begin
          d_q.out_tensor.left <= lo[0];
          d_q.z_in_base <= hi[19:0];
        end
        5'd18: begin
          d_q.z_out_base <= lo[19:0];
          d_q.row_groups <= hi[11:0];
        end
        5'd19: begin
          d_q.row_words <= lo[1:0];
          d_q.k_words <= hi[11:0];
        end
        5'd20: begin
          d_q.segments <= lo[7:0];
        end
        5'd21: begin
          d_q.initiation_interval <= lo[23:0];
          d_q.shift <= hi[5:0];
        end
        5'd22: begin
          d_q.code_multiplier <= lo[17:0];
          d_q.code_offset <= hi;
        end
        5'd23: begin
          d_q.code_shift <= lo[4:0];
        end
        5'd24: begin
          d_q.border_presets <= hi[4];
        end
        5'd25: begin
          d_q.table_offset <= lo;
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
        5'd29: begin
          d_q.store_z_bytes <= lo[26:0];
        end
        default: ;
      endcase
    end
  end
endmodule
