// One row of the two-plane array: 2 x HALF_LANES XNOR lanes, their count, and the sums of a block of pixels.
//     sum = equal(lo) + equal(hi)      single plane: two words of one plane
//     sum = equal(lo) + 2 equal(hi)    two planes of one word: both halves get the same weights
// and P[pixel] = step(P[pixel]) + sum (block_accumulator.sv). Operands and controls come from registers outside and enter
// together, every clock if need be. From LATENCY clocks after its last operation on the drain RAM can be asked for a sum, which
// stands the clock after. Lanes that are not real hold weight 1 and activation 0 and count nothing.
module dot_row #(
  parameter int HALF_LANES = 72,
  parameter int SUMS = 8,
  parameter int ACC_BITS = 24,
  parameter int GATES = 1  // 0: the same in a form that simulates fast
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  valid_i,
  input  logic                  two_planes_i,
  input  logic [2:0]            pixel_i,
  input  logic [1:0]            step_i,   // P becomes 0: 0, 1: P, 2: 2P, 3: 4P (not of the operation just before)
  input  logic                  last_i,   // the sum goes to the drain RAM, at bank and pixel
  input  logic                  bank_i,
  input  logic [HALF_LANES-1:0] act_lo_i,
  input  logic [HALF_LANES-1:0] act_hi_i,
  input  logic [HALF_LANES-1:0] weight_lo_i,
  input  logic [HALF_LANES-1:0] weight_hi_i,
  input  logic                  drain_bank_i,
  input  logic [2:0]            drain_pixel_i,
  output logic [ACC_BITS-1:0]   drain_o
);
  localparam int LEVEL = (HALF_LANES < 8) ? 0 : $clog2(HALF_LANES + 1) - 3;
  localparam int CW = $clog2(HALF_LANES + 1);
  localparam int COUNT = LEVEL + 1;       // clocks of the count
  // verilator lint_off UNUSEDPARAM
  localparam int LATENCY = COUNT + 1 + 3; // count, sum, accumulator
  // verilator lint_on UNUSEDPARAM

  logic [CW-1:0] lo, hi;
  xnor_count #(.LANES(HALF_LANES), .LEVEL(LEVEL), .GATES(GATES)) u_lo (
    .clk_i, .weight_i(weight_lo_i), .act_i(act_lo_i), .count_o(lo));
  xnor_count #(.LANES(HALF_LANES), .LEVEL(LEVEL), .GATES(GATES)) u_hi (
    .clk_i, .weight_i(weight_hi_i), .act_i(act_hi_i), .count_o(hi));

  // Controls travel beside the lanes: register k holds those of the lanes of k + 1 clocks ago. The accumulator takes them with
  // the counts, a clock before the sum.
  logic [COUNT-1:0]   valid_q;
  logic [8*COUNT-1:0] control_q;
  logic               two_planes, bank, last;
  logic [1:0]         step;
  logic [2:0]         pixel;
  logic [CW+1:0]      sum_q;
  assign {two_planes, bank, last, step, pixel} = control_q[8*(COUNT-1) +: 8];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= COUNT'({valid_q, valid_i});
  end
  always_ff @(posedge clk_i) begin
    control_q <= (8*COUNT)'({control_q, two_planes_i, bank_i, last_i, step_i, pixel_i});
    sum_q <= (CW+2)'(lo) + (two_planes ? {1'b0, hi, 1'b0} : {2'b00, hi});
  end
  block_accumulator #(.SUMS(SUMS), .ACC_BITS(ACC_BITS), .SUM_BITS(CW+2)) u_accumulator (
    .clk_i, .rst_ni, .valid_i(valid_q[COUNT-1]), .pixel_i(pixel), .step_i(step), .last_i(last), .bank_i(bank),
    .sum_i(sum_q), .drain_bank_i, .drain_pixel_i, .drain_o);
endmodule
