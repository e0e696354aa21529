// The finished sums of a block, 16 pixels of all rows and the window sum: written by the array in charge, read by the
// drain while the next block is on its way. What was read stays at the outputs until the next read.
`include "bitdial_assert.svh"
module drain_bank #(
  parameter int ROWS = 8,
  parameter int ACC_BITS = 28
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     abort_i,
  input  logic                     write_i,
  input  logic [3:0]               pixel_i,
  input  logic [ROWS*ACC_BITS-1:0] sums_i,
  input  logic [ACC_BITS-1:0]      window_sum_i,
  input  logic                     read_i,
  input  logic [3:0]               read_pixel_i,
  output logic [ROWS*ACC_BITS-1:0] sums_o,
  output logic [ACC_BITS-1:0]      window_sum_o
);
  logic [(ROWS+1)*ACC_BITS-1:0] bank [16];
  always_ff @(posedge clk_i) begin
    if (write_i) bank[pixel_i] <= {window_sum_i, sums_i};
    if (read_i) {window_sum_o, sums_o} <= bank[read_pixel_i];
  end

  logic [15:0] waits_q, written, taken;  // sums that nobody has read
  assign written = write_i ? 16'd1 << pixel_i : 16'd0;
  assign taken = read_i ? 16'd1 << read_pixel_i : 16'd0;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) waits_q <= '0;
    else if (abort_i) waits_q <= '0;
    else waits_q <= (waits_q & ~taken) | written;
  end
  `BD_ASSERT(a_overrun, (waits_q & ~taken & written) == '0, "a sum that nobody has read overwritten")
  `BD_ASSERT(a_empty, (taken & ~waits_q) == '0, "a sum read twice or before it is there")
endmodule
