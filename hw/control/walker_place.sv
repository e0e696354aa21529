// Place of the window's corner for the pixel of each issue: address of its cell, row and column modulo 3, and in the map.
// A step along a row or down moves the cell by one of two fixed distances: the larger one where the remainder wraps.
module walker_place #(
  parameter int AW = 12,
  localparam int CW = bitdial_walk_pkg::COORDINATE_W
) (
  input  logic          clk_i,
  input  logic          home_i,       // to the map's first pixel
  input  logic          next_i,       // to the next pixel
  input  logic          back_i,       // to the block's first pixel
  input  logic          block_i,      // with next_i: that pixel is the next block's first
  input  logic [2:0]    stride_i,
  input  logic [1:0]    stride_mod_i, // modulo 3; 0 where cells are pixels
  input  logic [9:0]    width_m1_i,   // of the output
  input  logic [AW-1:0] origin_i,     // address of the first pixel's corner
  input  logic [AW-1:0] right_i,      // cells of a step to the right without wrapping, in words
  input  logic [AW-1:0] right_wrap_i,
  input  logic [AW-1:0] down_i,
  input  logic [AW-1:0] down_wrap_i,
  input  logic [3:0]    pad_top_i,
  input  logic [3:0]    pad_left_i,
  input  logic [1:0]    ym_i,         // of the first pixel's corner
  input  logic [1:0]    xm_i,
  output logic [AW-1:0] corner_o,
  output logic signed [CW-1:0] y0_o,
  output logic signed [CW-1:0] x0_o,
  output logic [1:0]    ym_o,
  output logic [1:0]    xm_o
);
  typedef struct packed {
    logic [AW-1:0] corner;
    logic [AW-1:0] line;      // corner of the row's first pixel
    logic [CW-1:0] y0;
    logic [CW-1:0] x0;
    logic [1:0]    ym;
    logic [1:0]    xm;
    logic [9:0]    left;      // pixels of the row after this one
    logic          row_last;
  } pixel_t;
  pixel_t pixel_q, block_q, home, following;

  function automatic logic wraps(input logic [1:0] m, input logic [1:0] step);
    wraps = ({1'b0, m} + {1'b0, step}) >= 3'd3;
  endfunction
  function automatic logic [1:0] add3(input logic [1:0] m, input logic [1:0] step);
    logic [2:0] sum;
    sum = {1'b0, m} + {1'b0, step};
    add3 = sum >= 3'd3 ? 2'(sum - 3'd3) : 2'(sum);
  endfunction

  logic          down_wraps, right_wraps;
  logic [AW-1:0] from, distance, moved;
  assign down_wraps = wraps(pixel_q.ym, stride_mod_i);
  assign right_wraps = wraps(pixel_q.xm, stride_mod_i);
  assign from = pixel_q.row_last ? pixel_q.line : pixel_q.corner;
  assign distance = pixel_q.row_last ? (down_wraps ? down_wrap_i : down_i) : (right_wraps ? right_wrap_i : right_i);
  assign moved = from + distance;

  always_comb begin
    home.corner = origin_i;
    home.line = origin_i;
    home.y0 = CW'(0) - CW'(pad_top_i);
    home.x0 = CW'(0) - CW'(pad_left_i);
    home.ym = ym_i;
    home.xm = xm_i;
    home.left = width_m1_i;
    home.row_last = width_m1_i == 10'd0;

    following = pixel_q;
    following.corner = moved;
    if (pixel_q.row_last) begin
      following.line = moved;
      following.y0 = pixel_q.y0 + CW'(stride_i);
      following.ym = add3(pixel_q.ym, stride_mod_i);
      following.x0 = home.x0;
      following.xm = home.xm;
      following.left = home.left;
      following.row_last = home.row_last;
    end else begin
      following.x0 = pixel_q.x0 + CW'(stride_i);
      following.xm = add3(pixel_q.xm, stride_mod_i);
      following.left = pixel_q.left - 10'd1;
      following.row_last = pixel_q.left == 10'd1;
    end
  end
  always_ff @(posedge clk_i) begin
    if (home_i) pixel_q <= home;
    else if (back_i) pixel_q <= block_q;
    else if (next_i) pixel_q <= following;
    if (home_i) block_q <= home;
    else if (block_i) block_q <= following;
  end
  assign corner_o = pixel_q.corner;
  assign y0_o = $signed(pixel_q.y0);
  assign x0_o = $signed(pixel_q.x0);
  assign ym_o = pixel_q.ym;
  assign xm_o = pixel_q.xm;
endmodule
