// Counters of equal lanes as they are built and in the form that simulates fast, for sim/bench/count.cpp. fault_i: the one
// that is built sees a lane wrongly.
module count_top (
  input  logic        clk_i,
  input  logic        fault_i,
  input  logic [71:0] weight_i,
  input  logic [71:0] act_i,
  output logic [6:0]  built_o,
  output logic [6:0]  fast_o
);
  xnor_count #(.LANES(72), .LEVEL(4), .GATES(1)) u_built (
    .clk_i, .weight_i(weight_i ^ {fault_i, 71'd0}), .act_i, .count_o(built_o));
  xnor_count #(.LANES(72), .LEVEL(4), .GATES(0)) u_fast (.clk_i, .weight_i, .act_i, .count_o(fast_o));
endmodule
