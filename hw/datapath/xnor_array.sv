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
  assign tag = {pixel_i, first_i, shift_i, last_i, plane0_i, block_last_i};
  assign {tag8, tag7, tag6} = tags_q[5*TAG +: 3*TAG];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else if (abort_i) valid_q <= '0;
    else valid_q <= {valid_q[STAGES-1:1], valid_i};
  end
  always_ff @(posedge clk_i) tags_q <= {tags_q[(STAGES-1)*TAG-1:0], tag};

  // Four rows have registers of their own for what all are told, beside them (the last ones for the window's row too); they are
  // not to be merged (keep).
  localparam int TOLD = (ROWS + 3) / 4;
  logic [72*TOLD-1:0] los_q, his_q;
  logic [TOLD-1:0]    double_q, first6_q, write8_q;
  logic [2*TOLD-1:0]  shift6_q;
  logic [4*TOLD-1:0]  pixel6_q, pixel8_q;
  // verilator lint_off UNUSEDSIGNAL
  tag_t               tag5;
  // verilator lint_on UNUSEDSIGNAL
  assign tag5 = tags_q[4*TAG +: TAG];
  for (genvar g = 0; g < TOLD; g++) begin : g_told
    (* keep *) always_ff @(posedge clk_i) begin
      los_q[72*g +: 72] <= act_lo_i;
      his_q[72*g +: 72] <= act_hi_i;
      double_q[g] <= !one_bit_i;
      first6_q[g] <= tag5.first;
      shift6_q[2*g +: 2] <= tag5.shift;
      pixel6_q[4*g +: 4] <= tag5.pixel;
      pixel8_q[4*g +: 4] <= tag7.pixel;
    end
    (* keep *) always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) write8_q[g] <= 1'b0;
      else write8_q[g] <= valid_q[7] && !abort_i;
    end
  end

  for (genvar r = 0; r < ROWS; r++) begin : g_row
    localparam int G = r / 4;
    xnor_row #(.ACC_BITS(ACC_BITS), .GATES(GATES)) u_row (
      .clk_i, .act_lo_i(los_q[72*G +: 72]), .act_hi_i(his_q[72*G +: 72]), .weights_lo_i(weights_lo_i[72*r +: 72]),
      .weights_hi_i(weights_hi_i[72*r +: 72]), .double_hi_i(double_q[G]), .read_pixel_i(pixel6_q[4*G +: 4]),
      .first_i(first6_q[G]), .shift_i(shift6_q[2*G +: 2]), .use_i(1'b1), .write_i(write8_q[G]), .write_pixel_i(pixel8_q[4*G +: 4]),
      .sum_o(sums_o[ACC_BITS*r +: ACC_BITS]));
  end
  localparam int L = TOLD - 1;
  xnor_row #(.ACC_BITS(ACC_BITS), .GATES(GATES)) u_window (
    .clk_i, .act_lo_i(los_q[72*L +: 72]), .act_hi_i(his_q[72*L +: 72]), .weights_lo_i({72{1'b1}}), .weights_hi_i({72{1'b1}}),
    .double_hi_i(double_q[L]), .read_pixel_i(pixel6_q[4*L +: 4]), .first_i(first6_q[L]), .shift_i(shift6_q[2*L +: 2]),
    .use_i(tag7.plane0), .write_i(write8_q[L]), .write_pixel_i(pixel8_q[4*L +: 4]), .sum_o(window_sum_o));

  assign done_o = valid_q[8] && tag8.last;
  assign block_done_o = done_o && tag8.block_last;
  assign pixel_o = tag8.pixel;
  `BD_ASSERT(a_apart, !(valid_q[6] && ((valid_q[7] && tag7.pixel == tag6.pixel) ||
             (valid_q[8] && tag8.pixel == tag6.pixel))), "a pixel's sum read before it is written")
endmodule
