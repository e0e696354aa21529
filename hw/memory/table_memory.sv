// Table memory: M and B' of one output channel an entry, written from two beats of 64 bits, read latency two clocks.
`include "bitdial_assert.svh"
module table_memory #(
  parameter int WORDS = 256,
  parameter int MULT_BITS = 24,
  parameter int BIAS_BITS = 52
) (
  input  logic clk_i,
  // verilator lint_off UNUSEDSIGNAL
  input  logic rst_ni,  // for assertions; addresses are as wide as the largest memory, fields of 64 bits:
  input  logic we_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W:0] beat_i,  // 2 * entry: M, 2 * entry + 1: B'
  input  logic [63:0] data_i,
  input  logic re_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] raddr_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic [BIAS_BITS+MULT_BITS-1:0] rdata_o  // {B', M}
);
  localparam int AW = $clog2(WORDS);
  logic [BIAS_BITS+MULT_BITS-1:0] mem [0:WORDS-1];
  logic [BIAS_BITS+MULT_BITS-1:0] wdata_q, read_q;
  logic [AW-1:0] waddr_q;
  logic          write_q;
  always_ff @(posedge clk_i) begin
    write_q <= we_i && beat_i[0];
    if (we_i) begin
      if (!beat_i[0]) wdata_q[MULT_BITS-1:0] <= data_i[MULT_BITS-1:0];
      if (beat_i[0]) wdata_q[MULT_BITS +: BIAS_BITS] <= data_i[BIAS_BITS-1:0];
      waddr_q <= beat_i[AW:1];
    end
    if (write_q) mem[waddr_q] <= wdata_q;
    if (re_i) read_q <= mem[raddr_i[AW-1:0]];
    rdata_o <= read_q;
  end
  `BD_ASSERT(table_written_in_memory, !(we_i && 32'(beat_i[bitdial_descriptor_pkg::WORD_ADDRESS_W:1]) >= WORDS),
             "a table entry is written beyond the memory")
  `BD_ASSERT(table_read_in_memory, !(re_i && 32'(raddr_i) >= WORDS), "a table entry is read beyond the memory")
  `BD_ASSERT(table_not_both, !(write_q && re_i && waddr_q == raddr_i[AW-1:0]),
             "a table entry is read while it is written")
endmodule
