// Nine lanes of whole codes of 8 bits, four clocks: the sum of the codes whose gate is 1, of which those whose inverse_i is
// 1 are negative: complement plus one; the ones are counted apart.
`include "bitdial_fault.svh"
module mac_lanes (
  input  logic               clk_i,
  input  logic [71:0]        codes_i,    // of the row
  input  logic [71:0]        shared_i,   // of all rows; one of both is 0
  input  logic [8:0]         gate_i,
  input  logic [8:0]         inverse_i,  // 0 where the gate is
  output logic signed [12:0] sum_o
);
  logic [71:0] x;
  logic [3:0]  ones;
  always_comb begin
    ones = 4'd0;
    for (int l = 0; l < 9; l++) begin
      ones = ones + 4'(inverse_i[l]);
      x[8*l +: 8] = ((codes_i[8*l +: 8] | shared_i[8*l +: 8]) ^ {8{inverse_i[l]}}) & {8{gate_i[l]}};
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
