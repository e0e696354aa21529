// hw/datapath/arrays.sv with the descriptor's fields as ports of their own, for sim/bench/arrays.cpp.
module arrays_bench #(
  parameter int ROWS = 8,
  parameter int MAC_CHANNELS = 1,
  parameter int GATES = 0
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               mac_i,
  input  logic               depthwise_i,
  input  logic               zero_point_i,
  input  logic [3:0]         weight_bits_i,
  input  logic [3:0]         in_bits_i,
  input  logic [1:0]         layout_i,
  input  logic [1:0]         sub_rows_i,
  input  logic [1:0]         sub_columns_i,
  input  logic [10:0]        word_groups_i,
  input  logic [4:0]         segments_i,
  input  logic [4:0]         tail_segments_i,
  input  logic [15:0]        blocks_large_i,
  input  logic [15:0]        blocks_small_i,
  input  logic [4:0]         pixels_large_i,
  input  logic [19:0]        weight_plane_i,
  input  logic [19:0]        load_word_i,
  input  logic [19:0]        fetch_word_i,
  input  logic               abort_i,
  input  logic               load_start_i,
  input  logic               load_we_i,
  input  logic [63:0]        load_beat_i,
  input  logic               fetch_start_i,
  output logic               fetch_free_o,
  output logic               fetch_ready_o,
  input  logic               act_valid_i,
  input  logic [71:0]        act_lo_i,
  input  logic [71:0]        act_hi_i,
  input  logic               sum_i,
  input  logic [3:0]         pixel_i,
  input  logic               first_i,
  input  logic [1:0]         shift_i,
  input  logic               last_i,
  input  logic               plane0_i,
  input  logic               swap_i,
  input  logic [3:0]         segment_i,
  input  logic               plane_first_i,
  input  logic               word_first_i,
  input  logic               word_last_i,
  input  logic [1:0]         gather_pair_i,
  input  logic [2:0]         gather_group_i,
  input  logic               gather_high_i,
  input  logic               block_last_i,
  output logic               block_done_o,
  output logic [4:0]         block_pixels_o,
  input  logic               drain_read_i,
  input  logic [3:0]         drain_pixel_i,
  output logic [ROWS*32-1:0] sums_o,
  output logic [31:0]        window_sum_o
);
  bitdial_descriptor_pkg::descriptor_t descriptor_i;
  always_comb begin
    descriptor_i = '0;
    descriptor_i.mac = mac_i;
    descriptor_i.depthwise = depthwise_i;
    descriptor_i.zero_point = zero_point_i;
    descriptor_i.weight_bits = weight_bits_i;
    descriptor_i.in_bits = in_bits_i;
    descriptor_i.in_tensor.layout = layout_i;
    descriptor_i.sub_rows = sub_rows_i;
    descriptor_i.sub_columns = sub_columns_i;
    descriptor_i.word_groups = word_groups_i;
    descriptor_i.segments = segments_i;
    descriptor_i.tail_segments = tail_segments_i;
    descriptor_i.blocks_large = blocks_large_i;
    descriptor_i.blocks_small = blocks_small_i;
    descriptor_i.pixels_large = pixels_large_i;
    descriptor_i.weight_plane = weight_plane_i;
  end
  arrays #(.ROWS(ROWS), .MAC_CHANNELS(MAC_CHANNELS), .XNOR(1), .ACC_BITS(32), .WEIGHT_WORDS(32768), .GATES(GATES)) u_arrays (.*);
endmodule
