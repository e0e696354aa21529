  // A frame that runs keeps its context; the watchdog's bite begins an abort, a dead bus ends it, and each ends with a
  // named error; only in the states named here does a frame wait for others.
  logic busy_past_q, bitten_q, dead_past_q, abort_past_q, errors_q;
  bitdial_pkg::frame_t frame_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {busy_past_q, bitten_q, dead_past_q, abort_past_q} <= 4'd0;
    end else begin
      busy_past_q <= busy_o;
      bitten_q <= busy_o && !aborting_o && watchdog_i;
      dead_past_q <= aborting_o && dead_i;
      abort_past_q <= aborting_o;
    end
  end
  always_ff @(posedge clk_i) frame_past_q <= frame_o;
  always_comb if (run_q) begin
    assert (state_q <= ABORT);
    assert (!busy_past_q || frame_o == frame_past_q);
    assert (!bitten_q || aborting_o);
    assert (!dead_past_q || !aborting_o);
    assert (!(aborting_o && dead_i) || error_o || (bus_idle_i && wait_q == 7'd0));
    assert (!(error_o && done_o) && !(done_o && aborting_o));
    assert (!error_o || error_code_o != bitdial_regs_pkg::ERROR_NONE);
    assert (!(abort_past_q && aborting_o) || error_code_q != bitdial_regs_pkg::ERROR_NONE);
    assert (!frame_pop_o || (frame_valid_i && !busy_o && !soft_reset_i));
    assert (!aborting_o || error_code_q != bitdial_regs_pkg::ERROR_NONE);
  end
