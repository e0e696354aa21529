// Where the codes of a pixel go: the place of the pixel in the output tensor, and where within it the groups of this row
// group begin. All of it follows from the pixel or the row group before by additions; groups are 8 channels, in window layout
// of 1-bit codes 16 (ROWS >= 16).
module packer_place #(
  parameter int ROWS = 8
) (
  input  logic clk_i,
  // verilator lint_off UNUSEDSIGNAL
  input  bitdial_descriptor_pkg::descriptor_t d_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic setup_i,
  input  logic pixel_i,              // clock p: the codes of the next pixel are there
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] pixel_o,  // p + 1: address of the pixel's first word
  output logic [3:0] window_bank_o,  // p + 1
  // In clock p, of the row group:
  output logic [3:0] groups_o,       // that exist
  output logic [3:0] bank_o,         // channel layout: of its first group
  output logic high_o,               // its first group is a hi byte, the lo one of the same word has been written
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] offset_o,  // words from the pixel's first
  // Of the layer:
  output logic channel_o,            // layout
  output logic pair_groups_o,        // a group has 16 channels
  output logic [2:0] words_o         // of a group
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int EIGHTS = ROWS / 8;
  logic one_bit_q, channel_q, pair_q;
  logic [2:0] words_q;
  logic [3:0] count_q;        // groups of a full row group
  logic [9:0] total_q;        // groups of the tensor
  logic [9:0] left_q;         // of this row group and the later ones
  logic fresh_q;              // left_q has not been set yet

  always_ff @(posedge clk_i) begin
    one_bit_q <= d_i.out_bits == 4'd1;
    channel_q <= d_i.out_tensor.layout[0];
    pair_q <= d_i.out_bits == 4'd1 && !d_i.out_tensor.layout[0] && ROWS >= 16;
    words_q <= 3'((d_i.out_bits + 4'd1) >> 1);
    count_q <= pair_q ? 4'(EIGHTS / 2) : 4'(EIGHTS);
    total_q <= pair_q ? 10'((13'(d_i.out_channels) + 13'd15) >> 4) : 10'((13'(d_i.out_channels) + 13'd7) >> 3);
  end
  assign channel_o = channel_q;
  assign pair_groups_o = pair_q;
  assign words_o = words_q;

  // The pixel: one of nine in a cell of window layout, a cell of its own in channel layout.
  logic x_last, map_last, tile_end, first_q, line_q;
  logic [1:0] x3_q, y3_q, x3, y3;   // flags of the pixel that comes next
  logic [AW-1:0] at_q, row_q, from, step, next;
  // verilator lint_off PINCONNECTEMPTY
  raster u_raster (
    .clk_i, .setup_i, .step_i(pixel_i), .width_i(d_i.out_width), .height_i(d_i.out_height),
    .x_o(), .y_o(), .x_last_o(x_last), .last_o(map_last));
  // verilator lint_on PINCONNECTEMPTY
  assign tile_end = pixel_i && map_last;
  assign x3 = x3_q == 2'd2 ? 2'd0 : x3_q + 2'd1;
  assign y3 = y3_q == 2'd2 ? 2'd0 : y3_q + 2'd1;
  always_comb begin
    from = first_q ? d_i.out_tensor.base : line_q ? row_q : at_q;
    step = '0;
    if (!first_q && line_q && (channel_q || y3_q == 2'd0)) step = d_i.out_tensor.pitch;
    if (!line_q && (channel_q || x3_q == 2'd0)) step = d_i.out_tensor.cell_words;
  end
  assign next = from + step;
  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      first_q <= 1'b1;
      line_q <= 1'b1;
      x3_q <= 2'd0;
      y3_q <= 2'd0;
    end else if (pixel_i) begin
      first_q <= map_last;
      line_q <= x_last;
      x3_q <= x_last ? 2'd0 : x3;
      if (x_last) y3_q <= map_last ? 2'd0 : y3;
    end
    if (pixel_i) begin
      at_q <= next;
      if (line_q) row_q <= next;
      window_bank_o <= {1'b0, y3_q, 1'b0} + 4'(y3_q) + 4'(x3_q);  // 3 y3 + x3
    end
  end
  assign pixel_o = at_q;

  // The row group's first group. One-bit codes of channel layout, and of window layout with 8 rows, fill a word in two
  // steps: lo, then hi.
  logic [4:0]    bank_sum;
  logic          wrap;
  logic [3:0]    bank_q;
  logic          high_q;
  logic [AW-1:0] offset_q, group_words_q;
  assign bank_sum = 5'(bank_q) + 5'(EIGHTS);
  assign wrap = bank_sum >= 5'd9;
  always_ff @(posedge clk_i) begin
    group_words_q <= pair_q ? AW'(EIGHTS / 2) : AW'(EIGHTS) * AW'(words_q);
    if (setup_i) begin
      bank_q <= 4'd0;
      high_q <= 1'b0;
      offset_q <= '0;
      fresh_q <= 1'b1;
    end else begin
      if (tile_end) begin
        if (channel_q) begin
          bank_q <= wrap ? 4'(bank_sum - 5'd9) : 4'(bank_sum);
          if (wrap && one_bit_q) high_q <= !high_q;
          if (wrap && (!one_bit_q || high_q)) offset_q <= offset_q + AW'(words_q);
        end else if (one_bit_q && !pair_q) begin
          high_q <= !high_q;
          if (high_q) offset_q <= offset_q + 1'b1;
        end else offset_q <= offset_q + group_words_q;
      end
      if (pixel_i) fresh_q <= 1'b0;
    end
    if (tile_end) left_q <= (fresh_q ? total_q : left_q) - 10'(count_q);
    else if (fresh_q) left_q <= total_q;
  end
  logic [9:0] left;
  assign left = fresh_q ? total_q : left_q;
  assign groups_o = left < 10'(count_q) ? 4'(left) : count_q;
  assign bank_o = bank_q;
  assign high_o = high_q;
  assign offset_o = offset_q;
endmodule
