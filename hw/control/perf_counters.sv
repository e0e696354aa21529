// Counts the clocks of a frame by kind. The parts sum to the total, which is the number of clocks from the doorbell's
// handshake to the interrupt of a frame that found the queue empty: the five clocks that no busy state shows (the
// handshake, the register's write, the ring, the pop, the end) are overhead from the start.
`include "bitdial_fault.svh"
module perf_counters (
  input  logic       clk_i,
  input  logic       start_i,  // before which nothing is counted
  input  logic [4:0] kind_i,  // compute, weight stall, input stall, output stall, overhead
  output logic [6*bitdial_pkg::COUNT_W-1:0] counters_o  // total first
);
  localparam int CW = bitdial_pkg::COUNT_W;
  localparam logic [CW-1:0] HIDDEN = CW'(5);
  logic [CW-1:0] total_q;
  assign counters_o[CW-1:0] = total_q;
  always_ff @(posedge clk_i) begin
    if (start_i) total_q <= HIDDEN;
    else if (|kind_i && !(`BD_FAULT(13) && kind_i[3])) total_q <= total_q + 1'b1;
  end
  for (genvar k = 0; k < 5; k++) begin : g_kind
    logic [CW-1:0] count_q;
    assign counters_o[CW*(k+1) +: CW] = count_q;
    always_ff @(posedge clk_i) begin
      if (start_i) count_q <= (k == 4) ? HIDDEN : '0;
      else if (kind_i[k]) count_q <= count_q + 1'b1;
    end
  end
endmodule
