// The words of an output tensor in the plane memory, in the order in which they lie in memory: pixels in raster order, a
// pixel's groups of channels, a group's words of two planes (model/program/layout.h, bd_map_words).
module word_walk (
  input  logic clk_i,
  input  logic start_i,   // one clock: the first word
  input  logic next_i,    // the next one
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic [3:0] bank_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic row_last_o,  // the word is the last of its row of pixels
  output logic last_o       // ... of the tensor
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int CW = bitdial_descriptor_pkg::CHANNELS_W;
  localparam int SW = bitdial_descriptor_pkg::SIDE_W;
  logic          channel, one_bit, group_last, pixel_last, row_end;
  logic [1:0]    pair_top, pair_q;
  logic [CW-1:0] group_next_q, groups, first_step, step;  // of eight channels
  logic          ends_q, one_end_q;  // no group of the pixel follows this one, the first one
  logic [3:0]    group_bank_q, pixel_bank;
  logic [AW-1:0] word_q, cell_next;
  logic [SW-1:0] y_q;
  logic [SW-1:0] y_end_q;
  always_ff @(posedge clk_i) begin  // of the layer: long there when the walk begins
    channel <= descriptor_i.out_tensor.layout == 2'(bitdial_descriptor_pkg::LAYOUT_CHANNEL);
    one_bit <= descriptor_i.out_bits == 4'd1;
    pair_top <= 2'((descriptor_i.out_bits - 4'd1) >> 1);
    groups <= (descriptor_i.out_channels + CW'(7)) >> 3;
    y_end_q <= descriptor_i.out_height - 1'b1;
  end
  // One-bit codes have two groups in a word: neighbours, in channel layout those nine groups apart. The group after
  // the next one, and whether there is one, are worked out ahead.
  assign first_step = (one_bit && !channel) ? CW'(2) : CW'(1);
  assign step = (one_bit && channel && group_bank_q == 4'd7) ? CW'(10) : first_step;
  always_ff @(posedge clk_i) one_end_q <= first_step >= groups;
  assign group_last = pair_q == pair_top;
  assign pixel_last = group_last && ends_q;
  assign row_last_o = pixel_last && row_end;
  assign last_o = row_last_o && y_q == y_end_q;
  pixel_place u_pixel_place (.clk_i, .start_i, .next_i(next_i && pixel_last), .tensor_i(descriptor_i.out_tensor),
                             .width_i(descriptor_i.out_width), .cell_next_o(cell_next), .bank_o(pixel_bank),
                             .row_end_o(row_end));
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      pair_q <= 2'd0;
      group_next_q <= first_step;
      ends_q <= one_end_q;
      group_bank_q <= 4'd0;
      word_q <= cell_next;
      y_q <= '0;
    end else if (next_i) begin
      pair_q <= group_last ? 2'd0 : pair_q + 2'd1;
      if (group_last) begin
        group_next_q <= pixel_last ? first_step : group_next_q + step;
        ends_q <= pixel_last ? one_end_q : group_next_q + step >= groups;
        group_bank_q <= (pixel_last || group_bank_q == 4'd8) ? 4'd0 : group_bank_q + 4'd1;
        if (pixel_last) word_q <= cell_next;
        else if (!channel || group_bank_q == 4'd8) word_q <= word_q + AW'(pair_top) + AW'(1);
        if (row_last_o) y_q <= y_q + 1'b1;
      end
    end
  end
  assign bank_o = channel ? group_bank_q : pixel_bank;
  assign addr_o = word_q + AW'(pair_q);
endmodule
