// Blocks of a tile and their intervals: block_o is a pulse in the clock before a block's first issue, one interval after
// the pulse before it. done_o is early by one clock, so that a register behind it starts the next tile without a gap.
`include "bitdial_assert.svh"
module walker_pace (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,
  input  logic        abort_i,
  input  logic [15:0] blocks_large_i,
  input  logic [15:0] blocks_small_i,
  input  logic [bitdial_descriptor_pkg::INTERVAL_W-1:0] interval_large_i,
  input  logic [bitdial_descriptor_pkg::INTERVAL_W-1:0] interval_small_i,
  output logic        block_o,
  output logic        small_o,  // from block_o on: the block has a pixel less
  output logic        last_o,   // from block_o on: the tile's last block
  output logic        busy_o,
  output logic        done_o
);
  localparam int IW = bitdial_descriptor_pkg::INTERVAL_W;
  logic          busy_q, block_q, small_q, end_q, more_large_q;
  logic [15:0]   large_left_q, small_left_q;  // blocks after this one
  logic [IW-1:0] left_q;                      // clocks of the interval after this one
  logic          one, next;

  assign one = left_q == IW'(1);
  assign next = busy_q && end_q && !last_o;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      block_q <= 1'b0;
    end else begin
      block_q <= !abort_i && (start_i || next);
      if (abort_i) busy_q <= 1'b0;
      else if (start_i) busy_q <= 1'b1;
      else if (end_q && last_o) busy_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) begin
    more_large_q <= large_left_q != 16'd0;
    end_q <= one && !start_i;
    left_q <= left_q - IW'(1);
    if (start_i) begin
      small_q <= 1'b0;
      left_q <= interval_large_i - IW'(1);
      large_left_q <= blocks_large_i - 16'd1;
      small_left_q <= blocks_small_i;
    end else if (next) begin
      small_q <= !more_large_q;
      left_q <= (more_large_q ? interval_large_i : interval_small_i) - IW'(1);
      if (more_large_q) large_left_q <= large_left_q - 16'd1;
      else small_left_q <= small_left_q - 16'd1;
    end
  end
  assign last_o = large_left_q == 16'd0 && small_left_q == 16'd0;
  assign block_o = block_q;
  assign small_o = small_q;
  assign busy_o = busy_q;
  assign done_o = busy_q && last_o && one;

  `BD_ASSERT(pace_start_in_turn, !(start_i && busy_q && !(end_q && last_o)), "a tile starts before the one before it has ended")
  `BD_ASSERT(pace_interval, !(block_q && left_q == '0), "an interval of less than two clocks")
endmodule
