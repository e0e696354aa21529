// DP16KD, the block RAM of ECP5, as brams.txt and brams_map.v of Yosys use it; Yosys has its ports alone.
//
// 1,024 words of 18 bits. A port of width 18 takes bits 13:4 of its address, one of 9 bits 13:3, ... one of 1 bits 13:0; widths
// below 9 leave the ninth bits alone. Writes of 18 bits look at a byte enable for each nine bits, at bits 1:0 of the address. With
// DATA_WIDTH_A 36 port A writes 36 bits (DIB: the upper half; byte enables at bits 3:0), and port B reads 36 (DOA: the lower half), or
// at DOB what its own width says. A write shows at its own port nothing new (NORMAL), what is written (WRITETHROUGH) or what was
// there (READBEFOREWRITE). A reset clears the outputs, whatever the enable, and keeps writes of its port off.
//
// What one port reads while the other writes it in the same clock is undefined on the chip. Here it comes out inverted, so that
// whoever uses it is found. Clocks of the two ports must be the same net. Output registers (REGMODE) and chip selects are refused.
// verilator lint_off UNUSEDPARAM
// verilator lint_off UNUSEDSIGNAL
module DP16KD #(
  parameter integer DATA_WIDTH_A = 18, parameter integer DATA_WIDTH_B = 18, parameter REGMODE_A = "NOREG",
  parameter REGMODE_B = "NOREG", parameter RESETMODE = "SYNC", parameter ASYNC_RESET_RELEASE = "SYNC",
  parameter CSDECODE_A = "0b000", parameter CSDECODE_B = "0b000", parameter WRITEMODE_A = "NORMAL",
  parameter WRITEMODE_B = "NORMAL", parameter CLKAMUX = "CLKA", parameter CLKBMUX = "CLKB",
  parameter GSR = "ENABLED", parameter [319:0] INITVAL_00 = 320'd0, parameter [319:0] INITVAL_01 = 320'd0,
  parameter [319:0] INITVAL_02 = 320'd0, parameter [319:0] INITVAL_03 = 320'd0,
  parameter [319:0] INITVAL_04 = 320'd0, parameter [319:0] INITVAL_05 = 320'd0,
  parameter [319:0] INITVAL_06 = 320'd0, parameter [319:0] INITVAL_07 = 320'd0,
  parameter [319:0] INITVAL_08 = 320'd0, parameter [319:0] INITVAL_09 = 320'd0,
  parameter [319:0] INITVAL_0A = 320'd0, parameter [319:0] INITVAL_0B = 320'd0,
  parameter [319:0] INITVAL_0C = 320'd0, parameter [319:0] INITVAL_0D = 320'd0,
  parameter [319:0] INITVAL_0E = 320'd0, parameter [319:0] INITVAL_0F = 320'd0,
  parameter [319:0] INITVAL_10 = 320'd0, parameter [319:0] INITVAL_11 = 320'd0,
  parameter [319:0] INITVAL_12 = 320'd0, parameter [319:0] INITVAL_13 = 320'd0,
  parameter [319:0] INITVAL_14 = 320'd0, parameter [319:0] INITVAL_15 = 320'd0,
  parameter [319:0] INITVAL_16 = 320'd0, parameter [319:0] INITVAL_17 = 320'd0,
  parameter [319:0] INITVAL_18 = 320'd0, parameter [319:0] INITVAL_19 = 320'd0,
  parameter [319:0] INITVAL_1A = 320'd0, parameter [319:0] INITVAL_1B = 320'd0,
  parameter [319:0] INITVAL_1C = 320'd0, parameter [319:0] INITVAL_1D = 320'd0,
  parameter [319:0] INITVAL_1E = 320'd0, parameter [319:0] INITVAL_1F = 320'd0,
  parameter [319:0] INITVAL_20 = 320'd0, parameter [319:0] INITVAL_21 = 320'd0,
  parameter [319:0] INITVAL_22 = 320'd0, parameter [319:0] INITVAL_23 = 320'd0,
  parameter [319:0] INITVAL_24 = 320'd0, parameter [319:0] INITVAL_25 = 320'd0,
  parameter [319:0] INITVAL_26 = 320'd0, parameter [319:0] INITVAL_27 = 320'd0,
  parameter [319:0] INITVAL_28 = 320'd0, parameter [319:0] INITVAL_29 = 320'd0,
  parameter [319:0] INITVAL_2A = 320'd0, parameter [319:0] INITVAL_2B = 320'd0,
  parameter [319:0] INITVAL_2C = 320'd0, parameter [319:0] INITVAL_2D = 320'd0,
  parameter [319:0] INITVAL_2E = 320'd0, parameter [319:0] INITVAL_2F = 320'd0,
  parameter [319:0] INITVAL_30 = 320'd0, parameter [319:0] INITVAL_31 = 320'd0,
  parameter [319:0] INITVAL_32 = 320'd0, parameter [319:0] INITVAL_33 = 320'd0,
  parameter [319:0] INITVAL_34 = 320'd0, parameter [319:0] INITVAL_35 = 320'd0,
  parameter [319:0] INITVAL_36 = 320'd0, parameter [319:0] INITVAL_37 = 320'd0,
  parameter [319:0] INITVAL_38 = 320'd0, parameter [319:0] INITVAL_39 = 320'd0,
  parameter [319:0] INITVAL_3A = 320'd0, parameter [319:0] INITVAL_3B = 320'd0,
  parameter [319:0] INITVAL_3C = 320'd0, parameter [319:0] INITVAL_3D = 320'd0,
  parameter [319:0] INITVAL_3E = 320'd0, parameter [319:0] INITVAL_3F = 320'd0
) (
  input wire DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2,
  DIA1, DIA0,
  input wire ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0, CEA, OCEA, CLKA,
  WEA, RSTA, CSA2, CSA1, CSA0,
  output wire DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
  DOA1, DOA0,
  input wire DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
  DIB1, DIB0,
  input wire ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0, CEB, OCEB, CLKB,
  WEB, RSTB, CSB2, CSB1, CSB0,
  output wire DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
  DOB1, DOB0
);
  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [35:0] di = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3,
  DIB2, DIB1, DIB0, DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3,
  DIA2, DIA1, DIA0};
  reg [17:0] memory [0:1023];
  reg [17:0] a_q = 18'd0, b_q = 18'd0, b_low_q = 18'd0;
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
  DOA1, DOA0} = DATA_WIDTH_A == 36 ? b_low_q : a_q;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
  DOB1, DOB0} = b_q;

  initial begin : preset
    integer i;
    reg [20479:0] content;
    content = {INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30, INITVAL_2F,
    INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26,
    INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D,
    INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14,
    INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B,
    INITVAL_0A, INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02,
    INITVAL_01, INITVAL_00};
    for (i = 0; i < 1024; i = i + 1) memory[i] = content[20 * i +: 18];
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000" || CLKAMUX != "CLKA" ||
        CLKBMUX != "CLKB") begin
      $display("DP16KD: output registers, chip selects and inverted clocks are not modelled");
      $finish;
    end
  end

  // Where the bits of an access lie in a word, and those bits moved down to bit 0 or up from there.
  function [17:0] place(input integer width, input [13:0] address);
    case (width)
      1: place = 18'd1 << (address[3] ? 9 + address[2:0] : {1'b0, address[2:0]});
      2: place = 18'd3 << (address[3] ? 9 + {address[2:1], 1'b0} : {1'b0, address[2:1], 1'b0});
      4: place = 18'd15 << (address[3] ? 9 + {address[2], 2'b0} : {1'b0, address[2], 2'b0});
      9: place = address[3] ? 18'h3fe00 : 18'h001ff;
      default: place = 18'h3ffff;
    endcase
  endfunction
  function [4:0] shift(input integer width, input [13:0] address);
    case (width)
      1: shift = (address[3] ? 5'd9 : 5'd0) + {2'd0, address[2:0]};
      2: shift = (address[3] ? 5'd9 : 5'd0) + {2'd0, address[2:1], 1'b0};
      4: shift = (address[3] ? 5'd9 : 5'd0) + {2'd0, address[2], 2'b0};
      9: shift = address[3] ? 5'd9 : 5'd0;
      default: shift = 5'd0;
    endcase
  endfunction
  function [17:0] bytes(input low, input high);
    bytes = {{9{high}}, {9{low}}};
  endfunction

  // What each port writes: bits of a word, and where they stand.
  wire a_wide = DATA_WIDTH_A == 36;
  wire a_resets = RSTA, b_resets = RSTB;
  wire a_writes = CEA && WEA && !(RESETMODE == "SYNC" && a_resets);
  wire b_writes = !a_wide && CEB && WEB && !(RESETMODE == "SYNC" && b_resets);
  wire [9:0] a_word = a_wide ? {ada[13:5], 1'b0} : ada[13:4];
  wire [9:0] b_word = adb[13:4];
  wire [17:0] a_mask = !a_writes ? 18'd0 : DATA_WIDTH_A >= 18 ? bytes(ada[0], ada[1]) : place(DATA_WIDTH_A, ada);
  wire [17:0] a_high_mask = a_writes && a_wide ? bytes(ada[2], ada[3]) : 18'd0;
  wire [17:0] b_mask = !b_writes ? 18'd0 : DATA_WIDTH_B == 18 ? bytes(adb[0], adb[1]) : place(DATA_WIDTH_B, adb);
  wire [17:0] a_data = DATA_WIDTH_A >= 18 ? di[17:0] : di[17:0] << shift(DATA_WIDTH_A, ada);
  wire [17:0] b_data = DATA_WIDTH_B == 18 ? di[35:18] : di[35:18] << shift(DATA_WIDTH_B, adb);

  // Both may write parts of one word.
  wire [17:0] a_next = (memory[a_word] & ~a_mask) | (a_data & a_mask);
  wire [17:0] b_before = |a_mask && a_word == b_word ? a_next : memory[b_word];
  always @(posedge CLKA) begin
    if (|a_mask) memory[a_word] <= a_next;
    if (|a_high_mask) memory[{a_word[9:1], 1'b1}] <= (memory[{a_word[9:1], 1'b1}] & ~a_high_mask) | (di[35:18] & a_high_mask);
    if (|b_mask) memory[b_word] <= (b_before & ~b_mask) | (b_data & b_mask);
  end

  // What a word shows to a port: its own write by the mode, bits that the other port writes inverted.
  function [17:0] seen(input [17:0] word, input [17:0] mine, input [17:0] data, input through, input [17:0] others);
    seen = ((through ? (word & ~mine) | (data & mine) : word)) ^ others;
  endfunction
  wire [17:0] a_sees = seen(memory[a_word], a_mask, a_data, WRITEMODE_A == "WRITETHROUGH", a_word == b_word ? b_mask : 18'd0);
  // The half of a write of 36 bits, or the word, that meets the word which port B reads.
  wire [9:0]  b_low_word = DATA_WIDTH_B == 36 ? {adb[13:5], 1'b0} : b_word;
  wire [9:0]  b_top_word = DATA_WIDTH_B == 36 ? {adb[13:5], 1'b1} : b_word;
  wire [17:0] a_at_low = a_word == b_low_word ? a_mask : {a_word[9:1], 1'b1} == b_low_word ? a_high_mask : 18'd0;
  wire [17:0] a_at_top = a_word == b_top_word ? a_mask : {a_word[9:1], 1'b1} == b_top_word ? a_high_mask : 18'd0;
  wire [17:0] b_low_sees = seen(memory[b_low_word], 18'd0, 18'd0, 1'b0, a_at_low);
  wire [17:0] b_sees = seen(memory[b_top_word], b_mask, b_data, WRITEMODE_B == "WRITETHROUGH", a_at_top);

  function [17:0] cut(input integer width, input [13:0] address, input [17:0] word);
    cut = (word & place(width, address)) >> shift(width, address);
  endfunction
  generate
    if (RESETMODE == "ASYNC") begin : g_async
      always @(posedge CLKA or posedge a_resets)
        if (a_resets) a_q <= 18'd0;
        else if (CEA && !(WEA && WRITEMODE_A == "NORMAL")) a_q <= cut(DATA_WIDTH_A, ada, a_sees);
      always @(posedge CLKB or posedge b_resets)
        if (b_resets) {b_q, b_low_q} <= 36'd0;
        else if (CEB && !(WEB && WRITEMODE_B == "NORMAL")) begin
          b_q <= cut(DATA_WIDTH_B, adb, b_sees);
          b_low_q <= b_low_sees;
        end
    end else begin : g_sync
      always @(posedge CLKA)
        if (a_resets) a_q <= 18'd0;
        else if (CEA && !(WEA && WRITEMODE_A == "NORMAL")) a_q <= cut(DATA_WIDTH_A, ada, a_sees);
      always @(posedge CLKB)
        if (b_resets) {b_q, b_low_q} <= 36'd0;
        else if (CEB && !(WEB && WRITEMODE_B == "NORMAL")) begin
          b_q <= cut(DATA_WIDTH_B, adb, b_sees);
          b_low_q <= b_low_sees;
        end
    end
  endgenerate
endmodule
