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
  logic [SW-1:0] x_before_q, y_before_q;  // the last but one
  logic          narrow_q, flat_q;        // one column, one row
  logic          x_last_q, y_last_q;
  always_ff @(posedge clk_i) begin
    x_before_q <= width_i - SW'(2);
    y_before_q <= height_i - SW'(2);
    narrow_q <= width_i == SW'(1);
    flat_q <= height_i == SW'(1);
    if (setup_i) begin
      x_o <= '0;
      y_o <= '0;
      x_last_q <= width_i == SW'(1);
      y_last_q <= height_i == SW'(1);
    end else if (step_i) begin
      x_o <= x_last_q ? '0 : x_o + 1'b1;
      x_last_q <= x_last_q ? narrow_q : x_o == x_before_q;
      if (x_last_q) begin
        y_o <= y_last_q ? '0 : y_o + 1'b1;
        y_last_q <= y_last_q ? flat_q : y_o == y_before_q;
      end
    end
  end
  assign x_last_o = x_last_q;
  assign last_o = x_last_q && y_last_q;
endmodule
