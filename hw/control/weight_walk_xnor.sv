// The K words of an XNOR tile, in the walker's order: block, step (exponent from high to low, weight plane from the top
// down), sub-window, group. address_o is the first weight-memory word of a K word; take_i asks for the next one, which
// stands there three clocks later. A tile follows the one before at once if it is there (next_i).
//
// Exponent i + 2k is counted from the top plane's: f = i + 2k - (w - 1), 2(na - 1) down to 1 - w; with p = w - 1 - i the
// planes of one f are p, p + 2, ..., and k = (f + p) / 2.
module weight_walk_xnor #(
  parameter int AW = 10
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
  // of the layer
  logic [1:0]    pairs_m1;  // activation pairs less one
  logic          one_bit, skip_q;
  logic [3:0]    subs_q, across;
  logic [16:0]   blocks_q;
  logic [AW-1:0] plane_words, plane_words2;
  logic [3:0]    top;  // w - 1
  assign one_bit = descriptor_i.in_bits == 4'd1;
  assign pairs_m1 = one_bit ? 2'd0 : 2'((descriptor_i.in_bits - 4'd1) >> 1);
  assign plane_words = AW'(descriptor_i.weight_plane);
  assign plane_words2 = {plane_words[AW-2:0], 1'b0};
  assign top = descriptor_i.weight_bits - 4'd1;
  assign across = 4'(descriptor_i.sub_columns);
  always_ff @(posedge clk_i) begin
    subs_q <= descriptor_i.sub_rows == 2'd3 ? across + {across[2:0], 1'b0} : across << (descriptor_i.sub_rows - 2'd1);
    skip_q <= !one_bit && subs_q != 4'd1 && descriptor_i.word_groups[0];
    blocks_q <= 17'(descriptor_i.blocks_large) + 17'(descriptor_i.blocks_small);
  end

  // where the walk is
  logic              busy_q;
  logic [1:0]        settle_q;  // clocks since the last change, up to 2: what follows from it is registered
  logic [AW-1:0]     base_q, address_q, plane_q, start_q;
  logic [10:0]       group_q;
  logic [3:0]        sub_q, p_q;
  logic [1:0]        k_q;
  logic [16:0]       block_q;
  logic signed [4:0] f_q;

  // what comes next: one clock after a change, then two
  logic              group_last_q, sub_last_q, same_q, f_last_q, block_last_q;
  logic [AW-1:0]     near_q, same_base_q, down_q, second_q, far_q, start2_q;
  logic signed [4:0] f_next_q, f2_q;
  logic [3:0]        p2_q;
  logic [1:0]        k2_q;
  localparam logic [1:0] SAME = 2'd0, BASE = 2'd1, SECOND = 2'd2, DOWN = 2'd3;
  logic [1:0]        way_q;
  logic              f_is_last;
  assign f_is_last = f_q == 5'sd0 - 5'(top);
  always_ff @(posedge clk_i) begin
    group_last_q <= group_q == descriptor_i.word_groups - 11'd1;
    sub_last_q <= sub_q == subs_q - 4'd1;
    same_q <= p_q + 4'd2 <= top && k_q != pairs_m1;
    f_last_q <= f_is_last;
    block_last_q <= block_q == blocks_q - 17'd1;
    f_next_q <= f_q - (top == 4'd0 ? 5'sd2 : 5'sd1);
    same_base_q <= plane_q + plane_words2;
    down_q <= start_q + plane_words;
    second_q <= base_q + plane_words;
    near_q <= address_q + (one_bit || (group_last_q && skip_q) ? AW'(8) : AW'(4));  // group_last_q: settled a clock later
    // the next step: of the same f, or from plane 0, 1, or one further than before
    if (p_q + 4'd2 <= top && k_q != pairs_m1) way_q <= SAME;
    else if (f_q[4] && !f_is_last) way_q <= DOWN;
    else way_q <= f_is_last || f_q[0] || top == 4'd0 ? BASE : SECOND;
    f2_q <= same_q ? f_q : f_last_q ? {2'b00, pairs_m1, 1'b0} : f_next_q;
    k2_q <= same_q ? k_q + 2'd1 : f_last_q ? pairs_m1 : f_next_q[4] ? 2'd0 : 2'((f_next_q + 5'sd1) >>> 1);
    p2_q <= same_q ? p_q + 4'd2 : f_last_q ? 4'd0 : f_next_q[4] ? 4'(-f_next_q) : {3'd0, f_next_q[0]};
    case (way_q)
      SAME: {far_q, start2_q} <= {same_base_q, start_q};
      BASE: {far_q, start2_q} <= {base_q, base_q};
      SECOND: {far_q, start2_q} <= {second_q, second_q};
      default: {far_q, start2_q} <= {down_q, down_q};
    endcase
  end

  logic step_end, tile_end, begin_now, load;  // ends: settled when a word may be taken
  always_ff @(posedge clk_i) begin
    step_end <= group_last_q && sub_last_q;
    tile_end <= group_last_q && sub_last_q && !same_q && f_last_q && block_last_q;
  end
  assign begin_now = next_i && !next_take_o && !busy_q;
  assign load = begin_now || (take_i && tile_end && next_i && !next_take_o);
  assign valid_o = busy_q && settle_q == 2'd2;
  assign address_o = address_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      settle_q <= 2'd0;
      next_take_o <= 1'b0;
    end else begin
      next_take_o <= load && !abort_i;
      if (abort_i) busy_q <= 1'b0;
      else if (load) busy_q <= 1'b1;
      else if (take_i && tile_end) busy_q <= 1'b0;
      if (take_i || begin_now) settle_q <= 2'd0;
      else if (settle_q != 2'd2) settle_q <= settle_q + 2'd1;
    end
  end
  always_ff @(posedge clk_i) if (begin_now || take_i) begin
    if (load) begin
      {base_q, address_q, plane_q, start_q} <= {4{next_base_i}};
      {group_q, sub_q, block_q} <= '0;
      {f_q, p_q, k_q} <= {2'b00, pairs_m1, 1'b0, 4'd0, pairs_m1};
    end else begin
      group_q <= group_last_q ? 11'd0 : group_q + 11'd1;
      if (group_last_q) sub_q <= sub_last_q ? 4'd0 : sub_q + 4'd1;
      address_q <= step_end ? far_q : near_q;
      if (step_end) begin
        {f_q, p_q, k_q} <= {f2_q, p2_q, k2_q};
        {plane_q, start_q} <= {far_q, start2_q};
        if (!same_q && f_last_q) block_q <= block_q + 17'd1;
      end
    end
  end
endmodule
