// Place of a K word from the window's corner: offset of its address, its sub-window, and how much of the map lies from
// the sub-window's offset on.
module walker_offset #(
  parameter int AW = 12,
  localparam int CW = bitdial_walk_pkg::COORDINATE_W
) (
  input  logic          clk_i,
  input  logic          load_i,         // begin of a layer
  input  logic          step_i,         // to the next word of the same sub-window
  input  logic          column_i,       // ... of the next sub-window
  input  logic          row_i,          // ... of the next row of sub-windows
  input  logic          start_i,        // ... back to the first one
  input  logic [AW-1:0] start_offset_i, // its offset there
  input  logic [2:0]    word_step_i,    // words of a step
  input  logic [AW-1:0] cell_words_i,
  input  logic [AW-1:0] pitch_i,
  input  logic [9:0]    height_i,       // of the input
  input  logic [9:0]    width_i,
  output logic [AW-1:0] offset_o,
  output logic signed [CW-1:0] rows_left_o,
  output logic signed [CW-1:0] columns_left_o,
  output logic [1:0]    sy_o,
  output logic [1:0]    sx_o
);
  logic [AW-1:0] offset_q, column_q, row_q;  // of the word, of its sub-window, of the row's first sub-window
  logic [AW-1:0] from, distance, moved;
  logic [CW-1:0] rows_left_q, columns_left_q;
  logic [1:0]    sy_q, sx_q;

  assign from = row_i ? row_q : column_i ? column_q : offset_q;
  assign distance = row_i ? pitch_i : column_i ? cell_words_i : AW'(word_step_i);
  assign moved = from + distance;

  always_ff @(posedge clk_i) begin
    if (load_i || start_i) begin
      offset_q <= start_offset_i;
      column_q <= start_offset_i;
      row_q <= start_offset_i;
      rows_left_q <= CW'(height_i);
      sy_q <= 2'd0;
    end else begin
      if (step_i || column_i || row_i) offset_q <= moved;
      if (column_i || row_i) column_q <= moved;
      if (row_i) begin
        row_q <= moved;
        rows_left_q <= rows_left_q - CW'(3);
        sy_q <= sy_q + 2'd1;
      end
    end
    if (load_i || start_i || row_i) begin
      columns_left_q <= CW'(width_i);
      sx_q <= 2'd0;
    end else if (column_i) begin
      columns_left_q <= columns_left_q - CW'(3);
      sx_q <= sx_q + 2'd1;
    end
  end
  assign offset_o = offset_q;
  assign rows_left_o = $signed(rows_left_q);
  assign columns_left_o = $signed(columns_left_q);
  assign sy_o = sy_q;
  assign sx_o = sx_q;
endmodule
