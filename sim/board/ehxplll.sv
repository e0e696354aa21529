// The PLL of an ECP5 in a simulation without time: the clock goes through as it is to both outputs, and LOCK rises after some of it.
// verilator lint_off DECLFILENAME
module EHXPLLL #(
  // verilator lint_off UNUSEDPARAM
  parameter int CLKI_DIV = 1,
  parameter int CLKFB_DIV = 1,
  parameter int CLKOP_DIV = 1,
  parameter int CLKOP_CPHASE = 0,
  parameter CLKOP_ENABLE = "ENABLED",
  parameter int CLKOS_DIV = 1,
  parameter int CLKOS_CPHASE = 0,
  parameter CLKOS_ENABLE = "DISABLED",
  parameter FEEDBK_PATH = "CLKOP"
  // verilator lint_on UNUSEDPARAM
) (
  input  logic CLKI,
  // verilator lint_off UNUSEDSIGNAL
  input  logic CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, PLLWAKESYNC, ENCLKOP, ENCLKOS,
  // verilator lint_on UNUSEDSIGNAL
  output logic CLKOP,
  output logic CLKOS,
  output logic LOCK
);
  logic [3:0] clocks_q = 4'd0;
  assign CLKOP = CLKI;
  assign CLKOS = CLKI;
  assign LOCK = clocks_q == 4'd15;
  always_ff @(posedge CLKI) if (!LOCK) clocks_q <= clocks_q + 4'd1;
endmodule
