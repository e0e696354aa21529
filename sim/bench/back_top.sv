// The back of the machine behind the decoder of descriptors, for sim/bench/back.cpp. fault_i: bytes
// that are to be cleared beside one that is written stay as they are.
module back_top #(
  parameter int ROWS = 8,
  parameter int RQ = 4,
  parameter int ACC_BITS = 28,
  parameter int ACT_WORDS = 4096,
  parameter int Z_WORDS = 4096,
  parameter int TABLE_WORDS = 1024,
  parameter int CORRECT_WORDS = 4096
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic fault_i,
  input  logic descriptor_we_i,
  input  logic [4:0] descriptor_beat_i,
  input  logic [63:0] descriptor_data_i,
  output logic [3:0] misfit_o,
  input  logic setup_i,
  input  logic tile_i,
  input  logic [19:0] tile_table_i,
  input  logic [19:0] tile_correct_i,
  output logic tables_ready_o,
  output logic tile_left_o,
  output logic [12:0] correct_step_o,
  input  logic pool_start_i,
  output logic idle_o,
  input  logic block_done_i,
  input  logic [4:0] block_pixels_i,
  output logic drain_read_o,
  output logic [3:0] drain_pixel_o,
  input  logic [ROWS*ACC_BITS-1:0] sums_i,
  input  logic [ACC_BITS-1:0] window_sum_i,
  input  logic table_we_i,
  input  logic [20:0] table_beat_i,
  input  logic [63:0] table_data_i,
  input  logic correct_we_i,
  input  logic [24:0] correct_beat_i,
  input  logic [63:0] correct_data_i,
  output logic plane_we_o,
  output logic [3:0] plane_bank_o,
  output logic [19:0] plane_addr_o,
  output logic [15:0] plane_data_o,
  output logic [1:0] plane_be_o,
  input  logic z_read_i,
  input  logic [19:0] z_addr_i,
  input  logic z_wide_i,
  output logic [RQ*32-1:0] z_data_o
);
  bitdial_descriptor_pkg::descriptor_t d;
  logic [1:0] plane_be;
  assign plane_be_o = (fault_i && plane_be == 2'b11 && plane_data_o[15:8] == 8'd0) ? 2'b01 : plane_be;
  descriptor_fields u_fields (
    .clk_i, .rst_ni, .we_i(descriptor_we_i), .beat_i(descriptor_beat_i), .data_i(descriptor_data_i), .descriptor_o(d), .misfit_o);
  back #(.ROWS(ROWS), .RQ(RQ), .ACC_BITS(ACC_BITS), .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS), .TABLE_WORDS(TABLE_WORDS),
         .CORRECT_WORDS(CORRECT_WORDS)) u_back (.d_i(d), .plane_be_o(plane_be),
         .z_fill_i(1'b0), .z_fill_addr_i('0), .z_fill_data_i('0), .*);
endmodule
