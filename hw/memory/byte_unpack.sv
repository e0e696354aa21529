// Splits 8-byte beats into bytes, lowest first. A byte can be taken from the clock after its beat on; the next beat is
// taken with the last byte of the one before.
module byte_unpack (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,
  input  logic        beat_valid_i,
  input  logic [63:0] beat_data_i,
  output logic        beat_ready_o,
  output logic        byte_valid_o,
  output logic [7:0]  byte_o,
  input  logic        byte_ready_i
);
  logic [63:0] data_q;
  logic [3:0]  left_q;
  assign byte_valid_o = left_q != 4'd0;
  assign byte_o = data_q[7:0];
  assign beat_ready_o = left_q == 4'd0 || (left_q == 4'd1 && byte_ready_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) left_q <= 4'd0;
    else if (clear_i) left_q <= 4'd0;
    else if (beat_valid_i && beat_ready_o) left_q <= 4'd8;
    else if (byte_valid_o && byte_ready_i) left_q <= left_q - 4'd1;
  end
  always_ff @(posedge clk_i) begin
    if (beat_valid_i && beat_ready_o) data_q <= beat_data_i;
    else if (byte_ready_i) data_q <= {8'd0, data_q[63:8]};
  end
endmodule
