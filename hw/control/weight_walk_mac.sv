// The weight words of a MAC tile, in the walker's order: pixel, sub-window, group, plane from the top down, pair of
// channels; depthwise: pixel, sub-window, plane. One a clock: address_o is the word, take_i asks for the next.
// A tile follows the one before at once if it is there (next_i).
module weight_walk_mac #(
  parameter int AW = 10,
  parameter int MAC_CHANNELS = 1
) (
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic          abort_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic          next_i,       // a tile waits
  input  logic [AW-1:0] next_base_i,  // its first word
  output logic          next_take_o,
  output logic          valid_o,
  output logic [AW-1:0] address_o,
  input  logic          take_i
);
  // of the layer: last values of counters
  logic          byte_layout, one_bit, one_group_q;
  logic [3:0]    stride_q, skipping_q, subs_m1_q;
  logic [2:0]    pairs_q, tail_pairs_q, top_q;
  logic [10:0]   groups_m2_q;
  logic [AW-1:0] plane_words;
  logic [4:0]    pixels_m1_q;
  assign byte_layout = descriptor_i.in_tensor.layout == 2'd2;
  assign one_bit = descriptor_i.in_bits == 4'd1;
  assign plane_words = AW'(descriptor_i.weight_plane);

  function automatic logic [2:0] last_pair(input logic [4:0] segments);
    last_pair = MAC_CHANNELS == 2 ? 3'(segments - 5'd1) : 3'((segments - 5'd1) >> 1);
  endfunction

  always_ff @(posedge clk_i) begin
    one_group_q <= descriptor_i.depthwise || descriptor_i.word_groups == 11'd1;
    groups_m2_q <= descriptor_i.word_groups - 11'd2;
    stride_q <= descriptor_i.depthwise || byte_layout ? 4'd1 : one_bit ? 4'd8 : 4'd4;
    subs_m1_q <= 4'(descriptor_i.sub_rows) * 4'(descriptor_i.sub_columns) - 4'd1;
    // groups of 8 channels are stored in twos where there are several sub-windows
    skipping_q <= !descriptor_i.depthwise && !byte_layout && !one_bit && descriptor_i.word_groups[0] && subs_m1_q != 4'd0
        ? 4'd8 : stride_q;
    pairs_q <= descriptor_i.depthwise ? 3'd0 : last_pair(descriptor_i.segments);
    tail_pairs_q <= descriptor_i.depthwise ? 3'd0 : last_pair(descriptor_i.tail_segments);
    top_q <= 3'(descriptor_i.weight_bits - 4'd1);
    pixels_m1_q <= descriptor_i.pixels_large - 5'd1;
  end

  // where the walk is
  logic          busy_q, tail_q, small_q;
  logic [AW-1:0] base_q, address_q, plane_q, word_q;
  logic [2:0]    pair_q, p_q;
  logic [10:0]   group_q;
  logic [3:0]    sub_q;
  logic [4:0]    pixel_q;
  logic [15:0]   block_q;

  logic [AW-1:0] step;  // to the next K word
  logic plane_end, word_end, sub_end, pixel_end, block_end, kind_end, tile_end, load;
  assign plane_end = pair_q == (tail_q ? tail_pairs_q : pairs_q);
  assign word_end = plane_end && p_q == top_q;
  assign sub_end = word_end && tail_q;
  assign pixel_end = sub_end && sub_q == subs_m1_q;
  assign block_end = pixel_end && pixel_q == (small_q ? pixels_m1_q - 5'd1 : pixels_m1_q);
  assign kind_end = block_end && block_q == (small_q ? descriptor_i.blocks_small : descriptor_i.blocks_large) - 16'd1;
  assign tile_end = kind_end && (small_q || descriptor_i.blocks_small == 16'd0);
  assign load = next_i && !next_take_o && (!busy_q || (take_i && tile_end));
  assign step = tail_q ? AW'(skipping_q) : AW'(stride_q);
  assign valid_o = busy_q;
  assign address_o = address_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      next_take_o <= 1'b0;
    end else begin
      next_take_o <= load && !abort_i;
      if (abort_i) busy_q <= 1'b0;
      else if (load) busy_q <= 1'b1;
      else if (take_i && tile_end) busy_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) begin
    if (load) begin
      {base_q, address_q, plane_q, word_q} <= {4{next_base_i}};
      {pair_q, p_q, group_q, sub_q, pixel_q, block_q, small_q} <= '0;
      tail_q <= one_group_q;
    end else if (take_i) begin
      pair_q <= plane_end ? 3'd0 : pair_q + 3'd1;
      if (plane_end) p_q <= word_end ? 3'd0 : p_q + 3'd1;
      if (word_end) begin
        tail_q <= one_group_q || (!tail_q && group_q == groups_m2_q);
        group_q <= tail_q ? 11'd0 : group_q + 11'd1;
      end
      if (sub_end) sub_q <= pixel_end ? 4'd0 : sub_q + 4'd1;
      if (pixel_end) pixel_q <= block_end ? 5'd0 : pixel_q + 5'd1;
      if (block_end) block_q <= kind_end ? 16'd0 : block_q + 16'd1;
      if (kind_end) small_q <= 1'b1;
      if (pixel_end) {address_q, plane_q, word_q} <= {3{base_q}};
      else if (word_end) {address_q, plane_q, word_q} <= {3{word_q + step}};
      else if (plane_end) {address_q, plane_q} <= {2{plane_q + plane_words}};
      else address_q <= address_q + 1'b1;
    end
  end
endmodule
