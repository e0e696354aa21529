  // With a sequencer that does what its own proof says, no wait lasts longer than the limit and two clocks, no
  // abort longer than ABORT_CLOCKS and one.
  logic [32:0] wait_q, aborted_q;  // clocks of the wait, of the abort so far
  logic        bite_past_q, dead_past_q;
  logic [31:0] limit_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      wait_q <= 33'd0;
      aborted_q <= 33'd0;
      bite_past_q <= 1'b0;
      dead_past_q <= 1'b0;
    end else begin
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
    if (run_q) begin
      assert (progress_q ? wait_q == 33'd0 : wait_q == 33'(still_q) || wait_q == 33'(still_q) + 33'd1 || still_q == 32'hffffffff);
      if (limit_i != 32'd0) begin
        assert (33'(still_q) <= 33'(limit_i) + 33'd1 && (33'(still_q) <= 33'(limit_i) || bite_past_q));
        assert (wait_q <= 33'(limit_i) + 33'd2);
      end
      assert (aborted_q <= 33'(ABORT_CLOCKS) + 33'd1 && (aborted_q <= 33'(ABORT_CLOCKS) || dead_past_q));
      assert (33'(abort_q) == (aborted_q > 33'(ABORT_CLOCKS) ? 33'(ABORT_CLOCKS) : aborted_q));
    end
  end
