// The image's way in: bytes (rows, columns, channels) to words of the plane memory. A byte is taken a clock; as soon as
// the bytes of a group of channels are there (two where whole codes lie in a word, else eight, fewer at a pixel's end)
// the group's words are written, one a clock: one word of codes, or four of two planes each.
module image_loader (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,      // the image's DMA job begins
  input  logic               abort_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,  // of the first layer, or of OP_LOAD
  // verilator lint_on UNUSEDSIGNAL
  input  logic               beat_valid_i,
  input  logic [63:0]        beat_data_i,
  output logic               beat_ready_o,
  output logic               done_o,       // one clock, after the last write is presented
  output logic               we_o,
  output logic [3:0]         bank_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic [15:0]        data_o
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  bitdial_descriptor_pkg::tensor_t t;
  // OP_LOAD: rows of the image, which begin at any byte of the first beat.
  // The descriptor is there a clock before start_i, what follows from it is registered.
  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] channels_q, channel_end_q;  // how many, the last but one
  logic [bitdial_descriptor_pkg::SIDE_W-1:0] width, height_q, row_end_q;
  logic       bytes_whole, channel, one_channel_q;
  always_ff @(posedge clk_i) begin
    t <= descriptor_i.load ? descriptor_i.out_tensor : descriptor_i.in_tensor;
    bytes_whole <= (descriptor_i.load ? descriptor_i.out_tensor.layout : descriptor_i.in_tensor.layout) ==
                   2'(bitdial_descriptor_pkg::LAYOUT_BYTE);
    channel <= (descriptor_i.load ? descriptor_i.out_tensor.layout : descriptor_i.in_tensor.layout) ==
               2'(bitdial_descriptor_pkg::LAYOUT_CHANNEL);
    channels_q <= descriptor_i.load ? descriptor_i.out_channels : descriptor_i.in_channels;
    width <= descriptor_i.load ? descriptor_i.out_width : descriptor_i.in_width;
    height_q <= descriptor_i.load ? descriptor_i.out_height : descriptor_i.in_height;
    row_end_q <= height_q - bitdial_descriptor_pkg::SIDE_W'(2);
    one_channel_q <= channels_q == bitdial_descriptor_pkg::CHANNELS_W'(1);
    channel_end_q <= channels_q - bitdial_descriptor_pkg::CHANNELS_W'(2);
  end

  logic       byte_valid, byte_ready, take;
  logic [7:0] data;
  byte_unpack u_byte_unpack (.clk_i, .rst_ni, .clear_i(start_i || abort_i), .beat_valid_i, .beat_data_i, .beat_ready_o,
                             .byte_valid_o(byte_valid), .byte_o(data), .byte_ready_i(byte_ready));

  // --- collect a group ----------------------------------------------------------------------------------------------
  logic        busy_q, pixel_last_q, pixel_last, group_last_q, group_last, row_end, image_last, emit_free, row_last_q;
  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] c_q;
  logic [bitdial_descriptor_pkg::SIDE_W-1:0] y_q;
  logic [55:0] group_q;                    // bytes before the last of the group under way
  logic [63:0] group;                      // whole, channel c of the group at byte c
  logic [2:0]  lane, skip_q;               // skip_q: bytes of the first beat that come before
  assign lane = bytes_whole ? {2'b00, c_q[0]} : c_q[2:0];
  assign pixel_last = pixel_last_q;
  assign group_last = group_last_q;
  assign image_last = pixel_last && row_end && row_last_q;
  assign byte_ready = busy_q && (skip_q != 3'd0 || !group_last || emit_free);
  assign take = byte_valid && byte_ready && skip_q == 3'd0;
  always_comb begin
    group = {8'd0, group_q};
    for (int b = 0; b < 8; b++) if (lane == 3'(b)) group[8*b +: 8] = data;
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) busy_q <= 1'b0;
    else if (start_i) busy_q <= 1'b1;
    else if (abort_i || (take && image_last)) busy_q <= 1'b0;
  end
  always_ff @(posedge clk_i) begin
    if (start_i) skip_q <= descriptor_i.load ? descriptor_i.store_codes_offset[2:0] : 3'd0;
    else if (byte_valid && byte_ready && skip_q != 3'd0) skip_q <= skip_q - 3'd1;
    if (start_i) begin
      c_q <= '0;
      {pixel_last_q, group_last_q} <= {2{channels_q == bitdial_descriptor_pkg::CHANNELS_W'(1)}};
      row_last_q <= height_q == bitdial_descriptor_pkg::SIDE_W'(1);
      y_q <= '0;
      group_q <= 56'd0;
    end else if (take) begin
      group_q <= group_last ? 56'd0 : group[55:0];
      c_q <= pixel_last ? '0 : c_q + 1'b1;
      pixel_last_q <= pixel_last ? one_channel_q : c_q == channel_end_q;
      group_last_q <= pixel_last ? one_channel_q : c_q == channel_end_q || lane == (bytes_whole ? 3'd0 : 3'd6);
      if (pixel_last && row_end) begin
        y_q <= y_q + 1'b1;
        row_last_q <= y_q == row_end_q;
      end
    end
  end

  // --- place of the group -------------------------------------------------------------------------------------------
  logic [AW-1:0] cell_next, word_q;        // the group's first word
  logic [3:0]    pixel_bank, group_bank_q;
  pixel_place u_pixel_place (.clk_i, .start_i, .next_i(take && pixel_last), .tensor_i(t),
                             .width_i(width), .cell_next_o(cell_next), .bank_o(pixel_bank),
                             .row_end_o(row_end));
  always_ff @(posedge clk_i) begin
    if (start_i || (take && pixel_last)) begin
      word_q <= cell_next;
      group_bank_q <= 4'd0;
    end else if (take && group_last) begin
      group_bank_q <= (group_bank_q == 4'd8) ? 4'd0 : group_bank_q + 4'd1;
      if (!channel || group_bank_q == 4'd8) word_q <= word_q + (bytes_whole ? AW'(1) : AW'(4));
    end
  end

  // --- write its words ----------------------------------------------------------------------------------------------
  logic        emit_q, image_last_q;
  logic [1:0]  pair_q;
  logic [63:0] codes_q;
  logic [3:0]  bank_q;
  logic [AW-1:0] emit_addr_q;
  logic        emit_last;
  assign emit_last = bytes_whole || pair_q == 2'd3;
  assign emit_free = !emit_q || emit_last;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      emit_q <= 1'b0;
      done_o <= 1'b0;
    end else begin
      done_o <= emit_q && emit_last && image_last_q && !abort_i;
      if (start_i || abort_i) emit_q <= 1'b0;
      else if (take && group_last) emit_q <= 1'b1;
      else if (emit_last) emit_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) begin
    if (take && group_last) begin
      codes_q <= group;
      bank_q <= channel ? group_bank_q : pixel_bank;
      emit_addr_q <= word_q;
      pair_q <= 2'd0;
      image_last_q <= image_last;
    end else if (emit_q) begin
      pair_q <= pair_q + 2'd1;
      emit_addr_q <= emit_addr_q + 1'b1;
    end
  end
  always_comb begin
    data_o = codes_q[15:0];
    if (!bytes_whole) for (int c = 0; c < 8; c++) begin
      data_o[c] = codes_q[8*c + 2*32'(pair_q)];
      data_o[8+c] = codes_q[8*c + 2*32'(pair_q) + 1];
    end
  end
  assign we_o = emit_q;
  assign bank_o = bank_q;
  assign addr_o = emit_addr_q;
endmodule
