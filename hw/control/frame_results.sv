// What software learns of its frames: interrupt causes, the first error, and the results of frames that ended well, as
// many as may be in flight. A result waits until software acknowledges DONE; then it is the one that is shown, until
// software acknowledges the next. So no frame overwrites what was not yet asked for, or is being read.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module frame_results (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [bitdial_regs_pkg::IRQ_STATUS_W-1:0] clear_i,  // causes that software acknowledges
  input  logic        drop_i,           // forget results that wait
  input  logic        bad_switch_i,     // a doorbell was refused for its switch
  input  logic        queue_full_i,     // ... for a full queue
  input  logic        done_i,           // a frame ended well: tag, switch and counters are valid; fewer than IN_FLIGHT wait
  input  logic [31:0] tag_i,
  input  logic [3:0]  switch_i,
  input  logic [6*bitdial_pkg::COUNT_W-1:0] counters_i,
  input  logic        error_i,          // a frame was aborted for error_code_i at error_layer_i
  input  logic [3:0]  error_code_i,
  input  logic [7:0]  error_layer_i,
  output logic [bitdial_regs_pkg::IRQ_STATUS_W-1:0] causes_o,
  output logic [3:0]  error_o,          // first error since it was cleared
  output logic [7:0]  error_layer_o,
  output logic [1:0]  level_o,          // results that wait
  output logic        any_o,            // a result is shown
  output logic [31:0] tag_o,            // of the result shown
  output logic [3:0]  switch_o,
  output logic [6*bitdial_pkg::COUNT_W-1:0] counters_o,
  output logic [31:0] frame_count_o
);
  localparam int W = 6 * bitdial_pkg::COUNT_W + 36;
  logic [W-1:0] kept [0:bitdial_pkg::IN_FLIGHT];  // the one shown, and those that wait after it
  logic [1:0]   shown_q;
  logic         any_q;   // one is shown
  logic         failed_q, fail, pop, clear_error;
  logic [3:0]   fail_code;
  assign fail = error_i || bad_switch_i || queue_full_i;
  assign fail_code = error_i ? error_code_i :
                     bad_switch_i ? bitdial_regs_pkg::ERROR_BAD_SWITCH : bitdial_regs_pkg::ERROR_QUEUE_FULL;
  assign clear_error = clear_i[bitdial_regs_pkg::IRQ_STATUS_ERROR_LSB];
  assign pop = clear_i[bitdial_regs_pkg::IRQ_STATUS_DONE_LSB] && level_o != 2'd0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      failed_q <= 1'b0;
      error_o <= bitdial_regs_pkg::ERROR_NONE;
      error_layer_o <= 8'd0;
      shown_q <= 2'd0;
      any_q <= 1'b0;
      level_o <= 2'd0;
      frame_count_o <= 32'd0;
    end else begin
      failed_q <= (failed_q && !clear_error) || fail;
      if (clear_error) begin
        error_o <= bitdial_regs_pkg::ERROR_NONE;
        error_layer_o <= 8'd0;
      end
      if (fail && (error_o == bitdial_regs_pkg::ERROR_NONE || clear_error)) begin
        error_o <= fail_code;
        error_layer_o <= error_i ? error_layer_i : 8'd0;
      end
      if (done_i) frame_count_o <= frame_count_o + 32'd1;
      if (pop) begin
        shown_q <= shown_q + 2'd1;
        any_q <= 1'b1;
      end
      level_o <= drop_i ? 2'd0 : level_o + 2'(done_i) - 2'(pop);
    end
  end
  always_ff @(posedge clk_i) if (done_i) kept[shown_q + level_o + 2'd1] <= {tag_i, switch_i, counters_i};

  assign {tag_o, switch_o, counters_o} = kept[shown_q];
  assign any_o = any_q;
  always_comb begin
    causes_o = '0;
    causes_o[bitdial_regs_pkg::IRQ_STATUS_DONE_LSB] = level_o != 2'd0 && !(`BD_FAULT(3) && frame_count_o == 32'd1);
    causes_o[bitdial_regs_pkg::IRQ_STATUS_ERROR_LSB] = failed_q;
  end

  `BD_ASSERT(result_room, !(done_i && level_o == 2'(bitdial_pkg::IN_FLIGHT)), "a result overwrites the one that is shown")
endmodule
