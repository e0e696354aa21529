// A LUT4 whose first bit of INIT is the wrong one while bitdial_broken_lut() says NUMBER: a fault in a netlist that is chosen when
// the simulation starts.
module BROKEN_LUT4 #(parameter logic [15:0] INIT = 16'd0, parameter int NUMBER = 0) (
  input wire A, input wire B, input wire C, input wire D, output wire Z
);
  import "DPI-C" function int bitdial_broken_lut();
  logic [15:0] init;
  initial init = INIT ^ {15'd0, bitdial_broken_lut() == NUMBER};
  assign Z = init[{D, C, B, A}];
endmodule
