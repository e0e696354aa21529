// Place of a K word from the window's corner: the offset of its address, and its sub-window.
module walker_offset #(
  parameter int AW = 12
) (
  input  logic          clk_i,
  input  logic          step_i,         // to the next word of the same sub-window
  input  logic          column_i,       // ... of the next sub-window
  input  logic          row_i,          // ... of the next row of sub-windows
  input  logic          start_i,        // ... back to the first one
  input  logic [AW-1:0] start_offset_i, // its offset there
  input  logic [2:0]    word_step_i,    // words of a step
  input  logic [AW-1:0] cell_words_i,
  input  logic [AW-1:0] pitch_i,
  output logic [AW-1:0] offset_o,
  output logic [1:0]    sy_o,
  output logic [1:0]    sx_o
);
  logic [AW-1:0] offset_q, column_q, row_q;  // of the word, of its sub-window, of the row's first sub-window
  logic [AW-1:0] from, distance, moved;
  logic [1:0]    sy_q, sx_q;

  assign from = row_i ? row_q : column_i ? column_q : offset_q;
  assign distance = row_i ? pitch_i : column_i ? cell_words_i : AW'(word_step_i);
  assign moved = start_i ? start_offset_i : from + distance;

  always_ff @(posedge clk_i) begin
    if (start_i || step_i || column_i || row_i) offset_q <= moved;
    if (start_i || column_i || row_i) column_q <= moved;
    if (start_i || row_i) row_q <= moved;
    if (start_i) sy_q <= 2'd0;
    else if (row_i) sy_q <= sy_q + 2'd1;
    if (start_i || row_i) sx_q <= 2'd0;
    else if (column_i) sx_q <= sx_q + 2'd1;
  end
  assign offset_o = offset_q;
  assign sy_o = sy_q;
  assign sx_o = sx_q;
endmodule
