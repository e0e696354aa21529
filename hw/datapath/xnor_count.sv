// Counts equal bits of two vectors: a tree of counters that keeps to LUT4. Level 0 counts 7 lanes in one clock, 12 LUT4:
// three counters 3:2 take the lanes, two of them with the XNOR of their lanes inside, a fourth unites their carries. Level k
// adds two counts of level k - 1 and one more lane as the carry into bit 0, in one more clock: 15, 31, 63, 127 lanes,
// from 31 on by the carry chain. The count stands LEVEL + 1 clocks after its lanes.
// GATES = 0 is the same function in a form that simulates fast.
module xnor_count #(
  parameter int LANES = 72,
  parameter int LEVEL = 4,  // LANES < 8 << LEVEL
  parameter int GATES = 1
) (
  input  logic                       clk_i,
  input  logic [LANES-1:0]           weight_i,
  input  logic [LANES-1:0]           act_i,
  output logic [$clog2(LANES+1)-1:0] count_o
);
  localparam int W = $clog2(LANES + 1);
  localparam int HALF = (8 << LEVEL) / 2 - 1;  // the most lanes of level LEVEL - 1
  localparam int REST = (LANES > HALF + 1) ? LANES - HALF - 1 : 1;
  localparam int HW = (LEVEL > 0) ? $clog2(HALF + 1) : 1;
  localparam int RW = $clog2(REST + 1);

  if (GATES == 0) begin : g_fast
    logic [W-1:0] count_q [0:LEVEL];
    always_ff @(posedge clk_i) begin
      count_q[0] <= W'($countones(~(weight_i ^ act_i)));
      for (int k = 1; k <= LEVEL; k++) count_q[k] <= count_q[k-1];
    end
    assign count_o = count_q[LEVEL];
  end else if (LEVEL == 0) begin : g_leaf
    logic [6:0] x;  // lanes that are equal
    logic       p0, p1, p2, p3, s0, s1, s2, c0, c1, c2;
    always_comb begin
      x = 7'd0;
      x[LANES-1:0] = ~(weight_i ^ act_i);
      p0 = x[0] ^ x[1];
      s0 = p0 ^ x[2];
      c0 = p0 ? x[2] : x[0];
      p1 = x[3] ^ x[4];
      s1 = p1 ^ x[5];
      c1 = p1 ? x[5] : x[3];
      p2 = s0 ^ s1;
      s2 = p2 ^ x[6];
      c2 = p2 ? x[6] : s0;
      p3 = c0 ^ c1;
    end
    always_ff @(posedge clk_i) count_o <= W'({p3 ? c2 : c0, p3 ^ c2, s2});
  end else if (LANES <= HALF) begin : g_delay
    logic [W-1:0] count;
    xnor_count #(.LANES(LANES), .LEVEL(LEVEL-1)) u_count (.clk_i, .weight_i, .act_i, .count_o(count));
    always_ff @(posedge clk_i) count_o <= count;
  end else begin : g_node
    logic [HW-1:0] half;
    logic [RW-1:0] rest;
    logic [LEVEL-1:0] weight_q, act_q;  // the last lane, as old as the counts
    xnor_count #(.LANES(HALF), .LEVEL(LEVEL-1)) u_half (
      .clk_i, .weight_i(weight_i[HALF-1:0]), .act_i(act_i[HALF-1:0]), .count_o(half));
    if (LANES > HALF + 1) begin : g_rest
      xnor_count #(.LANES(REST), .LEVEL(LEVEL-1)) u_rest (
        .clk_i, .weight_i(weight_i[HALF +: REST]), .act_i(act_i[HALF +: REST]), .count_o(rest));
    end else begin : g_no_rest
      assign rest = '0;
    end
    logic carry;
    assign carry = ~(weight_q[LEVEL-1] ^ act_q[LEVEL-1]);
    // verilator lint_off UNUSEDSIGNAL
    logic [W:0] total;  // bit 0 but makes the carry
    // verilator lint_on UNUSEDSIGNAL
    assign total = (W+1)'({half, carry}) + (W+1)'({rest, carry});
    always_ff @(posedge clk_i) begin
      weight_q <= LEVEL'({weight_q, weight_i[LANES-1]});
      act_q <= LEVEL'({act_q, act_i[LANES-1]});
      count_o <= total[W:1];
    end
  end
endmodule
