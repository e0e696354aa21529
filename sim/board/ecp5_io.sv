// Registers and drivers at the pins of an ECP5, as LiteX names them, in a simulation without time.
// verilator lint_off DECLFILENAME
// verilator lint_off UNUSEDSIGNAL
// verilator lint_off UNUSEDPARAM
module IFS1P3BX(input logic PD, D, SP, SCLK, output logic Q);
  always_ff @(posedge SCLK) if (SP) Q <= D;
endmodule
module OFS1P3BX(input logic PD, D, SP, SCLK, output logic Q);
  always_ff @(posedge SCLK) if (SP) Q <= D;
endmodule
module FD1S3BX(input logic PD, D, CK, output logic Q);
  always_ff @(posedge CK or posedge PD) begin
    if (PD) Q <= 1'b1;
    else Q <= D;
  end
endmodule
module TRELLIS_IO #(parameter DIR = "BIDIR") (inout wire B, input logic I, T, output logic O);
  assign B = T ? 1'bz : I;
  assign O = B;
endmodule
module ODDRX1F(input logic D0, D1, SCLK, RST, output logic Q);
  assign Q = SCLK ? D0 : D1;
endmodule
