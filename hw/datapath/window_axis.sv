// Which of the three rows (or columns) of a sub-window are real: in the kernel and in the map. Two clocks.
module window_axis (
  input  logic       clk_i,
  input  logic signed [bitdial_walk_pkg::COORDINATE_W-1:0] first_i,  // coordinate of the window's first row
  input  logic signed [bitdial_walk_pkg::COORDINATE_W-1:0] left_i,   // rows of the map, less those before the sub-window
  input  logic [1:0] sub_i,     // sub-window
  input  logic [3:0] kernel_i,  // rows of the kernel
  output logic [2:0] real_o
);
  localparam int CW = bitdial_walk_pkg::COORDINATE_W;
  logic signed [CW-1:0] row_q, below_q;  // first row of the sub-window, rows of the map from it on
  logic [3:0]           sub3;
  logic [2:0]           kernel_q, real_q;

  assign sub3 = {1'b0, sub_i, 1'b0} + {2'b00, sub_i};
  always_ff @(posedge clk_i) begin
    row_q <= first_i + CW'(sub3);
    below_q <= left_i - first_i;
    for (int k = 0; k < 3; k++) kernel_q[k] <= sub3 + 4'(k) < kernel_i;
    real_q[0] <= kernel_q[0] && !row_q[CW-1] && !below_q[CW-1] && below_q != '0;
    real_q[1] <= kernel_q[1] && (!row_q[CW-1] || row_q == '1) && !below_q[CW-1] && below_q[CW-1:1] != '0;
    real_q[2] <= kernel_q[2] && (!row_q[CW-1] || row_q[CW-1:1] == '1) && !below_q[CW-1] &&
                 (below_q[CW-1:2] != '0 || below_q[1:0] == 2'd3);
  end
  assign real_o = real_q;
endmodule
