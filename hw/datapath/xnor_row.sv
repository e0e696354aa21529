// One row of the XNOR array: two halves of 72 lanes, counted in five clocks, added in a sixth and accumulated in the
// sums of up to SUMS pixels: P = (first ? 0 : P << shift) + count(lo) + (double_hi ? 2 : 1) * count(hi).
// Stages: 1 activations and weights stand here; 6 read_pixel_i, first_i, shift_i; 7 use_i (0: this clock adds
// nothing); 8 sum_o, written to write_pixel_i where write_i. A pixel may come again four clocks later, not sooner.
`include "bitdial_fault.svh"
module xnor_row #(
  parameter int ACC_BITS = 28,
  parameter int SUMS = 16,
  parameter int GATES = 1,  // xnor_count.sv
  localparam int PW = $clog2(SUMS)
) (
  input  logic                clk_i,
  input  logic [71:0]         act_lo_i,
  input  logic [71:0]         act_hi_i,
  input  logic [71:0]         weights_lo_i,
  input  logic [71:0]         weights_hi_i,
  input  logic                double_hi_i,   // of the layer
  input  logic [PW-1:0]       read_pixel_i,  // stage 6
  input  logic                first_i,
  input  logic [1:0]          shift_i,       // 0, 1, 2
  input  logic                use_i,         // stage 7
  input  logic                write_i,       // stage 8
  input  logic [PW-1:0]       write_pixel_i,
  output logic [ACC_BITS-1:0] sum_o
);
  logic [6:0] count_lo, count_hi;  // stage 6
  xnor_count #(.GATES(GATES)) u_lo (.clk_i, .weight_i(weights_lo_i), .act_i(act_lo_i), .count_o(count_lo));
  xnor_count #(.GATES(GATES)) u_hi (.clk_i, .weight_i(weights_hi_i), .act_i(act_hi_i), .count_o(count_hi));

  (* ram_style = "distributed" *)
  logic [ACC_BITS-1:0] sums [SUMS];
  logic [ACC_BITS-1:0] read, base_q;
  logic [7:0]          count_q;
  assign read = sums[read_pixel_i];
  always_ff @(posedge clk_i) begin
    count_q <= 8'(count_lo) + 8'(`BD_FAULT(7)) + (double_hi_i ? {count_hi, 1'b0} : {1'b0, count_hi});
    if (first_i) base_q <= '0;
    else if (shift_i[1]) base_q <= {read[ACC_BITS-3:0], 2'b00};
    else if (shift_i[0]) base_q <= {read[ACC_BITS-2:0], 1'b0};
    else base_q <= read;
    sum_o <= base_q + (use_i ? ACC_BITS'(count_q) : '0);
    if (write_i) sums[write_pixel_i] <= sum_o;
  end
endmodule
