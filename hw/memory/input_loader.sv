// The image's way in: beats to bytes, then plain or as 3x3 windows into the activation buffer.
module input_loader #(
  parameter int LANES = 64
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,      // the image's DMA job begins
  input  logic               abort_i,
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,  // of the first layer
  input  logic               beat_valid_i,
  input  logic [63:0]        beat_data_i,
  output logic               beat_ready_o,
  output logic               done_o,
  output logic               we_o,
  output logic [LANES-1:0]   lanes_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic [LANES*8-1:0] data_o
);
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  bitdial_descriptor_pkg::descriptor_t d;
  // verilator lint_on UNUSEDSIGNAL
  assign d = descriptor_i;
  logic       byte_valid, byte_ready;
  logic [7:0] data;
  logic       plain_ready, plain_done, plain_we, im2col_ready, im2col_done, im2col_we;
  logic [LANES-1:0]   plain_lanes, im2col_lanes;
  logic [LANES*8-1:0] plain_data, im2col_data;
  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] plain_addr, im2col_addr;

  byte_unpack u_byte_unpack (.clk_i, .rst_ni, .clear_i(start_i || abort_i), .beat_valid_i, .beat_data_i, .beat_ready_o,
                             .byte_valid_o(byte_valid), .byte_o(data), .byte_ready_i(byte_ready));
  input_plain #(.LANES(LANES)) u_input_plain (
    .clk_i, .rst_ni, .start_i(start_i && !d.im2col), .abort_i, .tensor_i(d.in_tensor), .height_i(d.in_height),
    .width_i(d.in_width), .channels_i(d.in_channels), .byte_valid_i(byte_valid), .byte_i(data),
    .byte_ready_o(plain_ready), .done_o(plain_done), .we_o(plain_we), .lanes_o(plain_lanes), .addr_o(plain_addr),
    .data_o(plain_data));
  input_im2col #(.LANES(LANES)) u_input_im2col (
    .clk_i, .rst_ni, .start_i(start_i && d.im2col), .abort_i, .base_i(d.in_tensor.base), .height_i(d.in_height),
    .width_i(d.in_width), .channels_i(d.in_channels[2:0]), .stride2_i(d.stride[1]), .byte_valid_i(byte_valid),
    .byte_i(data), .byte_ready_o(im2col_ready), .done_o(im2col_done), .we_o(im2col_we), .lanes_o(im2col_lanes),
    .addr_o(im2col_addr), .data_o(im2col_data));

  assign byte_ready = d.im2col ? im2col_ready : plain_ready;
  assign done_o = plain_done || im2col_done;
  assign we_o = d.im2col ? im2col_we : plain_we;
  assign lanes_o = d.im2col ? im2col_lanes : plain_lanes;
  assign addr_o = d.im2col ? im2col_addr : plain_addr;
  assign data_o = d.im2col ? im2col_data : plain_data;
endmodule
