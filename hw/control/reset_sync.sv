// The reset of all other blocks: it falls with the pin, whatever the clock does, and rises on a clock edge.
module reset_sync (
  input  logic clk_i,
  input  logic arst_ni,
  output logic rst_no
);
  // Kept as it is used: registers are cleared by a 1, and an inverter behind it would be a wire across the chip of its own.
  // verilator lint_off SYNCASYNCNET
  // assertions alone read the reset as data:
  logic [1:0] down_q;
  // verilator lint_on SYNCASYNCNET
  always_ff @(posedge clk_i or negedge arst_ni) begin
    if (!arst_ni) down_q <= 2'b11;
    else down_q <= {down_q[0], 1'b0};
  end
  assign rst_no = !down_q[1];
endmodule
