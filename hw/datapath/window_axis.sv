// Which of the three rows (or columns) of a sub-window are real: in the kernel and in the map. Two clocks.
module window_axis (
  input  logic       clk_i,
  input  logic [bitdial_walk_pkg::COORDINATE_W-1:0] first_i,  // first row of the window, from the first window's
  input  logic [3:0] pad_i,     // rows from the first window's first row to the map
  input  logic [9:0] size_i,    // rows of the map
  input  logic [1:0] sub_i,     // sub-window
  input  logic [3:0] kernel_i,  // rows of the kernel
  output logic [2:0] real_o
);
  localparam int CW = bitdial_walk_pkg::COORDINATE_W;
  logic [CW-1:0] row_q, below;  // first row of the sub-window in the map, rows of the map from it on; both signed
  logic [3:0]    sub3;
  logic [4:0]    shift;
  logic [2:0]    kernel_q, real_q;

  assign sub3 = {1'b0, sub_i, 1'b0} + {2'b00, sub_i};
  assign shift = {1'b0, sub3} - {1'b0, pad_i};
  assign below = CW'(size_i) - row_q;
  always_ff @(posedge clk_i) begin
    row_q <= first_i + {{CW-5{shift[4]}}, shift};
    for (int k = 0; k < 3; k++) kernel_q[k] <= sub3 + 4'(k) < kernel_i;
    real_q[0] <= kernel_q[0] && !row_q[CW-1] && !below[CW-1] && below != '0;
    real_q[1] <= kernel_q[1] && (!row_q[CW-1] || row_q == '1) && !below[CW-1] && below[CW-1:1] != '0;
    real_q[2] <= kernel_q[2] && (!row_q[CW-1] || row_q[CW-1:1] == '1) && !below[CW-1] &&
                 (below[CW-1:2] != '0 || below[1:0] == 2'd3);
  end
  assign real_o = real_q;
endmodule
