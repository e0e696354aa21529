// The weight words of a MAC tile, in the walker's order: pixel, sub-window, group, plane from the top down, pair of
// channels; depthwise: pixel, sub-window, plane. One a clock: address_o is the word, take_i asks for the next. K words are
// walked ahead into a queue of two, planes and pairs of channels behind it.
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
  // of the layer: last values of counters, steps
  logic          byte_layout, one_bit, one_group_q, skip_q, small_one_q, large_one_q;
  logic          no_small_q, one_large_q, one_small_q;
  logic [3:0]    subs_m1_q;
  logic [2:0]    pairs_q, tail_pairs_q, top_q;
  logic [10:0]   groups_m2_q;
  logic [AW-1:0] plane_words, stride_q, skipping_q;
  logic [4:0]    large_m2_q, small_m2_q;
  logic [15:0]   blocks_large_m2_q, blocks_small_m2_q;
  assign byte_layout = descriptor_i.in_tensor.layout == 2'd2;
  assign one_bit = descriptor_i.in_bits == 4'd1;
  assign plane_words = AW'(descriptor_i.weight_plane);

  function automatic logic [2:0] last_pair(input logic [4:0] segments);
    last_pair = MAC_CHANNELS == 2 ? 3'(segments - 5'd1) : 3'((segments - 5'd1) >> 1);
  endfunction
  function automatic logic [3:0] last_sub(input logic [1:0] rows, input logic [1:0] columns);
    case ({rows, columns})
      4'b01_01: last_sub = 4'd0;
      4'b01_10, 4'b10_01: last_sub = 4'd1;
      4'b01_11, 4'b11_01: last_sub = 4'd2;
      4'b10_10: last_sub = 4'd3;
      4'b10_11, 4'b11_10: last_sub = 4'd5;
      default: last_sub = 4'd8;
    endcase
  endfunction

  always_ff @(posedge clk_i) begin
    one_group_q <= descriptor_i.depthwise || descriptor_i.word_groups == 11'd1;
    groups_m2_q <= descriptor_i.word_groups - 11'd2;
    stride_q <= descriptor_i.depthwise || byte_layout ? AW'(1) : one_bit ? AW'(8) : AW'(4);
    subs_m1_q <= last_sub(descriptor_i.sub_rows, descriptor_i.sub_columns);
    // groups of 8 channels are stored in twos where there are several sub-windows
    skip_q <= !descriptor_i.depthwise && !byte_layout && !one_bit && descriptor_i.word_groups[0] && subs_m1_q != 4'd0;
    skipping_q <= skip_q ? AW'(8) : stride_q;
    pairs_q <= descriptor_i.depthwise ? 3'd0 : last_pair(descriptor_i.segments);
    tail_pairs_q <= descriptor_i.depthwise ? 3'd0 : last_pair(descriptor_i.tail_segments);
    top_q <= 3'(descriptor_i.weight_bits - 4'd1);
    {large_m2_q, small_m2_q} <= {descriptor_i.pixels_large - 5'd2, descriptor_i.pixels_large - 5'd3};
    {large_one_q, small_one_q} <= {descriptor_i.pixels_large == 5'd1, descriptor_i.pixels_large == 5'd2};
    {blocks_large_m2_q, blocks_small_m2_q} <= {descriptor_i.blocks_large - 16'd2, descriptor_i.blocks_small - 16'd2};
    {one_large_q, one_small_q} <= {descriptor_i.blocks_large == 16'd1, descriptor_i.blocks_small == 16'd1};
    no_small_q <= descriptor_i.blocks_small == 16'd0;
  end

  // K words: where the walk is; flags say what is the last of its kind.
  logic          busy_q, tail_q, sub_last_q, pixel_last_q, kind_last_q, small_q;
  logic [AW-1:0] base_q, word_q;
  logic [10:0]   group_q;
  logic [3:0]    sub_q;
  logic [4:0]    pixel_q;
  logic [15:0]   block_q;
  logic          push, sub_end, pixel_end, block_end, kind_end, tile_end, begin_now, load;
  assign sub_end = tail_q;
  assign pixel_end = sub_end && sub_last_q;
  assign block_end = pixel_end && pixel_last_q;
  assign kind_end = block_end && kind_last_q;
  assign tile_end = kind_end && (small_q || no_small_q);
  assign begin_now = next_i && !next_take_o && !busy_q;
  assign load = begin_now || (push && tile_end && next_i && !next_take_o);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      next_take_o <= 1'b0;
    end else begin
      next_take_o <= load && !abort_i;
      if (abort_i) busy_q <= 1'b0;
      else if (load) busy_q <= 1'b1;
      else if (push && tile_end) busy_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) if (begin_now || push) begin
    if (load) begin
      {base_q, word_q} <= {2{next_base_i}};
      {group_q, sub_q, pixel_q, block_q, small_q} <= '0;
      {tail_q, sub_last_q, pixel_last_q, kind_last_q} <= {one_group_q, subs_m1_q == 4'd0, large_one_q, one_large_q};
    end else begin
      tail_q <= one_group_q || (!tail_q && group_q == groups_m2_q);
      group_q <= sub_end ? 11'd0 : group_q + 11'd1;
      if (sub_end) begin
        sub_q <= sub_last_q ? 4'd0 : sub_q + 4'd1;
        sub_last_q <= subs_m1_q == 4'd0 || (!sub_last_q && sub_q + 4'd1 == subs_m1_q);
      end
      if (pixel_end) begin
        pixel_q <= pixel_last_q ? 5'd0 : pixel_q + 5'd1;
        pixel_last_q <= pixel_last_q ? (small_q || kind_last_q ? small_one_q : large_one_q)
                                     : pixel_q == (small_q ? small_m2_q : large_m2_q);
      end
      if (block_end) begin
        block_q <= kind_last_q ? 16'd0 : block_q + 16'd1;
        kind_last_q <= kind_last_q ? one_small_q : block_q == (small_q ? blocks_small_m2_q : blocks_large_m2_q);
      end
      if (kind_end) small_q <= 1'b1;
      word_q <= pixel_end ? base_q : word_q + (tail_q ? skipping_q : stride_q);
    end
  end

  // The queue.
  logic [1:0]    count_q;
  logic          pop;
  logic [AW:0]   first_q, second_q;  // {last group, word}
  assign push = busy_q && !count_q[1];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) count_q <= 2'd0;
    else if (abort_i) count_q <= 2'd0;
    else count_q <= count_q + 2'(push) - 2'(pop);
  end
  always_ff @(posedge clk_i) begin
    if (push) second_q <= {tail_q, word_q};
    if (pop || count_q == 2'd0) first_q <= count_q[1] ? second_q : {tail_q, word_q};
  end

  // Planes and pairs of a K word.
  logic          in_word_q, plane_end, word_end;
  logic [AW-1:0] address_q, plane_q;
  logic [2:0]    pair_q, last_q, p_q;
  assign plane_end = pair_q == last_q;
  assign word_end = plane_end && p_q == top_q;
  assign pop = count_q != 2'd0 && (!in_word_q || (take_i && word_end));
  assign valid_o = in_word_q;
  assign address_o = address_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) in_word_q <= 1'b0;
    else if (abort_i) in_word_q <= 1'b0;
    else if (pop) in_word_q <= 1'b1;
    else if (take_i && word_end) in_word_q <= 1'b0;
  end
  always_ff @(posedge clk_i) begin
    if (pop) begin
      {address_q, plane_q} <= {2{first_q[AW-1:0]}};
      last_q <= first_q[AW] ? tail_pairs_q : pairs_q;
      {pair_q, p_q} <= '0;
    end else if (take_i) begin
      pair_q <= plane_end ? 3'd0 : pair_q + 3'd1;
      if (plane_end) p_q <= p_q + 3'd1;
      if (plane_end) {address_q, plane_q} <= {2{plane_q + plane_words}};
      else address_q <= address_q + 1'b1;
    end
  end
endmodule
