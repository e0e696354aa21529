// The front alone for sim/bench/front.cpp: walker, window reader and plane memory, with the fields of a descriptor as ports.
// fault_i plants one: the map seems to have a row more.
module front_top #(
  parameter int ROWS = 16,
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
  output logic          busy_o,
  output logic          done_o,
  input  logic          write_i,
  input  logic [3:0]    wbank_i,
  input  logic [AW-1:0] waddr_i,
  input  logic [15:0]   wdata_i,
  input  logic [1:0]    wbe_i,
  output logic          act_valid_o,
  output logic [71:0]   act_lo_o,
  output logic [71:0]   act_hi_o,
  output logic          sum_o,
  output logic [3:0]    pixel_o,
  output logic          first_o,
  output logic [1:0]    shift_o,
  output logic          last_o,
  output logic          plane0_o,
  output logic          swap_o,
  output logic [3:0]    segment_o,
  output logic          plane_first_o,
  output logic          word_first_o,
  output logic          word_last_o,
  output logic          block_last_o,
  output logic          block_small_o,
  output logic          tile_last_o,
  output logic          gather_last_o,
  output logic [1:0]    gather_pair_o,
  output logic [2:0]    gather_group_o,
  output logic          gather_high_o
);
  bitdial_descriptor_pkg::descriptor_t descriptor;
  always_comb begin
    descriptor = '0;
    descriptor.mac = mac_i;
    descriptor.depthwise = depthwise_i;
    descriptor.weight_bits = weight_bits_i;
    descriptor.in_bits = in_bits_i;
    descriptor.in_height = in_height_i + 10'(fault_i);
    descriptor.in_width = in_width_i;
    descriptor.out_width = out_width_i;
    descriptor.kernel_h = kernel_h_i;
    descriptor.kernel_w = kernel_w_i;
    descriptor.stride = stride_i;
    descriptor.pad_top = pad_top_i;
    descriptor.pad_left = pad_left_i;
    descriptor.in_tensor.layout = layout_i;
    descriptor.in_tensor.base = base_i;
    descriptor.in_tensor.cell_words = cell_words_i;
    descriptor.in_tensor.pitch = pitch_i;
    descriptor.tail_banks = tail_banks_i;
    descriptor.sub_rows = sub_rows_i;
    descriptor.sub_columns = sub_columns_i;
    descriptor.word_groups = word_groups_i;
    descriptor.segments = segments_i;
    descriptor.tail_segments = tail_segments_i;
    descriptor.blocks_large = blocks_large_i;
    descriptor.blocks_small = blocks_small_i;
    descriptor.pixels_large = pixels_large_i;
    descriptor.interval_large = interval_large_i;
    descriptor.interval_small = interval_small_i;
  end

  logic            issue, absent;
  logic [AW-1:0]   corner, offset;
  logic [8:0]      read;
  logic [9*AW-1:0] raddr;
  logic [143:0]    rdata;
  bitdial_walk_pkg::place_t place;
  bitdial_walk_pkg::sum_tag_t sum;
  bitdial_walk_pkg::gather_tag_t gather;

  walker #(.ROWS(ROWS), .ACT_WORDS(ACT_WORDS), .MAC_CHANNELS(MAC_CHANNELS)) u_walker (
    .clk_i, .rst_ni, .setup_i, .start_i, .abort_i, .descriptor_i(descriptor), .busy_o, .done_o, .issue_o(issue),
    .corner_o(corner), .offset_o(offset), .place_o(place), .sum_o(sum), .gather_o(gather), .absent_o(absent));
  window_reader #(.ACT_WORDS(ACT_WORDS)) u_reader (
    .clk_i, .rst_ni, .abort_i, .descriptor_i(descriptor), .issue_i(issue), .corner_i(corner), .offset_i(offset),
    .place_i(place), .sum_i(sum), .gather_i(gather), .absent_i(absent), .read_o(read), .raddr_o(raddr), .rdata_i(rdata),
    .act_valid_o, .act_lo_o, .act_hi_o, .sum_o, .pixel_o, .first_o, .shift_o, .last_o, .plane0_o, .swap_o, .segment_o,
    .plane_first_o, .word_first_o, .word_last_o, .block_last_o, .block_small_o, .tile_last_o, .gather_last_o,
    .gather_pair_o, .gather_group_o, .gather_high_o);
  plane_memory #(.ACT_WORDS(ACT_WORDS)) u_memory (
    .clk_i, .rst_ni, .read_i(read), .raddr_i(raddr), .rdata_o(rdata), .write_i, .wbank_i, .waddr_i, .wdata_i, .wbe_i);
endmodule
