// Descriptors of all switches on the chip, 32 beats of 64 bits each, switch after switch. Filled from word 0 on; read a
// beat a clock, latency one clock, from the place of a layer.
module descriptor_memory #(
  parameter int DESCRIPTORS = 96
) (
  input  logic        clk_i,
  input  logic        fill_start_i,  // the next beat is the first
  input  logic        we_i,
  input  logic [63:0] data_i,
  input  logic        re_i,
  // verilator lint_off UNUSEDSIGNAL
  // wide enough for any list:
  input  logic [12:0] layer_i,       // descriptor, counted through all switches
  // verilator lint_on UNUSEDSIGNAL
  input  logic [4:0]  beat_i,
  output logic [63:0] data_o
);
  localparam int WORDS = 32 * DESCRIPTORS;
  localparam int AW = $clog2(WORDS);
  logic [63:0]   mem [0:WORDS-1];
  logic [AW-1:0] fill_q;
  always_ff @(posedge clk_i) begin
    if (fill_start_i) fill_q <= '0;
    else if (we_i) fill_q <= fill_q + 1'b1;
    if (we_i) mem[fill_q] <= data_i;
    if (re_i) data_o <= mem[AW'({layer_i, beat_i})];
  end
endmodule
