// Where the pixels of a tensor lie in the plane memory, one after the other in raster order: the first word of the
// pixel's cell, and its bank (model/program/layout.h; in channel layout every pixel is a cell of its own).
module pixel_place (
  input  logic clk_i,
  input  logic start_i,   // one clock: the first pixel
  input  logic next_i,    // the next one
  input  bitdial_descriptor_pkg::tensor_t tensor_i,
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0] width_i,  // from a clock before the first next_i on
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] cell_next_o,  // of the pixel after this one, or of the first
  output logic [3:0] bank_o,  // window and byte layout
  output logic row_end_o  // the pixel is the last of its row
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  logic [AW-1:0] line_q, cell_q, line_next;
  logic [1:0]    x3_q, y3_q;
  logic [bitdial_descriptor_pkg::SIDE_W-1:0] x_q;
  logic          channel, cell_end, line_end;
  assign channel = tensor_i.layout == 2'(bitdial_descriptor_pkg::LAYOUT_CHANNEL);
  assign cell_end = channel || x3_q == 2'd2;
  assign line_end = channel || y3_q == 2'd2;
  logic [bitdial_descriptor_pkg::SIDE_W-1:0] x_end_q;
  always_ff @(posedge clk_i) x_end_q <= width_i - 1'b1;
  assign row_end_o = x_q == x_end_q;
  assign line_next = line_end ? line_q + tensor_i.pitch : line_q;
  always_comb begin
    if (start_i) cell_next_o = tensor_i.base;
    else if (row_end_o) cell_next_o = line_next;
    else cell_next_o = cell_end ? cell_q + tensor_i.cell_words : cell_q;
  end
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      line_q <= tensor_i.base;
      cell_q <= tensor_i.base;
      x_q <= '0;
      x3_q <= 2'd0;
      y3_q <= 2'd0;
    end else if (next_i) begin
      cell_q <= cell_next_o;
      if (row_end_o) begin
        line_q <= line_next;
        x_q <= '0;
        x3_q <= 2'd0;
        y3_q <= line_end ? 2'd0 : y3_q + 2'd1;
      end else begin
        x_q <= x_q + 1'b1;
        x3_q <= cell_end ? 2'd0 : x3_q + 2'd1;
      end
    end
  end
  assign bank_o = {1'b0, y3_q, 1'b0} + {2'b00, y3_q} + {2'b00, x3_q};
endmodule
