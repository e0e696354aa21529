// The reset of all other blocks: it falls with the pin, whatever the clock does, and rises on a clock edge.
module reset_sync (
  input  logic clk_i,
  input  logic arst_ni,
  output logic rst_no
);
  // verilator lint_off SYNCASYNCNET
  // assertions alone read the reset as data:
  logic [1:0] up_q;
  // verilator lint_on SYNCASYNCNET
  always_ff @(posedge clk_i or negedge arst_ni) begin
    if (!arst_ni) up_q <= 2'b00;
    else up_q <= {up_q[0], 1'b1};
  end
  assign rst_no = up_q[1];
endmodule
