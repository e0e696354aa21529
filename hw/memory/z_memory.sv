// Residual memory: words of RQ values of 16 bits in two banks (even, odd words), so that a wide value (two consecutive
// words, low halves in the even one) moves in one clock like a narrow one. A read's word stands three clocks later; a write
// is in the memory two clocks later.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module z_memory #(
  parameter int RQ = 4,
  parameter int WORDS = 4096
) (
  input  logic clk_i,
  // verilator lint_off UNUSEDSIGNAL
  input  logic rst_ni,  // for assertions; addresses are as wide as the largest memory:
  input  logic re_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] raddr_i,
  input  logic rwide_i,
  output logic [RQ*32-1:0] rdata_o,
  input  logic we_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] waddr_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic wwide_i,
  input  logic [RQ*32-1:0] wdata_i,
  output logic busy_o  // a write is under way
);
  localparam int AW = $clog2(WORDS / 2);
  logic [RQ*16-1:0] even_q, odd_q, even2_q, odd2_q, low, high, wlow_q, whigh_q;
  logic [AW-1:0]    waddr_q;
  logic             odd1_q, odd2_word_q, wide1_q, wide2_q, write_even_q, write_odd_q;
  always_comb
    for (int i = 0; i < RQ; i++) {high[16*i +: 16], low[16*i +: 16]} = wdata_i[32*i +: 32];

  logic [RQ*16-1:0] mem_even [0:WORDS/2-1];
  logic [RQ*16-1:0] mem_odd [0:WORDS/2-1];
  always_ff @(posedge clk_i) begin
    write_even_q <= we_i && (wwide_i || !waddr_i[0]);
    write_odd_q <= we_i && (wwide_i || waddr_i[0]);
    waddr_q <= waddr_i[AW:1];
    wlow_q <= low;
    whigh_q <= wwide_i ? high : low;
    if (write_even_q) mem_even[waddr_q] <= wlow_q;
    if (write_odd_q) mem_odd[waddr_q] <= whigh_q;
    if (re_i) even_q <= mem_even[raddr_i[AW:1]];
    if (re_i) odd_q <= mem_odd[raddr_i[AW:1]];
    if (re_i) {odd1_q, wide1_q} <= {raddr_i[0], rwide_i};
    {odd2_word_q, wide2_q} <= {odd1_q, wide1_q};
    even2_q <= even_q;
    odd2_q <= odd_q;
    for (int i = 0; i < RQ; i++) begin
      rdata_o[32*i +: 16] <= (!wide2_q && odd2_word_q) ? odd2_q[16*i +: 16] : even2_q[16*i +: 16];
      rdata_o[32*i+16 +: 16] <= wide2_q ? odd2_q[16*i +: 16] : {16{(odd2_word_q ? odd2_q[16*i+15] : even2_q[16*i+15]) && !`BD_FAULT(16)}};
    end
  end
  assign busy_o = write_even_q || write_odd_q;

  `BD_ASSERT(z_written_in_memory, !(we_i && 32'(waddr_i) + 32'(wwide_i) >= WORDS), "z is written beyond the residual memory")
  `BD_ASSERT(z_read_in_memory, !(re_i && 32'(raddr_i) + 32'(rwide_i) >= WORDS), "r is read beyond the residual memory")
  `BD_ASSERT(z_wide_even, !(we_i && wwide_i && waddr_i[0]) && !(re_i && rwide_i && raddr_i[0]), "a wide residual word is odd")
  `BD_ASSERT(z_even_not_both, !(write_even_q && re_i && (rwide_i || !raddr_i[0]) && waddr_q == raddr_i[AW:1]),
             "a residual word is read while it is written")
  `BD_ASSERT(z_odd_not_both, !(write_odd_q && re_i && (rwide_i || raddr_i[0]) && waddr_q == raddr_i[AW:1]),
             "a residual word is read while it is written")
endmodule
