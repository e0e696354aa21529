// Nine lanes of whole codes of 8 bits, four clocks: sum of +code where the weight bit is 1, -code where it is 0.
// Of weights with a zero point only half of that is wanted, offset included: sum of -code where the top plane's bit is 0,
// of +code where another plane's bit is 1. A negative code is its complement plus one; the ones are counted apart.
`include "bitdial_fault.svh"
module mac_lanes (
  input  logic               clk_i,
  input  logic [71:0]        codes_i,
  input  logic [8:0]         bits_i,
  input  logic               zero_point_i,  // of the layer
  input  logic               top_i,         // beside codes_i
  output logic signed [12:0] sum_o
);
  logic [71:0] x;
  logic [8:0]  negative;
  logic [3:0]  ones;
  always_comb begin
    negative = zero_point_i && !top_i ? 9'd0 : ~bits_i;
    ones = 4'd0;
    for (int l = 0; l < 9; l++) begin
      ones = ones + 4'(negative[l]);
      if (!zero_point_i) x[8*l +: 8] = codes_i[8*l +: 8] ^ {8{!bits_i[l]}};
      else if (top_i) x[8*l +: 8] = bits_i[l] ? 8'd0 : ~codes_i[8*l +: 8];
      else x[8*l +: 8] = bits_i[l] ? codes_i[8*l +: 8] : 8'd0;
    end
  end

  logic [8:0]         pair_q [4];
  logic [7:0]         odd_q;
  logic [3:0]         ones_q, ones2_q;
  logic [9:0]         four_q [2];
  logic [8:0]         odd2_q;
  logic [10:0]        eight_q;
  logic signed [12:0] rest_q;
  always_ff @(posedge clk_i) begin
    for (int i = 0; i < 4; i++) pair_q[i] <= 9'(x[16*i +: 8]) + 9'(x[16*i+8 +: 8]);
    {odd_q, ones_q} <= {x[71:64], ones};
    for (int i = 0; i < 2; i++) four_q[i] <= 10'(pair_q[2*i]) + 10'(pair_q[2*i+1]);
    {odd2_q, ones2_q} <= {9'(odd_q) + 9'(ones_q), ones_q};
    eight_q <= 11'(four_q[0]) + 11'(four_q[1]);
    rest_q <= signed'({4'd0, odd2_q}) - (`BD_FAULT(8) ? 13'sd0 : signed'({1'b0, ones2_q, 8'd0}));
    sum_o <= signed'({2'b00, eight_q}) + rest_q;
  end
endmodule
