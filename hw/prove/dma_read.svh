  // Against any memory that answers what was asked for and no more: bursts stay within 4 KiB and 16 beats, at most four
  // are open, an address that waits does not change, and a job that is not aborted reads its beats, each once, in order.
  logic [3:0]  bursts_q;                 // taken by the memory and not ended
  logic [7:0]  owed_q;                   // beats of those
  logic [63:0] at_q, araddr_past_q;
  logic [BW-1:0] left_q;                 // beats of the job that the memory was not asked for
  logic [7:0]  arlen_past_q;
  logic        ar_waits_q, quiet_q, mine;
  logic [BW:0] shown;                    // beats of the burst that is being asked for
  assign mine = rvalid_i && rid_i == id_i;
  assign shown = arvalid_o ? (BW+1)'(arlen_o) + 1'b1 : '0;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      bursts_q <= 4'd0;
      owed_q <= 8'd0;
      ar_waits_q <= 1'b0;
      quiet_q <= 1'b1;
      left_q <= '0;
      at_q <= 64'd0;
    end else begin
      bursts_q <= bursts_q + 4'(arvalid_o && arready_i) - 4'(mine && rready_o && rlast_i);
      owed_q <= owed_q + (arvalid_o && arready_i ? arlen_o + 8'd1 : 8'd0) - 8'(mine && rready_o);
      ar_waits_q <= arvalid_o && !arready_i;
      quiet_q <= drop && !arvalid_o;
      if (start_i) begin
        left_q <= beats_i;
        at_q <= addr_i;
      end else if (arvalid_o && arready_i) begin
        left_q <= left_q - BW'(shown);
        at_q <= at_q + 64'({shown, 3'd0});
      end
    end
  end
  always_ff @(posedge clk_i) {araddr_past_q, arlen_past_q} <= {araddr_o, arlen_o};
  always_comb begin
    assume (!start_i || (idle_o && !abort_i && addr_i[2:0] == 3'd0 && beats_i != '0));
    assume (!mine || bursts_q != 4'd0);
    assume (!mine || owed_q > 8'(bursts_q) || rlast_i);                                // a beat is owed for each burst,
    assume (!(mine && rlast_i) || owed_q - 8'd1 <= 8'd16 * (8'(bursts_q) - 8'd1));    // and 16 at most
    assume (!mine || bursts_q > 4'd1 || rlast_i == (owed_q == 8'd1));
    if (run_q) begin
      assert (bursts_q <= 4'd4 && open_q <= 3'd4 && 4'(open_q) == bursts_q + 4'(arvalid_o));
      assert (owed_q >= 8'(bursts_q) && owed_q <= 8'd16 * 8'(bursts_q) && (owed_q != 8'd0 || bursts_q == 4'd0));
      if (arvalid_o) begin
        assert (arlen_o <= 8'd15 && araddr_o[2:0] == 3'd0 && {1'b0, araddr_o[11:3]} + 10'(arlen_o) < 10'd512);
        assert (araddr_o == at_q && shown <= (BW+1)'(left_q));
      end
      assert (!ar_waits_q || (arvalid_o && araddr_o == araddr_past_q && arlen_o == arlen_past_q));
      assert (!(quiet_q && arvalid_o && dropped_q));
      assert (!beat_valid_o || (mine && active_q && !drop));
      if (active_q) begin
        assert ((BW+1)'(ask_q) + shown == (BW+1)'(left_q) && next_addr == at_q + 64'({shown, 3'd0}));
        assert (next_addr[2:0] == 3'd0);
        assert ((BW+2)'(expect_q) == (BW+2)'(left_q) + (BW+2)'(owed_q));
        assert (dropped_q || expect_q != '0);
      end else begin
        assert (open_q == 3'd0 && !dropped_q);
      end
    end
  end
