// Weight buffer: two slots of WORDS words, each one bit-plane of one K word (ROWS x LANES bits). Filled in beats of 64
// bits, in order from the slot's start; read a word a clock, latency one clock.
module weight_buffer #(
  parameter int ROWS = 8,
  parameter int LANES = 64,
  parameter int WORDS = 128
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  start_i,  // the next beat is a slot's first
  input  logic                  slot_i,
  input  logic                  we_i,
  input  logic [63:0]           data_i,
  input  logic                  re_i,
  input  logic                  rslot_i,
  // verilator lint_off UNUSEDSIGNAL
  // addresses are as wide as the largest buffer; the feeder asserts that they fit:
  input  logic [14:0]           raddr_i,  // word of the slot
  // verilator lint_on UNUSEDSIGNAL
  output logic [ROWS*LANES-1:0] rdata_o
);
  localparam int BANKS = ROWS * LANES / 64;
  localparam int AW = $clog2(2 * WORDS);
  logic [AW-1:0]    word_q, raddr;
  logic [BANKS-1:0] bank_q;  // one hot: where the next beat goes

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      word_q <= '0;
      bank_q <= BANKS'(1);
    end else if (start_i) begin
      word_q <= slot_i ? AW'(WORDS) : '0;
      bank_q <= BANKS'(1);
    end else if (we_i) begin
      bank_q <= BANKS'({bank_q, bank_q[BANKS-1]});
      if (bank_q[BANKS-1]) word_q <= word_q + 1'b1;
    end
  end

  assign raddr = (rslot_i ? AW'(WORDS) : '0) + AW'(raddr_i);
  for (genvar b = 0; b < BANKS; b++) begin : g_bank
    logic [63:0] mem [0:2*WORDS-1];
    always_ff @(posedge clk_i) begin
      if (we_i && bank_q[b]) mem[word_q] <= data_i;
      if (re_i) rdata_o[64*b +: 64] <= mem[raddr];
    end
  end
endmodule
