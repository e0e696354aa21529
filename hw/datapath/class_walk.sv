// Addresses of corrections: each output pixel belongs to a class by the rows and columns that its window misses.
//     v = min(y, top) + max(0, y - (height - 1 - bottom)), h likewise, class = v * (left + 1 + right) + h
//     word = the row group's first + class * SUBS + sub
// Where one word holds a pixel's corrections, pixels of one class side by side need it read once.
// v and h grow by 0, 1 or 2 from one row or column to the next, so that the address only needs additions.
module class_walk #(
  parameter int SUBS = 2
) (
  input  logic clk_i,
  // verilator lint_off UNUSEDSIGNAL
  input  bitdial_descriptor_pkg::descriptor_t d_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic [12:0] correct_step_o,  // words of a row group
  input  logic [2*bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] correct_i,  // first word of the row groups in slots 0, 1
  input  logic setup_i,
  input  logic valid_i,       // clock b: a beat
  input  logic [5:0] sub_i,
  input  logic tile_end_i,    // with the last beat of a row group
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0] x_i,  // of the beat's pixel
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0] y_i,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o, // clock b + 3
  output logic fresh_o        // with it: another word than that of the beat before, which need not be read again
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int SW = bitdial_descriptor_pkg::SIDE_W;

  // Of the layer.
  logic [3:0] top, bottom, left, right;
  logic signed [SW:0] x_right_q, y_bottom_q;  // last column and row that miss nothing right and below
  logic [4:0] h_count_q, v_count_q;
  logic [12:0] line_step_q, first_q;          // words of a v; of the first pixel
  logic [12:0] low_q, high_q;
  logic x_first, y_first;
  assign {top, bottom, left, right} = {d_i.borders[3:0], d_i.borders[11:8], d_i.borders[19:16], d_i.borders[27:24]};
  assign x_first = x_right_q[SW];
  assign y_first = y_bottom_q[SW];
  always_ff @(posedge clk_i) begin
    x_right_q <= $signed({1'b0, d_i.out_width}) - $signed((SW+1)'(right)) - 1;
    y_bottom_q <= $signed({1'b0, d_i.out_height}) - $signed((SW+1)'(bottom)) - 1;
    h_count_q <= 5'(left) + 5'(right) + 5'd1;
    v_count_q <= 5'(top) + 5'(bottom) + 5'd1;
    line_step_q <= 13'(h_count_q) * 13'(SUBS);
    first_q <= (y_first ? line_step_q : 13'd0) + (x_first ? 13'(SUBS) : 13'd0);
    low_q <= (v_count_q[0] ? line_step_q : 13'd0) + (v_count_q[1] ? {line_step_q[11:0], 1'b0} : 13'd0);
    high_q <= (v_count_q[2] ? {line_step_q[10:0], 2'd0} : 13'd0) + (v_count_q[3] ? {line_step_q[9:0], 3'd0} : 13'd0);
    correct_step_o <= low_q + high_q + (v_count_q[4] ? {line_step_q[8:0], 4'd0} : 13'd0);  // v_count * line_step
  end

  // b: from the pixel's place, how its class follows from another's.
  logic x0, y0, x_more, x_less, y_more, y_less;
  assign x0 = x_i == '0;
  assign y0 = y_i == '0;
  assign x_more = x_i <= SW'(left);
  assign x_less = $signed({1'b0, x_i}) > x_right_q;
  assign y_more = y_i <= SW'(top);
  assign y_less = $signed({1'b0, y_i}) > y_bottom_q;
  logic start1_q, valid1_q, line1_q, tile1_q, x_more1_q, x_less1_q, y_more1_q, y_less1_q, end1_q;
  logic [5:0] sub1_q, sub2_q;
  always_ff @(posedge clk_i) begin
    valid1_q <= valid_i;
    start1_q <= valid_i && sub_i == 6'd0;
    end1_q <= valid_i && tile_end_i;
    line1_q <= x0;
    tile1_q <= x0 && y0;
    {x_more1_q, x_less1_q, y_more1_q, y_less1_q} <= {x_more, x_less, y_more, y_less};
    sub1_q <= sub_i;
    sub2_q <= sub1_q;
  end

  // b + 1: the pixel's first word, from the pixel's left of it or from the first one's of the row above.
  logic          slot_q, valid2_q, fresh2_q;
  logic [AW-1:0] pixel_q, line_q, from, next;
  logic [12:0]   add;
  always_comb begin
    from = tile1_q ? (slot_q ? correct_i[2*AW-1:AW] : correct_i[AW-1:0]) : line1_q ? line_q : pixel_q;
    add = 13'd0;
    if (tile1_q) add = first_q;
    else if (line1_q) add = (y_more1_q && y_less1_q) ? {line_step_q[11:0], 1'b0} : (y_more1_q || y_less1_q) ? line_step_q : 13'd0;
    else add = (x_more1_q && x_less1_q) ? 13'(2 * SUBS) : (x_more1_q || x_less1_q) ? 13'(SUBS) : 13'd0;
    next = from + AW'(add);
  end
  always_ff @(posedge clk_i) begin
    if (setup_i) slot_q <= 1'b0;
    else if (end1_q) slot_q <= !slot_q;
    valid2_q <= valid1_q;
    if (start1_q) begin
      pixel_q <= next;
      if (line1_q) line_q <= next;
    end
    if (valid2_q) addr_o <= pixel_q + AW'(sub2_q);  // b + 2
    fresh2_q <= SUBS != 1 || line1_q || x_more1_q || x_less1_q;
    fresh_o <= fresh2_q;
  end
endmodule
