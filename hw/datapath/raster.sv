// Walks the pixels of a map, row by row, and begins again after the last one: a row group after the other.
module raster (
  input  logic clk_i,
  input  logic setup_i,  // to pixel 0
  input  logic step_i,   // to the next pixel
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0] width_i,   // of the layer: stable from before setup_i on
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0] height_i,
  output logic [bitdial_descriptor_pkg::SIDE_W-1:0] x_o,
  output logic [bitdial_descriptor_pkg::SIDE_W-1:0] y_o,
  output logic x_last_o,  // last of its row
  output logic last_o     // last of the map
);
  localparam int SW = bitdial_descriptor_pkg::SIDE_W;
  logic [SW-1:0] x_end_q, y_end_q;
  always_ff @(posedge clk_i) begin
    x_end_q <= width_i - 1'b1;
    y_end_q <= height_i - 1'b1;
    if (setup_i) begin
      x_o <= '0;
      y_o <= '0;
    end else if (step_i) begin
      x_o <= x_last_o ? '0 : x_o + 1'b1;
      if (x_last_o) y_o <= last_o ? '0 : y_o + 1'b1;
    end
  end
  assign x_last_o = x_o == x_end_q;
  assign last_o = x_last_o && y_o == y_end_q;
endmodule
