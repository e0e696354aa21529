// XNOR array: ROWS rows of two halves of 72 lanes and one more whose weights are all ones, so that it counts the codes
// of the window (in steps of weight plane 0). Words and tags come in clock S8 of the window reader, the weights are in
// use from the clock after; a sum that is final stands at sums_o with done_o eight clocks after its word.
`include "bitdial_assert.svh"
module xnor_array #(
  parameter int ROWS = 8,
  parameter int ACC_BITS = 28,
  parameter int GATES = 1  // xnor_count.sv
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     abort_i,
  input  logic                     one_bit_i,  // codes of one bit: both halves count once, each with weights of its own
  input  logic                     valid_i,    // of an XNOR layer
  input  logic [71:0]              act_lo_i,
  input  logic [71:0]              act_hi_i,
  input  logic [3:0]               pixel_i,
  input  logic                     first_i,
  input  logic [1:0]               shift_i,
  input  logic                     last_i,
  input  logic                     plane0_i,
  input  logic                     block_last_i,
  input  logic [72*ROWS-1:0]       weights_lo_i,
  input  logic [72*ROWS-1:0]       weights_hi_i,
  output logic                     done_o,
  output logic                     block_done_o,
  output logic [3:0]               pixel_o,
  output logic [ROWS*ACC_BITS-1:0] sums_o,
  output logic [ACC_BITS-1:0]      window_sum_o
);
  localparam int STAGES = 8;
  typedef struct packed {
    logic [3:0] pixel;
    logic       first;
    logic [1:0] shift;
    logic       last;
    logic       plane0;
    logic       block_last;
  } tag_t;
  localparam int TAG = 10;  // bits of it
  logic [STAGES:1]     valid_q;
  logic [STAGES*TAG-1:0] tags_q;   // of stage 1 lowest
  tag_t                tag;
  // verilator lint_off UNUSEDSIGNAL
  tag_t                tag6, tag7, tag8;  // parts
  // verilator lint_on UNUSEDSIGNAL
  logic [71:0]         lo_q, hi_q;
  assign tag = {pixel_i, first_i, shift_i, last_i, plane0_i, block_last_i};
  assign {tag8, tag7, tag6} = tags_q[5*TAG +: 3*TAG];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else if (abort_i) valid_q <= '0;
    else valid_q <= {valid_q[STAGES-1:1], valid_i};
  end
  always_ff @(posedge clk_i) begin
    {lo_q, hi_q} <= {act_lo_i, act_hi_i};
    tags_q <= {tags_q[(STAGES-1)*TAG-1:0], tag};
  end

  for (genvar r = 0; r < ROWS; r++) begin : g_row
    xnor_row #(.ACC_BITS(ACC_BITS), .GATES(GATES)) u_row (
      .clk_i, .act_lo_i(lo_q), .act_hi_i(hi_q), .weights_lo_i(weights_lo_i[72*r +: 72]),
      .weights_hi_i(weights_hi_i[72*r +: 72]), .double_hi_i(!one_bit_i), .read_pixel_i(tag6.pixel),
      .first_i(tag6.first), .shift_i(tag6.shift), .use_i(1'b1), .write_i(valid_q[8]), .write_pixel_i(tag8.pixel),
      .sum_o(sums_o[ACC_BITS*r +: ACC_BITS]));
  end
  xnor_row #(.ACC_BITS(ACC_BITS), .GATES(GATES)) u_window (
    .clk_i, .act_lo_i(lo_q), .act_hi_i(hi_q), .weights_lo_i({72{1'b1}}), .weights_hi_i({72{1'b1}}), .double_hi_i(!one_bit_i),
    .read_pixel_i(tag6.pixel), .first_i(tag6.first), .shift_i(tag6.shift), .use_i(tag7.plane0),
    .write_i(valid_q[8]), .write_pixel_i(tag8.pixel), .sum_o(window_sum_o));

  assign done_o = valid_q[8] && tag8.last;
  assign block_done_o = done_o && tag8.block_last;
  assign pixel_o = tag8.pixel;
  `BD_ASSERT(a_apart, !(valid_q[6] && ((valid_q[7] && tag7.pixel == tag6.pixel) ||
             (valid_q[8] && tag8.pixel == tag6.pixel))), "a pixel's sum read before it is written")
endmodule
