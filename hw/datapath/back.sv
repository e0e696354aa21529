// From sums to the memories: drains blocks of sums, or pools a residual map, requantizes RQ values a clock, keeps z in the
// residual memory and packs codes into the planes of the activation memory. Nothing waits: the descriptor's intervals make
// room. With a beat's clock b (drain.sv; pooling: b + 4 is where its result stands), sums, M and corrections enter the
// requantizers at b + 5, B' at b + 8, r at b + 11.
`include "bitdial_assert.svh"
module back #(
  parameter int ROWS = 8,
  parameter int RQ = 4,
  parameter int ACC_BITS = 28,
  parameter int MULT_BITS = 24,
  parameter int BIAS_BITS = 52,
  parameter int ACT_WORDS = 4096,
  parameter int Z_WORDS = 2048,
  parameter int TABLE_WORDS = 256,
  parameter int CORRECT_WORDS = 512
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  bitdial_descriptor_pkg::descriptor_t d_i,
  input  logic setup_i,
  input  logic tile_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] tile_table_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] tile_correct_i,
  output logic tables_ready_o,
  output logic tile_left_o,
  output logic [12:0] correct_step_o,
  input  logic pool_start_i,
  output logic idle_o,
  // sums
  input  logic block_done_i,
  input  logic [bitdial_descriptor_pkg::BLOCK_PIXELS_W-1:0] block_pixels_i,
  output logic drain_read_o,
  output logic [3:0] drain_pixel_o,
  input  logic [ROWS*ACC_BITS-1:0] sums_i,
  input  logic [ACC_BITS-1:0] window_sum_i,
  // loads
  input  logic table_we_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W:0] table_beat_i,
  input  logic [63:0] table_data_i,
  input  logic correct_we_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W+4:0] correct_beat_i,
  input  logic [63:0] correct_data_i,
  // activation memory
  output logic plane_we_o,
  output logic [3:0] plane_bank_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] plane_addr_o,
  output logic [15:0] plane_data_o,
  output logic [1:0] plane_be_o,
  // residual memory, for the store
  input  logic z_read_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_addr_i,
  input  logic z_wide_i,
  output logic [RQ*32-1:0] z_data_o,
  // ... filled from memory: wide words
  input  logic z_fill_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_fill_addr_i,
  input  logic [RQ*32-1:0] z_fill_data_i
);
  localparam int SUBS = ROWS / RQ;
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int SW = bitdial_descriptor_pkg::SIDE_W;
  localparam int Z_CLOCKS = 9;      // of the requantizer
  localparam int CODE_CLOCKS = 15;

  // b
  logic beat, tile_end, drain_busy;
  logic [5:0] sub;
  logic [SW-1:0] x, y;
  logic [RQ*32-1:0] drain_sums;  // b + 3
  drain #(.ROWS(ROWS), .RQ(RQ), .ACC_BITS(ACC_BITS)) u_drain (
    .clk_i, .rst_ni, .d_i, .setup_i, .block_done_i, .block_pixels_i, .drain_read_o, .drain_pixel_o, .sums_i, .window_sum_i,
    .beat_o(beat), .sub_o(sub), .tile_end_o(tile_end), .x_o(x), .y_o(y), .sums_o(drain_sums), .busy_o(drain_busy));

  // Corrections: address at b + 3.
  logic [2*AW-1:0] slot_correct;
  logic [AW-1:0]   correct_addr;
  logic            correct_fresh;
  logic [RQ*24-1:0] correct;
  logic [7:1] beat_q;  // bit k: b + k
  logic [6:1] end_q;
  logic [6*6-1:0] sub_q;
  class_walk #(.SUBS(SUBS)) u_class_walk (
    .clk_i, .d_i, .correct_step_o, .correct_i(slot_correct), .setup_i, .valid_i(beat), .sub_i(sub), .tile_end_i(tile_end),
    .x_i(x), .y_i(y), .addr_o(correct_addr), .fresh_o(correct_fresh));
  correct_memory #(.RQ(RQ), .WORDS(CORRECT_WORDS)) u_correct_memory (
    .clk_i, .rst_ni, .we_i(correct_we_i), .beat_i(correct_beat_i), .data_i(correct_data_i),
    .on_i(d_i.correct), .re_i(beat_q[3] && d_i.correct && correct_fresh), .raddr_i(correct_addr), .rdata_o(correct));
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {beat_q, end_q} <= '0;
    else if (setup_i) {beat_q, end_q} <= '0;
    else begin
      beat_q <= {beat_q[6:1], beat};
      end_q <= {end_q[5:1], tile_end};
    end
  end

  // Pooling.
  logic pool_busy, pool_read, pool_beat, pool_end;
  logic [AW-1:0] pool_addr;
  logic [5:0] pool_sub;
  logic [RQ*32-1:0] pool_sums;
  pool_unit #(.SUBS(SUBS), .RQ(RQ)) u_pool (
    .clk_i, .rst_ni, .d_i, .setup_i, .start_i(pool_start_i), .busy_o(pool_busy), .read_o(pool_read), .addr_o(pool_addr),
    .z_i(z_data_o), .beat_o(pool_beat), .sub_o(pool_sub), .tile_end_o(pool_end), .sums_o(pool_sums));

  // b + 4: tables.
  logic requant, requant_end, filled, table_re;
  logic [5:0] requant_sub;
  logic [AW-1:0] table_addr;
  logic [BIAS_BITS+MULT_BITS-1:0] table_entry;
  logic [RQ*MULT_BITS-1:0] multipliers;
  logic [RQ*BIAS_BITS-1:0] biases;
  assign requant = d_i.pool ? pool_beat : beat_q[4];
  assign requant_end = d_i.pool ? pool_end : end_q[4];
  assign requant_sub = d_i.pool ? pool_sub : sub_q[6*3 +: 6];
  table_memory #(.WORDS(TABLE_WORDS), .MULT_BITS(MULT_BITS), .BIAS_BITS(BIAS_BITS)) u_table_memory (
    .clk_i, .rst_ni, .we_i(table_we_i), .beat_i(table_beat_i), .data_i(table_data_i), .re_i(table_re), .raddr_i(table_addr),
    .rdata_o(table_entry));
  requant_tables #(.ROWS(ROWS), .RQ(RQ), .MULT_BITS(MULT_BITS), .BIAS_BITS(BIAS_BITS)) u_tables (
    .clk_i, .rst_ni, .setup_i, .tile_i, .tile_table_i, .tile_correct_i, .ready_o(tables_ready_o), .filled_o(filled),
    .correct_o(slot_correct), .memory_re_o(table_re), .memory_addr_o(table_addr), .memory_data_i(table_entry),
    .read_sub_i(requant_sub), .read_i(requant), .read_end_i(requant_end), .left_o(tile_left_o),
    .multipliers_o(multipliers), .biases_o(biases));

  // b + 5: requantizers.
  logic [RQ*32-1:0] sums4_q, sums_q, pooled_q, z;
  logic [RQ*8-1:0]  codes;
  logic             largest_q;
  logic [CODE_CLOCKS:0] flight_q;  // bit k: b + 5 + k
  always_ff @(posedge clk_i) begin
    largest_q <= d_i.pool && d_i.pool_kind == 2'd1;
    sub_q <= {sub_q[29:0], sub};
    sums4_q <= drain_sums;
    // Pooling has no sums: 0, or all ones where the complement of the largest comes.
    if (d_i.pool) sums4_q <= '0;
    sums_q <= sums4_q;
    if (largest_q) sums_q <= '1;
    pooled_q <= pool_sums;
    if (!d_i.pool) pooled_q <= '0;
  end
  logic [50:0] code_base_q;  // H - 2^31 S
  logic [7:0]  top_q;
  always_ff @(posedge clk_i) begin
    code_base_q <= 51'($signed(d_i.code_offset)) - {2'b00, d_i.code_multiplier, 31'd0};
    top_q <= 8'hff >> (4'd8 - d_i.out_bits);
  end
  logic [91:0] layer;
  assign layer = {d_i.in_signed && !d_i.pool, d_i.zero_point && !d_i.pool, d_i.sign_only, d_i.add_stream, d_i.shift,
                  d_i.code_multiplier, code_base_q, d_i.code_shift, top_q};
  // Four requantizers have registers of their own for what all are told, beside them; they are not to be merged (keep). What is of
  // the layer stands long before the first sums.
  localparam int TOLD = (RQ + 3) / 4;
  logic [92*TOLD-1:0] layers_q;
  logic [TOLD-1:0]    valid_q;  // flight_q[0]
  for (genvar g = 0; g < TOLD; g++) begin : g_told
    (* keep *) always_ff @(posedge clk_i) layers_q[92*g +: 92] <= layer;
    (* keep *) always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) valid_q[g] <= 1'b0;
      else valid_q[g] <= requant && !setup_i;
    end
    `BD_ASSERT(layer_stands, !(valid_q[g] && layers_q[92*g +: 92] != layer), "a requantizer gets sums before it knows the layer")
  end
  for (genvar i = 0; i < RQ; i++) begin : g_requantizer
    logic        in_signed, halve, sign_only, add_stream;
    logic [5:0]  shift;
    logic [17:0] code_multiplier;
    logic [50:0] code_base;
    logic [4:0]  code_shift;
    logic [7:0]  top;
    assign {in_signed, halve, sign_only, add_stream, shift, code_multiplier, code_base, code_shift, top} = layers_q[92*(i/4) +: 92];
    // verilator lint_off PINCONNECTEMPTY
    requantizer_pipe #(.MULT_BITS(MULT_BITS), .BIAS_BITS(BIAS_BITS)) u_requantizer (
      .clk_i, .rst_ni, .in_signed_i(in_signed), .halve_i(halve), .sign_only_i(sign_only),
      .add_stream_i(add_stream), .shift_i(shift), .code_multiplier_i(code_multiplier),
      .code_base_i(code_base), .code_shift_i(code_shift), .top_i(top), .valid_i(valid_q[i/4]),
      .sum_i(sums_q[32*i +: 32]), .preset_i(32'($signed(correct[24*i +: 24]))), .pooled_i(pooled_q[32*i +: 32]),
      .multiplier_i(multipliers[MULT_BITS*i +: MULT_BITS]), .bias_i(biases[BIAS_BITS*i +: BIAS_BITS]),
      .stream_i(z_data_o[32*i +: 32]), .z_valid_o(), .z_o(z[32*i +: 32]), .code_valid_o(), .code_o(codes[8*i +: 8]));
    // verilator lint_on PINCONNECTEMPTY
  end

  // Beats behind the requantizers: counted again there.
  logic       z_beat, z_end, z_map_last;
  logic [5:0] z_sub_q, code_sub_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) flight_q <= '0;
    else if (setup_i) flight_q <= '0;
    else flight_q <= {flight_q[CODE_CLOCKS-1:0], requant};
  end
  assign z_beat = flight_q[Z_CLOCKS-1];  // one clock before z stands
  always_ff @(posedge clk_i) begin
    if (setup_i) {z_sub_q, code_sub_q} <= '0;
    else begin
      if (z_beat) z_sub_q <= z_sub_q == 6'(SUBS - 1) ? 6'd0 : z_sub_q + 6'd1;
      if (flight_q[CODE_CLOCKS-1]) code_sub_q <= code_sub_q == 6'(SUBS - 1) ? 6'd0 : code_sub_q + 6'd1;
    end
  end
  logic code_pixel_q;  // with flight_q[CODE_CLOCKS]
  always_ff @(posedge clk_i) code_pixel_q <= flight_q[CODE_CLOCKS-1] && code_sub_q == 6'(SUBS - 1) && d_i.write_codes && !setup_i;
  // verilator lint_off PINCONNECTEMPTY
  raster u_z_raster (
    .clk_i, .setup_i, .step_i(z_beat && z_sub_q == 6'(SUBS - 1)), .width_i(d_i.out_width), .height_i(d_i.out_height),
    .x_o(), .y_o(), .x_last_o(), .last_o(z_map_last));
  // verilator lint_on PINCONNECTEMPTY
  assign z_end = z_map_last && z_sub_q == 6'(SUBS - 1);

  // Residual memory.
  logic [AW-1:0] r_addr, z_waddr, z_raddr_q;
  logic          z_re_q, z_rwide_q, z_we, z_writing, z_busy;
  z_walk #(.SUBS(SUBS)) u_r_walk (
    .clk_i, .setup_i, .base_i(d_i.z_in_base), .row_groups_i(d_i.row_groups), .wide_i(d_i.z_in_wide), .valid_i(beat_q[6]),
    .sub_i(sub_q[6*5 +: 6]), .tile_end_i(end_q[6]), .addr_o(r_addr));
  z_walk #(.SUBS(SUBS)) u_z_walk (
    .clk_i, .setup_i, .base_i(d_i.z_out_base), .row_groups_i(d_i.row_groups), .wide_i(d_i.z_out_wide), .valid_i(z_beat),
    .sub_i(z_sub_q), .tile_end_i(z_end), .addr_o(z_waddr));
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) z_re_q <= 1'b0;
    else z_re_q <= z_read_i || pool_read || (beat_q[7] && d_i.add_stream);
  end
  always_ff @(posedge clk_i) begin
    z_raddr_q <= z_read_i ? z_addr_i : d_i.pool ? pool_addr : r_addr;
    z_rwide_q <= z_read_i ? z_wide_i : d_i.z_in_wide;
  end
  assign z_writing = d_i.write_stream || d_i.store_stream || d_i.result;
  assign z_we = flight_q[Z_CLOCKS] && z_writing;
  z_memory #(.RQ(RQ), .WORDS(Z_WORDS)) u_z_memory (
    .clk_i, .rst_ni, .re_i(z_re_q), .raddr_i(z_raddr_q), .rwide_i(z_rwide_q), .rdata_o(z_data_o), .we_i(z_we || z_fill_i),
    .waddr_i(z_fill_i ? z_fill_addr_i : z_waddr), .wwide_i(d_i.z_out_wide || z_fill_i), .wdata_i(z_fill_i ? z_fill_data_i : z),
    .busy_o(z_busy));

  // Activation memory.
  logic packer_busy, quiet, quiet_q;
  plane_packer #(.ROWS(ROWS), .RQ(RQ), .ACT_WORDS(ACT_WORDS)) u_packer (
    .clk_i, .rst_ni, .d_i, .setup_i, .valid_i(flight_q[CODE_CLOCKS]), .pixel_i(code_pixel_q), .codes_i(codes), .busy_o(packer_busy),
    .we_o(plane_we_o), .bank_o(plane_bank_o), .addr_o(plane_addr_o), .data_o(plane_data_o), .be_o(plane_be_o));

  assign quiet = !drain_busy && !pool_busy && beat_q == '0 && flight_q == '0 && !z_busy && !packer_busy;
  always_ff @(posedge clk_i) quiet_q <= quiet;
  assign idle_o = quiet && quiet_q;

`ifdef VERILATOR
  // Narrow z is proven for channels that exist; the rows past the last one may hold anything.
  logic fits;
  logic [12:0] z_channel_q;  // of the row group's first row
  always_ff @(posedge clk_i)
    if (setup_i) z_channel_q <= 13'd0;
    else if (z_we && z_end_q) z_channel_q <= z_channel_q + 13'(ROWS);
  logic [5:0] z_sub1_q;
  logic       z_end_q;
  always_ff @(posedge clk_i) {z_sub1_q, z_end_q} <= {z_sub_q, z_end};
  always_comb begin
    fits = 1'b1;
    for (int i = 0; i < RQ; i++)
      if (32'(z_channel_q) + 32'(z_sub1_q) * RQ + i < 32'(d_i.out_channels) && z[32*i+15 +: 17] != {17{z[32*i+15]}}) fits = 1'b0;
  end
  `BD_ASSERT(narrow_fits, !(z_we && !d_i.z_out_wide && !fits), "a residual value does not fit 16 bits")
`endif
  `BD_ASSERT(block_has_tables, !((block_done_i || pool_start_i) && !filled), "sums of a row group are there before its tables are copied")
  `BD_ASSERT(store_reads_alone, !(z_read_i && !quiet), "the store reads the residual memory while it is at work")
  `BD_ASSERT(fill_alone, !(z_fill_i && !quiet && !z_busy), "the residual memory is filled while it is at work")
  `BD_ASSERT(pool_alone, !(pool_start_i && !d_i.pool) && !(block_done_i && d_i.pool), "pooling and sums at once")
endmodule
