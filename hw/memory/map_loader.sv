// Codes that were spilled on their way back: beats of four words to the plane memory, a word a clock. What follows the
// last word of a row in its beat is dropped.
module map_loader (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,      // the DMA job of the codes begins
  input  logic               abort_i,
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  input  logic               beat_valid_i,
  input  logic [63:0]        beat_data_i,
  output logic               beat_ready_o,
  output logic               busy_o,       // words are still to be written
  output logic               we_o,
  output logic [3:0]         bank_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic [15:0]        data_o
);
  logic [63:0] data_q;
  logic [2:0]  left_q;
  logic        busy_q, row_last, last, beat_end;
  word_walk u_word_walk (.clk_i, .start_i, .next_i(we_o), .descriptor_i, .bank_o, .addr_o, .row_last_o(row_last),
                         .last_o(last));
  assign we_o = busy_q && left_q != 3'd0;
  assign beat_end = left_q == 3'd1 || row_last;
  assign beat_ready_o = left_q == 3'd0 || beat_end;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q <= 3'd0;
      busy_q <= 1'b0;
    end else if (start_i || abort_i) begin
      left_q <= 3'd0;
      busy_q <= !abort_i;
    end else begin
      if (beat_valid_i && beat_ready_o) left_q <= 3'd4;
      else if (we_o) left_q <= beat_end ? 3'd0 : left_q - 3'd1;
      if (we_o && last) busy_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) begin
    if (beat_valid_i && beat_ready_o) data_q <= beat_data_i;
    else if (we_o) data_q <= {16'd0, data_q[63:16]};
  end
  assign busy_o = busy_q;
  assign data_o = data_q[15:0];
endmodule
