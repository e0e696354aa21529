// The doorbell: a frame that may be rung waits here, behind one other, until the sequencer takes it. It is refused where
// its result would find no place.
`include "bitdial_assert.svh"
module doorbell_queue (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,          // drop all
  input  logic        ring_i,
  input  logic [31:0] precision_i,      // as written: the switch to run; with the count, as in the clock before ring_i
  input  logic [31:0] switch_count_i,
  input  bitdial_pkg::frame_t bell_i,   // the frame to queue
  input  logic [2:0]  held_i,           // frames that run or have a result that was not acknowledged
  output logic        bad_switch_o,     // with ring_i: it was refused, there is no such switch
  output logic        full_o,           // with ring_i: it was refused, IN_FLIGHT frames are in flight, or two wait
  output bitdial_pkg::frame_t frame_o,  // head of the queue
  output logic        frame_valid_o,
  input  logic        frame_pop_i,
  output logic [1:0]  level_o           // frames that wait
);
  bitdial_pkg::frame_t head_q, tail_q;
  logic [1:0] level_q;
  logic       push, fresh;  // fresh: no other frame waits
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) bad_switch_o <= 1'b1;
    else bad_switch_o <= precision_i >= switch_count_i || precision_i >= 32'(bitdial_descriptor_pkg::SWITCHES);
  end
  assign full_o = level_q == 2'd2 || 3'(level_q) + held_i >= 3'(bitdial_pkg::IN_FLIGHT);
  assign push = ring_i && !bad_switch_o && !full_o;
  assign fresh = push && (level_q == 2'(frame_pop_i));
  assign frame_o = head_q;
  assign frame_valid_o = level_q != 2'd0;
  assign level_o = level_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      level_q <= 2'd0;
      head_q <= '0;
      tail_q <= '0;
    end else if (clear_i) begin
      level_q <= 2'd0;
    end else begin
      level_q <= level_q + 2'(push) - 2'(frame_pop_i);
      if (fresh) head_q <= bell_i;
      else if (frame_pop_i) head_q <= tail_q;
      if (push && !fresh) tail_q <= bell_i;
    end
  end

  `BD_ASSERT(queue_pop_not_empty, !(frame_pop_i && level_q == 2'd0), "a frame starts that no doorbell rang for")
endmodule
