// The shifting accumulators of a tile's rows: P = (first ? 0 : double ? 2P : P) + addend, modulo 2^32, which is exact
// because the compiler proves the final sum to fit. Addends are the counts of the XNOR array, the sums of the MAC
// array, or, when pooling, residual values of the RQ rows of a sub-row. After a pixel's last clock the sums move to
// sums_o and ready_o pulses.
module accumulator #(
  parameter int ROWS = 8,
  parameter int RQ = 4
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               mac_i,     // of the layer
  input  logic               pool_i,
  input  logic               valid_i,   // stage 1 of the feeder in charge
  input  logic               first_i,
  input  logic               double_i,
  input  logic               last_i,
  input  logic [3:0]         class_i,
  input  logic [5:0]         sub_i,
  input  logic [ROWS*9-1:0]  counts_i,  // stage 3
  input  logic [ROWS*16-1:0] sums_i,    // stage 3
  input  logic [RQ*32-1:0]   values_i,  // stage 1: read from the residual buffer
  output logic               ready_o,   // stage 4
  output logic [3:0]         class_o,
  output logic [ROWS*32-1:0] sums_o
);
  logic [1:0] valid_q, first_q, double_q, last_q;  // stages 2 and 3
  logic [7:0] class_q;
  logic [11:0] sub_q;
  logic [RQ*32-1:0] values2_q, values3_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 2'b00;
      ready_o <= 1'b0;
    end else begin
      valid_q <= {valid_q[0], valid_i};
      ready_o <= valid_q[1] && last_q[1];
    end
  end
  always_ff @(posedge clk_i) begin
    first_q <= {first_q[0], first_i};
    double_q <= {double_q[0], double_i};
    last_q <= {last_q[0], last_i};
    class_q <= {class_q[3:0], class_i};
    sub_q <= {sub_q[5:0], sub_i};
    if (pool_i) begin
      values2_q <= values_i;
      values3_q <= values2_q;
    end
    if (valid_q[1] && last_q[1]) class_o <= class_q[7:4];
  end

  for (genvar r = 0; r < ROWS; r++) begin : g_row
    logic [31:0] p_q, addend, base, next;
    logic        take;
    always_comb begin
      if (pool_i) addend = values3_q[32*(r%RQ) +: 32];
      else if (mac_i) addend = {{16{sums_i[16*r+15]}}, sums_i[16*r +: 16]};
      else addend = {23'd0, counts_i[9*r +: 9]};
      take = !pool_i || sub_q[11:6] == 6'(r / RQ);
      base = double_q[1] ? {p_q[30:0], 1'b0} : p_q;
      if (first_q[1]) base = 32'd0;
      next = take ? base + addend : p_q;
    end
    always_ff @(posedge clk_i) begin
      if (valid_q[1]) begin
        p_q <= next;
        if (last_q[1]) sums_o[32*r +: 32] <= next;
      end
    end
  end
endmodule
