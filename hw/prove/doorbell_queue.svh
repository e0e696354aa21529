  // Any one doorbell, followed from its ring to its frame: the frame is what rang, and as many come before it as waited;
  // and never are more than IN_FLIGHT in flight.
  (* anyseq *) logic pick;
  logic       followed_q, pop_past_q, clear_past_q;
  logic [1:0] before_q;
  logic [2:0] held_past_q;
  logic [31:0] precision_past_q, count_past_q;
  bitdial_pkg::frame_t expected_q;
  logic       run_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) if (!rst_ni) run_past_q <= 1'b0; else run_past_q <= 1'b1;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      followed_q <= 1'b0;
      before_q <= 2'd0;
      held_past_q <= 3'd0;
      pop_past_q <= 1'b0;
      clear_past_q <= 1'b0;
    end else begin
      held_past_q <= held_i;
      pop_past_q <= frame_pop_i;
      clear_past_q <= clear_i;
      if (clear_i) followed_q <= 1'b0;
      else if (!followed_q) begin
        followed_q <= push && pick;
        before_q <= level_q - 2'(frame_pop_i);
      end else if (frame_pop_i) begin
        before_q <= before_q - 2'd1;
        if (before_q == 2'd0) followed_q <= 1'b0;
      end
    end
  end
  always_ff @(posedge clk_i) {precision_past_q, count_past_q} <= {precision_i, switch_count_i};
  always_ff @(posedge clk_i) if (!followed_q) expected_q <= bell_i;
  always_comb begin
    assume (!ring_i || (run_past_q && precision_i == precision_past_q && switch_count_i == count_past_q));  // csr
    assume (!(frame_pop_i && (level_q == 2'd0 || clear_i)));              // sequencer
    assume (!run_q || 5'(held_i) <= 5'(held_past_q) + 5'(pop_past_q));            // a frame is held from its pop on
    if (run_q) begin
      assert (level_q <= 2'd2);
      assert (5'(level_q) + 5'(held_past_q) + 5'(pop_past_q) <= 5'(bitdial_pkg::IN_FLIGHT));
      assert (!clear_past_q || level_q == 2'd0);
      assert (!(push && (precision_i >= switch_count_i || level_q == 2'd2)));
      if (followed_q) begin
        assert (before_q < level_q);
        assert ((before_q == 2'd0 ? head_q : tail_q) == expected_q);
        if (frame_pop_i && before_q == 2'd0) assert (frame_o == expected_q);
      end
    end
  end
