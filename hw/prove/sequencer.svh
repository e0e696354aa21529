  // A frame that runs keeps its context; the watchdog's bite begins an abort, a dead bus ends it, and each ends with a
  // named error; only in the states named here does a frame wait for others.
  logic busy_past_q, bitten_q, dead_past_q, abort_past_q, quiet_past_q, popped_q, late_past_q;
  bitdial_pkg::frame_t frame_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {busy_past_q, bitten_q, dead_past_q, abort_past_q, quiet_past_q, popped_q, late_past_q} <= 7'd0;
    end else begin
      busy_past_q <= busy_o;
      bitten_q <= busy_o && !aborting_o && watchdog_i;
      dead_past_q <= aborting_o && dead_i;
      abort_past_q <= aborting_o;
      popped_q <= frame_pop_o;
      late_past_q <= busy_o && !aborting_o && watchdog_i && late_i && !bus_error_q && !bad_q;
      quiet_past_q <= bus_idle_i && wait_q == 6'd0;
    end
  end
  always_ff @(posedge clk_i) frame_past_q <= frame_o;
  always_comb if (run_q) begin
    assert (state_q <= ABORT && abort_q == (state_q == ABORT) && busy_q == (state_q != IDLE));
    assert (!busy_past_q || frame_o == frame_past_q);
    assert (!bitten_q || aborting_o);
    assert (!late_past_q || error_code_q == bitdial_regs_pkg::ERROR_FRAME_LIMIT);
    assert ((busy_o && !busy_past_q) == popped_q && !(frame_pop_o && busy_o));
    assert (!(aborting_o && (!busy_o || popped_q)) && !(abort_past_q && !aborting_o && busy_o));
    assert (!dead_past_q || !aborting_o);
    assert (!dead_past_q || error_o || quiet_past_q);
    assert (!(error_o && done_o) && !(done_o && aborting_o));
    assert (!error_o || error_code_o != bitdial_regs_pkg::ERROR_NONE);
    assert (!(abort_past_q && aborting_o) || error_code_q != bitdial_regs_pkg::ERROR_NONE);
    assert (!frame_pop_o || (frame_valid_i && !busy_o && !soft_reset_i));
    assert (!aborting_o || error_code_q != bitdial_regs_pkg::ERROR_NONE);
    assert (waiting_o || !busy_o || aborting_o || block_done_i || start_o);
  end
  // Row groups in order: none starts that is not ready or while another is walked, and a layer begins, is stored and ends
  // with all sums of the one before summed.
  logic walked_q, ready_past_q, pool_past_q, same_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {walked_q, ready_past_q, pool_past_q, same_q} <= 4'd0;
    end else begin
      if (aborting_o || !busy_o) walked_q <= 1'b0;
      else if (start_o && !descriptor_i.pool) walked_q <= 1'b1;
      else if (walk_done_i) walked_q <= 1'b0;
      ready_past_q <= startable_i;
      pool_past_q <= descriptor_i.pool;
      same_q <= busy_o && !layer_done_o && !loader_start_o;
    end
  end
  always_comb begin
    assume (!same_q || descriptor_i.pool == pool_past_q);
    assume (!walk_done_i || walked_q);              // walker
    assume (!block_done_i || blocks_q != 17'd0);    // arrays
    if (run_q) begin
      assert (walked_q == (state_q == RUN && !follow_q) || state_q == ABORT);
      assert (!follow_q || (state_q == RUN && !descriptor_i.pool));
      assert (!(state_q == RUN && descriptor_i.pool));
      assert (!start_o || !walked_q);
      assert (!start_o || startable_i || ready_past_q);
      assert (!setup_o || (blocks_q == 17'd0 && !walked_q));
      assert (!(layer_done_o || passes_start_o || done_o) || blocks_q == 17'd0);
      assert (!(state_q == LOAD || state_q == LAYER || state_q == SETUP || state_q == PASSES || state_q == MAPS ||
                state_q == LAYER_END || state_q == DONE) || blocks_q == 17'd0);
    end
  end
