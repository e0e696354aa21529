// Residual buffer: words of RQ values of 32 bits, one read and one write port, read latency one clock.
module z_buffer #(
  parameter int RQ = 4,
  parameter int WORDS = 4096
) (
  input  logic             clk_i,
  input  logic             re_i,
  // verilator lint_off UNUSEDSIGNAL
  // addresses are as wide as the largest buffer; the feeder asserts that they fit:
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] raddr_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic [RQ*32-1:0] rdata_o,
  input  logic             we_i,
  // verilator lint_off UNUSEDSIGNAL
  // addresses are as wide as the largest buffer; the feeder asserts that they fit:
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] waddr_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic [RQ*32-1:0] wdata_i
);
  localparam int AW = $clog2(WORDS);
  logic [RQ*32-1:0] mem [0:WORDS-1];
  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i[AW-1:0]] <= wdata_i;
    if (re_i) rdata_o <= mem[raddr_i[AW-1:0]];
  end
endmodule
