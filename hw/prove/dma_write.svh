  // Bursts stay within 4 KiB and 16 beats, one is open at a time, WLAST is with its last beat, nothing that waits changes,
  // and after an abort no beat that begins enables a byte.
  logic [4:0]  owed_q;            // beats of the burst that the memory waits for
  logic        b_owed_q, aw_waits_q, w_waits_q, beat_waits_q, drop_past_q;
  logic [63:0] awaddr_past_q, wdata_past_q, beat_past_q;
  logic [7:0]  awlen_past_q, wstrb_past_q;
  logic        wlast_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      owed_q <= 5'd0;
      {b_owed_q, aw_waits_q, w_waits_q, beat_waits_q, drop_past_q} <= 5'd0;
    end else begin
      if (awvalid_o && awready_i) owed_q <= awlen_o[4:0] + 5'd1;
      else if (wvalid_o && wready_i) owed_q <= owed_q - 5'd1;
      if (wvalid_o && wready_i && wlast_o) b_owed_q <= 1'b1;
      else if (bvalid_i && bready_o && bid_i == id_i) b_owed_q <= 1'b0;
      aw_waits_q <= awvalid_o && !awready_i;
      w_waits_q <= wvalid_o && !wready_i;
      beat_waits_q <= beat_valid_i && !beat_ready_o;
      drop_past_q <= drop;
    end
  end
  always_ff @(posedge clk_i) begin
    {awaddr_past_q, awlen_past_q} <= {awaddr_o, awlen_o};
    {wdata_past_q, wstrb_past_q, wlast_past_q} <= {wdata_o, wstrb_o, wlast_o};
    beat_past_q <= beat_data_i;
  end
  always_comb begin
    assume (!start_i || (idle_o && !abort_i && addr_i[2:0] == 3'd0 && beats_i != '0));
    assume (!beat_waits_q || (beat_valid_i && beat_data_i == beat_past_q));  // store_unit
    assume (!w_waits_q || beat_data_i == beat_past_q);                       // ... nothing enters it after an abort
    if (run_q) begin
      if (awvalid_o) begin
        assert (awlen_o <= 8'd15 && awaddr_o[2:0] == 3'd0 && {1'b0, awaddr_o[11:3]} + 10'(awlen_o) < 10'd512);
        assert (owed_q == 5'd0 && !b_owed_q && left_q != '0);
      end
      assert (!wvalid_o || (owed_q != 5'd0 && wlast_o == (owed_q == 5'd1)));
      assert (!aw_waits_q || (awvalid_o && awaddr_o == awaddr_past_q && awlen_o == awlen_past_q));
      assert (state_q != ADDRESS || next_q == burst);
      assert (state_q <= RESPONSE && (state_q == IDLE || state_q == DATA || state_q == RESPONSE || left_q != '0));
      assert (!w_waits_q ||
              (wvalid_o && wdata_o == wdata_past_q && wstrb_o == wstrb_past_q && wlast_o == wlast_past_q));
      assert (!(wvalid_o && !w_waits_q && drop_past_q && wstrb_o != 8'h00));
      assert ((state_q == DATA) == (owed_q != 5'd0) && (state_q != DATA || burst_q == owed_q));
      assert ((state_q == RESPONSE) == b_owed_q && owed_q <= 5'd16);
      assert (state_q == IDLE || addr_q[2:0] == 3'd0);
      assert (!dropped_q || state_q != IDLE);
    end
  end
