// A register slice: a beat that finds no taker waits here, so that what tells the sender to go on is a register. A beat
// that finds one passes in its clock.
module beat_skid (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,
  input  logic        valid_i,
  input  logic [63:0] data_i,
  output logic        ready_o,
  output logic        valid_o,
  output logic [63:0] data_o,
  input  logic        ready_i
);
  logic        full_q;
  logic [63:0] data_q;
  assign ready_o = !full_q;
  assign valid_o = full_q || valid_i;
  assign data_o = full_q ? data_q : data_i;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) full_q <= 1'b0;
    else full_q <= valid_o && !ready_i && !clear_i;
  end
  always_ff @(posedge clk_i) if (!full_q) data_q <= data_i;
endmodule
