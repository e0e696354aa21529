// The path of the data: feeders, arrays, accumulators, requantizers, and the way back into the buffers. Everything
// runs in lockstep from the sequencer's pixel_start; nothing here ever waits.
module compute #(
  parameter int ROWS = 8,
  parameter int LANES = 64,
  parameter int MAC_LANES = 16,
  parameter int RQ = 4,
  parameter int HAS_XNOR = 1,
  parameter int HAS_MAC = 1,
  parameter int ACT_WORDS = 2048,
  parameter int MULT_BITS = 24,
  parameter int FAULT = 0
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  input  logic               setup_i,
  input  logic               abort_i,
  input  logic               pixel_start_i,
  input  logic               row_end_i,
  input  logic [8:0]         group_lane_i,
  input  logic [7:0]         group_word_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] tile_offset_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] pixel_step_i,
  // activation buffer
  output logic               act_read_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] act_raddr_o,
  input  logic [LANES*8-1:0] act_rdata_i,
  output logic               act_write_o,
  output logic [LANES-1:0]   act_lanes_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] act_waddr_o,
  output logic [LANES*8-1:0] act_wdata_o,
  // weight buffer
  output logic               weight_read_o,
  output logic [14:0]        weight_addr_o,
  input  logic [ROWS*LANES-1:0] weight_data_i,
  // table buffer
  input  logic [3*LANES-1:0] masks_i,
  output logic               table_read_o,
  output logic [5:0]         table_sub_o,
  output logic [3:0]         table_class_o,
  input  logic [RQ*MULT_BITS-1:0] multipliers_i,
  input  logic [RQ*48-1:0]   biases_i,
  input  logic [RQ*32-1:0]   presets_i,
  // residual buffer
  output logic               z_read_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_raddr_o,
  input  logic [RQ*32-1:0]   z_rdata_i,
  output logic               z_write_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_waddr_o,
  output logic [RQ*32-1:0]   z_wdata_o
);
  bitdial_descriptor_pkg::descriptor_t d;
  assign d = descriptor_i;

  // --- read ---------------------------------------------------------------------------------------------------------
  logic             conv_read, conv_valid, conv_first, conv_double, conv_last;
  logic [3:0]       conv_class;
  // verilator lint_off UNUSEDSIGNAL
  // plane and segment are each for one datapath, which may be left out:
  logic [2:0]       plane;
  logic [7:0]       segment;
  // verilator lint_on UNUSEDSIGNAL
  logic [LANES-1:0] mask;
  window_feeder #(.LANES(LANES), .ACT_WORDS(ACT_WORDS)) u_window_feeder (
    .clk_i, .rst_ni, .setup_i, .abort_i, .descriptor_i(d), .masks_i, .pixel_start_i(pixel_start_i && !d.pool),
    .row_end_i, .read_o(conv_read), .act_addr_o(act_raddr_o), .weight_addr_o, .valid_o(conv_valid),
    .first_o(conv_first), .double_o(conv_double), .last_o(conv_last), .class_o(conv_class), .plane_o(plane),
    .segment_o(segment), .mask_o(mask));
  assign act_read_o = conv_read;
  assign weight_read_o = conv_read;

  logic       pool_read, pool_valid, pool_first, pool_last;
  logic [5:0] pool_sub;
  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] pool_addr;
  pool_feeder #(.ROWS(ROWS), .RQ(RQ)) u_pool_feeder (
    .clk_i, .rst_ni, .setup_i, .abort_i, .start_i(pixel_start_i && d.pool), .height_i(d.in_height),
    .width_i(d.in_width), .tile_addr_i(d.z_in_base + tile_offset_i), .pixel_step_i, .read_o(pool_read),
    .addr_o(pool_addr), .valid_o(pool_valid), .first_o(pool_first), .last_o(pool_last), .sub_o(pool_sub));

  // --- arrays -------------------------------------------------------------------------------------------------------
  logic [ROWS*9-1:0]  counts;
  logic [ROWS*16-1:0] mac_sums;
  if (HAS_XNOR != 0) begin : g_xnor
    xnor_array #(.ROWS(ROWS), .LANES(LANES)) u_xnor_array (
      .clk_i, .rst_ni, .valid_i(conv_valid && !d.mac), .plane_i(plane), .mask_i(mask), .codes_i(act_rdata_i),
      .weights_i(weight_data_i), .counts_o(counts));
  end else begin : g_no_xnor
    assign counts = '0;
  end
  if (HAS_MAC != 0) begin : g_mac
    mac_array #(.ROWS(ROWS), .LANES(LANES), .MAC_LANES(MAC_LANES)) u_mac_array (
      .clk_i, .rst_ni, .valid_i(conv_valid && d.mac), .segment_i(segment), .mask_i(mask), .codes_i(act_rdata_i),
      .weights_i(weight_data_i), .sums_o(mac_sums));
  end else begin : g_no_mac
    assign mac_sums = '0;
  end

  logic               ready;
  logic [ROWS*32-1:0] sums;
  accumulator #(.ROWS(ROWS), .RQ(RQ)) u_accumulator (
    .clk_i, .rst_ni, .mac_i(d.mac), .pool_i(d.pool), .valid_i(conv_valid || pool_valid),
    .first_i(d.pool ? pool_first : conv_first), .double_i(!d.pool && conv_double),
    .last_i(d.pool ? pool_last : conv_last), .class_i(d.pool ? 4'd0 : conv_class), .sub_i(pool_sub),
    .counts_i(counts), .sums_i(mac_sums), .values_i(z_rdata_i), .ready_o(ready), .class_o(table_class_o),
    .sums_o(sums));

  // --- requantizers -------------------------------------------------------------------------------------------------
  logic             requant_read, requant_valid, z_valid, code_valid;
  logic [5:0]       code_sub;
  logic [RQ*32-1:0] chosen;
  logic [RQ*8-1:0]  codes;
  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] stream_addr;
  requant_select #(.ROWS(ROWS), .RQ(RQ)) u_requant_select (
    .clk_i, .rst_ni, .setup_i, .tile_offset_i, .pixel_step_i, .z_in_base_i(d.z_in_base), .z_out_base_i(d.z_out_base),
    .ready_i(ready), .sums_i(sums), .read_o(requant_read), .sub_o(table_sub_o), .z_addr_o(stream_addr),
    .valid_o(requant_valid), .sums_o(chosen), .z_valid_o(z_valid), .z_waddr_o, .code_valid_o(code_valid),
    .code_sub_o(code_sub));
  for (genvar i = 0; i < RQ; i++) begin : g_requantizer
    requantizer #(.MULT_BITS(MULT_BITS), .FAULT(FAULT)) u_requantizer (
      .clk_i, .rst_ni, .valid_i(requant_valid), .in_signed_i(d.in_signed), .shift_i(d.shift),
      .code_multiplier_i(d.code_multiplier), .code_offset_i(d.code_offset), .code_shift_i(d.code_shift),
      .out_bits_i(d.out_bits), .add_stream_i(d.add_stream), .sum_i(chosen[32*i +: 32]),
      .preset_i(presets_i[32*i +: 32]), .multiplier_i(multipliers_i[MULT_BITS*i +: MULT_BITS]),
      .bias_i(biases_i[48*i +: 48]), .stream_i(z_rdata_i[32*i +: 32]), .z_o(z_wdata_o[32*i +: 32]),
      .code_o(codes[8*i +: 8]));
  end
  assign table_read_o = requant_read;
  assign z_read_o = pool_read || (requant_read && d.add_stream);
  assign z_raddr_o = d.pool ? pool_addr : stream_addr;
  assign z_write_o = z_valid && d.write_stream;

  act_packer #(.ROWS(ROWS), .LANES(LANES), .RQ(RQ), .ACT_WORDS(ACT_WORDS)) u_act_packer (
    .clk_i, .rst_ni, .setup_i, .enable_i(d.write_codes), .tensor_i(d.out_tensor), .width_i(d.out_width),
    .group_lane_i, .group_word_i, .valid_i(code_valid), .sub_i(code_sub), .codes_i(codes), .we_o(act_write_o),
    .lanes_o(act_lanes_o), .addr_o(act_waddr_o), .data_o(act_wdata_o));
endmodule
