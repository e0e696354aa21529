// One requantizer, the RTL half of model/exec/requantize.h:
//     acc = (signed ? 2P : P) + preset,  t = M acc + B,  z = sat32((t >> sh) + r),
//     code = clamp((S z + H) >> ss, 0, 2^out_bits - 1)
// with arithmetic shifts. A value enters with valid_i; z stands five clocks later, the code seven.
module requantizer #(
  parameter int MULT_BITS = 24,
  parameter int FAULT = 0
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 valid_i,
  input  logic                 in_signed_i,  // of the layer, as are shift to out_bits
  input  logic [5:0]           shift_i,
  input  logic [17:0]          code_multiplier_i,
  input  logic [31:0]          code_offset_i,
  input  logic [4:0]           code_shift_i,
  input  logic [3:0]           out_bits_i,
  input  logic                 add_stream_i,
  input  logic [31:0]          sum_i,        // P
  input  logic [31:0]          preset_i,
  input  logic [MULT_BITS-1:0] multiplier_i, // M, signed
  input  logic [47:0]          bias_i,       // B, signed
  input  logic [31:0]          stream_i,     // r, signed
  output logic [31:0]          z_o,
  output logic [7:0]           code_o
);
  logic [5:0] valid_q;
  logic signed [31:0]             acc_q, r1_q, r2_q, r3_q, r4_q;
  logic signed [MULT_BITS-1:0]    multiplier_q;
  logic signed [47:0]             bias1_q, bias2_q;
  logic signed [MULT_BITS+31:0]   product_q;
  logic signed [63:0]             t_q, shifted_q;
  logic signed [31:0]             z_q;
  logic signed [51:0]             scaled_q;
  logic        [7:0]              code_q;

  // Beyond 32 bits the value saturates. The sum needs 64 bits at most, as |M acc| <= 2^62 and |B| < 2^47.
  function automatic logic [31:0] saturate(input logic signed [63:0] sum);
    saturate = sum[31:0];
    if (sum[63:31] != {33{sum[63]}}) saturate = sum[63] ? 32'h80000000 : 32'h7fffffff;
  endfunction

  function automatic logic [7:0] to_code(input logic signed [51:0] scaled, input logic [31:0] addend,
                                         input logic [4:0] shift, input logic [3:0] bits);
    logic signed [51:0] value;
    logic [7:0] top;
    value = scaled + 52'($signed(addend));
    if (FAULT == 1) value = value + ((52'sd1 <<< shift) - 52'sd1);
    value = value >>> shift;
    top = 8'hff >> (4'd8 - bits);
    to_code = value[51] ? 8'd0 : (value > $signed({44'd0, top})) ? top : value[7:0];
  endfunction

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 6'd0;
    else valid_q <= {valid_q[4:0], valid_i};
  end
  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      acc_q <= (in_signed_i ? {sum_i[30:0], 1'b0} : sum_i) + preset_i;
      multiplier_q <= multiplier_i;
      bias1_q <= bias_i;
      r1_q <= add_stream_i ? stream_i : 32'd0;
    end
    if (valid_q[0]) begin
      product_q <= (MULT_BITS+32)'(acc_q) * (MULT_BITS+32)'(multiplier_q);
      bias2_q <= bias1_q;
      r2_q <= r1_q;
    end
    if (valid_q[1]) begin
      t_q <= 64'(product_q) + 64'(bias2_q);
      r3_q <= r2_q;
    end
    if (valid_q[2]) begin
      shifted_q <= t_q >>> shift_i;
      r4_q <= r3_q;
    end
    if (valid_q[3]) z_q <= saturate(shifted_q + 64'(r4_q));
    if (valid_q[4]) scaled_q <= 52'(z_q) * $signed({34'd0, code_multiplier_i});
    if (valid_q[5]) code_q <= to_code(scaled_q, code_offset_i, code_shift_i, out_bits_i);
  end
  assign z_o = z_q;
  assign code_o = code_q;
endmodule
