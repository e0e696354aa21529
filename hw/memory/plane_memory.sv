// Activations: nine banks of 16-bit words (two bit-planes of eight channels). Every clock each bank may read a word of
// its own, two clocks later at rdata_o, and one bank may write, byte by byte. The write port has a register in front:
// what is presented in clock t is in the memory for reads of clock t + 2 on. A bank lies in two pieces, the largest power
// of two of words and the rest, which block RAMs hold with one multiplexer.
`include "bitdial_assert.svh"
module plane_memory #(
  parameter int ACT_WORDS = 2048,
  localparam int AW = $clog2(ACT_WORDS)
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic [8:0]      read_i,   // bank by bank
  input  logic [9*AW-1:0] raddr_i,
  output logic [143:0]    rdata_o,
  input  logic            write_i,
  input  logic [3:0]      wbank_i,
  input  logic [AW-1:0]   waddr_i,
  input  logic [15:0]     wdata_i,
  input  logic [1:0]      wbe_i     // bit 0: wdata_i[7:0]
);
  localparam int LOG = $clog2(ACT_WORDS + 1) - 1;
  localparam int LOW = 1 << LOG;
  localparam int REST_W = ACT_WORDS - LOW > 1 ? $clog2(ACT_WORDS - LOW) : 1;
  logic [8:0]    write_q;
  logic [1:0]    wbe_q;
  logic [AW-1:0] waddr_q;
  logic [15:0]   wdata_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) write_q <= 9'd0;
    else for (int b = 0; b < 9; b++) write_q[b] <= write_i && wbank_i == 4'(b);
  end
  always_ff @(posedge clk_i) begin
    if (write_i) begin
      waddr_q <= waddr_i;
      wdata_q <= wdata_i;
      wbe_q <= wbe_i;
    end
  end

  // Read before write, in one process, so that the blocking write is in order; no word is read and written in one clock.
  for (genvar b = 0; b < 9; b++) begin : g_bank
    logic [15:0]   mem [0:LOW-1];
    logic [15:0]   word_q, out_q;
    logic [AW-1:0] raddr;
    assign raddr = raddr_i[AW*b +: AW];
    logic          rest_write;
    assign rest_write = ACT_WORDS != LOW && waddr_q[AW-1];
    always_ff @(posedge clk_i) begin
      if (read_i[b]) word_q <= mem[LOG'(raddr)];
      // verilator lint_off BLKSEQ
      if (write_q[b] && !rest_write)
        for (int l = 0; l < 2; l++) if (wbe_q[l]) mem[LOG'(waddr_q)][8*l +: 8] = wdata_q[8*l +: 8];
      // verilator lint_on BLKSEQ
    end
    if (ACT_WORDS == LOW) begin : g_one
      always_ff @(posedge clk_i) out_q <= word_q;
    end else begin : g_two
      logic [15:0] rest [0:ACT_WORDS-LOW-1];
      logic [15:0] rest_q;
      logic        in_rest_q;
      always_ff @(posedge clk_i) begin
        if (read_i[b]) rest_q <= rest[REST_W'(raddr)];
        if (read_i[b]) in_rest_q <= raddr[AW-1];
        // verilator lint_off BLKSEQ
        if (write_q[b] && rest_write)
          for (int l = 0; l < 2; l++) if (wbe_q[l]) rest[REST_W'(waddr_q)][8*l +: 8] = wdata_q[8*l +: 8];
        // verilator lint_on BLKSEQ
      end
      always_ff @(posedge clk_i) out_q <= in_rest_q ? rest_q : word_q;
    end
    assign rdata_o[16*b +: 16] = out_q;

    `BD_ASSERT(plane_read_inside, !(read_i[b] && 32'(raddr) >= ACT_WORDS), "a word beyond the activation memory is read")
    `BD_ASSERT(plane_write_inside, !(write_q[b] && 32'(waddr_q) >= ACT_WORDS), "a word beyond the activation memory is written")
    `BD_ASSERT(plane_no_collision, !(read_i[b] && write_q[b] && raddr == waddr_q), "a word is read and written in one clock")
  end
  `BD_ASSERT(plane_bank_exists, !(write_i && wbank_i > 4'd8), "a write to a bank that is not there is lost")
endmodule
