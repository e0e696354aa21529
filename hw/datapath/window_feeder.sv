// Walks the windows of one tile. For each output pixel it reads, clock by clock, one K word of activations and one
// bit-plane of weights in the order diagonal (i + j from high to low), plane pair, kernel row, word of the row,
// word of the pixel, segment, and says which lanes are real. A pixel starts at pixel_start_i and takes
// k_words x weight_bits x (in_bits | segments) clocks. Addresses leave in the clock of issue; the rest one later,
// beside the words read.
`include "bitdial_assert.svh"
module window_feeder #(
  parameter int LANES = 64,
  parameter int ACT_WORDS = 2048
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               setup_i,        // begin of a tile
  input  logic               abort_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic [3*LANES-1:0] masks_i,
  input  logic               pixel_start_i,
  input  logic               row_end_i,      // the pixel is the last of its row

  output logic               read_o,         // stage 0: to the buffers
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] act_addr_o,
  output logic [14:0]        weight_addr_o,  // word of the tile's slot

  output logic               valid_o,        // stage 1: beside the words read
  output logic               first_o,        // first clock of the pixel
  output logic               double_o,       // first clock of a diagonal but the first
  output logic               last_o,         // last clock of the pixel
  output logic [3:0]         class_o,        // border class: top, bottom, left, right missing
  output logic [2:0]         plane_o,        // activation plane
  output logic [7:0]         segment_o,
  output logic [LANES-1:0]   mask_o
);
  localparam int DW = bitdial_descriptor_pkg::SIDE_W;
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int SW = DW + 2;  // signed coordinates, one column past either border

  // The window as the array sees it: an image after im2col is a 1x1 layer over ready-made windows.
  logic [1:0]    kernel_h, kernel_w, stride;
  logic          pad_top, pad_left;
  logic [DW-1:0] height, width;
  logic [3:0]    planes;    // activation planes walked
  logic [7:0]    segments;
  // verilator lint_off UNUSEDSIGNAL
  // slot_lanes is in the masks already:
  bitdial_descriptor_pkg::tensor_t t;
  // verilator lint_on UNUSEDSIGNAL
  assign t = descriptor_i.in_tensor;
  assign kernel_h = descriptor_i.im2col ? 2'd1 : descriptor_i.kernel_h;
  assign kernel_w = descriptor_i.im2col ? 2'd1 : descriptor_i.kernel_w;
  assign stride = descriptor_i.im2col ? 2'd1 : descriptor_i.stride;
  assign pad_top = !descriptor_i.im2col && descriptor_i.pad_top;
  assign pad_left = !descriptor_i.im2col && descriptor_i.pad_left;
  assign height = descriptor_i.im2col ? descriptor_i.out_height : descriptor_i.in_height;
  assign width = descriptor_i.im2col ? descriptor_i.out_width : descriptor_i.in_width;
  assign planes = descriptor_i.mac ? 4'd1 : descriptor_i.in_bits;
  assign segments = descriptor_i.mac ? descriptor_i.segments : 8'd1;

  // --- place of the pixel -------------------------------------------------------------------------------------------
  logic signed [SW-1:0] x0_q, y0_q, x0_next, y0_next;  // input coordinates of the window's corner
  logic [AW-1:0] corner_q, corner_next;                // address of the corner
  logic [AW-1:0] line_q, line_next;                    // address of the corner at ox = 0
  logic [AW-1:0] origin;
  assign origin = t.base - (pad_top ? t.pitch : '0) + ((t.left && !pad_left) ? AW'(t.pixel_words) : '0) -
                  ((pad_left && !t.left) ? AW'(t.pixel_words) : '0);
  always_comb begin
    line_next = line_q;
    y0_next = y0_q;
    if (setup_i) begin
      line_next = origin;
      y0_next = pad_top ? -SW'(1) : '0;
    end else if (row_end_i) begin
      line_next = line_q + (stride[1] ? {t.pitch[AW-2:0], 1'b0} : t.pitch);
      y0_next = y0_q + $signed(SW'(stride));
    end
    if (setup_i || row_end_i) begin
      corner_next = line_next;
      x0_next = pad_left ? -SW'(1) : '0;
    end else begin
      corner_next = corner_q + (stride[1] ? AW'({t.pixel_words, 1'b0}) : AW'(t.pixel_words));
      x0_next = x0_q + $signed(SW'(stride));
    end
  end

  // --- walk within the pixel ----------------------------------------------------------------------------------------
  logic          busy_q, issue;
  logic          first_q, double_q;
  logic [7:0]    segment_q, cwi_q;
  logic [1:0]    tw_q, ky_q;        // word of the kernel row, kernel row
  logic [1:0]    tap_q;             // tw * slots: leftmost tap of the word
  logic signed [SW-1:0] x_q, y_q;   // its column, its row
  logic [AW-1:0] row_q, addr_q;
  logic [14:0]   weight_q, start_weight_q;
  logic [3:0]    i_q, j_q, start_i_q, start_j_q;  // planes of this pair, of this diagonal's first pair
  logic          segment_last, cwi_last, tw_last, ky_last, word_last, pair_last, pixel_last;
  logic [3:0]    next_start_i, next_start_j;
  logic [14:0]   next_start_weight;

  assign issue = pixel_start_i || busy_q;
  assign segment_last = segment_q == segments - 8'd1;
  assign cwi_last = cwi_q == t.pixel_words - 8'd1;
  assign tw_last = tw_q == descriptor_i.row_words - 2'd1;
  assign ky_last = ky_q == kernel_h - 2'd1;
  assign word_last = segment_last && cwi_last && tw_last && ky_last;
  assign pair_last = i_q == 4'd0 || j_q == planes - 4'd1;
  assign pixel_last = word_last && start_i_q == 4'd0 && start_j_q == 4'd0;
  // The next diagonal starts one activation plane lower, or when there is none, one weight plane lower.
  assign next_start_j = (start_j_q != 4'd0) ? start_j_q - 4'd1 : 4'd0;
  assign next_start_i = (start_j_q != 4'd0) ? start_i_q : start_i_q - 4'd1;
  assign next_start_weight = (start_j_q != 4'd0) ? start_weight_q : start_weight_q + 15'(descriptor_i.k_words);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
    end else begin
      if (abort_i) busy_q <= 1'b0;
      else if (issue) busy_q <= !pixel_last;
    end
  end

  always_ff @(posedge clk_i) begin
    if (setup_i || (issue && pixel_last)) begin
      x0_q <= x0_next;
      y0_q <= y0_next;
      corner_q <= corner_next;
      line_q <= line_next;
      first_q <= 1'b1;
      double_q <= 1'b0;
      segment_q <= 8'd0;
      cwi_q <= 8'd0;
      tw_q <= 2'd0;
      tap_q <= 2'd0;
      ky_q <= 2'd0;
      x_q <= x0_next;
      y_q <= y0_next;
      row_q <= corner_next;
      addr_q <= corner_next;
      weight_q <= 15'd0;
      start_weight_q <= 15'd0;
      i_q <= descriptor_i.weight_bits - 4'd1;
      j_q <= planes - 4'd1;
      start_i_q <= descriptor_i.weight_bits - 4'd1;
      start_j_q <= planes - 4'd1;
    end else if (issue) begin
      first_q <= 1'b0;
      double_q <= word_last && pair_last;
      segment_q <= segment_last ? 8'd0 : segment_q + 8'd1;
      if (segment_last) begin
        weight_q <= weight_q + 15'd1;
        cwi_q <= cwi_last ? 8'd0 : cwi_q + 8'd1;
        if (!cwi_last) begin
          addr_q <= addr_q + 1'b1;
        end else if (!tw_last) begin
          tw_q <= tw_q + 2'd1;
          tap_q <= tap_q + t.slots;
          x_q <= x_q + $signed(SW'(t.slots));
          addr_q <= addr_q + AW'(t.slots);
        end else begin
          tw_q <= 2'd0;
          tap_q <= 2'd0;
          x_q <= x0_q;
          if (!ky_last) begin
            ky_q <= ky_q + 2'd1;
            y_q <= y_q + SW'(1);
            row_q <= row_q + t.pitch;
            addr_q <= row_q + t.pitch;
          end else begin
            ky_q <= 2'd0;
            y_q <= y0_q;
            row_q <= corner_q;
            addr_q <= corner_q;
            if (!pair_last) begin
              i_q <= i_q - 4'd1;
              j_q <= j_q + 4'd1;
            end else begin
              i_q <= next_start_i;
              j_q <= next_start_j;
              start_i_q <= next_start_i;
              start_j_q <= next_start_j;
              start_weight_q <= next_start_weight;
              weight_q <= next_start_weight;
            end
          end
        end
      end
    end
  end
  assign read_o = issue;
  assign act_addr_o = addr_q;
  assign weight_addr_o = weight_q;

  // --- real lanes ---------------------------------------------------------------------------------------------------
  logic       row_real;
  logic [2:0] slot_real;  // slot j holds a tap of the window that lies in the map
  logic [2:0] select;     // masks to unite
  logic [3:0] border;
  always_comb begin
    row_real = y_q >= 0 && y_q < $signed({2'b00, height});
    for (int j = 0; j < 3; j++)
      slot_real[j] = ({1'b0, tap_q} + 3'(j)) < {1'b0, kernel_w} && x_q + SW'(j) >= 0 &&
                     x_q + SW'(j) < $signed({2'b00, width});
    if (t.slots > 2'd1) select = slot_real;
    else select = {1'b0, slot_real[0] && cwi_last, slot_real[0] && !cwi_last};
    if (!row_real) select = 3'd0;
    border[0] = y0_q < 0;
    border[1] = y0_q + $signed(SW'(kernel_h)) > $signed({2'b00, height});
    border[2] = x0_q < 0;
    border[3] = x0_q + $signed(SW'(kernel_w)) > $signed({2'b00, width});
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_o <= 1'b0;
    else valid_o <= issue && !abort_i;
  end
  always_ff @(posedge clk_i) begin
    if (issue) begin
      first_o <= first_q;
      double_o <= double_q;
      last_o <= pixel_last;
      class_o <= descriptor_i.border_presets ? border : 4'd0;
      plane_o <= j_q[2:0];
      segment_o <= segment_q;
      mask_o <= ({LANES{select[0]}} & masks_i[0*LANES +: LANES]) | ({LANES{select[1]}} & masks_i[1*LANES +: LANES]) |
                ({LANES{select[2]}} & masks_i[2*LANES +: LANES]);
    end
  end

  `BD_ASSERT(feeder_not_overrun, !(pixel_start_i && busy_q), "a pixel starts before the one before it is read")
  `BD_ASSERT(feeder_in_buffer, !(issue && select != 3'd0 && 32'(addr_q) >= ACT_WORDS),
             "real lanes are read from beyond the activation buffer")
endmodule
