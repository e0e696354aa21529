// Residual words on their way back from memory: beats to pairs of words, which lie there as a wide word lies on the chip.
module z_fill #(
  parameter int RQ = 16
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             start_i,  // the DMA job begins
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] base_i,
  input  logic             beat_i,
  input  logic [63:0]      data_i,
  output logic             we_o,     // one wide word
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic [RQ*32-1:0] data_o
);
  localparam int BEATS = RQ / 2;
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  logic [4:0]       beat_q;
  logic [AW-1:0]    addr_q;
  logic [RQ*32-1:0] data_q;
  logic             we_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) we_q <= 1'b0;
    else we_q <= beat_i && beat_q == 5'(BEATS - 1);
  end
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      beat_q <= 5'd0;
      addr_q <= base_i;
    end else begin
      if (beat_i) beat_q <= (beat_q == 5'(BEATS - 1)) ? 5'd0 : beat_q + 5'd1;
      if (we_q) addr_q <= addr_q + AW'(2);
    end
    if (beat_i) for (int b = 0; b < BEATS; b++) if (beat_q == 5'(b)) data_q[64*b +: 64] <= data_i;
  end
  assign we_o = we_q;
  assign addr_o = addr_q;
  assign data_o = data_q;
endmodule
