  // Whatever the other side does, short of answering what was not asked: an access is told to be over in bounded time and
  // once; what stands on the bus waits unchanged until it is taken; one access is open at a time, and the answer to one that
  // was given up is never taken for that of the next.
  logic [CW:0] waited_q;
  logic        asked_past_q, aw_past_q, w_past_q, ar_past_q;
  logic [31:0] addr_past_q, data_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waited_q <= '0;
      asked_past_q <= 1'b0;
      aw_past_q <= 1'b0;
      w_past_q <= 1'b0;
      ar_past_q <= 1'b0;
    end else begin
      waited_q <= start_i ? '0 : asked_q ? waited_q + 1'b1 : waited_q;
      asked_past_q <= asked_q;
      aw_past_q <= awvalid_o && !awready_i;
      w_past_q <= wvalid_o && !wready_i;
      ar_past_q <= arvalid_o && !arready_i;
    end
  end
  always_ff @(posedge clk_i) begin
    addr_past_q <= addr_q;
    data_past_q <= data_q;
  end
  always_comb begin
    assume (!start_i || (!asked_q && !done_q));  // uart_bridge: one request at a time
    assume (!bvalid_i || (open_q && write_q && !aw_q && !w_q));
    assume (!rvalid_i || (open_q && !write_q && !ar_q));
    if (run_q) begin
      assert (!asked_q || waited_q == {1'b0, clocks_q});
      assert (!asked_q || clocks_q <= CW'(ACCESS_CLOCKS));
      assert (!asked_past_q || asked_q || done_q);
      assert (!done_q || (asked_past_q && !asked_q));
      assert (!next_q || asked_q);
      assert (!asked_q || next_q || open_q);
      assert (!(aw_q || w_q) || (open_q && write_q));
      assert (!ar_q || (open_q && !write_q));
      assert (!aw_past_q || (awvalid_o && awaddr_o == addr_past_q));
      assert (!w_past_q || (wvalid_o && wdata_o == data_past_q));
      assert (!ar_past_q || (arvalid_o && araddr_o == addr_past_q));
      assert (!done_q || timeout_q || !open_q);
    end
  end
