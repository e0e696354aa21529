// Memories and products that Yosys maps to DP16KD and MULT18X18D, for models.sh. One memory a port shape and a mode.

// Written at one port, read at the other.
module simple #(
  parameter W = 18,     // bits
  parameter E = 1,      // write enables
  parameter RESET = 0,  // of the output: 0 none, 1 synchronous, 2 asynchronous
  parameter D = 10,     // bits of the address
  parameter INIT = 0    // 1: filled at the start; large ones take Yosys minutes
) (
  input clk, input rst, input re, input [E-1:0] we, input [D-1:0] raddr, input [D-1:0] waddr, input [W-1:0] d, output reg [W-1:0] q
);
  (* ram_style = "block", no_rw_check *) reg [W-1:0] memory [0:2**D-1];
  integer i;
  initial if (INIT != 0) for (i = 0; i < 2**D; i = i + 1) memory[i] = i * 40503 + 7;
  initial q = 0;
  always @(posedge clk) for (i = 0; i < E; i = i + 1) if (we[i]) memory[waddr][i*(W/E) +: W/E] <= d[i*(W/E) +: W/E];
  generate
    if (RESET == 0) begin : g_none
      always @(posedge clk) if (re) q <= memory[raddr];
    end else if (RESET == 1) begin : g_sync
      always @(posedge clk) if (rst) q <= 0; else if (re) q <= memory[raddr];
    end else begin : g_async
      always @(posedge clk or posedge rst) if (rst) q <= 0; else if (re) q <= memory[raddr];
    end
  endgenerate
endmodule

// One port that writes and reads. MODE: 0 a write leaves the output, 1 it shows what is written, 2 what was there.
module single #(parameter W = 18, parameter MODE = 0, parameter D = 10) (
  input clk, input we, input [D-1:0] addr, input [W-1:0] d, output reg [W-1:0] q
);
  (* ram_style = "block", no_rw_check *) reg [W-1:0] memory [0:2**D-1];
  initial q = 0;
  always @(posedge clk) begin
    if (we) memory[addr] <= d;
    if (MODE == 2 || !we) q <= memory[addr];
    else if (MODE == 1) q <= d;
  end
endmodule

// Two ports, both write and read.
module dual #(parameter W = 9, parameter D = 11) (
  input clk, input we_a, input we_b, input [D-1:0] addr_a, input [D-1:0] addr_b, input [W-1:0] d_a, input [W-1:0] d_b,
  output reg [W-1:0] q_a, output reg [W-1:0] q_b
);
  (* ram_style = "block", no_rw_check *) reg [W-1:0] memory [0:2**D-1];
  initial {q_a, q_b} = 0;
  always @(posedge clk) if (we_a) memory[addr_a] <= d_a; else q_a <= memory[addr_a];
  always @(posedge clk) if (we_b) memory[addr_b] <= d_b; else q_b <= memory[addr_b];
endmodule

// A product with registers of its operands (an enable each) and of itself (a reset), as dsp_registers.py takes them.
module product #(parameter RESET = 1) (input clk, input rst, input ea, input eb, input [17:0] a, input [17:0] b, output reg [35:0] p);
  reg [17:0] a_q, b_q;
  initial {a_q, b_q, p} = 0;
  always @(posedge clk) begin
    if (ea) a_q <= a;
    if (eb) b_q <= b;
    p <= a_q * b_q;
    if (RESET != 0 && rst) p <= 0;
  end
endmodule

module all (
  input clk, input rst, input re, input [3:0] we, input [13:0] raddr, input [13:0] waddr, input [35:0] d, input [35:0] e,
  output [35:0] wide, output [17:0] word, output [17:0] sync, output [17:0] async, output [8:0] nine, output [3:0] four,
  output [1:0] two, output one, output [17:0] kept, output [8:0] through, output [17:0] was, output [8:0] dual_a,
  output [8:0] dual_b, output [35:0] uu, output [35:0] ss, output [29:0] little, output [15:0] mixed, output [63:0] quad,
  output [35:0] both, output [35:0] behind, output reg [2:0] shared, output reg [30:0] signs
);
  simple #(.W(36), .E(4), .D(9), .INIT(1)) u_wide (clk, 1'b0, re, we, raddr[8:0], waddr[8:0], d, wide);
  simple #(.W(18), .E(2), .INIT(1)) u_word (clk, 1'b0, re, we[1:0], raddr[9:0], waddr[9:0], d[17:0], word);
  simple #(.W(18), .RESET(1)) u_sync (clk, rst, re, we[0], raddr[9:0], waddr[9:0], d[17:0], sync);
  simple #(.W(18), .RESET(2)) u_async (clk, rst, re, we[0], raddr[9:0], waddr[9:0], d[17:0], async);
  simple #(.W(9), .D(11)) u_nine (clk, 1'b0, re, we[0], raddr[10:0], waddr[10:0], d[8:0], nine);
  simple #(.W(4), .D(12)) u_four (clk, 1'b0, re, we[0], raddr[11:0], waddr[11:0], d[3:0], four);
  simple #(.W(2), .D(13)) u_two (clk, 1'b0, re, we[0], raddr[12:0], waddr[12:0], d[1:0], two);
  simple #(.W(1), .D(14)) u_one (clk, 1'b0, re, we[0], raddr, waddr, d[0], one);
  single #(.W(18), .MODE(0)) u_kept (clk, we[0], waddr[9:0], d[17:0], kept);
  single #(.W(9), .MODE(1), .D(11)) u_through (clk, we[0], waddr[10:0], d[8:0], through);
  single #(.W(18), .MODE(2)) u_before (clk, we[0], waddr[9:0], d[17:0], was);
  dual u_dual (clk, we[0], we[1], waddr[10:0], raddr[10:0], d[8:0], e[8:0], dual_a, dual_b);
  assign uu = d[17:0] * e[17:0];
  assign ss = $signed(d[17:0]) * $signed(e[17:0]);
  assign little = d[14:0] * e[14:0];
  assign mixed = $signed({1'b0, d[7:0]}) * $signed(e[7:0]);
  assign quad = d[31:0] * e[31:0]; // of four multipliers
  product u_both (clk, rst, re, we[0], d[17:0], e[17:0], both);
  product #(.RESET(0)) u_behind (clk, rst, !we[1], 1'b1, e[17:0], d[17:0], behind);
  // A register that something else reads too, and a product that is read before its register as well.
  reg [14:0] one_q, two_q;
  initial {one_q, two_q, shared, signs} = 0;
  wire signed [29:0] product = $signed(one_q) * $signed(two_q);
  always @(posedge clk) begin
    one_q <= d[14:0];
    two_q <= e[14:0];
    shared <= one_q[2:0] ^ d[20:18];
    signs <= {^product, product};
  end
endmodule
