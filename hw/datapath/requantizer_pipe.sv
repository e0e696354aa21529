// One pipelined requantizer, a value a clock, the arithmetic of model/exec/requantize.h:
//     acc = (signed ? 2P : P) + preset, halved: acc >> 1   (weights with a zero point)
//     t = M acc + B,  z = sat32((t >> sh) + r),  code = clamp((S z + H) >> ss, 0, top)
// with arithmetic shifts. A value enters with valid_i; z stands 9 clocks later, the code 15. What a later stage alone needs comes
// when it is needed, so that nothing is carried along: B three clocks after the value, r six.
//
// Nothing that saturation hides is carried along: t >> sh keeps 33 bits and whether it needed more, as |r| <= 2^31 cannot bring a
// larger one back; the code keeps 8 bits and whether it is negative or larger.
// sign_only: M is 1, -1 or 0, sh = 0, r is not added and top = 1: code = (M acc + B >= 0), of a layer with S = 1, H = 1,
// ss = 0. acc then takes the place of the products, and no multiplier's operand changes.
`include "bitdial_fault.svh"
module requantizer_pipe #(
  parameter int MULT_BITS = 24,  // at most 32
  parameter int BIAS_BITS = 52
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  // of the layer: may change only while no value is under way
  input  logic                 in_signed_i,
  input  logic                 halve_i,
  input  logic                 sign_only_i,
  input  logic                 add_stream_i,
  input  logic [5:0]           shift_i,
  input  logic [17:0]          code_multiplier_i,  // S
  input  logic [50:0]          code_base_i,        // H - 2^31 S, signed
  input  logic [4:0]           code_shift_i,
  input  logic [7:0]           top_i,              // 2^bits - 1
  // of the value
  input  logic                 valid_i,
  input  logic [31:0]          sum_i,              // P of what is not pooled
  input  logic [31:0]          pooled_i,           // 0, or P of what is pooled, where sum_i is 0, or its complement, where sum_i is all ones
  input  logic [31:0]          preset_i,
  input  logic [MULT_BITS-1:0] multiplier_i,       // M, signed
  input  logic [BIAS_BITS-1:0] bias_i,             // B, signed: three clocks later
  input  logic [31:0]          stream_i,           // r, signed: six clocks later
  output logic                 z_valid_o,
  output logic [31:0]          z_o,
  output logic                 code_valid_o,
  output logic [7:0]           code_o
);
  localparam int MW = (MULT_BITS > 18) ? MULT_BITS : 18;
  localparam int TW = (MW + 32 > BIAS_BITS + 1) ? MW + 32 : BIAS_BITS + 1;  // t: |M acc| <= 2^(MW+30)
  localparam int XW = TW - 17;

  logic [14:0] valid_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[13:0], valid_i};
  end
  assign z_valid_o = valid_q[8];
  assign code_valid_o = valid_q[14];

  // --- 1, 2: acc ----------------------------------------------------------------------------------------------------
  logic [31:0]          sum1_q, acc, acc2_q;
  logic [MULT_BITS-1:0] m1_q;
  logic                 negative2_q, zero2_q;      // M, of a comparison
  logic signed [31:0]   factor_q;                  // acc for the multipliers
  logic signed [MW-1:0] m_q;
  assign acc = halve_i ? {sum1_q[31], sum1_q[31:1]} : sum1_q;
  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      sum1_q <= (in_signed_i ? {sum_i[30:0], 1'b0} : sum_i ^ pooled_i) + preset_i;
      m1_q <= multiplier_i;
    end
    acc2_q <= acc;
    negative2_q <= m1_q[MULT_BITS-1];
    zero2_q <= !m1_q[0];
    if (!sign_only_i) begin
      factor_q <= $signed(acc);
      m_q <= MW'($signed(m1_q));
    end
  end

  // --- 3, 4, 5: t = M acc + B from four products of at most 18 x 18 ---------------------------------------------------
  logic signed [17:0]    acc_low, m_low;
  logic signed [14:0]    acc_high;
  logic signed [MW-18:0] m_high;
  logic [33:0]           low3_q;
  logic signed [32:0]    cross_a3_q;
  logic signed [MW:0]    cross_b3_q;
  logic signed [MW-3:0]  high3_q;
  logic signed [TW-18:0] cross4_q;
  logic signed [TW-1:0]  rest4_q, t_q;
  logic [31:0]           acc3_q;                   // of a comparison M acc, or its complement; else 0
  logic                  carry3_q;                 // -acc = ~acc + 1
  // verilator lint_off UNUSEDSIGNAL
  logic [TW:0]           rest3;                    // bit 0 but makes the carry
  // verilator lint_on UNUSEDSIGNAL
  logic [31:0]           r7_q;
  assign rest3 = {TW'($signed({high3_q, low3_q})) | TW'($signed(acc3_q)), 1'b1} + {TW'($signed(bias_i)), carry3_q};
  assign acc_low = {1'b0, factor_q[16:0]};
  assign acc_high = factor_q[31:17];
  assign m_low = {1'b0, m_q[16:0]};
  assign m_high = m_q[MW-1:17];
  always_ff @(posedge clk_i) begin
    low3_q <= 34'(acc_low[16:0]) * 34'(m_low[16:0]);
    cross_a3_q <= 33'(acc_high) * 33'(m_low);
    cross_b3_q <= (MW+1)'(acc_low) * (MW+1)'(m_high);
    high3_q <= (MW-2)'(acc_high) * (MW-2)'(m_high);
    if (sign_only_i) begin
      low3_q <= '0;
      cross_a3_q <= '0;
      cross_b3_q <= '0;
      high3_q <= '0;
    end
    acc3_q <= acc2_q ^ {32{negative2_q}};
    if (!sign_only_i || zero2_q) acc3_q <= '0;
    carry3_q <= sign_only_i && negative2_q && !zero2_q;
    cross4_q <= (TW-17)'(cross_a3_q) + (TW-17)'(cross_b3_q);
    rest4_q <= rest3[TW:1];
    t_q <= {$signed(rest4_q[TW-1:17]) + XW'(cross4_q), rest4_q[16:0]};
    r7_q <= {stream_i[31:1], stream_i[0] && !`BD_FAULT(9)};
    if (!add_stream_i || sign_only_i) r7_q <= '0;
  end

  // --- 6, 7, 8: u = t >> sh in 33 bits, + r -----------------------------------------------------------------------------
  logic signed [TW-1:0] by32, by16, v6_q;
  logic [39:0] by8;
  logic [35:0] by4, v7_q;
  logic [33:0] by2;
  logic [32:0] by1;
  logic        over7, over7_q, over8, over8_q, negative7_q, negative8_q;
  logic [33:0] total8, total8_q;
  always_comb begin
    by32 = shift_i[5] ? t_q >>> 32 : t_q;
    by16 = shift_i[4] ? by32 >>> 16 : by32;
    // What is dropped above must be copies of the sign.
    by8 = shift_i[3] ? v6_q[47:8] : v6_q[39:0];
    by4 = shift_i[2] ? by8[39:4] : by8[35:0];
    over7 = v6_q[TW-1:47] != {(TW-47){v6_q[TW-1]}} || (!shift_i[3] && v6_q[46:39] != {8{v6_q[TW-1]}}) ||
            (!shift_i[2] && by8[38:35] != {4{v6_q[TW-1]}});
    by2 = shift_i[1] ? v7_q[35:2] : v7_q[33:0];
    by1 = shift_i[0] ? by2[33:1] : by2[32:0];
    over8 = over7_q || (!shift_i[1] && v7_q[34:33] != {2{negative7_q}}) || (!shift_i[0] && by2[32] != negative7_q);
    total8 = {by1[32], by1} + {{2{r7_q[31]}}, r7_q};
  end
  always_ff @(posedge clk_i) begin
    v6_q <= by16;
    v7_q <= by4;
    over7_q <= over7;
    negative7_q <= v6_q[TW-1];
    total8_q <= total8;
    over8_q <= over8;
    negative8_q <= negative7_q;
  end

  // --- 9: z -----------------------------------------------------------------------------------------------------------
  logic        saturate, low_end;
  logic [31:0] z, z_q;
  logic [31:0] z_factor_q;                         // z + 2^31, for the multipliers
  always_comb begin
    saturate = over8_q || total8_q[33:31] != {3{total8_q[33]}};
    low_end = over8_q ? negative8_q : total8_q[33];
    z = saturate ? {low_end, {31{!low_end}}} : total8_q[31:0];
  end
  always_ff @(posedge clk_i) begin
    z_q <= z;
    if (!sign_only_i) z_factor_q <= {!z[31], z[30:0]};
  end
  assign z_o = z_q;

  // --- 10, 11, 12: S (z + 2^31) + (H - 2^31 S) --------------------------------------------------------------------------
  logic [34:0] low10_q;
  logic [32:0] high10_q;
  logic [50:0] base11_q, code12_q;
  logic [2:0]  negative_q;                         // z, of a comparison
  logic [32:0] high11_q;
  always_ff @(posedge clk_i) begin
    low10_q <= 35'(code_multiplier_i) * 35'(z_factor_q[16:0]);
    high10_q <= 33'(code_multiplier_i) * 33'(z_factor_q[31:17]);
    base11_q <= code_base_i + 51'(low10_q);
    high11_q <= high10_q;
    code12_q <= {base11_q[50:17] + 34'(high11_q), base11_q[16:0]};
    negative_q <= {negative_q[1:0], z_q[31]};
  end

  // --- 13, 14, 15: >> ss in 8 bits ----------------------------------------------------------------------------------------
  logic [50:0] offset;                             // of a planted fault alone
  logic [50:0] value;
  logic [22:0] code16;
  logic [14:0] code8, v13_q;
  logic [10:0] code4;
  logic [8:0]  code2;
  logic [7:0]  code1, v14_q;
  logic        beyond13_q, beyond14_q, negative13_q, negative14_q, beyond;
  always_comb begin
    offset = `BD_FAULT(1) ? (51'd1 << code_shift_i) - 51'd1 : 51'd0;
    value = code12_q + offset;
    code16 = code_shift_i[4] ? value[38:16] : value[22:0];
    code8 = code_shift_i[3] ? code16[22:8] : code16[14:0];
    code4 = code_shift_i[2] ? v13_q[14:4] : v13_q[10:0];
    code2 = code_shift_i[1] ? code4[10:2] : code4[8:0];
    code1 = code_shift_i[0] ? code2[8:1] : code2[7:0];
    beyond = beyond14_q || (v14_q & ~top_i) != 8'd0;
  end
  always_ff @(posedge clk_i) begin
    v13_q <= code8;
    beyond13_q <= sign_only_i || value[49:39] != 11'd0 || (!code_shift_i[4] && value[38:23] != 16'd0) ||
                 (!code_shift_i[3] && code16[22:15] != 8'd0);
    negative13_q <= sign_only_i ? negative_q[2] : value[50];
    v14_q <= code1;
    beyond14_q <= beyond13_q || (!code_shift_i[2] && v13_q[14:11] != 4'd0) || (!code_shift_i[1] && code4[10:9] != 2'd0) ||
                 (!code_shift_i[0] && code2[8]);
    negative14_q <= negative13_q;
    code_o <= negative14_q ? 8'd0 : beyond ? top_i : v14_q;
  end
endmodule
