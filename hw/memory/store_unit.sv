// Reads a finished tensor out of its memory as a stream of 8-byte beats: codes as bytes, ceil(C / 8) beats a pixel, or
// residual words in order, RQ / 2 beats each. A beat of codes takes a clock for each word of planes that it is put
// together from, a beat of residual values one clock; the first is there six clocks after the last of these. What is
// spilled leaves as it lies: codes as words of planes, four a beat, rows of pixels in whole beats; residual words in pairs.
`include "bitdial_assert.svh"
module store_unit #(
  parameter int RQ = 16
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,
  input  logic               abort_i,
  input  logic               codes_i,    // what to read: codes or residual words
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic [bitdial_pkg::BEAT_W-1:0] beats_i,

  output logic               act_read_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] act_addr_o,  // of all banks
  input  logic [143:0]       act_data_i,  // two clocks after the read
  output logic               z_read_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_addr_o,
  input  logic [RQ*32-1:0]   z_data_i,    // four clocks after the read, until the next one's

  output logic               beat_valid_o,
  output logic [63:0]        beat_data_o,
  input  logic               beat_ready_i
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int CW = bitdial_descriptor_pkg::CHANNELS_W;
  localparam int Z_PARTS = RQ / 2;
  // verilator lint_off UNUSEDSIGNAL
  bitdial_descriptor_pkg::descriptor_t d;
  // verilator lint_on UNUSEDSIGNAL
  assign d = descriptor_i;
  logic       channel, one_bit, words;  // words: codes leave as words of planes
  logic [1:0] pair_top;      // the last pair of planes
  logic [CW-1:0] group_end_q;
  always_ff @(posedge clk_i) begin  // of the layer and the pass: there when the first word is read
    channel <= d.out_tensor.layout == 2'(bitdial_descriptor_pkg::LAYOUT_CHANNEL);
    one_bit <= d.out_bits == 4'd1;
    pair_top <= 2'((d.out_bits - 4'd1) >> 1);
    group_end_q <= ((d.out_channels + CW'(7)) >> 3) - 1'b1;
    words <= codes_i && d.spill_codes;
  end

  // --- issue --------------------------------------------------------------------------------------------------------
  logic [bitdial_pkg::BEAT_W-1:0] left_q;  // beats not yet begun or under way
  logic [3:0]    room_q;                   // queue places not promised to a beat
  logic          any_q, issue, begun_q, beat_end, pop, pixel_last, row_end;
  logic [1:0]    pair_q;
  logic [4:0]    part_q;
  logic [CW-1:0] group_q;                  // of eight channels
  logic [4:0]    group_bank_q;             // group modulo 18
  logic [AW-1:0] word_q, cell_next, z_word_q;
  logic [3:0]    pixel_bank;
  assign issue = any_q && (begun_q || room_q != 4'd0);
  logic       row_last;
  assign beat_end = issue && (!codes_i || (words ? pair_q == 2'd3 || row_last : pair_q == pair_top));
  assign pixel_last = group_q == group_end_q;
  assign pop = beat_valid_o && beat_ready_i;
  pixel_place u_pixel_place (.clk_i, .start_i, .next_i(beat_end && codes_i && pixel_last), .tensor_i(d.out_tensor),
                             .width_i(d.out_width), .cell_next_o(cell_next), .bank_o(pixel_bank), .row_end_o(row_end));
  logic unused_row_end;
  assign unused_row_end = row_end;
  logic [3:0]    word_bank;
  logic [AW-1:0] word_addr;
  // verilator lint_off PINCONNECTEMPTY
  word_walk u_word_walk (.clk_i, .start_i, .next_i(issue && words), .descriptor_i, .bank_o(word_bank), .addr_o(word_addr),
                         .row_last_o(row_last), .last_o());
  // verilator lint_on PINCONNECTEMPTY

  // A group's word after the one before: every second group begins a word of one-bit codes in window layout, every
  // eighteenth in channel layout, where else every ninth does.
  logic word_end;
  logic [AW-1:0] word_step;
  assign word_end = channel ? (group_bank_q == 5'd17 || (!one_bit && group_bank_q == 5'd8)) : (!one_bit || group_q[0]);
  assign word_step = one_bit ? AW'(1) : AW'(pair_top) + AW'(1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q <= '0;
      any_q <= 1'b0;
      room_q <= 4'd8;
      begun_q <= 1'b0;
    end else if (start_i || abort_i) begin
      left_q <= abort_i ? '0 : beats_i;
      any_q <= !abort_i && beats_i != '0;
      room_q <= 4'd8;
      begun_q <= 1'b0;
    end else begin
      if (beat_end) begin
        left_q <= left_q - 1'b1;
        any_q <= left_q != (bitdial_pkg::BEAT_W)'(1);
      end
      if (issue) begun_q <= !beat_end;
      room_q <= room_q - 4'(issue && !begun_q) + 4'(pop);
    end
  end
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      pair_q <= 2'd0;
      part_q <= 5'd0;
      group_q <= '0;
      group_bank_q <= 5'd0;
      word_q <= cell_next;
      z_word_q <= d.z_out_base;
    end else if (issue) begin
      pair_q <= beat_end ? 2'd0 : pair_q + 2'd1;
      part_q <= (part_q == 5'(Z_PARTS - 1)) ? 5'd0 : part_q + 5'd1;
      if (part_q == 5'(Z_PARTS - 1)) z_word_q <= z_word_q + ((d.z_out_wide || d.spill_stream) ? AW'(2) : AW'(1));
      if (beat_end) begin
        group_q <= pixel_last ? '0 : group_q + 1'b1;
        group_bank_q <= (pixel_last || group_bank_q == 5'd17) ? 5'd0 : group_bank_q + 5'd1;
        if (pixel_last) word_q <= cell_next;
        else if (word_end) word_q <= word_q + word_step;
      end
    end
  end
  assign act_read_o = any_q && codes_i;  // also where none is issued: its address chooses among registers alone
  assign act_addr_o = words ? word_addr : word_q + AW'(pair_q);
  assign z_read_o = issue && !codes_i && part_q == 5'd0;
  assign z_addr_o = z_word_q;

  // --- words to beats -----------------------------------------------------------------------------------------------
  logic [3:0] bank;
  logic       high;
  assign bank = words ? word_bank : !channel ? pixel_bank : (group_bank_q < 5'd9) ? group_bank_q[3:0] : 4'(group_bank_q - 5'd9);
  assign high = one_bit && (channel ? group_bank_q >= 5'd9 : group_q[0]);
  logic [2:0]  issue_q;                          // stages 1 to 3
  logic [3:0]  end_q;                            // ... to 4
  logic [3:0]  bank1_q, bank2_q;
  logic        high1_q, high2_q, high3_q;
  logic [1:0]  pair1_q, pair2_q, pair3_q;
  logic [4:0]  part1_q, part2_q, part3_q, part4_q;
  logic [15:0] word3_q;
  logic [63:0] codes4_q, part5_q, z_part;
  logic        push_q;
  always_comb begin
    z_part = 64'd0;
    for (int p = 0; p < Z_PARTS; p++) z_part = z_part | (z_data_i[64*p +: 64] & {64{part4_q == 5'(p)}});
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      issue_q <= 3'd0;
      end_q <= 4'd0;
      push_q <= 1'b0;
    end else begin
      issue_q <= start_i ? 3'd0 : {issue_q[1:0], issue};
      end_q <= start_i ? 4'd0 : {end_q[2:0], beat_end};
      push_q <= !start_i && end_q[3];
    end
  end
  always_ff @(posedge clk_i) begin
    {bank2_q, bank1_q} <= {bank1_q, bank};
    {high3_q, high2_q, high1_q} <= {high2_q, high1_q, high};
    {pair3_q, pair2_q, pair1_q} <= {pair2_q, pair1_q, pair_q};
    {part4_q, part3_q, part2_q, part1_q} <= {part3_q, part2_q, part1_q, part_q};
    word3_q <= bank2_q[3] ? act_data_i[128 +: 16] : act_data_i[16*32'(bank2_q[2:0]) +: 16];
    if (issue_q[2]) begin
      if (pair3_q == 2'd0) codes4_q <= 64'd0;
      for (int c = 0; c < 8; c++) begin
        if (words) begin
          // four words side by side, below
        end else if (one_bit) begin
          codes4_q[8*c] <= high3_q ? word3_q[8+c] : word3_q[c];
        end else begin
          for (int k = 0; k < 4; k++) if (pair3_q == 2'(k)) begin
            codes4_q[8*c + 2*k] <= word3_q[c];
            codes4_q[8*c + 2*k + 1] <= word3_q[8+c];
          end
        end
      end
      for (int k = 0; k < 4; k++) if (words && pair3_q == 2'(k)) codes4_q[16*k +: 16] <= word3_q;
    end
    part5_q <= codes4_q;
    if (!codes_i) part5_q <= z_part;
  end

  // Queue of eight beats; every beat has its place before it is begun.
  logic [63:0] queue [0:7];
  logic [2:0]  head_q, tail_q;
  logic [3:0]  count_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q <= 3'd0;
      tail_q <= 3'd0;
      count_q <= 4'd0;
    end else if (start_i) begin
      head_q <= 3'd0;
      tail_q <= 3'd0;
      count_q <= 4'd0;
    end else begin
      if (push_q) tail_q <= tail_q + 3'd1;
      if (pop) head_q <= head_q + 3'd1;
      count_q <= count_q + 4'(push_q) - 4'(pop);
    end
  end
  always_ff @(posedge clk_i) if (push_q) queue[tail_q] <= part5_q;
  assign beat_valid_o = count_q != 4'd0;
  assign beat_data_o = queue[head_q];

  `BD_ASSERT(store_queue_room, !(push_q && count_q == 4'd8), "a beat is stored that finds no place in the queue")
endmodule
