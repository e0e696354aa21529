// Finds the length of a bit on a serial line: several 'U' (0x55) are a square wave of single bits, and of bytes 0xff behind them
// each is one pulse more and then nine bits of rest. Sixteen neighbouring pulses of one length, within an eighth of it, and then
// two such rests with one pulse between them tell the length. Pulses alone would not: eight bytes 0xf0 are a square wave too, of
// five bits, and a rest may follow where the host pauses. Watches all the time; bytes U, U, U, U, U, U, 0xff, 0xff, 0xff tell it.
module uart_baud #(
  parameter logic [15:0] BIT_CLOCKS = 16'd868  // before the first 'U'
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        rx_i,         // synchronous to the clock
  output logic [15:0] bit_clocks_o
);
  logic        level_q, edge_seen, alike, near, rest;
  logic        found_q, rested_q;  // sixteen pulses alike were seen, and one rest; their length:
  logic [15:0] found_clocks_q;
  logic [15:0] length_q, first_q, bit_clocks_q;  // of this pulse, which stops at the largest value; of the first
  logic [19:0] sum_q;
  // verilator lint_off UNUSEDSIGNAL
  // a sixteenth of it is taken:
  logic [19:0] rounded;
  // verilator lint_on UNUSEDSIGNAL
  logic [3:0]  run_q;  // pulses of one length, less one

  assign edge_seen = rx_i != level_q;
  assign alike = length_q > 16'd2 && length_q != '1 &&
                 {1'b0, length_q} + {4'd0, first_q[15:3]} + 17'd1 >= {1'b0, first_q} &&
                 {1'b0, first_q} + {4'd0, first_q[15:3]} + 17'd1 >= {1'b0, length_q};
  assign near = {1'b0, length_q} + {4'd0, found_clocks_q[15:3]} + 17'd1 >= {1'b0, found_clocks_q} &&
                {1'b0, found_clocks_q} + {4'd0, found_clocks_q[15:3]} + 17'd1 >= {1'b0, length_q};
  assign rest = level_q && (length_q == '1 || {3'd0, length_q} > {found_clocks_q, 3'd0} - {3'd0, found_clocks_q});
  assign rounded = sum_q + 20'(length_q) + 20'd8;
  assign bit_clocks_o = bit_clocks_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      level_q <= 1'b1;
      length_q <= '1;
      first_q <= '0;
      sum_q <= '0;
      run_q <= '0;
      found_q <= 1'b0;
      rested_q <= 1'b0;
      found_clocks_q <= '0;
      bit_clocks_q <= BIT_CLOCKS;
    end else begin
      level_q <= rx_i;
      if (!edge_seen) begin
        if (length_q != '1) length_q <= length_q + 16'd1;
      end else begin
        if (found_q && rest) begin
          rested_q <= 1'b1;
          if (rested_q) begin
            bit_clocks_q <= found_clocks_q;
            found_q <= 1'b0;
          end
        end else if (!near || (rested_q && level_q)) begin
          found_q <= 1'b0;
        end
        length_q <= 16'd1;
        if (!alike) first_q <= length_q;
        run_q <= alike ? run_q + 4'd1 : 4'd0;
        sum_q <= alike ? sum_q + 20'(length_q) : 20'(length_q);
        if (alike && run_q == 4'd14) begin  // with this pulse sixteen are summed
          found_q <= 1'b1;
          rested_q <= 1'b0;
          found_clocks_q <= rounded[19:4];
          run_q <= '0;
          sum_q <= 20'(length_q);
        end
      end
    end
  end
endmodule
