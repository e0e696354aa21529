// Pooling of a residual map: for every output pixel of a row group, for every sub, the words of all places of its window, one
// a clock; they are added up or the largest is kept, each of RQ values for itself. Places outside the map take their clock and
// have no part. Addresses follow from each other by additions; the steps are worked out after setup_i.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module pool_unit #(
  parameter int SUBS = 2,
  parameter int RQ = 4
) (
  input  logic clk_i,
  input  logic rst_ni,
  // verilator lint_off UNUSEDSIGNAL
  input  bitdial_descriptor_pkg::descriptor_t d_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic setup_i,
  input  logic start_i,   // a row group
  output logic busy_o,
  output logic read_o,    // clock a
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  input  logic [RQ*32-1:0] z_i,   // clock a + 4
  output logic beat_o,    // clock a + 6: the result of a sub
  output logic [5:0] sub_o,
  output logic tile_end_o,
  output logic [RQ*32-1:0] sums_o   // of the largest, the complement
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int SW = bitdial_descriptor_pkg::SIDE_W;

  // Steps of addresses: a pixel, a row of the input, `stride` of each, and the words that the padding lies before the map.
  logic ready;
  logic [AW-1:0] pixel_step, row_step, stride_step, stride_row_step, begin_step;
  pool_steps #(.SUBS(SUBS)) u_steps (
    .clk_i, .rst_ni, .d_i, .setup_i, .ready_o(ready), .pixel_o(pixel_step), .row_o(row_step), .stride_pixel_o(stride_step),
    .stride_row_o(stride_row_step), .begin_o(begin_step));

  // Which place is next: kx fastest, then ky, sub, pixel.
  typedef enum logic [2:0] {FROM_TILE, FROM_LINE, FROM_PIXEL, FROM_SUB, FROM_ROW, FROM_PLACE} from_e;
  logic          run_q, within_q, free_q, narrow_q, flat_q, issue, kx_last, ky_last, window_last, pixel_last, x_last, map_last, fresh_q, line_q;
  logic [SW-1:0] kx_q, ky_q, kx_end_q, ky_end_q;
  logic [5:0]    sub_q;
  logic [23:0]   wait_q, period_q;
  assign issue = run_q && (within_q || free_q);  // free_q: wait_q is 0
  assign window_last = kx_last && ky_last;
  assign pixel_last = window_last && sub_q == 6'(SUBS - 1);
  // verilator lint_off PINCONNECTEMPTY
  raster u_raster (
    .clk_i, .setup_i, .step_i(issue && pixel_last), .width_i(d_i.out_width), .height_i(d_i.out_height),
    .x_o(), .y_o(), .x_last_o(x_last), .last_o(map_last));
  // verilator lint_on PINCONNECTEMPTY
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {run_q, within_q} <= 2'b00;
    else if (setup_i) {run_q, within_q} <= 2'b00;
    else begin
      if (start_i) run_q <= 1'b1;
      else if (issue && pixel_last && map_last) run_q <= 1'b0;
      if (issue) within_q <= !pixel_last;
    end
  end
  always_ff @(posedge clk_i) begin
    kx_end_q <= d_i.kernel_w - SW'(2);  // the last but one
    ky_end_q <= d_i.kernel_h - SW'(2);
    {narrow_q, flat_q} <= {d_i.kernel_w == SW'(1), d_i.kernel_h == SW'(1)};
    period_q <= d_i.pixel_period - 24'd1;
    if (start_i || setup_i) begin
      kx_q <= '0;
      ky_q <= '0;
      sub_q <= 6'd0;
      wait_q <= 24'd0;
      free_q <= 1'b1;
      {kx_last, ky_last} <= {narrow_q, flat_q};
      fresh_q <= 1'b1;
      line_q <= 1'b1;
    end else begin
      if (issue && !within_q) begin
        wait_q <= period_q;
        free_q <= period_q == 24'd0;
      end else begin
        if (!free_q) wait_q <= wait_q - 24'd1;
        free_q <= free_q || wait_q == 24'd1;
      end
      if (issue) begin
        kx_q <= kx_last ? '0 : kx_q + 1'b1;
        kx_last <= kx_last ? narrow_q : kx_q == kx_end_q;
        if (kx_last) begin
          ky_q <= ky_last ? '0 : ky_q + 1'b1;
          ky_last <= ky_last ? flat_q : ky_q == ky_end_q;
        end
        if (window_last) sub_q <= pixel_last ? 6'd0 : sub_q + 6'd1;
        if (pixel_last) begin
          fresh_q <= 1'b0;
          line_q <= x_last;
        end
      end
    end
  end
  from_e from, from_q;
  logic  issue1_q, first1_q, last1_q, end1_q, wide;
  logic [5:0] sub1_q;
  always_comb begin
    if (kx_q != '0) from = FROM_PLACE;
    else if (ky_q != '0) from = FROM_ROW;
    else if (sub_q != 6'd0) from = FROM_SUB;
    else if (!line_q) from = FROM_PIXEL;
    else from = fresh_q ? FROM_TILE : FROM_LINE;
  end
  always_ff @(posedge clk_i) begin
    from_q <= from;
    first1_q <= kx_q == '0 && ky_q == '0;
    last1_q <= window_last;
    end1_q <= pixel_last && map_last;
    sub1_q <= sub_q;
  end

  // Its address and place, from one of those before it. tile_q, line_at_q, pixel_at_q, sub_at_q, row_at_q, at_q: the address
  // of the first place of the row group, of this line of pixels, this pixel, sub and row of the window, and of this place.
  logic [AW-1:0] tile_q, line_at_q, pixel_at_q, sub_at_q, row_at_q, at_q, base, step_q, next;
  logic signed [SW+2:0] line_y_q, pixel_x_q, x_q, y_q;  // rows and columns may lie outside
  assign wide = d_i.z_in_wide;
  always_ff @(posedge clk_i)
    unique case (from)
      FROM_TILE: step_q <= begin_step;
      FROM_LINE: step_q <= stride_row_step;
      FROM_PIXEL: step_q <= stride_step;
      FROM_SUB: step_q <= wide ? AW'(2) : AW'(1);
      FROM_ROW: step_q <= row_step;
      default: step_q <= pixel_step;
    endcase
  always_comb begin
    unique case (from_q)
      FROM_TILE: base = tile_q;
      FROM_LINE: base = line_at_q;
      FROM_PIXEL: base = pixel_at_q;
      FROM_SUB: base = sub_at_q;
      FROM_ROW: base = row_at_q;
      default: base = at_q;
    endcase
    next = base + step_q;
  end
  logic signed [SW+2:0] x_next, y_next, line_y_next, pixel_x_next, x_begin_q, y_begin_q, stride;
  assign stride = (SW+3)'(d_i.stride[2:0]);
  always_comb begin
    line_y_next = from_q == FROM_TILE ? y_begin_q : from_q == FROM_LINE ? line_y_q + stride : line_y_q;
    pixel_x_next = (from_q == FROM_TILE || from_q == FROM_LINE) ? x_begin_q : from_q == FROM_PIXEL ? pixel_x_q + stride : pixel_x_q;
    x_next = from_q == FROM_PLACE ? x_q + 1 : pixel_x_next;
    y_next = from_q == FROM_PLACE ? y_q : from_q == FROM_ROW ? y_q + 1 : line_y_next;
  end
  always_ff @(posedge clk_i) begin
    x_begin_q <= -$signed((SW+3)'(d_i.pad_left));
    y_begin_q <= -$signed((SW+3)'(d_i.pad_top));
    if (setup_i) tile_q <= d_i.z_in_base;
    else if (issue1_q && end1_q) tile_q <= tile_q + (wide ? AW'(2 * SUBS) : AW'(SUBS));
    if (issue1_q) begin
      at_q <= next;
      if (from_q != FROM_PLACE) row_at_q <= next;
      if (from_q != FROM_PLACE && from_q != FROM_ROW) sub_at_q <= next;
      if (from_q == FROM_TILE || from_q == FROM_LINE || from_q == FROM_PIXEL) pixel_at_q <= next;
      if (from_q == FROM_TILE || from_q == FROM_LINE) line_at_q <= next;
      {x_q, y_q, line_y_q, pixel_x_q} <= {x_next, y_next, line_y_next, pixel_x_next};
    end
  end
  // Clock a: the address stands; a + 4: the word.
  logic [6:0] valid_q, last_q, end_q;  // bit k: clock a + k
  logic [4:0] first_q;
  logic [4:1] inside_q;
  logic [7*6-1:0] subs_q;
  logic real_place;
  assign real_place = !x_q[SW+2] && !y_q[SW+2] && x_q[SW+1:0] < (SW+2)'(d_i.in_width) && y_q[SW+1:0] < (SW+2)'(d_i.in_height);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {issue1_q, valid_q} <= '0;
    else if (setup_i) {issue1_q, valid_q} <= '0;
    else {issue1_q, valid_q} <= {issue, valid_q[5:0], issue1_q};
  end
  always_ff @(posedge clk_i) begin
    first_q <= {first_q[3:0], first1_q};
    last_q <= {last_q[5:0], last1_q};
    end_q <= {end_q[5:0], end1_q};
    inside_q <= {inside_q[3:1], real_place};
    subs_q <= {subs_q[35:0], sub1_q};
  end
  assign read_o = valid_q[0] && real_place;
  assign addr_o = at_q;

  // Places outside come as what changes nothing: 0, or the smallest number. One adder a value: what is
  // kept as the largest is kept as its complement, so that the sum with a word shows which of both is larger.
  logic             largest_q, take_q, compare_q, add_q;
  logic [RQ*32-1:0] word_q;  // a + 5
  always_ff @(posedge clk_i) begin
    largest_q <= d_i.pool_kind == 2'd1;
    take_q <= valid_q[4] && (first_q[4] || !largest_q);
    compare_q <= valid_q[4];
    add_q <= !first_q[4] && !largest_q;
  end
  for (genvar i = 0; i < RQ; i++) begin : g_value
    // verilator lint_off UNUSEDSIGNAL
    logic [32:0] total;  // of the largest its sign alone
    // verilator lint_on UNUSEDSIGNAL
    logic [31:0] word, value;
    assign word = word_q[32*i +: 32];
    assign value = sums_o[32*i +: 32];
    assign total = {value[31], value} + {word[31], word};
    always_ff @(posedge clk_i) begin
      word_q[32*i +: 32] <= inside_q[4] ? z_i[32*i +: 32] : {largest_q, 31'd0};
      if (take_q || (compare_q && total[32] == `BD_FAULT(15))) sums_o[32*i +: 32] <= add_q ? total[31:0] : word ^ {32{largest_q}};
    end
  end
  assign beat_o = valid_q[6] && last_q[6];
  assign sub_o = subs_q[6*6 +: 6];
  assign tile_end_o = end_q[6];
  assign busy_o = run_q || issue1_q || valid_q != '0;

  `BD_ASSERT(pool_steps_there, !(start_i && !ready), "pooling begins before its steps are worked out")
  `BD_ASSERT(pool_tile_after_tile, !(start_i && run_q), "a row group is pooled before the last one is done")
  `BD_ASSERT(pool_period_fits, !(issue && !within_q && wait_q == 24'd0 && d_i.pixel_period == 24'd0), "pixel_period is 0")
endmodule
