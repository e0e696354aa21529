// MULT18X18D, the multiplier of ECP5, as dsp_map.v of Yosys and dsp_registers.py use it; Yosys has its ports alone. SIGNEDA and SIGNEDB
// say whether A and B are signed; the product is then. Registers of A and B, and of P, at CLK0, each with an enable and a synchronous
// reset of its own, both not at once; they start at 0. Shift inputs (SOURCEA, SOURCEB), other clocks and the pipeline register are refused.
// verilator lint_off UNUSEDPARAM
// verilator lint_off UNUSEDSIGNAL
module MULT18X18D #(
  parameter REG_INPUTA_CLK = "NONE", parameter REG_INPUTA_CE = "CE0", parameter REG_INPUTA_RST = "RST0",
  parameter REG_INPUTB_CLK = "NONE", parameter REG_INPUTB_CE = "CE0", parameter REG_INPUTB_RST = "RST0",
  parameter REG_OUTPUT_CLK = "NONE", parameter REG_OUTPUT_CE = "CE0", parameter REG_OUTPUT_RST = "RST0",
  parameter REG_PIPELINE_CLK = "NONE", parameter RESETMODE = "SYNC"
) (
  input wire A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input wire B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input wire C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input wire SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, CE1, CE2, RST0, RST1, RST2,
  output wire P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16,
  P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  reg [17:0] a_q = 18'd0, b_q = 18'd0;
  reg [35:0] p_q = 36'd0;
  wire [17:0] a_in = REG_INPUTA_CLK == "NONE" ? a : a_q, b_in = REG_INPUTB_CLK == "NONE" ? b : b_q;
  wire signed [37:0] product = $signed({SIGNEDA && a_in[17], a_in}) * $signed({SIGNEDB && b_in[17], b_in});
  generate
    if (REG_INPUTA_CLK != "NONE") begin : g_a
      always @(posedge CLK0) if (RST0) a_q <= 18'd0; else if (CE0) a_q <= a;
    end
    if (REG_INPUTB_CLK != "NONE") begin : g_b
      always @(posedge CLK0) if (RST1) b_q <= 18'd0; else if (CE1) b_q <= b;
    end
    if (REG_OUTPUT_CLK != "NONE") begin : g_p
      always @(posedge CLK0) if (RST2) p_q <= 36'd0; else if (CE2) p_q <= product[35:0];
    end
  endgenerate
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
  P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = REG_OUTPUT_CLK == "NONE" ? product[35:0] : p_q;
  initial begin
    if (REG_PIPELINE_CLK != "NONE" || (REG_INPUTA_CLK != "NONE" && (REG_INPUTA_CLK != "CLK0" || REG_INPUTA_CE != "CE0" || REG_INPUTA_RST != "RST0")) ||
        (REG_INPUTB_CLK != "NONE" && (REG_INPUTB_CLK != "CLK0" || REG_INPUTB_CE != "CE1" || REG_INPUTB_RST != "RST1")) ||
        (REG_OUTPUT_CLK != "NONE" && (REG_OUTPUT_CLK != "CLK0" || REG_OUTPUT_CE != "CE2" || REG_OUTPUT_RST != "RST2")) || RESETMODE != "SYNC") begin
      $display("MULT18X18D: these registers are not modelled");
      $finish;
    end
  end
endmodule
