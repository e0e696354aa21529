  // Each write gets one response and each read one, after its handshakes and in bounded time; a response that waits does
  // not change; what is written is what was handed over last.
  logic [1:0]  owed_aw_q, owed_w_q, owed_ar_q;  // taken and not answered
  logic        b_waits_q, r_waits_q, b_due_q, r_due_q, r_asked_q;
  logic [1:0]  bresp_past_q, rresp_past_q;
  logic [31:0] rdata_past_q, data_past_q;
  logic [3:0]  strobe_past_q;
  logic [9:0]  waddr_past_q, raddr_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      owed_aw_q <= 2'd0;
      owed_w_q <= 2'd0;
      owed_ar_q <= 2'd0;
      {b_waits_q, r_waits_q, b_due_q, r_due_q, r_asked_q} <= 5'd0;
    end else begin
      owed_aw_q <= owed_aw_q + 2'(awvalid_i && awready_o) - 2'(bvalid_o && bready_i);
      owed_w_q <= owed_w_q + 2'(wvalid_i && wready_o) - 2'(bvalid_o && bready_i);
      owed_ar_q <= owed_ar_q + 2'(arvalid_i && arready_o) - 2'(rvalid_o && rready_i);
      b_waits_q <= bvalid_o && !bready_i;
      r_waits_q <= rvalid_o && !rready_i;
      b_due_q <= owed_aw_q != 2'd0 && owed_w_q != 2'd0 && !bvalid_o;
      r_due_q <= owed_ar_q != 2'd0 && asked_q;
      r_asked_q <= owed_ar_q != 2'd0 && !rvalid_o;
    end
  end
  always_ff @(posedge clk_i) begin
    bresp_past_q <= bresp_o;
    rresp_past_q <= rresp_o;
    rdata_past_q <= rdata_o;
    if (awvalid_i && awready_o) waddr_past_q <= awaddr_i[11:2];
    if (arvalid_i && arready_o) raddr_past_q <= araddr_i[11:2];
    if (wvalid_i && wready_o) {strobe_past_q, data_past_q} <= {wstrb_i, wdata_i};
  end
  always_comb if (run_q) begin
    assert (owed_aw_q == 2'(addr_q) + 2'(bvalid_o));
    assert (owed_w_q == 2'(data_q) + 2'(bvalid_o));
    assert (owed_ar_q == 2'(read_q) + 2'(rvalid_o));
    assert (!b_waits_q || (bvalid_o && bresp_o == bresp_past_q));
    assert (!r_waits_q || (rvalid_o && rresp_o == rresp_past_q && rdata_o == rdata_past_q));
    assert (!b_due_q || bvalid_o);
    assert (!r_due_q || rvalid_o);
    assert (!r_asked_q || rvalid_o || asked_q);
    assert (!asked_q || (read_q && !rvalid_o));
    assert (!addr_q || waddr_q == waddr_past_q);
    assert (!read_q || raddr_q == raddr_past_q);
    assert (!data_q || (write_data_o == data_past_q && write_strobe_o == strobe_past_q));
    assert (!write_o || (write_addr_o == {waddr_past_q, 2'b00} && addr_q && data_q));
    assert (!read_o || (read_addr_o == {raddr_past_q, 2'b00} && read_q));
  end
