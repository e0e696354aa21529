// Bytes from a serial line, eight bits, no parity, sampled in the middle of each bit. A byte whose stop bit is missing is
// dropped. After the middle of the stop bit the next start bit may come, so that a clock a little off does not add up.
module uart_rx (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        rx_i,          // synchronous to the clock
  input  logic [15:0] bit_clocks_i,  // 3 and more
  output logic        valid_o,       // one clock
  output logic [7:0]  byte_o
);
  logic        busy_q, valid_q;
  logic [15:0] left_q;   // clocks to the next sample
  logic [3:0]  count_q;  // samples taken: start bit, eight bits
  logic [7:0]  byte_q;

  assign valid_o = valid_q;
  assign byte_o = byte_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      valid_q <= 1'b0;
      left_q <= '0;
      count_q <= '0;
      byte_q <= '0;
    end else begin
      valid_q <= 1'b0;
      if (!busy_q) begin
        busy_q <= !rx_i;
        left_q <= (bit_clocks_i >> 1) - 16'd1;
        count_q <= '0;
      end else if (left_q != 0) begin
        left_q <= left_q - 16'd1;
      end else begin
        left_q <= bit_clocks_i - 16'd1;
        count_q <= count_q + 4'd1;
        if (count_q == 0) begin
          busy_q <= !rx_i;  // else a glitch
        end else if (count_q == 4'd9) begin
          busy_q <= 1'b0;
          valid_q <= rx_i;
        end else begin
          byte_q <= {rx_i, byte_q[7:1]};
        end
      end
    end
  end
endmodule
