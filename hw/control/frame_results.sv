// What software learns of its frames: interrupt causes, the first error, tag, switch and counters of the last frame
// that ended well.
module frame_results #(
  parameter int FAULT = 0
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [bitdial_regs_pkg::IRQ_STATUS_W-1:0] clear_i,  // causes that software clears
  input  logic        bad_switch_i,     // a doorbell was refused for its switch
  input  logic        queue_full_i,     // ... for a full queue
  input  logic        done_i,           // a frame ended well: tag, switch and counters are valid
  input  logic [31:0] tag_i,
  input  logic [3:0]  switch_i,
  input  logic [6*bitdial_pkg::COUNT_W-1:0] counters_i,
  input  logic        error_i,          // a frame was aborted for error_code_i at error_layer_i
  input  logic [3:0]  error_code_i,
  input  logic [7:0]  error_layer_i,
  output logic [bitdial_regs_pkg::IRQ_STATUS_W-1:0] causes_o,
  output logic [3:0]  error_o,          // first error since it was cleared
  output logic [7:0]  error_layer_o,
  output logic [31:0] tag_o,
  output logic [3:0]  switch_o,
  output logic [31:0] frame_count_o,
  output logic [6*bitdial_pkg::COUNT_W-1:0] counters_o
);
  logic [bitdial_regs_pkg::IRQ_STATUS_W-1:0] set;
  logic       fail, clear_error, drop_irq_q;
  logic [3:0] fail_code;
  assign fail = error_i || bad_switch_i || queue_full_i;
  assign fail_code = error_i ? error_code_i :
                     bad_switch_i ? bitdial_regs_pkg::ERROR_BAD_SWITCH : bitdial_regs_pkg::ERROR_QUEUE_FULL;
  assign clear_error = clear_i[bitdial_regs_pkg::IRQ_STATUS_ERROR_LSB];
  always_comb begin
    set = '0;
    set[bitdial_regs_pkg::IRQ_STATUS_DONE_LSB] = done_i && !drop_irq_q;
    set[bitdial_regs_pkg::IRQ_STATUS_ERROR_LSB] = fail;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      causes_o <= '0;
      error_o <= bitdial_regs_pkg::ERROR_NONE;
      error_layer_o <= 8'd0;
      tag_o <= 32'd0;
      switch_o <= 4'd0;
      frame_count_o <= 32'd0;
      counters_o <= '0;
      drop_irq_q <= FAULT == 3;
    end else begin
      causes_o <= (causes_o & ~clear_i) | set;
      if (clear_error) begin
        error_o <= bitdial_regs_pkg::ERROR_NONE;
        error_layer_o <= 8'd0;
      end
      if (fail && (error_o == bitdial_regs_pkg::ERROR_NONE || clear_error)) begin
        error_o <= fail_code;
        error_layer_o <= error_i ? error_layer_i : 8'd0;
      end
      if (done_i) begin
        drop_irq_q <= 1'b0;
        tag_o <= tag_i;
        switch_o <= switch_i;
        frame_count_o <= frame_count_o + 32'd1;
        counters_o <= counters_i;
      end
    end
  end
endmodule
