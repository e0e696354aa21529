// The front and the arrays wired as in the machine, for sim/bench/core.cpp.
module core_top #(
  parameter int ROWS = 8,
  parameter int ACT_WORDS = 2048,
  parameter int MAC_CHANNELS = 1,
  localparam int AW = $clog2(ACT_WORDS)
) (
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic          fault_i,
  input  logic          setup_i,
  input  logic          start_i,
  input  logic          abort_i,
  input  logic          mac_i,
  input  logic          depthwise_i,
  input  logic          zero_point_i,
  input  logic [3:0]    weight_bits_i,
  input  logic [3:0]    in_bits_i,
  input  logic [9:0]    in_height_i,
  input  logic [9:0]    in_width_i,
  input  logic [9:0]    out_width_i,
  input  logic [9:0]    kernel_h_i,
  input  logic [9:0]    kernel_w_i,
  input  logic [9:0]    stride_i,
  input  logic [3:0]    pad_top_i,
  input  logic [3:0]    pad_left_i,
  input  logic [1:0]    layout_i,
  input  logic [19:0]   base_i,
  input  logic [19:0]   cell_words_i,
  input  logic [19:0]   pitch_i,
  input  logic [3:0]    tail_banks_i,
  input  logic [1:0]    sub_rows_i,
  input  logic [1:0]    sub_columns_i,
  input  logic [10:0]   word_groups_i,
  input  logic [4:0]    segments_i,
  input  logic [4:0]    tail_segments_i,
  input  logic [15:0]   blocks_large_i,
  input  logic [15:0]   blocks_small_i,
  input  logic [4:0]    pixels_large_i,
  input  logic [23:0]   interval_large_i,
  input  logic [23:0]   interval_small_i,
  input  logic [19:0]   weight_plane_i,
  output logic          done_o,
  input  logic          write_i,
  input  logic [3:0]    wbank_i,
  input  logic [AW-1:0] waddr_i,
  input  logic [15:0]   wdata_i,
  input  logic [1:0]    wbe_i,
  input  logic [19:0]   load_word_i,
  input  logic          load_start_i,
  input  logic          load_we_i,
  input  logic [63:0]   load_beat_i,
  input  logic [19:0]   fetch_word_i,
  input  logic          fetch_start_i,
  output logic          fetch_free_o,
  output logic          fetch_ready_o,
  output logic          block_done_o,
  output logic [4:0]    block_pixels_o,
  input  logic          drain_read_i,
  input  logic [3:0]    drain_pixel_i,
  output logic [ROWS*32-1:0] sums_o,
  output logic [31:0]   window_sum_o
);
  logic        act_valid, sum, first, last, plane0, swap, plane_first, word_first, word_last, block_last, gather_high;
  logic [71:0] act_lo, act_hi;
  logic [3:0]  pixel, segment;
  logic [1:0]  shift, gather_pair;
  logic [2:0]  gather_group;
  front_top #(.ROWS(ROWS), .ACT_WORDS(ACT_WORDS), .MAC_CHANNELS(MAC_CHANNELS)) u_front (
    .*, .busy_o(), .act_valid_o(act_valid), .act_lo_o(act_lo), .act_hi_o(act_hi), .sum_o(sum), .pixel_o(pixel),
    .first_o(first), .shift_o(shift), .last_o(last), .plane0_o(plane0), .swap_o(swap), .segment_o(segment),
    .plane_first_o(plane_first), .word_first_o(word_first), .word_last_o(word_last), .block_last_o(block_last),
    .block_small_o(), .tile_last_o(), .gather_last_o(), .gather_pair_o(gather_pair), .gather_group_o(gather_group),
    .gather_high_o(gather_high));
  arrays_bench #(.ROWS(ROWS), .MAC_CHANNELS(MAC_CHANNELS)) u_arrays (
    .*, .act_valid_i(act_valid), .act_lo_i(act_lo), .act_hi_i(act_hi), .sum_i(sum), .pixel_i(pixel), .first_i(first),
    .shift_i(shift), .last_i(last), .plane0_i(plane0), .swap_i(swap), .segment_i(segment), .plane_first_i(plane_first),
    .word_first_i(word_first), .word_last_i(word_last), .block_last_i(block_last), .gather_pair_i(gather_pair),
    .gather_group_i(gather_group), .gather_high_i(gather_high));
endmodule
