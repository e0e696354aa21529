// Weight memory: WORDS words of 18 ROWS bits, filled from beats of 64 bits in order. A word is cut into nine lanes
// (eighteen for 64 rows), each with a write address of its own: a beat fills 64 bits of the string of lanes, across the
// end of a word too. One read port: latency one clock, the word stays until the next read.
// A beat is in memory from the third clock after its own on.
// A lane lies in two pieces, the largest power of two of words and the rest, which block RAMs hold with one multiplexer.
`include "bitdial_assert.svh"
module weight_memory #(
  parameter int ROWS = 8,
  parameter int WORDS = 1024,
  localparam int AW = $clog2(WORDS)
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,  // the next beat is the first of a word
  input  logic [AW-1:0]      word_i,
  input  logic               we_i,     // not beside start_i
  input  logic [63:0]        beat_i,
  input  logic               read_i,
  input  logic [AW-1:0]      address_i,
  output logic [18*ROWS-1:0] data_o
);
  localparam int LANES = ROWS == 64 ? 18 : 9;
  localparam int WIDTH = 18 * ROWS / LANES;
  localparam int BEAT_LANES = 64 / WIDTH;
  localparam int LOG = $clog2(WORDS + 1) - 1;
  localparam int LOW = 1 << LOG;
  localparam int REST_W = WORDS - LOW > 1 ? $clog2(WORDS - LOW) : 1;
  logic [LANES-1:0] first_q;  // one hot: the lane that the next beat begins with

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) first_q <= LANES'(1);
    else if (start_i) first_q <= LANES'(1);
    else if (we_i) first_q <= {first_q[LANES-1-BEAT_LANES:0], first_q[LANES-1:LANES-BEAT_LANES]};
  end

  logic [LANES-1:0] clash;
  for (genvar l = 0; l < LANES; l++) begin : g_lane
    logic [WIDTH-1:0] mem [LOW];
    logic [WIDTH-1:0] low_q;
    logic             we_q, here;
    logic [AW-1:0]    address_q;
    logic [WIDTH-1:0] data_q, part;

    // Which part of the beat is this lane's, if any.
    always_comb begin
      here = 1'b0;
      part = '0;
      for (int s = 0; s < BEAT_LANES; s++) begin
        if (first_q[(l+LANES-s)%LANES]) begin
          here = 1'b1;
          part = part | beat_i[WIDTH*s +: WIDTH];
        end
      end
    end
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) we_q <= 1'b0;
      else we_q <= we_i && here;
    end
    always_ff @(posedge clk_i) begin
      data_q <= part;
      if (start_i) address_q <= word_i;
      else if (we_q) address_q <= address_q + 1'b1;
    end
    always_ff @(posedge clk_i) begin
      if (we_q && (WORDS == LOW || !address_q[AW-1])) mem[LOG'(address_q)] <= data_q;
      if (read_i) low_q <= mem[LOG'(address_i)];
    end
    if (WORDS == LOW) begin : g_one
      assign data_o[WIDTH*l +: WIDTH] = low_q;
    end else begin : g_two
      logic [WIDTH-1:0] rest [WORDS-LOW];
      logic [WIDTH-1:0] rest_q;
      logic             in_rest_q;
      always_ff @(posedge clk_i) begin
        if (we_q && address_q[AW-1]) rest[REST_W'(address_q)] <= data_q;
        if (read_i) rest_q <= rest[REST_W'(address_i)];
        if (read_i) in_rest_q <= address_i[AW-1];
      end
      assign data_o[WIDTH*l +: WIDTH] = in_rest_q ? rest_q : low_q;
    end
    assign clash[l] = we_q && read_i && address_q == address_i;
  end

  logic we_q;
  always_ff @(posedge clk_i) we_q <= we_i;
  `BD_ASSERT(a_restart, !(start_i && (we_i || we_q)), "a beat still on its way when the next one's word is set")
  `BD_ASSERT(a_clash, clash == '0, "a weight word read while it is written")
endmodule
