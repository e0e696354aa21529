// Bytes to a serial line: a start bit, eight bits, lowest first, a stop bit.
module uart_tx (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [15:0] bit_clocks_i,
  input  logic        valid_i,
  input  logic [7:0]  byte_i,
  output logic        ready_o,
  output logic        tx_o
);
  logic [9:0]  bits_q;   // what is still to be sent; ones follow
  logic [3:0]  count_q;  // bits left
  logic [15:0] left_q;

  assign ready_o = count_q == 0;
  assign tx_o = bits_q[0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      bits_q <= '1;
      count_q <= '0;
      left_q <= '0;
    end else if (count_q == 0) begin
      if (valid_i) begin
        bits_q <= {1'b1, byte_i, 1'b0};
        count_q <= 4'd10;
        left_q <= bit_clocks_i - 16'd1;
      end
    end else if (left_q != 0) begin
      left_q <= left_q - 16'd1;
    end else begin
      bits_q <= {1'b1, bits_q[9:1]};
      count_q <= count_q - 4'd1;
      left_q <= bit_clocks_i - 16'd1;
    end
  end
endmodule
