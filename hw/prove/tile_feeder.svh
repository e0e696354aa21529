  // Row groups are handed over one ahead, each started once and in order; a stream slot is handed over full, and not again
  // before the row group in it has left.
  logic [1:0] out0_q, out1_q;  // row groups of each slot that were handed over and have not left
  logic       next_q, leaves_q, pool_past_q, same_q, streamed_past_q, release_now;
  assign release_now = left_i && streamed;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {out0_q, out1_q} <= 4'd0;
      {next_q, leaves_q, pool_past_q, same_q, streamed_past_q} <= 5'd0;
    end else begin
      same_q <= !setup_i;
      streamed_past_q <= streamed;
      pool_past_q <= d.pool;
      if (frame_i) begin
        {out0_q, out1_q} <= 4'd0;
        {next_q, leaves_q} <= 2'd0;
      end else begin
        out0_q <= out0_q + 2'(hand_o && streamed && !next_q) - 2'(release_now && !leaves_q);
        out1_q <= out1_q + 2'(hand_o && streamed && next_q) - 2'(release_now && leaves_q);
        if (hand_o && streamed) next_q <= !next_q;
        if (release_now) leaves_q <= !leaves_q;
      end
    end
  end
  always_comb begin
    assume (!same_q || (streamed == streamed_past_q && d.pool == pool_past_q));
    assume (!start_i || startable_o);                                        // sequencer.svh
    assume (!(frame_i && (setup_i || abort_i || start_i || left_i || hands_q != '0)));   // a frame begins with nothing under way
    assume (!(setup_i && (start_i || left_i || starts_q != '0)));
    assume (!(abort_i && left_i));
    assume (!left_i || !streamed || (leaves_q ? out1_q : out0_q) != 2'd0);    // the back lets none go that it was not given
    if (run_q) begin
      assert (slot_q == next_q && oldest_q == leaves_q);
      assert (out0_q == 2'(taken_q[0]) && out1_q == 2'(taken_q[1]));
      assert (!(hand_o && streamed) || (tile_ready_i[next_q] && (next_q ? out1_q : out0_q) == 2'd0));
      assert ((next_q != leaves_q) == (taken_q[0] != taken_q[1]) && (taken_q[leaves_q] || taken_q == 2'b00));
      assert (starts_q == hands_q + CW'(waiting_q));
      assert (!hand_o || (!waiting_q && tables_ready_i && (fetch_free_i || d.pool)));
      assert (!startable_o || waiting_q);
      assert (release_o == release_now);
    end
  end
