// From the weights' beats and the window reader's words to the finished sums of blocks: weight memory and fetch, the
// arrays of the build, the drain bank. A layer runs on one array.
module arrays #(
  parameter int ROWS = 8,
  parameter int MAC_CHANNELS = 1,  // 0: no MAC
  parameter int XNOR = 1,
  parameter int ACC_BITS = 28,
  parameter int WEIGHT_WORDS = 1024,
`ifdef VERILATOR
  parameter int GATES = 0          // counters that simulate fast; sim/bench/arrays.sh compares both
`else
  parameter int GATES = 1          // as they are built
`endif
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // verilator lint_off UNUSEDSIGNAL
  // each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // addresses are as wide as the largest memory:
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] load_word_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] fetch_word_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic                     abort_i,
  // weights into memory: the next beat is the first of load_word_i; beats
  input  logic                     load_start_i,
  input  logic                     load_we_i,
  input  logic [63:0]              load_beat_i,
  // a tile's weights begin at fetch_word_i
  input  logic                     fetch_start_i,
  output logic                     fetch_free_o,
  output logic                     fetch_ready_o,
  // from the window reader; not every build has both arrays
  // verilator lint_off UNUSEDSIGNAL
  input  logic                     act_valid_i,
  input  logic [71:0]              act_lo_i,
  input  logic [71:0]              act_hi_i,
  input  logic                     sum_i,
  input  logic [3:0]               pixel_i,
  input  logic                     first_i,
  input  logic [1:0]               shift_i,
  input  logic                     last_i,
  input  logic                     plane0_i,
  input  logic                     swap_i,
  input  logic [3:0]               segment_i,
  input  logic                     plane_first_i,
  input  logic                     word_first_i,
  input  logic                     word_last_i,
  input  logic [1:0]               gather_pair_i,
  input  logic [2:0]               gather_group_i,
  input  logic                     gather_high_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic                     block_last_i,
  // to the drain
  output logic                     block_done_o,
  output logic [4:0]               block_pixels_o,
  input  logic                     drain_read_i,
  input  logic [3:0]               drain_pixel_i,
  output logic [ROWS*ACC_BITS-1:0] sums_o,
  output logic [ACC_BITS-1:0]      window_sum_o
);
  localparam int AW = $clog2(WEIGHT_WORDS);
  logic               read;
  logic [AW-1:0]      address;
  logic [18*ROWS-1:0] word;
  // verilator lint_off UNUSEDSIGNAL
  logic [18*ROWS-1:0] mac_weights;
  logic [72*ROWS-1:0] weights_lo, weights_hi;
  // verilator lint_on UNUSEDSIGNAL
  weight_memory #(.ROWS(ROWS), .WORDS(WEIGHT_WORDS)) u_memory (
    .clk_i, .rst_ni, .start_i(load_start_i), .word_i(AW'(load_word_i)), .we_i(load_we_i), .beat_i(load_beat_i),
    .read_i(read), .address_i(address), .data_o(word));
  weight_fetch #(.ROWS(ROWS), .MAC_CHANNELS(MAC_CHANNELS), .XNOR(XNOR), .AW(AW)) u_fetch (
    .clk_i, .rst_ni, .descriptor_i, .abort_i, .start_i(fetch_start_i), .word_i(AW'(fetch_word_i)), .free_o(fetch_free_o),
    .ready_o(fetch_ready_o), .swap_i, .read_o(read), .address_o(address), .data_i(word), .weights_lo_o(weights_lo),
    .weights_hi_o(weights_hi), .mac_weights_o(mac_weights));

  logic mac, one_bit;
  assign mac = XNOR == 0 || (MAC_CHANNELS != 0 && descriptor_i.mac);
  assign one_bit = descriptor_i.in_bits == 4'd1;

  logic                     xnor_done, xnor_block, mac_done, mac_block;
  logic [3:0]               xnor_pixel, mac_pixel;
  logic [ROWS*ACC_BITS-1:0] xnor_sums, mac_sums;
  logic [ACC_BITS-1:0]      xnor_window;
  if (XNOR != 0) begin : g_xnor
    xnor_array #(.ROWS(ROWS), .ACC_BITS(ACC_BITS), .GATES(GATES)) u_array (
      .clk_i, .rst_ni, .abort_i, .one_bit_i(one_bit), .valid_i(sum_i && !mac), .act_lo_i, .act_hi_i, .pixel_i, .first_i,
      .shift_i, .last_i, .plane0_i, .block_last_i, .weights_lo_i(weights_lo), .weights_hi_i(weights_hi),
      .done_o(xnor_done), .block_done_o(xnor_block), .pixel_o(xnor_pixel), .sums_o(xnor_sums),
      .window_sum_o(xnor_window));
  end else begin : g_no_xnor
    assign {xnor_done, xnor_block, xnor_pixel, xnor_sums, xnor_window} = '0;
  end
  if (MAC_CHANNELS != 0) begin : g_mac
    mac_array #(.ROWS(ROWS), .CHANNELS(MAC_CHANNELS), .ACC_BITS(ACC_BITS)) u_array (
      .clk_i, .rst_ni, .abort_i, .depthwise_i(descriptor_i.depthwise), .byte_i(descriptor_i.in_tensor.layout == 2'd2),
      .one_bit_i(one_bit), .zero_point_i(descriptor_i.zero_point), .gather_i(act_valid_i && mac), .act_lo_i, .act_hi_i,
      .gather_pair_i, .gather_group_i, .gather_high_i, .step_i(sum_i && mac), .segment_i, .plane_first_i, .word_first_i,
      .word_last_i, .pixel_i, .first_i, .last_i, .block_last_i, .weights_i(mac_weights), .done_o(mac_done),
      .block_done_o(mac_block), .pixel_o(mac_pixel), .sums_o(mac_sums));
  end else begin : g_no_mac
    assign {mac_done, mac_block, mac_pixel, mac_sums} = '0;
  end

  // MAC rows have taken the window's sum off already.
  drain_bank #(.ROWS(ROWS), .ACC_BITS(ACC_BITS)) u_drain (
    .clk_i, .rst_ni, .abort_i, .write_i(mac ? mac_done : xnor_done), .pixel_i(mac ? mac_pixel : xnor_pixel),
    .sums_i(mac ? mac_sums : xnor_sums), .window_sum_i(mac ? '0 : xnor_window), .read_i(drain_read_i),
    .read_pixel_i(drain_pixel_i), .sums_o, .window_sum_o);

  assign block_done_o = mac ? mac_block : xnor_block;
  assign block_pixels_o = (mac ? 5'(mac_pixel) : 5'(xnor_pixel)) + 5'd1;
endmodule
