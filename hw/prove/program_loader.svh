  // A frame goes on only when the program of the last one that was rung with `reload` has come onto the chip whole, part by part,
  // without an abort between; and each part is read once.
  logic       stale_q;   // no whole load since then
  logic [2:0] parts_q;   // of the load under way, that have come
  logic       part_end;
  assign part_end = (state_q == PART && !bad_q && !any_q) || (state_q == PART_RUN && job_end);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      stale_q <= 1'b1;
      parts_q <= 3'd0;
    end else begin
      if (state_q == IDLE || abort_i) parts_q <= 3'd0;
      else if (part_end) parts_q <= parts_q + 3'd1;
      if (other_i) stale_q <= 1'b1;
      else if (part_end && !abort_i && parts_q == 3'd3) stale_q <= 1'b0;
    end
  end
  always_comb begin
    assume (!(other_i && (busy_o || start_i || abort_i)));  // sequencer: a frame is taken while none runs
    if (run_q) begin
      assert (!(ready_o && stale_q));
      assert (loaded_q == !stale_q);
      assert (busy_q == (state_q != IDLE));
      assert (!(loaded_q && busy_o));
      assert (!(state_q == LOOK || state_q == PART || state_q == PART_RUN) || parts_q == 3'(part_q));
      assert (!(state_q == HEAD || state_q == HEAD_RUN) || parts_q == 3'd0);
      assert (state_q == IDLE || state_q == HEAD || state_q == HEAD_RUN || state_q == LOOK || state_q == PART ||
              state_q == PART_RUN);
      assert (!(any_q && !bad_q) || beats_q != '0);
      assert (!dma_start_o || dma_beats_o != '0);
    end
  end
