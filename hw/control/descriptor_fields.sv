// Decodes and checks a descriptor, two words a beat; generated from hw/descriptor.yaml: do not edit.
module descriptor_fields (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        we_i,
  input  logic [4:0]  beat_i,    // words 2*beat (low half) and 2*beat + 1
  input  logic [63:0] data_i,
  output bitdial_descriptor_pkg::descriptor_t descriptor_o,
  output logic [3:0]  misfit_o   // bit beat / 8: a word of this beat holds what no device takes; beats come in order
);
  bitdial_descriptor_pkg::descriptor_t d_q;
  logic [31:0] lo, hi;
  assign lo = data_i[31:0];
  assign hi = data_i[63:32];
  assign descriptor_o = d_q;

  always_comb begin
    misfit_o = 4'd0;
    case (beat_i)
      // operation, flags
      5'd0: misfit_o[0] = |lo[31:2] || lo == 32'd0 || |hi[31:20];
      // datapath, weight_bits
      5'd1: misfit_o[0] = |lo[31:1] || (|hi[31:4] || (hi[3] && |hi[2:0])) || (!d_q.pool && hi == 32'd0);
      // in_bits, out_bits
      5'd2: misfit_o[0] = (|lo[31:4] || (lo[3] && |lo[2:0])) || (!d_q.pool && lo == 32'd0) || (|hi[31:4] || (hi[3] && |hi[2:0])) || (d_q.write_codes && hi == 32'd0);
      // in_height, in_width
      5'd3: misfit_o[0] = |lo[31:10] || lo == 32'd0 || |hi[31:10] || hi == 32'd0;
      // in_channels, out_height
      5'd4: misfit_o[0] = |lo[31:12] || lo == 32'd0 || |hi[31:10] || hi == 32'd0;
      // out_width, out_channels
      5'd5: misfit_o[0] = |lo[31:10] || lo == 32'd0 || |hi[31:12] || hi == 32'd0;
      // kernel_h, kernel_w
      5'd6: misfit_o[0] = (!d_q.pool && (|lo[31:4] || (lo[3] && |lo[2:1]))) || (!d_q.pool && lo == 32'd0) || (!d_q.pool && (|hi[31:4] || (hi[3] && |hi[2:1]))) || (!d_q.pool && hi == 32'd0);
      // stride, groups
      5'd7: misfit_o[0] = (!d_q.pool && (|lo[31:3] || (lo[2] && |lo[1:0]))) || (!d_q.pool && lo == 32'd0) || |hi[31:12] || (!d_q.pool && hi == 32'd0);
      // pad_top, pad_bottom
      5'd8: misfit_o[1] = (|lo[31:4] || (lo[3] && |lo[2:0])) || (|hi[31:4] || (hi[3] && |hi[2:0]));
      // pad_left, pad_right
      5'd9: misfit_o[1] = (|lo[31:4] || (lo[3] && |lo[2:0])) || (|hi[31:4] || (hi[3] && |hi[2:0]));
      // weight_zero_point, pool_kind
      5'd10: misfit_o[1] = |lo[31:1] || (|hi[31:2] || (hi[1] && hi[0]));
      // in_base, in_layout
      5'd11: misfit_o[1] = |lo[31:20] || (|hi[31:2] || (hi[1] && hi[0]));
      // in_cell_words, in_pitch
      5'd12: misfit_o[1] = |lo[31:20] || (!d_q.pool && lo == 32'd0) || |hi[31:20] || (!d_q.pool && hi == 32'd0);
      // in_tail_banks, out_base
      5'd13: misfit_o[1] = (|lo[31:4] || (lo[3] && |lo[2:1])) || |hi[31:20];
      // out_layout, out_cell_words
      5'd14: misfit_o[1] = (|lo[31:2] || (lo[1] && lo[0])) || |hi[31:20] || (d_q.write_codes && hi == 32'd0);
      // out_pitch, z_in_base
      5'd15: misfit_o[1] = |lo[31:20] || (d_q.write_codes && lo == 32'd0) || |hi[31:20];
      // z_out_base, row_groups
      5'd16: misfit_o[2] = |lo[31:20] || |hi[31:12] || hi == 32'd0;
      // sub_rows, sub_columns
      5'd17: misfit_o[2] = |lo[31:2] || (!d_q.pool && lo == 32'd0) || |hi[31:2] || (!d_q.pool && hi == 32'd0);
      // word_groups, segments
      5'd18: misfit_o[2] = |lo[31:11] || (!d_q.pool && lo == 32'd0) || (|hi[31:5] || (hi[4] && |hi[3:0]));
      // tail_segments, blocks_large
      5'd19: misfit_o[2] = (|lo[31:5] || (lo[4] && |lo[3:0])) || |hi[31:16] || hi == 32'd0;
      // blocks_small, pixels_large
      5'd20: misfit_o[2] = |lo[31:16] || (|hi[31:5] || (hi[4] && |hi[3:0])) || hi == 32'd0;
      // interval_large, interval_small
      5'd21: misfit_o[2] = |lo[31:24] || lo == 32'd0 || |hi[31:24];
      // pixel_period, shift
      5'd22: misfit_o[2] = |lo[31:24] || lo == 32'd0 || (|hi[31:6] || (hi[5] && hi[4]));
      // code_multiplier, code_offset
      5'd23: misfit_o[2] = |lo[31:18];
      // code_shift, residual_multiplier
      5'd24: misfit_o[3] = |lo[31:5] || (d_q.add_stream && hi != 32'd1);
      // residual_shift, borders
      5'd25: misfit_o[3] = (d_q.add_stream && |lo) || (|hi[31:28] || (hi[27] && (|hi[26:20] || (hi[19] && (|hi[18:12] || (hi[11] && (|hi[10:4] || (hi[3] && |hi[2:0]))))))));
      // table_base, correct_base
      5'd26: misfit_o[3] = |lo[31:20] || |hi[31:20];
      // weight_base, weight_step
      5'd27: misfit_o[3] = |lo[31:20] || |hi[31:20] || |hi[1:0];
      // weight_plane, table_offset
      5'd28: misfit_o[3] = |lo[31:20] || (!d_q.pool && lo == 32'd0) || |hi[2:0];
      // correct_offset, weight_offset
      5'd29: misfit_o[3] = |lo[2:0] || |hi[2:0];
      // store_codes_offset, store_codes_bytes
      5'd30: misfit_o[3] = |hi[31:27] || |hi[2:0] || (d_q.store_codes && hi == 32'd0);
      // store_z_offset, store_z_bytes
      5'd31: misfit_o[3] = |lo[2:0] || |hi[31:27] || |hi[2:0] || (d_q.store_stream && hi == 32'd0);
      default: ;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) d_q <= '0;
    else if (we_i) begin
      case (beat_i)
        5'd0: begin
          d_q.pool <= lo[1];
          d_q.load_input <= hi[0];
          d_q.write_codes <= hi[1];
          d_q.add_stream <= hi[2];
          d_q.write_stream <= hi[3];
          d_q.store_codes <= hi[4];
          d_q.store_stream <= hi[5];
          d_q.result <= hi[6];
          d_q.last <= hi[7];
          d_q.in_signed <= hi[8];
          d_q.depthwise <= hi[10];
          d_q.correct <= hi[11];
          d_q.sign_only <= hi[12];
          d_q.z_in_wide <= hi[13];
          d_q.z_out_wide <= hi[14];
          d_q.stream_tables <= hi[15];
          d_q.stream_weights <= hi[16];
          d_q.load <= hi[17];
          d_q.spill_codes <= hi[18];
          d_q.spill_stream <= hi[19];
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
          d_q.kernel_h <= lo[9:0];
          d_q.kernel_w <= hi[9:0];
        end
        5'd7: begin
          d_q.stride <= lo[9:0];
        end
        5'd8: begin
          d_q.pad_top <= lo[3:0];
        end
        5'd9: begin
          d_q.pad_left <= lo[3:0];
        end
        5'd10: begin
          d_q.zero_point <= lo[0];
          d_q.pool_kind <= hi[1:0];
        end
        5'd11: begin
          d_q.in_tensor.base <= lo[19:0];
          d_q.in_tensor.layout <= hi[1:0];
        end
        5'd12: begin
          d_q.in_tensor.cell_words <= lo[19:0];
          d_q.in_tensor.pitch <= hi[19:0];
        end
        5'd13: begin
          d_q.tail_banks <= lo[3:0];
          d_q.out_tensor.base <= hi[19:0];
        end
        5'd14: begin
          d_q.out_tensor.layout <= lo[1:0];
          d_q.out_tensor.cell_words <= hi[19:0];
        end
        5'd15: begin
          d_q.out_tensor.pitch <= lo[19:0];
          d_q.z_in_base <= hi[19:0];
        end
        5'd16: begin
          d_q.z_out_base <= lo[19:0];
          d_q.row_groups <= hi[11:0];
        end
        5'd17: begin
          d_q.sub_rows <= lo[1:0];
          d_q.sub_columns <= hi[1:0];
        end
        5'd18: begin
          d_q.word_groups <= lo[10:0];
          d_q.segments <= hi[4:0];
        end
        5'd19: begin
          d_q.tail_segments <= lo[4:0];
          d_q.blocks_large <= hi[15:0];
        end
        5'd20: begin
          d_q.blocks_small <= lo[15:0];
          d_q.pixels_large <= hi[4:0];
        end
        5'd21: begin
          d_q.interval_large <= lo[23:0];
          d_q.interval_small <= hi[23:0];
        end
        5'd22: begin
          d_q.pixel_period <= lo[23:0];
          d_q.shift <= hi[5:0];
        end
        5'd23: begin
          d_q.code_multiplier <= lo[17:0];
          d_q.code_offset <= hi;
        end
        5'd24: begin
          d_q.code_shift <= lo[4:0];
        end
        5'd25: begin
          d_q.borders <= hi;
        end
        5'd26: begin
          d_q.table_base <= lo[19:0];
          d_q.correct_base <= hi[19:0];
        end
        5'd27: begin
          d_q.weight_base <= lo[19:0];
          d_q.weight_step <= hi[19:0];
        end
        5'd28: begin
          d_q.weight_plane <= lo[19:0];
          d_q.table_offset <= hi;
        end
        5'd29: begin
          d_q.correct_offset <= lo;
          d_q.weight_offset <= hi;
        end
        5'd30: begin
          d_q.store_codes_offset <= lo;
          d_q.store_codes_bytes <= hi[26:0];
        end
        5'd31: begin
          d_q.store_z_offset <= lo;
          d_q.store_z_bytes <= hi[26:0];
        end
        default: ;
      endcase
    end
  end
endmodule
