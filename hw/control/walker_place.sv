// Place of the window's corner for the pixel of each issue, from the corner of the map's first pixel: address of its cell,
// row and column; and its row and column modulo 3 in the map. A step along a row or down moves the cell by one of two
// fixed distances: the larger one where the remainder wraps.
module walker_place #(
  parameter int AW = 12,
  localparam int CW = bitdial_walk_pkg::COORDINATE_W
) (
  input  logic          clk_i,
  input  logic          home_i,       // to the map's first pixel
  input  logic          first_i,      // this is a block's first pixel
  input  logic          next_i,       // to the next pixel
  input  logic          back_i,       // with next_i: to the block's first pixel instead
  input  logic [2:0]    stride_i,
  input  logic [1:0]    stride_mod_i, // modulo 3; 0 where cells are pixels
  input  logic [9:0]    width_i,      // of the output
  input  logic [AW-1:0] right_i,      // cells of a step to the right without wrapping, in words
  input  logic [AW-1:0] right_wrap_i,
  input  logic [AW-1:0] down_i,
  input  logic [AW-1:0] down_wrap_i,
  input  logic [1:0]    ym_i,         // of the first pixel's corner
  input  logic [1:0]    xm_i,
  output logic [AW-1:0] corner_o,
  output logic [CW-1:0] y_o,
  output logic [CW-1:0] x_o,
  output logic [1:0]    ym_o,
  output logic [1:0]    xm_o
);
  typedef struct packed {
    logic [AW-1:0] corner;
    logic [AW-1:0] line;      // corner of the row's first pixel
    logic [CW-1:0] y;
    logic [CW-1:0] x;
    logic [1:0]    ym;
    logic [1:0]    xm;
    logic          down_wraps;   // in the next step
    logic          right_wraps;
    logic [9:0]    column;    // of the output, and 2
    logic          row_last;
  } pixel_t;
  pixel_t pixel_q, block_q;

  function automatic logic wraps(input logic [1:0] m, input logic [1:0] step);
    wraps = ({1'b0, m} + {1'b0, step}) >= 3'd3;
  endfunction
  function automatic logic [1:0] add3(input logic [1:0] m, input logic [1:0] step);  // modulo 3
    logic [2:0] sum;
    sum = {1'b0, m} + {1'b0, step};
    add3 = sum >= 3'd3 ? 2'(sum - 3'd3) : 2'(sum);
  endfunction

  logic [1:0]    ym_next, xm_next;
  logic [AW-1:0] from, distance, moved;
  logic          move, row_end;
  assign ym_next = add3(pixel_q.ym, stride_mod_i);
  assign xm_next = add3(pixel_q.xm, stride_mod_i);
  assign from = pixel_q.row_last ? pixel_q.line : pixel_q.corner;
  assign distance = pixel_q.row_last ? (pixel_q.down_wraps ? down_wrap_i : down_i) :
                    (pixel_q.right_wraps ? right_wrap_i : right_i);
  assign moved = from + distance;
  assign move = next_i && !(back_i && first_i);  // a block of one pixel stays
  assign row_end = next_i && !back_i && pixel_q.row_last;

  always_ff @(posedge clk_i) begin
    if (home_i) begin
      pixel_q.corner <= '0;
      pixel_q.line <= '0;
      pixel_q.y <= '0;
      pixel_q.ym <= ym_i;
      pixel_q.down_wraps <= wraps(ym_i, stride_mod_i);
    end else if (move) begin
      pixel_q.corner <= back_i ? block_q.corner : moved;
      if (back_i || pixel_q.row_last) begin
        pixel_q.line <= back_i ? block_q.line : moved;
        pixel_q.y <= back_i ? block_q.y : pixel_q.y + CW'(stride_i);
        pixel_q.ym <= back_i ? block_q.ym : ym_next;
        pixel_q.down_wraps <= back_i ? block_q.down_wraps : wraps(ym_next, stride_mod_i);
      end
    end
    if (home_i || row_end) begin
      pixel_q.x <= '0;
      pixel_q.xm <= xm_i;
      pixel_q.right_wraps <= wraps(xm_i, stride_mod_i);
      pixel_q.column <= 10'd2;
      pixel_q.row_last <= width_i == 10'd1;
    end else if (move) begin
      pixel_q.x <= back_i ? block_q.x : pixel_q.x + CW'(stride_i);
      pixel_q.xm <= back_i ? block_q.xm : xm_next;
      pixel_q.right_wraps <= back_i ? block_q.right_wraps : wraps(xm_next, stride_mod_i);
      pixel_q.column <= back_i ? block_q.column : pixel_q.column + 10'd1;
      pixel_q.row_last <= back_i ? block_q.row_last : pixel_q.column == width_i;
    end
    if (first_i) block_q <= pixel_q;
  end
  assign corner_o = pixel_q.corner;
  assign y_o = pixel_q.y;
  assign x_o = pixel_q.x;
  assign ym_o = pixel_q.ym;
  assign xm_o = pixel_q.xm;
endmodule
