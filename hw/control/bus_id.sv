// The AXI ID of all transfers since the last reset: another one after each, so that what a memory still answers to
// transfers of the time before is told from what was asked for since. The number itself survives a reset.
module bus_id #(
  parameter int ID_WIDTH = 4
) (
  input  logic clk_i,
  input  logic rst_ni,
  output logic [ID_WIDTH-1:0] id_o
);
  logic [1:0] up_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) up_q <= 2'b00;
    else up_q <= {up_q[0], 1'b1};
  end
  always_ff @(posedge clk_i) if (up_q == 2'b01) id_o <= id_o + 1'b1;  // no reset: any number will do as the first
endmodule
