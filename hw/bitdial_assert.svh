// One macro for every protocol invariant. Simulation builds pass --assert; synthesis drops them.
`ifndef BITDIAL_ASSERT_SVH
`define BITDIAL_ASSERT_SVH
`ifdef VERILATOR
`define BD_ASSERT(NAME, CONDITION, LOSS) \
  always_ff @(posedge clk_i) if (rst_ni) NAME : assert (CONDITION) else $error(LOSS);
`else
`define BD_ASSERT(NAME, CONDITION, LOSS)
`endif
`endif
