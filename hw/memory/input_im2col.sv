// Turns the image into 3x3 windows while it is loaded: two line buffers and a 3x3 register window over positions
// (y, x) in raster order, one row and one column beyond the image, where pixels are 0. The step at (y, x) completes
// the window around (y - 1, x - 1); windows on the stride's grid are written as one word each, lane
// (ky * 3 + kx) * C + c. A step inside the image takes a clock for each channel's byte, outside one clock.
module input_im2col #(
  parameter int LANES = 64
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,
  input  logic               abort_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] base_i,
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  height_i,
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  width_i,     // <= 256
  input  logic [2:0]         channels_i,              // 1..4
  input  logic               stride2_i,
  input  logic               byte_valid_i,
  input  logic [7:0]         byte_i,
  output logic               byte_ready_o,
  output logic               done_o,
  output logic               we_o,
  output logic [LANES-1:0]   lanes_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic [LANES*8-1:0] data_o
);
  localparam int DW = bitdial_descriptor_pkg::SIDE_W;
  logic          busy_q, in_image, c_last, step, x_end, y_end;
  logic [DW-1:0] x_q, y_q, x_next;
  logic [1:0]    c_q;
  logic [23:0]   bytes_q;   // channels before the last of the pixel under way
  logic [31:0]   pixel;     // the pixel, channel c at byte c

  assign in_image = x_q < width_i && y_q < height_i;
  assign x_end = x_q == width_i;
  assign y_end = y_q == height_i;
  assign c_last = 3'(c_q) == channels_i - 3'd1;
  assign byte_ready_o = busy_q && in_image;
  assign step = busy_q && (!in_image || (byte_valid_i && c_last));
  always_comb begin
    pixel = {8'd0, bytes_q};
    for (int c = 0; c < 4; c++) if (c_q == 2'(c)) pixel[8*c +: 8] = byte_i;
    if (!in_image) pixel = 32'd0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      done_o <= 1'b0;
    end else begin
      done_o <= step && x_end && y_end;
      if (start_i) busy_q <= 1'b1;
      else if (abort_i || (step && x_end && y_end)) busy_q <= 1'b0;
    end
  end
  assign x_next = !step ? x_q : x_end ? '0 : x_q + 1'b1;
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      x_q <= '0;
      y_q <= '0;
      c_q <= 2'd0;
      bytes_q <= 24'd0;
    end else begin
      x_q <= x_next;
      if (step && x_end) y_q <= y_q + 1'b1;
      if (step) begin
        c_q <= 2'd0;
        bytes_q <= 24'd0;
      end else if (byte_valid_i && byte_ready_o) begin
        c_q <= c_q + 2'd1;
        bytes_q <= pixel[23:0];
      end
    end
  end

  // Rows y - 1 (low half) and y - 2 at column x, read one clock ahead.
  logic [63:0] lines [0:255];
  logic [63:0] line_q;
  logic [31:0] above1, above2;
  always_ff @(posedge clk_i) begin
    if (step && in_image) lines[x_q[7:0]] <= {above1, pixel};
    line_q <= lines[start_i ? 8'd0 : x_next[7:0]];
  end
  assign above1 = (y_q != '0) ? line_q[31:0] : 32'd0;
  assign above2 = (y_q > DW'(1)) ? line_q[63:32] : 32'd0;

  // Columns x - 2, x - 1 and x of the window, each {row y, row y - 1, row y - 2}.
  logic [95:0] left_q, middle_q, right_q, column;
  logic        window_q;
  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_q;
  assign column = (x_end ? 96'd0 : {pixel, above1, above2});
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) window_q <= 1'b0;
    else window_q <= step && x_q != '0 && y_q != '0 && !(stride2_i && (!x_q[0] || !y_q[0]));
  end
  always_ff @(posedge clk_i) begin
    if (step) begin
      left_q <= (x_q == '0) ? 96'd0 : middle_q;
      middle_q <= (x_q == '0) ? 96'd0 : right_q;
      right_q <= column;
    end
    if (start_i) addr_q <= base_i;
    else if (window_q) addr_q <= addr_q + 1'b1;
  end

  // Lane (ky * 3 + kx) * C + c holds byte c of row ky of column kx.
  logic [287:0] word;
  always_comb begin
    word = '0;
    if (window_q) for (int ky = 0; ky < 3; ky++) begin
      case (channels_i)
        3'd1: word[8*3*ky +: 24] = {right_q[32*ky +: 8], middle_q[32*ky +: 8], left_q[32*ky +: 8]};
        3'd2: word[16*3*ky +: 48] = {right_q[32*ky +: 16], middle_q[32*ky +: 16], left_q[32*ky +: 16]};
        3'd3: word[24*3*ky +: 72] = {right_q[32*ky +: 24], middle_q[32*ky +: 24], left_q[32*ky +: 24]};
        default: word[32*3*ky +: 96] = {right_q[32*ky +: 32], middle_q[32*ky +: 32], left_q[32*ky +: 32]};
      endcase
    end
  end
  if (LANES * 8 >= 288) begin : g_wide
    assign data_o = (LANES*8)'(word);
  end else begin : g_narrow  // images that do not fit are refused with their descriptor
    assign data_o = word[LANES*8-1:0];
    logic unused_word;
    assign unused_word = ^word[287:LANES*8];
  end
  assign lanes_o = {LANES{window_q}};
  assign we_o = window_q;
  assign addr_o = addr_q;
endmodule
