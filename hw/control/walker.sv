// Walks one tile (row group) of a convolution: block by block, and within a block
//     XNOR: step, sub-window row, sub-window column, group of channels, pixel
//     MAC:  pixel, sub-window row, sub-window column, group of channels, word to gather
// Counters are stage 0, which begins two clocks after start_i; places stand one clock later at the outputs. setup_i comes
// once a layer, at least eight clocks before the first start_i; the tiles of a layer follow by start_i.
`include "bitdial_assert.svh"
module walker #(
  parameter int ROWS = 16,
  parameter int ACT_WORDS = 2048,
  parameter int MAC_CHANNELS = 1,
  localparam int AW = $clog2(ACT_WORDS)
) (
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic          setup_i,
  input  logic          start_i,
  input  logic          abort_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic          busy_o,
  output logic          done_o,
  output logic          issue_o,   // stage 1, as what follows
  output logic [AW-1:0] corner_o,  // address of the cell of the window's corner
  output logic [AW-1:0] offset_o,  // to be added
  output bitdial_walk_pkg::place_t place_o,
  output bitdial_walk_pkg::sum_tag_t sum_o,
  output bitdial_walk_pkg::gather_tag_t gather_o,
  output logic          absent_o   // stage 2: the group is past the tensor's last one
);
  localparam int GW = bitdial_walk_pkg::GATHER_W;
  // With one-bit codes and eight rows a tile of a depthwise layer needs half a word.
  localparam logic HALF_WORDS = ROWS == 8;
  logic mac, depthwise;
  assign mac = MAC_CHANNELS > 0 && descriptor_i.mac;
  assign depthwise = MAC_CHANNELS > 0 && descriptor_i.depthwise;

  // --- constants of the layer, pace of the blocks ---------------------------------------------------------------------
  logic          soon, load, wide, one_group;
  logic [2:0]    pairs;
  logic [GW-1:0] gather;
  logic [3:0]    planes;
  logic [4:0]    segments, tail_segments;
  logic [10:0]   groups;
  logic [1:0]    stride_mod, ym0, xm0;
  logic [AW-1:0] origin, right, right_wrap, down, down_wrap;
  logic          block, block_small, block_tile_last;

  walker_constants #(.ROWS(ROWS), .AW(AW)) u_constants (
    .clk_i, .rst_ni, .setup_i, .descriptor_i, .soon_o(soon), .load_o(load), .wide_o(wide), .pairs_o(pairs), .gather_o(gather),
    .planes_o(planes), .segments_o(segments), .tail_segments_o(tail_segments), .groups_o(groups), .one_group_o(one_group),
    .stride_mod_o(stride_mod), .origin_o(origin), .right_o(right), .right_wrap_o(right_wrap), .down_o(down),
    .down_wrap_o(down_wrap), .ym_o(ym0), .xm_o(xm0));
  walker_pace u_pace (
    .clk_i, .rst_ni, .start_i, .abort_i, .blocks_large_i(descriptor_i.blocks_large),
    .blocks_small_i(descriptor_i.blocks_small), .interval_large_i(descriptor_i.interval_large),
    .interval_small_i(descriptor_i.interval_small), .block_o(block), .small_o(block_small), .last_o(block_tile_last),
    .busy_o, .done_o);

  // --- stage 0: counters ----------------------------------------------------------------------------------------------
  logic          issue, slot_first, index_last, group_last, column_last, row_last, word_first, word_last;
  logic          outer_first, walk_last, less, tile_last, step_next, plane0, step_last;
  logic [3:0]    index, outer;
  logic [1:0]    shift, pair_next, pair_start, top_pair;
  logic [2:0]    top_plane;
  assign top_pair = 2'(pairs - 3'd1);
  assign pair_start = soon ? top_pair : pair_next;
  assign top_plane = 3'(descriptor_i.weight_bits - 4'd1);

  walker_words u_words (
    .clk_i, .rst_ni, .abort_i, .block_i(block), .block_small_i(block_small), .tile_last_i(block_tile_last),
    .mac_i(mac), .sub_rows_i(descriptor_i.sub_rows), .sub_columns_i(descriptor_i.sub_columns),
    .groups_i(groups), .one_group_i(one_group), .pixels_i(descriptor_i.pixels_large), .gather_i(gather), .planes_i(planes),
    .segments_i(segments), .tail_segments_i(tail_segments), .step_last_i(step_last), .issue_o(issue), .index_o(index),
    .slot_first_o(slot_first), .index_last_o(index_last), .group_last_o(group_last),
    .column_last_o(column_last), .row_last_o(row_last), .word_first_o(word_first), .word_last_o(word_last),
    .outer_first_o(outer_first), .outer_o(outer), .walk_last_o(walk_last), .small_o(less), .tile_last_o(tile_last),
    .step_next_o(step_next));
  walker_steps u_steps (
    .clk_i, .begin_i(block), .next_i(step_next), .top_plane_i(top_plane), .top_pair_i(top_pair),
    .plane0_o(plane0), .last_o(step_last), .shift_o(shift), .pair_next_o(pair_next));

  bitdial_walk_pkg::sum_tag_t xnor_tag, word_tag, mac_tag;
  always_comb begin
    word_tag = '0;
    word_tag.pixel = outer;
    word_tag.first = word_first;
    word_tag.last = word_last;
    word_tag.block_last = walk_last;
    word_tag.block_small = less;
    word_tag.tile_last = tile_last;
    xnor_tag = '0;
    xnor_tag.sum = issue;
    xnor_tag.pixel = index;
    xnor_tag.first = word_first && outer_first;
    xnor_tag.shift = word_first ? shift : 2'd0;
    xnor_tag.last = walk_last;
    xnor_tag.plane0 = plane0;
    xnor_tag.swap = issue && slot_first;
    xnor_tag.block_last = issue && index_last && walk_last;
    xnor_tag.block_small = less;
    xnor_tag.tile_last = tile_last;
  end
  if (MAC_CHANNELS > 0) begin : g_mac
    logic [3:0] segments_m1;
    assign segments_m1 = 4'((group_last ? tail_segments : segments) - 5'd1);
    mac_sequence #(.MAC_CHANNELS(MAC_CHANNELS)) u_sequence (
      .clk_i, .rst_ni, .abort_i, .gathered_i(mac && issue && index_last), .top_plane_i(top_plane),
      .segments_m1_i(segments_m1), .tag_i(word_tag), .tag_o(mac_tag));
  end else begin : g_no_mac
    assign mac_tag = word_tag;
  end

  // --- stage 1: places ------------------------------------------------------------------------------------------------
  logic       pixel_next_q, pixel_back_q, block_first_q, home_q;
  logic       step_q, column_q, row_q, start_q;
  logic [AW-1:0] xnor_start_q, tile_start;
  logic       issue_q, sum_q, tail_q, index_last_q;
  // verilator lint_off UNUSEDSIGNAL
  bitdial_walk_pkg::sum_tag_t sum_tag_q;  // but for sum
  // verilator lint_on UNUSEDSIGNAL
  logic       word_end, tile_end;
  assign word_end = issue && index_last;
  assign tile_end = word_end && walk_last && tile_last;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      issue_q <= 1'b0;
      sum_q <= 1'b0;
    end else begin
      issue_q <= issue && !abort_i;
      sum_q <= (mac ? mac_tag.sum : xnor_tag.sum) && !abort_i;
    end
  end
  always_ff @(posedge clk_i) begin
    pixel_next_q <= mac ? word_end && word_last : issue;
    pixel_back_q <= !mac && word_end && !walk_last;
    block_first_q <= issue && slot_first && word_first && outer_first;
    home_q <= tile_end;
    step_q <= mac ? issue : word_end;  // where nothing of the following
    column_q <= word_end && group_last && !column_last;
    row_q <= word_end && group_last && column_last && !row_last;
    start_q <= word_end && word_last;
    xnor_start_q <= origin + AW'(pair_start);
    tail_q <= group_last;
    index_last_q <= index_last;
    sum_tag_q <= mac ? mac_tag : xnor_tag;
  end
  always_comb begin
    sum_o = sum_tag_q;
    sum_o.sum = sum_q;
  end

  walker_place #(.AW(AW)) u_place (
    .clk_i, .home_i(load || home_q), .first_i(block_first_q), .next_i(pixel_next_q), .back_i(pixel_back_q),
    .stride_i(descriptor_i.stride[2:0]), .stride_mod_i(stride_mod), .width_i(descriptor_i.out_width), .right_i(right),
    .right_wrap_i(right_wrap), .down_i(down), .down_wrap_i(down_wrap), .ym_i(ym0), .xm_i(xm0), .corner_o, .y_o(place_o.y),
    .x_o(place_o.x), .ym_o(place_o.ym), .xm_o(place_o.xm));
  walker_offset #(.AW(AW)) u_offset (
    .clk_i, .step_i(step_q), .column_i(column_q), .row_i(row_q), .start_i(load || start_q),
    .start_offset_i(mac ? tile_start : xnor_start_q), .word_step_i(mac ? 3'd1 : pairs),
    .cell_words_i(AW'(descriptor_i.in_tensor.cell_words)), .pitch_i(AW'(descriptor_i.in_tensor.pitch)), .offset_o,
    .sy_o(place_o.sy), .sx_o(place_o.sx));
  assign place_o.tail = tail_q;
  assign issue_o = issue_q;

  // --- depthwise: groups of channels of the tile's rows ---------------------------------------------------------------
  walker_gather #(.AW(AW), .HALF_WORDS(HALF_WORDS)) u_gather (
    .clk_i, .load_i(soon), .origin_i(origin), .tile_i(tile_end), .issue_i(issue_q && mac), .last_i(index_last_q),
    .depthwise_i(depthwise), .wide_i(wide), .gather_i(gather), .pairs_i(pairs),
    .cell_words_i(AW'(descriptor_i.in_tensor.cell_words)), .start_o(tile_start), .pair_o(gather_o.pair),
    .group_o(gather_o.group), .high_o(gather_o.high), .absent_o);
  assign gather_o.last = index_last_q && mac;
endmodule
