// Bounds every wait of a frame, every frame and every abort: `bite_o` once `limit_i` clocks have passed without progress
// (0: never) or the frame is `late_o`, which it is when it takes more than `frame_limit_i` clocks (0: never); `dead_o` once
// an abort has lasted for ABORT_CLOCKS.
module watchdog #(
  parameter int ABORT_CLOCKS = 65536  // power of two
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [31:0] limit_i,
  input  logic        start_i,        // a frame is taken from the queue, with this limit; it is busy from the next clock on
  input  logic [31:0] frame_limit_i,
  input  logic        busy_i,         // a frame runs or is being aborted
  input  logic        aborting_i,
  input  logic        progress_i,     // the frame has come on
  output logic        bite_o,
  output logic        late_o,
  output logic        dead_o
);
  localparam int AW = $clog2(ABORT_CLOCKS);
  // A frame's clocks begin three before its start and end in the clock after DONE, in which it must not be late.
  localparam logic [31:0] MARGIN = 32'd5;
  logic [31:0] still_q;   // clocks without progress
  logic [31:0] left_q;    // clocks that the frame has left
  logic [AW:0] abort_q;   // clocks of the abort
  logic        progress_q, bounded_q;
  assign bite_o = (limit_i != 32'd0 && still_q >= limit_i) || late_o;
  assign dead_o = abort_q[AW];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      progress_q <= 1'b0;
      still_q <= 32'd0;
      left_q <= 32'd0;
      bounded_q <= 1'b0;
      late_o <= 1'b0;
      abort_q <= '0;
    end else begin
      progress_q <= progress_i;
      if (!busy_i || aborting_i || progress_q) still_q <= 32'd0;
      else if (still_q != '1) still_q <= still_q + 32'd1;
      if (start_i) left_q <= frame_limit_i;
      else left_q <= busy_i ? left_q - 32'd1 : 32'd0;
      if (start_i) bounded_q <= frame_limit_i != 32'd0;
      late_o <= busy_i && (late_o || (bounded_q && left_q <= MARGIN));
      if (!aborting_i) abort_q <= '0;
      else if (!dead_o) abort_q <= abort_q + 1'b1;
    end
  end
endmodule
