// Eight LEDs of a board: 0 a frame runs, 1 an error waits (IRQ_STATUS.ERROR), 2 a result waits (IRQ_STATUS.DONE), 3 bytes from the
// host, 4 bytes to the host, 5 button held, 6 out of reset, 7 blinks, 2^25 clocks a turn. Short events are stretched to 2^20 clocks
// so that they are seen.
module lights (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       busy_i,
  input  logic       error_i,
  input  logic       done_i,
  input  logic       uart_rx_i,
  input  logic       uart_tx_i,
  input  logic       button_i,
  output logic [7:0] led_o
);
  logic [24:0] count_q;
  logic [2:0]  seen_q, shown_q;  // since the last change of bit 20 of the count: a frame, bytes from and to the host
  logic        tick_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= '0;
      seen_q <= '0;
      shown_q <= '0;
      tick_q <= 1'b0;
    end else begin
      count_q <= count_q + 1'b1;
      tick_q <= count_q[20];
      seen_q <= (tick_q != count_q[20] ? 3'd0 : seen_q) | {!uart_tx_i, !uart_rx_i, busy_i};
      if (tick_q != count_q[20]) shown_q <= seen_q;
    end
  end
  assign led_o = {count_q[24], rst_ni, button_i, shown_q[2], shown_q[1], done_i, error_i, shown_q[0]};
endmodule
