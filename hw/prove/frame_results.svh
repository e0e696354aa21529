  // Any one frame, followed from its end: its result is shown by the acknowledgement that is its turn, whole, and stays
  // until the next acknowledgement.
  (* anyseq *) logic pick;
  logic         waits_q, shown_now_q;   // the frame that is followed
  logic [1:0]   before_q;
  logic [W-1:0] expected_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waits_q <= 1'b0;
      shown_now_q <= 1'b0;
      before_q <= 2'd0;
    end else begin
      if (pop) shown_now_q <= waits_q && before_q == 2'd0;
      if (drop_i) waits_q <= 1'b0;
      else if (waits_q && pop) begin
        before_q <= before_q - 2'd1;
        if (before_q == 2'd0) waits_q <= 1'b0;
      end else if (!waits_q && !shown_now_q && done_i && pick) begin
        waits_q <= 1'b1;
        before_q <= level_o - 2'(pop);
      end
    end
  end
  always_ff @(posedge clk_i) if (!waits_q && !shown_now_q) expected_q <= {tag_i, switch_i, counters_i};
  always_comb begin
    assume (!(done_i && (level_o == 2'(bitdial_pkg::IN_FLIGHT) || drop_i)));  // doorbell_queue.svh, sequencer
    assume (!(drop_i && pop));                                               // one write at a time
    if (run_q) begin
      assert (!(waits_q && shown_now_q));
      if (waits_q) assert (before_q < level_o && kept[2'(shown_q + before_q + 2'd1)] == expected_q);
      if (shown_now_q) assert (any_q && {tag_o, switch_o, counters_o} == expected_q);
      assert (causes_o[bitdial_regs_pkg::IRQ_STATUS_DONE_LSB] == (level_o != 2'd0));
    end
  end
