// What sim/bench/dot_row.cpp drives: the row in both forms and, beside them, rows with a fault each (dot_row.sh makes them from
// the same sources), which the bench must find wrong.
module dot_row_top #(
  parameter int HALF_LANES = 4,
  parameter int BROKEN = 1
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  valid_i,
  input  logic                  two_planes_i,
  input  logic [2:0]            pixel_i,
  input  logic [1:0]            step_i,
  input  logic                  last_i,
  input  logic                  bank_i,
  input  logic [HALF_LANES-1:0] act_lo_i,
  input  logic [HALF_LANES-1:0] act_hi_i,
  input  logic [HALF_LANES-1:0] weight_lo_i,
  input  logic [HALF_LANES-1:0] weight_hi_i,
  input  logic                  drain_bank_i,
  input  logic [2:0]            drain_pixel_i,
  output logic [23:0]           gates_o,
  output logic [23:0]           fast_o,
  output logic [23:0]           miscounts_o,  // a carry of the count is wrong
  output logic [23:0]           forgets_o     // the sum just made is not taken
);
  dot_row #(.HALF_LANES(HALF_LANES), .GATES(1)) u_gates (
    .clk_i, .rst_ni, .valid_i, .two_planes_i, .pixel_i, .step_i, .last_i, .bank_i, .act_lo_i, .act_hi_i, .weight_lo_i,
    .weight_hi_i, .drain_bank_i, .drain_pixel_i, .drain_o(gates_o));
  dot_row #(.HALF_LANES(HALF_LANES), .GATES(0)) u_fast (
    .clk_i, .rst_ni, .valid_i, .two_planes_i, .pixel_i, .step_i, .last_i, .bank_i, .act_lo_i, .act_hi_i, .weight_lo_i,
    .weight_hi_i, .drain_bank_i, .drain_pixel_i, .drain_o(fast_o));
  if (BROKEN != 0) begin : g_broken
    dot_row_miscounts #(.HALF_LANES(HALF_LANES), .GATES(1)) u_miscounts (
      .clk_i, .rst_ni, .valid_i, .two_planes_i, .pixel_i, .step_i, .last_i, .bank_i, .act_lo_i, .act_hi_i, .weight_lo_i,
      .weight_hi_i, .drain_bank_i, .drain_pixel_i, .drain_o(miscounts_o));
    dot_row_forgets #(.HALF_LANES(HALF_LANES), .GATES(0)) u_forgets (
      .clk_i, .rst_ni, .valid_i, .two_planes_i, .pixel_i, .step_i, .last_i, .bank_i, .act_lo_i, .act_hi_i, .weight_lo_i,
      .weight_hi_i, .drain_bank_i, .drain_pixel_i, .drain_o(forgets_o));
  end else begin : g_whole
    assign miscounts_o = '0;
    assign forgets_o = '0;
  end
endmodule
