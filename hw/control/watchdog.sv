// Bounds every wait of a frame: `bite_o` once `limit_i` clocks have passed without progress (0: never), `dead_o` once an
// abort has lasted for ABORT_CLOCKS.
module watchdog #(
  parameter int ABORT_CLOCKS = 65536  // power of two
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [31:0] limit_i,
  input  logic        busy_i,      // a frame runs or is being aborted
  input  logic        aborting_i,
  input  logic        progress_i,  // the frame has come on
  output logic        bite_o,
  output logic        dead_o
);
  localparam int AW = $clog2(ABORT_CLOCKS);
  logic [31:0] still_q;   // clocks without progress
  logic [AW:0] abort_q;   // clocks of the abort
  logic        progress_q;
  assign bite_o = limit_i != 32'd0 && still_q >= limit_i;
  assign dead_o = abort_q[AW];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      progress_q <= 1'b0;
      still_q <= 32'd0;
      abort_q <= '0;
    end else begin
      progress_q <= progress_i;
      if (!busy_i || aborting_i || progress_q) still_q <= 32'd0;
      else if (still_q != '1) still_q <= still_q + 32'd1;
      if (!aborting_i) abort_q <= '0;
      else if (!dead_o) abort_q <= abort_q + 1'b1;
    end
  end
endmodule
