  // With a sequencer that does what its own proof says, no wait lasts longer than the limit and two clocks, no
  // abort longer than ABORT_CLOCKS and one. A frame is late, in any clock from its sixth on, where its clocks and the one after
  // are more than its limit, and only there: none goes on for more than a clock then, and none that keeps it is late.
  logic [32:0] wait_q, aborted_q;  // clocks of the wait, of the abort so far
  logic [32:0] ran_q;              // clocks of the frame before this one, three of them before its start
  logic [31:0] bound_q;            // its limit
  logic        bite_past_q, dead_past_q, start_past_q, busy_past_q, abort_past_q;
  logic [31:0] limit_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      wait_q <= 33'd0;
      aborted_q <= 33'd0;
      bite_past_q <= 1'b0;
      dead_past_q <= 1'b0;
      {ran_q, bound_q} <= '0;
      {start_past_q, busy_past_q, abort_past_q} <= 3'd0;
    end else begin
      if (start_i) {ran_q, bound_q} <= {33'd4, frame_limit_i};
      else if (busy_i && ran_q != '1) ran_q <= ran_q + 33'd1;
      {start_past_q, busy_past_q, abort_past_q} <= {start_i, busy_i, aborting_i};
      if (!busy_i || aborting_i || progress_i) wait_q <= 33'd0;
      else if (wait_q != 33'h0ffffffff) wait_q <= wait_q + 33'd1;
      aborted_q <= aborting_i ? aborted_q + 33'd1 : 33'd0;
      bite_past_q <= bite_o && busy_i && !aborting_i;
      dead_past_q <= dead_o && aborting_i;
    end
  end
  always_ff @(posedge clk_i) limit_past_q <= limit_i;
  always_comb begin
    assume (!run_q || limit_i == limit_past_q || !bite_past_q);
    assume (!run_q || limit_i == limit_past_q);
    assume (limit_i != 32'hffffffff);
    assume (!bite_past_q || aborting_i || !busy_i);  // sequencer.svh
    assume (!dead_past_q || !aborting_i);            // sequencer.svh
    assume (!(start_i && busy_i) && !(aborting_i && !busy_i));                          // sequencer.svh
    assume (!run_q || (busy_i && !busy_past_q) == start_past_q);                        // sequencer.svh
    assume (!(abort_past_q && !aborting_i && busy_i) && !(start_past_q && aborting_i)); // sequencer.svh
    if (run_q) begin
      assert (progress_q ? wait_q == 33'd0 : wait_q == 33'(still_q) || wait_q == 33'(still_q) + 33'd1 || still_q == 32'hffffffff);
      if (limit_i != 32'd0) begin
        assert (33'(still_q) <= 33'(limit_i) + 33'd1 && (33'(still_q) <= 33'(limit_i) || bite_past_q));
        assert (wait_q <= 33'(limit_i) + 33'd2);
      end
      assert (aborted_q <= 33'(ABORT_CLOCKS) + 33'd1 && (aborted_q <= 33'(ABORT_CLOCKS) || dead_past_q));
      if (busy_i && !aborting_i && bound_q != 32'd0) begin
        assert (ran_q >= 33'd4 && bounded_q && left_q == bound_q - 32'(ran_q) + 32'd4);
        assert (late_o == (ran_q > 33'd4 && 33'(bound_q) <= ran_q));
        assert (ran_q <= 33'd5 || ran_q <= 33'(bound_q));
      end
      if (busy_i && !aborting_i && bound_q == 32'd0) assert (!late_o && !bounded_q);
      assert (33'(abort_q) == (aborted_q > 33'(ABORT_CLOCKS) ? 33'(ABORT_CLOCKS) : aborted_q));
    end
  end
