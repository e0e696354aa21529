// Counters of a block's walk: outer (XNOR: steps; MAC: pixels), sub-window row and column, group of channels, and the
// slot of a K word. A slot's first clocks issue (XNOR: pixels; MAC: words to gather); it lasts at least as long as the
// word's weights take (XNOR: to be read; MAC: to be computed, plane by plane, segment by segment). One slot follows the
// other until the block is walked; block_i, in the clock before, begins the next one.
`include "bitdial_assert.svh"
module walker_words (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       abort_i,
  input  logic       block_i,
  input  logic       block_small_i,
  input  logic       tile_last_i,      // with block_i: the tile's last block
  input  logic       mac_i,
  input  logic [1:0] sub_rows_i,
  input  logic [1:0] sub_columns_i,
  input  logic [10:0] groups_i,
  input  logic       one_group_i,
  input  logic [4:0] pixels_i,         // of a large block
  input  logic [bitdial_walk_pkg::GATHER_W-1:0] gather_i,
  input  logic [3:0] planes_i,         // a slot lasts planes x segments clocks or more
  input  logic [4:0] segments_i,
  input  logic [4:0] tail_segments_i,  // ... for the last word of a sub-window
  input  logic       step_last_i,      // of walker_steps
  output logic       issue_o,
  output logic [3:0] index_o,          // XNOR: pixel of the issue
  output logic       slot_first_o,     // first clock of a slot
  output logic       index_last_o,     // last issue of a slot
  output logic       group_last_o,
  output logic       column_last_o,    // last sub-window of its row
  output logic       row_last_o,
  output logic       word_first_o,     // first word of a step, of a pixel
  output logic       word_last_o,
  output logic       outer_first_o,
  output logic [3:0] outer_o,          // MAC: pixel
  output logic       walk_last_o,      // last word of the block
  output logic       small_o,
  output logic       tile_last_o,
  output logic       step_next_o       // last clock of a step
);
  localparam int GW = bitdial_walk_pkg::GATHER_W;
  logic          run_q, issue_q, slot_first_q, group_last_q, word_first_q, outer_first_q, small_q, tile_last_q, over_q;
  logic [3:0]    index_q, planes_left_q, outer_q;
  logic [GW-1:0] index_left_q;              // what is left counts this one: 1 is the last
  logic [4:0]    segments_left_q, outer_left_q, block_pixels;
  logic [10:0]   groups_left_q;
  logic [1:0]    row_q, column_q;
  logic          plane_last, over, slot_last, less, next_group_last;

  assign plane_last = segments_left_q == 5'd1;
  assign over = over_q || (plane_last && planes_left_q == 4'd1);
  assign slot_last = over && (index_last_o || !issue_q);
  assign less = block_i ? block_small_i : small_q;
  assign block_pixels = less ? pixels_i - 5'd1 : pixels_i;
  assign next_group_last = one_group_i || (!block_i && !group_last_q && groups_left_q == 11'd2);

  assign index_last_o = index_left_q == GW'(1);
  assign column_last_o = column_q == sub_columns_i - 2'd1;
  assign row_last_o = row_q == sub_rows_i - 2'd1;
  assign word_last_o = group_last_q && column_last_o && row_last_o;
  assign walk_last_o = word_last_o && (mac_i ? outer_left_q == 5'd1 : step_last_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) run_q <= 1'b0;
    else if (abort_i) run_q <= 1'b0;
    else if (block_i) run_q <= 1'b1;
    else if (slot_last && walk_last_o) run_q <= 1'b0;
  end
  always_ff @(posedge clk_i) begin
    slot_first_q <= block_i || slot_last;
    if (block_i || slot_last) begin
      issue_q <= 1'b1;
      over_q <= 1'b0;
      index_q <= 4'd0;
      index_left_q <= mac_i ? gather_i : GW'(block_pixels);
      segments_left_q <= next_group_last ? tail_segments_i : segments_i;
      planes_left_q <= planes_i;
    end else begin
      if (index_last_o) issue_q <= 1'b0;
      over_q <= over;
      index_q <= index_q + 4'd1;
      index_left_q <= index_left_q - GW'(1);
      segments_left_q <= !plane_last ? segments_left_q - 5'd1 : group_last_q ? tail_segments_i : segments_i;
      if (plane_last) planes_left_q <= planes_left_q - 4'd1;
    end
    if (block_i) begin
      small_q <= block_small_i;
      tile_last_q <= tile_last_i;
      group_last_q <= one_group_i;
      groups_left_q <= groups_i;
      column_q <= 2'd0;
      row_q <= 2'd0;
      word_first_q <= 1'b1;
      outer_first_q <= 1'b1;
      outer_q <= 4'd0;
      outer_left_q <= block_pixels;
    end else if (slot_last) begin
      group_last_q <= next_group_last;
      groups_left_q <= group_last_q ? groups_i : groups_left_q - 11'd1;
      if (group_last_q) column_q <= column_last_o ? 2'd0 : column_q + 2'd1;
      if (group_last_q && column_last_o) row_q <= row_last_o ? 2'd0 : row_q + 2'd1;
      word_first_q <= word_last_o;
      if (word_last_o) begin
        outer_first_q <= 1'b0;
        outer_q <= outer_q + 4'd1;
        outer_left_q <= outer_left_q - 5'd1;
      end
    end
  end
  assign issue_o = run_q && issue_q;
  assign index_o = index_q;
  assign slot_first_o = slot_first_q;
  assign group_last_o = group_last_q;
  assign word_first_o = word_first_q;
  assign outer_first_o = outer_first_q;
  assign outer_o = outer_q;
  assign small_o = small_q;
  assign tile_last_o = tile_last_q;
  assign step_next_o = slot_last && word_last_o;

  `BD_ASSERT(walk_in_interval, !(block_i && run_q && !(slot_last && walk_last_o)),
             "a block begins before the one before it is walked: its words are lost")
endmodule
