// Clocks of compute of the MAC array: weight planes from the top, within a plane segments. A word's begin with the clock
// after the last one of its gather and end at the latest with the last one of the next word's gather.
`include "bitdial_assert.svh"
module mac_sequence #(
  parameter int MAC_CHANNELS = 1
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       abort_i,
  input  logic       gathered_i,      // last clock of a word's gather; with it the word's:
  input  logic [2:0] top_plane_i,     // weight bits - 1
  input  logic [3:0] segments_m1_i,
  input  bitdial_walk_pkg::sum_tag_t tag_i,  // pixel to tile_last
  output bitdial_walk_pkg::sum_tag_t tag_o
);
  logic       on_q, first_q;
  logic [2:0] plane_q;
  logic [3:0] segment_q, segments_m1_q;
  bitdial_walk_pkg::sum_tag_t tag_q;
  logic       plane_last, word_last;

  assign plane_last = segment_q == segments_m1_q;
  assign word_last = plane_last && plane_q == 3'd0;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) on_q <= 1'b0;
    else if (abort_i) on_q <= 1'b0;
    else if (gathered_i) on_q <= 1'b1;
    else if (word_last) on_q <= 1'b0;
  end
  always_ff @(posedge clk_i) begin
    first_q <= gathered_i;
    if (gathered_i) begin
      plane_q <= top_plane_i;
      segment_q <= 4'd0;
      segments_m1_q <= segments_m1_i;
      tag_q <= tag_i;
    end else begin
      segment_q <= plane_last ? 4'd0 : segment_q + 4'd1;
      if (plane_last) plane_q <= plane_q - 3'd1;
    end
  end
  always_comb begin
    tag_o = tag_q;
    tag_o.sum = on_q;
    tag_o.plane0 = plane_q == 3'd0;
    tag_o.swap = on_q && (MAC_CHANNELS != 1 || !segment_q[0]);  // a weight word holds a pair of channels
    tag_o.segment = segment_q;
    tag_o.plane_first = segment_q == 4'd0;
    tag_o.word_first = first_q;
    tag_o.word_last = word_last;
    tag_o.block_last = on_q && tag_q.block_last && word_last;
  end

  `BD_ASSERT(mac_word_in_turn, !(gathered_i && on_q && !word_last), "a word is computed before the one before it has ended")
endmodule
