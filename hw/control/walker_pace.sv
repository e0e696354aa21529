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
  logic          busy_q, block_q, small_q, end_q, no_small_q, one_large_q, one_small_q;
  logic [15:0]   blocks_q;  // of this size until now, this one included
  logic [15:0]   large_q, small_blocks_q;  // all but one of a size
  logic [IW-1:0] clock_q;   // 2 with block_o
  logic          kind_last, before_end, next;

  assign last_o = kind_last && (small_q || no_small_q);
  assign before_end = clock_q == (small_q ? interval_small_i : interval_large_i);  // last clock but one of the interval
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
    no_small_q <= blocks_small_i == 16'd0;
    {one_large_q, one_small_q} <= {blocks_large_i == 16'd1, blocks_small_i == 16'd1};
    {large_q, small_blocks_q} <= {blocks_large_i - 16'd1, blocks_small_i - 16'd1};
    if (start_i) kind_last <= one_large_q;
    else if (next) kind_last <= kind_last ? one_small_q : blocks_q == (small_q ? small_blocks_q : large_q);
    end_q <= before_end && !start_i;
    if (start_i || next) clock_q <= IW'(2);
    else clock_q <= clock_q + IW'(1);
    if (start_i || (next && kind_last)) blocks_q <= 16'd1;
    else if (next) blocks_q <= blocks_q + 16'd1;
    if (start_i) small_q <= 1'b0;
    else if (next && kind_last) small_q <= 1'b1;
  end
  assign block_o = block_q;
  assign small_o = small_q;
  assign busy_o = busy_q;
  assign done_o = busy_q && last_o && before_end;

  `BD_ASSERT(pace_start_in_turn, !(start_i && busy_q && !(end_q && last_o)), "a tile starts before the one before it has ended")
  `BD_ASSERT(pace_interval, !(block_q && (small_q ? interval_small_i : interval_large_i) < IW'(2)),
             "an interval of less than two clocks never ends")
endmodule
