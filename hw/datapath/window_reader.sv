// From the place of an issue (stage 1) to the words of its window at the arrays (stage 8), in step with its tags:
//     2 address of the corner's word, rows and columns of the window against the map
//     3 addresses in the four cells that the window touches; which rows and columns are real
//     4 address of each bank, and whether any real tap lies in it: at the memory's read port
//     6 words of the banks     7 rows in order     8 columns in order, taps that are not real forced to 0
`include "bitdial_assert.svh"
module window_reader #(
  parameter int ACT_WORDS = 2048,
  localparam int AW = $clog2(ACT_WORDS)
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic            abort_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic            issue_i,   // of the walker, stage 1
  input  logic [AW-1:0]   corner_i,
  input  logic [AW-1:0]   offset_i,
  input  bitdial_walk_pkg::place_t place_i,
  input  bitdial_walk_pkg::sum_tag_t sum_i,
  input  bitdial_walk_pkg::gather_tag_t gather_i,
  input  logic            absent_i,  // stage 2
  output logic [8:0]      read_o,    // stage 4: plane_memory
  output logic [9*AW-1:0] raddr_o,
  input  logic [143:0]    rdata_i,   // stage 6
  output logic            act_valid_o,  // stage 8, as what follows but swap_o
  output logic [71:0]     act_lo_o,     // lane 8 tap + channel, or 8 bank + channel
  output logic [71:0]     act_hi_o,
  output logic            sum_o,
  output logic [3:0]      pixel_o,
  output logic            first_o,
  output logic [1:0]      shift_o,
  output logic            last_o,
  output logic            plane0_o,
  output logic            swap_o,       // stage 7
  output logic [3:0]      segment_o,
  output logic            plane_first_o,
  output logic            word_first_o,
  output logic            word_last_o,
  output logic            block_last_o,
  output logic            block_small_o,
  output logic            tile_last_o,
  output logic            gather_last_o,
  output logic [1:0]      gather_pair_o,
  output logic [2:0]      gather_group_o,
  output logic            gather_high_o
);
  logic [6:0] valid_q, sum_valid_q;  // stages 2 to 8
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 7'd0;
      sum_valid_q <= 7'd0;
    end else begin
      valid_q <= abort_i ? 7'd0 : {valid_q[5:0], issue_i};
      sum_valid_q <= abort_i ? 7'd0 : {sum_valid_q[5:0], sum_i.sum};
    end
  end

  // --- stages 2 to 4: masks and addresses -----------------------------------------------------------------------------
  logic       channel_q;
  logic [8:0] tail_banks_q;  // of the last word of a pixel
  logic [1:0] ym3, xm3, ym6, xm7;    // by stage; remainder 0: 00, 1: 01, 2: 11
  logic       tail3, absent3_q;
  logic [2:0] rows, columns;         // stage 3: real ones
  logic [8:0] real4_q, real5_q, real6_q, unreal7_q;

  always_ff @(posedge clk_i) begin
    channel_q <= descriptor_i.in_tensor.layout == 2'd1;
    for (int b = 0; b < 9; b++) tail_banks_q[b] <= descriptor_i.tail_banks > 4'(b);
    absent3_q <= absent_i;
  end
  tag_delay #(.WIDTH(5), .STAGES(2)) u_place3 (
    .clk_i, .tag_i({place_i.ym[1], |place_i.ym, place_i.xm[1], |place_i.xm, place_i.tail}), .tag_o({ym3, xm3, tail3}));
  tag_delay #(.WIDTH(2), .STAGES(3)) u_ym6 (.clk_i, .tag_i(ym3), .tag_o(ym6));
  tag_delay #(.WIDTH(2), .STAGES(4)) u_xm7 (.clk_i, .tag_i(xm3), .tag_o(xm7));
  window_axis u_rows (
    .clk_i, .first_i(place_i.y), .pad_i(descriptor_i.pad_top), .size_i(descriptor_i.in_height), .sub_i(place_i.sy),
    .kernel_i(descriptor_i.kernel_h[3:0]), .real_o(rows));
  window_axis u_columns (
    .clk_i, .first_i(place_i.x), .pad_i(descriptor_i.pad_left), .size_i(descriptor_i.in_width), .sub_i(place_i.sx),
    .kernel_i(descriptor_i.kernel_w[3:0]), .real_o(columns));

  logic [AW-1:0] word2_q, word3_q, right3_q, down3_q, both3_q;  // in the corner's cell and its neighbours
  logic [AW-1:0] cell_words, pitch, both_q;
  assign cell_words = AW'(descriptor_i.in_tensor.cell_words);
  assign pitch = AW'(descriptor_i.in_tensor.pitch);
  always_ff @(posedge clk_i) begin
    both_q <= cell_words + pitch;
    word2_q <= corner_i + offset_i;
    word3_q <= word2_q;
    right3_q <= word2_q + cell_words;
    down3_q <= word2_q + pitch;
    both3_q <= word2_q + both_q;
  end

  // Bank 3 by + bx holds rows with y mod 3 = by: those with by < ym lie in the next row of cells.
  logic [8:0] read_q;
  for (genvar by = 0; by < 3; by++) begin : g_row
    for (genvar bx = 0; bx < 3; bx++) begin : g_column
      localparam int BANK = 3 * by + bx;
      logic          down, right, row_real, column_real;
      logic [AW-1:0] raddr_q;
      assign down = by < 2 && ym3[by%2];
      assign right = bx < 2 && xm3[bx%2];
      assign row_real = ym3[1] ? rows[(by+1)%3] : ym3[0] ? rows[(by+2)%3] : rows[by];
      assign column_real = xm3[1] ? columns[(bx+1)%3] : xm3[0] ? columns[(bx+2)%3] : columns[bx];
      always_ff @(posedge clk_i) begin
        raddr_q <= down ? (right ? both3_q : down3_q) : (right ? right3_q : word3_q);
        read_q[BANK] <= valid_q[1] && (channel_q ? !tail3 || tail_banks_q[BANK] : row_real && column_real && !absent3_q);
        real4_q[BANK] <= channel_q ? !tail3 || tail_banks_q[BANK] : rows[by] && columns[bx] && !absent3_q;
      end
      assign raddr_o[AW*BANK +: AW] = raddr_q;
    end
  end
  assign read_o = read_q;

  // --- stages 7 and 8: banks to taps ----------------------------------------------------------------------------------
  logic [143:0] rows7_q;
  always_ff @(posedge clk_i) begin
    real5_q <= real4_q;
    real6_q <= real5_q;
    unreal7_q <= ~real6_q;  // as the synchronous reset wants it
  end
  for (genvar ky = 0; ky < 3; ky++) begin : g_ky
    always_ff @(posedge clk_i) begin
      rows7_q[48*ky +: 48] <= ym6[1] ? rdata_i[48*((ky+2)%3) +: 48] : ym6[0] ? rdata_i[48*((ky+1)%3) +: 48] :
                              rdata_i[48*ky +: 48];
    end
    for (genvar kx = 0; kx < 3; kx++) begin : g_kx
      localparam int TAP = 3 * ky + kx;
      logic [15:0] word_q;
      always_ff @(posedge clk_i) begin
        if (unreal7_q[TAP]) word_q <= 16'd0;
        else word_q <= xm7[1] ? rows7_q[48*ky + 16*((kx+2)%3) +: 16] :
                       xm7[0] ? rows7_q[48*ky + 16*((kx+1)%3) +: 16] : rows7_q[48*ky + 16*kx +: 16];
      end
      assign act_lo_o[8*TAP +: 8] = word_q[7:0];
      assign act_hi_o[8*TAP +: 8] = word_q[15:8];
    end
  end

  // --- tags -----------------------------------------------------------------------------------------------------------
  bitdial_walk_pkg::sum_tag_t sum7;
  // verilator lint_off UNUSEDSIGNAL
  bitdial_walk_pkg::sum_tag_t sum8_q;  // swap has left, sum is in sum_valid_q
  // verilator lint_on UNUSEDSIGNAL
  tag_delay #(.WIDTH($bits(sum_i)), .STAGES(6)) u_sum7 (.clk_i, .tag_i(sum_i), .tag_o(sum7));
  tag_delay #(.WIDTH($bits(gather_i)), .STAGES(7)) u_gather8 (
    .clk_i, .tag_i(gather_i), .tag_o({gather_last_o, gather_pair_o, gather_group_o, gather_high_o}));
  always_ff @(posedge clk_i) sum8_q <= sum7;

  assign act_valid_o = valid_q[6];
  assign sum_o = sum_valid_q[6];
  assign swap_o = sum_valid_q[5] && sum7.swap;
  assign pixel_o = sum8_q.pixel;
  assign first_o = sum8_q.first;
  assign shift_o = sum8_q.shift;
  assign last_o = sum8_q.last;
  assign plane0_o = sum8_q.plane0;
  assign segment_o = sum8_q.segment;
  assign plane_first_o = sum8_q.plane_first;
  assign word_first_o = sum8_q.word_first;
  assign word_last_o = sum8_q.word_last;
  assign block_last_o = sum_valid_q[6] && sum8_q.block_last;
  assign block_small_o = sum8_q.block_small;
  assign tile_last_o = sum8_q.tile_last;
endmodule
