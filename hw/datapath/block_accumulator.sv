// The sums of a block of up to SUMS pixels, one row's: P[pixel] = step(P[pixel]) + sum, modulo 2^ACC_BITS, an operation a
// clock. A pixel's last sum goes to the drain RAM too, which holds two blocks and is read by the other port while the next
// block is summed.
//
// Controls come a clock before their sum and are decoded in it. Then an operation takes two clocks: the first reads P and
// steps it, the second adds and writes. Where the pixel is that of the operation before, P is not written yet and the sum just
// made is taken instead. The four registers from which P may come are cleared, not chosen among: P is their OR, one LUT4 a bit.
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
  input  logic [SUM_BITS-1:0] sum_i,   // of the controls of the clock before
  // drain: a sum can be asked for from four clocks after its controls on, and stands the clock after its address
  input  logic                drain_bank_i,
  input  logic [2:0]          drain_pixel_i,
  output logic [ACC_BITS-1:0] drain_o
);
  localparam int PW = (SUMS > 1) ? $clog2(SUMS) : 1;
  (* ram_style = "distributed" *)
  logic [ACC_BITS-1:0] sums [0:(1<<PW)-1];
  (* ram_style = "distributed" *)
  logic [ACC_BITS-1:0] drain [0:(2<<PW)-1];

  // decoding
  logic                again;
  logic                valid1_q, last1_q, bank1_q, twice1_q;
  logic [3:0]          clear1_q;
  logic [PW-1:0]       pixel, pixel1_q;
  assign pixel = pixel_i[PW-1:0];
  assign again = valid1_q && pixel == pixel1_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid1_q <= 1'b0;
    else valid1_q <= valid_i;
  end
  always_ff @(posedge clk_i) begin
    pixel1_q <= pixel;
    last1_q <= last_i;
    bank1_q <= bank_i;
    twice1_q <= step_i[1];
    clear1_q <= {!again || step_i != 2'd2, !again || step_i != 2'd1, again || step_i != 2'd3,
                 again || step_i == 2'd0 || step_i == 2'd3};
  end

  // first clock
  logic                valid2_q, last2_q, bank2_q;
  logic [PW-1:0]       pixel2_q;
  logic [SUM_BITS-1:0] sum_q;
  logic [ACC_BITS-1:0] read, next;
  logic [ACC_BITS-1:0] read_q, read4_q, again_q, again2_q;  // P or 2P, 4P as read; P, 2P as just made
  assign read = sums[pixel1_q];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid2_q <= 1'b0;
    else valid2_q <= valid1_q;
  end
  always_ff @(posedge clk_i) begin
    pixel2_q <= pixel1_q;
    last2_q <= last1_q;
    bank2_q <= bank1_q;
    sum_q <= sum_i;
    read_q <= twice1_q ? {read[ACC_BITS-2:0], 1'b0} : read;
    read4_q <= {read[ACC_BITS-3:0], 2'b00};
    again_q <= next;
    again2_q <= {next[ACC_BITS-2:0], 1'b0};
    if (clear1_q[0]) read_q <= '0;
    if (clear1_q[1]) read4_q <= '0;
    if (clear1_q[2]) again_q <= '0;
    if (clear1_q[3]) again2_q <= '0;
  end

  // second clock
  logic                write_q;
  logic [PW:0]         place_q;
  logic [ACC_BITS-1:0] next_q;
  assign next = (read_q | read4_q | again_q | again2_q) + ACC_BITS'(sum_q);
  always_ff @(posedge clk_i) begin
    if (valid2_q) sums[pixel2_q] <= next;
    next_q <= next;
    write_q <= valid2_q && last2_q;
    place_q <= {bank2_q, pixel2_q};
    if (write_q) drain[place_q] <= next_q;
    drain_o <= drain[{drain_bank_i, drain_pixel_i[PW-1:0]}];
  end

  `BD_ASSERT(not_four_times_again, !(valid_i && again && step_i == 2'd3), "4P is asked of the sum just made, and 0 is taken")
endmodule
