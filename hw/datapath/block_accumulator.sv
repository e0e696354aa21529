// The sums of a block of up to SUMS pixels, one row's: P[pixel] = step(P[pixel]) + sum, modulo 2^ACC_BITS, an operation a
// clock. A pixel's last sum goes to the drain RAM too, which holds two blocks and is read by the other port while the next
// block is summed.
//
// An operation takes two clocks: the first reads P and steps it, the second adds and writes. Where the pixel is that of
// the operation before, P is not written yet and the sum just made is taken instead. The four registers from which P may come
// are cleared, not chosen among: P is their OR, one LUT4 a bit.
`include "bitdial_assert.svh"
module block_accumulator #(
  parameter int SUMS = 8,       // at most 8
  parameter int ACC_BITS = 24,
  parameter int SUM_BITS = 9
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                valid_i,
  input  logic [2:0]          pixel_i,
  input  logic [1:0]          step_i,  // P becomes 0: 0, 1: P, 2: 2P, 3: 4P (not of the operation just before)
  input  logic                last_i,
  input  logic                bank_i,  // of the drain RAM
  input  logic [SUM_BITS-1:0] sum_i,
  // drain: the sum of an operation can be asked for from three clocks after it on, and stands the clock after its address
  input  logic                drain_bank_i,
  input  logic [2:0]          drain_pixel_i,
  output logic [ACC_BITS-1:0] drain_o
);
  localparam int PW = (SUMS > 1) ? $clog2(SUMS) : 1;
  (* ram_style = "distributed" *)
  logic [ACC_BITS-1:0] sums [0:(1<<PW)-1];
  (* ram_style = "distributed" *)
  logic [ACC_BITS-1:0] drain [0:(2<<PW)-1];

  // first clock
  logic                valid_q, last_q, bank_q, again;
  logic [PW-1:0]       pixel, pixel_q;
  logic [SUM_BITS-1:0] sum_q;
  logic [ACC_BITS-1:0] read, next;
  logic [ACC_BITS-1:0] read_q, read4_q, again_q, again2_q;  // P or 2P, 4P as read; P, 2P as just made
  assign pixel = pixel_i[PW-1:0];
  assign again = valid_q && pixel == pixel_q;
  assign read = sums[pixel];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= valid_i;
  end
  always_ff @(posedge clk_i) begin
    pixel_q <= pixel;
    last_q <= last_i;
    bank_q <= bank_i;
    sum_q <= sum_i;
    if (again || step_i == 2'd0 || step_i == 2'd3) read_q <= '0;
    else read_q <= step_i[1] ? {read[ACC_BITS-2:0], 1'b0} : read;
    if (again || step_i != 2'd3) read4_q <= '0;
    else read4_q <= {read[ACC_BITS-3:0], 2'b00};
    if (!again || step_i != 2'd1) again_q <= '0;
    else again_q <= next;
    if (!again || step_i != 2'd2) again2_q <= '0;
    else again2_q <= {next[ACC_BITS-2:0], 1'b0};
  end

  // second clock
  logic                write_q;
  logic [PW:0]         place_q;
  logic [ACC_BITS-1:0] next_q;
  assign next = (read_q | read4_q | again_q | again2_q) + ACC_BITS'(sum_q);
  always_ff @(posedge clk_i) begin
    if (valid_q) sums[pixel_q] <= next;
    next_q <= next;
    write_q <= valid_q && last_q;
    place_q <= {bank_q, pixel_q};
    if (write_q) drain[place_q] <= next_q;
    drain_o <= drain[{drain_bank_i, drain_pixel_i[PW-1:0]}];
  end

  `BD_ASSERT(not_four_times_again, !(valid_i && again && step_i == 2'd3), "4P is asked of the sum just made, and 0 is taken")
endmodule
