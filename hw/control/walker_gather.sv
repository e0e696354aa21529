// What a MAC word's gather reads: pairs of planes, and for depthwise layers the groups of channels of the tile's rows,
// which lie one behind the other in a cell, tile after tile.
module walker_gather #(
  parameter int AW = 12,
  parameter logic HALF_WORDS = 1'b0,  // one-bit codes: a word serves the rows of two tiles
  localparam int GW = bitdial_walk_pkg::GATHER_W
) (
  input  logic          clk_i,
  input  logic          load_i,        // begin of the layer, when origin_i holds
  input  logic [AW-1:0] origin_i,
  input  logic          tile_i,        // stage 0: last issue of the tile
  input  logic          issue_i,       // stage 1
  input  logic          last_i,        // ... last issue of the word
  input  logic          depthwise_i,
  input  logic          wide_i,        // one-bit codes
  input  logic [GW-1:0] gather_i,      // words of a gather
  input  logic [2:0]    pairs_i,       // words of a group
  input  logic [AW-1:0] cell_words_i,
  output logic [AW-1:0] start_o,       // stage 1: origin and the tile's first word in a cell; after tile_i the next tile's
  output logic [1:0]    pair_o,
  output logic [2:0]    group_o,
  output logic          high_o,
  output logic          absent_o       // stage 2: no such group of channels
);
  logic [AW-1:0] start_q, following_q;     // this tile's, the next one's
  logic [AW-1:0] left_q, following_left_q;  // words of a cell from the tile's on
  logic [AW-1:0] words;                     // of a tile
  logic          odd_q, high_q, absent_q, tile_q;
  logic [1:0]    pair_q;
  logic [2:0]    group_q;
  logic [GW-1:0] index_q;
  logic          pair_last;

  assign pair_last = pair_q == 2'(pairs_i - 3'd1);
  assign words = (HALF_WORDS && wide_i) ? AW'(odd_q) : AW'(gather_i);
  always_ff @(posedge clk_i) begin
    following_q <= start_q + words;
    following_left_q <= left_q - words;
    high_q <= HALF_WORDS && wide_i && depthwise_i && odd_q;
    absent_q <= depthwise_i && AW'(index_q) >= left_q;
    tile_q <= tile_i && depthwise_i;
    if (load_i) begin
      start_q <= origin_i;
      odd_q <= 1'b0;
    end else if (tile_i && depthwise_i) begin
      start_q <= following_q;
      odd_q <= !odd_q;
    end
    if (load_i) left_q <= cell_words_i;
    else if (tile_q) left_q <= following_left_q;
    if (load_i || (issue_i && last_i)) begin
      index_q <= '0;
      pair_q <= 2'd0;
      group_q <= 3'd0;
    end else if (issue_i) begin
      index_q <= index_q + GW'(1);
      pair_q <= pair_last ? 2'd0 : pair_q + 2'd1;
      if (pair_last) group_q <= group_q + 3'd1;
    end
  end
  assign start_o = start_q;
  assign pair_o = pair_q;
  assign group_o = group_q;
  assign high_o = high_q;
  assign absent_o = absent_q;
endmodule
