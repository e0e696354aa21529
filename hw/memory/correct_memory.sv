// Correction memory: words of RQ signed values of 24 bits, written from beats of two signed 32-bit values each (a word's
// beats in order; the last one writes it), read latency two clocks. Of a layer without corrections it gives 0.
`include "bitdial_assert.svh"
module correct_memory #(
  parameter int RQ = 4,
  parameter int WORDS = 512
) (
  input  logic clk_i,
  // verilator lint_off UNUSEDSIGNAL
  input  logic rst_ni,  // for assertions; addresses are as wide as the largest memory, values 32 bits:
  input  logic we_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W+4:0] beat_i,  // word * (RQ / 2) + i: values 2i, 2i + 1
  input  logic [63:0] data_i,
  input  logic on_i,    // of the layer: it has corrections
  input  logic re_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] raddr_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic [RQ*24-1:0] rdata_o
);
  localparam int AW = $clog2(WORDS);
  localparam int LOG = $clog2(RQ) - 1;
  logic [RQ*24-1:0] mem [0:WORDS-1];
  logic [RQ*24-1:0] collect_q, read_q;  // beats enter at the top and move down
  logic [AW-1:0]    waddr_q;
  logic             write_q, word_end;
  if (LOG == 0) begin : g_single
    assign word_end = 1'b1;
  end else begin : g_several
    assign word_end = &beat_i[LOG-1:0];
  end
  always_ff @(posedge clk_i) begin
    write_q <= we_i && word_end;
    if (we_i) begin
      collect_q <= (RQ*24)'({data_i[55:32], data_i[23:0], collect_q} >> 48);
      waddr_q <= beat_i[LOG +: AW];
    end
    if (write_q) mem[waddr_q] <= collect_q;
    if (re_i) read_q <= mem[raddr_i[AW-1:0]];
    rdata_o <= read_q;
    if (!on_i) rdata_o <= '0;
  end
  `BD_ASSERT(correction_written_in_memory, !(we_i && (32'(beat_i) >> LOG) >= WORDS), "a correction is written beyond the memory")
  `BD_ASSERT(correction_read_in_memory, !(re_i && 32'(raddr_i) >= WORDS), "a correction is read beyond the memory")
  `BD_ASSERT(correction_not_both, !(write_q && re_i && waddr_q == raddr_i[AW-1:0]),
             "a correction is read while it is written")
  `BD_ASSERT(correction_has_24_bits, !(we_i && (data_i[63:55] != {9{data_i[55]}} || data_i[31:23] != {9{data_i[23]}})),
             "a correction does not fit 24 bits")
endmodule
