// Stands in for the pipelined requantizer: its arithmetic in one clock, then as many clocks of delay.
module requantizer_delay #(
  parameter int MULT_BITS = 24,
  parameter int BIAS_BITS = 52,
  parameter int Z_CLOCKS = 13,
  parameter int CODE_CLOCKS = 15
) (
  input  logic                 clk_i,
  input  logic                 in_signed_i,  // of the layer, as are zero_point to sign_only
  input  logic                 zero_point_i,
  input  logic                 sign_only_i,
  input  logic [5:0]           shift_i,
  input  logic [17:0]          code_multiplier_i,
  input  logic [31:0]          code_offset_i,
  input  logic [4:0]           code_shift_i,
  input  logic [3:0]           out_bits_i,
  input  logic                 add_stream_i,
  input  logic [31:0]          sum_i,
  input  logic [23:0]          correct_i,
  input  logic [MULT_BITS-1:0] multiplier_i,
  input  logic [BIAS_BITS-1:0] bias_i,
  input  logic [31:0]          stream_i,
  output logic [31:0]          z_o,
  output logic [7:0]           code_o
);
  logic signed [32:0] acc;
  logic signed [63:0] t, sum;
  logic signed [31:0] z;
  logic signed [51:0] value;
  logic [7:0] top, code;
  always_comb begin
    acc = (in_signed_i ? {sum_i, 1'b0} : 33'($signed(sum_i))) + 33'($signed(correct_i));
    if (zero_point_i) acc = acc >>> 1;
    t = 64'(acc) * 64'($signed(multiplier_i)) + 64'($signed(bias_i));
    sum = (t >>> shift_i) + (add_stream_i ? 64'($signed(stream_i)) : 64'sd0);
    z = sum[31:0];
    if (sum[63:31] != {33{sum[63]}}) z = sum[63] ? 32'h80000000 : 32'h7fffffff;
    value = (52'(z) * $signed({34'd0, code_multiplier_i}) + 52'($signed(code_offset_i))) >>> code_shift_i;
    top = 8'hff >> (4'd8 - out_bits_i);
    code = value[51] ? 8'd0 : (value > $signed({44'd0, top})) ? top : value[7:0];
    if (sign_only_i) code = {7'd0, !t[63]};
  end
  logic [32*Z_CLOCKS-1:0] z_q;
  logic [8*CODE_CLOCKS-1:0] code_q;
  always_ff @(posedge clk_i) begin
    z_q <= (32*Z_CLOCKS)'({z_q, z});
    code_q <= (8*CODE_CLOCKS)'({code_q, code});
  end
  assign z_o = z_q[32*(Z_CLOCKS-1) +: 32];
  assign code_o = code_q[8*(CODE_CLOCKS-1) +: 8];
endmodule
