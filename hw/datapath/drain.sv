// Takes the sums of a block out of the drain bank: pixel by pixel, one every pixel_period clocks, RQ rows a clock (a beat).
// Clock b of a beat is that in which it stands on beat_o; the pixel's sums are asked for in its first beat, stand from
// the clock after, and row `sub`'s difference D = P - Sc (Sc only where weights have a zero point) stands at b + 3.
`include "bitdial_assert.svh"
module drain #(
  parameter int ROWS = 8,
  parameter int RQ = 4,
  parameter int ACC_BITS = 28
) (
  input  logic clk_i,
  input  logic rst_ni,
  // verilator lint_off UNUSEDSIGNAL
  input  bitdial_descriptor_pkg::descriptor_t d_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic setup_i,
  input  logic block_done_i,         // its last sum is being written
  input  logic [bitdial_descriptor_pkg::BLOCK_PIXELS_W-1:0] block_pixels_i,
  output logic drain_read_o,
  output logic [3:0] drain_pixel_o,  // stays until the next one
  input  logic [ROWS*ACC_BITS-1:0] sums_i,
  input  logic [ACC_BITS-1:0] window_sum_i,
  output logic beat_o,
  output logic [5:0] sub_o,
  output logic tile_end_o,           // last beat of a row group
  output logic [bitdial_descriptor_pkg::SIDE_W-1:0] x_o,
  output logic [bitdial_descriptor_pkg::SIDE_W-1:0] y_o,
  output logic [RQ*32-1:0] sums_o,   // b + 3
  output logic busy_o
);
  localparam int SUBS = ROWS / RQ;
  localparam int PW = bitdial_descriptor_pkg::BLOCK_PIXELS_W;
  logic          issue, more_q, sub_last, map_last;
  logic [PW-1:0] left_q;      // pixels of the block that have not begun
  logic [7:0]    wait_q, period_q;  // clocks until the next may begin

  assign issue = block_done_i || (more_q && wait_q == 8'd0);
  always_ff @(posedge clk_i) begin
    period_q <= d_i.pixel_period[7:0] - 8'd1;
    if (block_done_i) drain_pixel_o <= 4'd0;
    else if (issue) drain_pixel_o <= drain_pixel_o + 4'd1;
    if (issue) sub_o <= 6'd0;
    else sub_o <= sub_o + 6'd1;
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q <= '0;
      more_q <= 1'b0;
      wait_q <= 8'd0;
      beat_o <= 1'b0;
      drain_read_o <= 1'b0;
    end else if (setup_i) begin
      left_q <= '0;
      more_q <= 1'b0;
      wait_q <= 8'd0;
      beat_o <= 1'b0;
      drain_read_o <= 1'b0;
    end else begin
      if (block_done_i) begin
        left_q <= block_pixels_i - 1'b1;
        more_q <= block_pixels_i != PW'(1);
      end else if (issue) begin
        left_q <= left_q - 1'b1;
        more_q <= left_q != PW'(1);
      end
      if (issue) wait_q <= period_q;
      else if (wait_q != 8'd0) wait_q <= wait_q - 8'd1;
      drain_read_o <= issue;
      if (issue) beat_o <= 1'b1;
      else if (sub_last) beat_o <= 1'b0;
    end
  end
  assign sub_last = sub_o == 6'(SUBS - 1);
  assign busy_o = more_q || beat_o;

  // verilator lint_off PINCONNECTEMPTY
  raster u_raster (
    .clk_i, .setup_i, .step_i(beat_o && sub_last), .width_i(d_i.out_width), .height_i(d_i.out_height),
    .x_o, .y_o, .x_last_o(), .last_o(map_last));
  // verilator lint_on PINCONNECTEMPTY
  assign tile_end_o = beat_o && sub_last && map_last;

  // b + 1: the sub's sums are taken; b + 2: subtracted.
  logic [5:0] sub1_q;
  logic [RQ*ACC_BITS-1:0] sums_q;
  logic [ACC_BITS-1:0]    window_q;
  always_ff @(posedge clk_i) begin
    sub1_q <= sub_o;
    for (int s = 0; s < SUBS; s++) if (sub1_q == 6'(s)) sums_q <= sums_i[RQ*ACC_BITS*s +: RQ*ACC_BITS];
    window_q <= d_i.zero_point ? window_sum_i : '0;
    for (int i = 0; i < RQ; i++)
      sums_o[32*i +: 32] <= 32'($signed(sums_q[ACC_BITS*i +: ACC_BITS])) - 32'($signed(window_q));
  end

  `BD_ASSERT(block_after_block, !(block_done_i && (more_q || wait_q != 8'd0)),
             "sums are overwritten before they are drained: a block's interval is too short")
  `BD_ASSERT(block_has_pixels, !(block_done_i && (block_pixels_i == '0 || block_pixels_i > PW'(16))), "a block of no or too many pixels")
  `BD_ASSERT(period_fits, !(block_done_i && (d_i.pixel_period < 24'(SUBS) || d_i.pixel_period > 24'd255)),
             "pixel_period is too short for the rows, or too long")
endmodule
