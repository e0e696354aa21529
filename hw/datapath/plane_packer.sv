// Collects the ROWS codes of an output pixel, RQ a beat, and writes their bit-planes into the nine banks of the activation
// memory, one word of two bytes a clock:
//     2 bits and more: word k of a group of 8 channels holds plane 2k (lo) and plane 2k + 1 (hi)
//     1 bit: lo is a group of 8 channels, hi another one: in window layout the next 8, in channel layout those 72 further on
// Where the two groups of a word come one after the other, lo is written with hi cleared, then hi alone.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module plane_packer #(
  parameter int ROWS = 8,
  parameter int RQ = 4,
  parameter int ACT_WORDS = 4096
) (
  input  logic clk_i,
  input  logic rst_ni,
  // verilator lint_off UNUSEDSIGNAL
  input  bitdial_descriptor_pkg::descriptor_t d_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic setup_i,
  // verilator lint_off UNUSEDSIGNAL
  // all rows may come in one beat:
  input  logic valid_i,   // a beat
  // verilator lint_on UNUSEDSIGNAL
  input  logic pixel_i,   // with the last beat of a pixel, where the layer writes codes
  input  logic [RQ*8-1:0] codes_i,
  output logic busy_o,
  output logic we_o,
  output logic [3:0] bank_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic [15:0] data_o,
  output logic [1:0] be_o
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int SUBS = ROWS / RQ;
  logic pixel, channel, pair_groups, start_high;
  logic [AW-1:0] pixel_addr, start_offset;
  logic [3:0] window_bank, groups, start_bank;
  logic [2:0] words;
  logic [ROWS*8-1:0] codes;
  assign pixel = pixel_i;
  if (SUBS == 1) begin : g_at_once
    assign codes = codes_i;
  end else begin : g_collect
    logic [(ROWS-RQ)*8-1:0] collect_q;  // beats enter at the top and move down
    assign codes = {codes_i, collect_q};
    always_ff @(posedge clk_i) if (valid_i) collect_q <= codes[ROWS*8-1:RQ*8];
  end

  packer_place #(.ROWS(ROWS)) u_place (
    .clk_i, .d_i, .setup_i, .pixel_i(pixel), .pixel_o(pixel_addr), .window_bank_o(window_bank), .groups_o(groups),
    .bank_o(start_bank), .high_o(start_high), .offset_o(start_offset), .channel_o(channel), .pair_groups_o(pair_groups),
    .words_o(words));

  // A word a clock. The first group's codes stand at the bottom and move down by two bits a word, then by a group.
  logic              busy_q, write_q, high_q, group_end, last;
  logic [ROWS*8-1:0] codes_q, by_word, by_group;
  logic [3:0]        left_q, bank_q;      // groups after this one
  logic [2:0]        words_left_q;        // words of this group after this one
  logic [AW-1:0]     offset_q, group_offset_q;
  logic [7:0]        lo, hi;
  assign group_end = words_left_q == 3'd0;
  assign last = group_end && left_q == 4'd0;
  always_comb begin
    by_word = codes_q;
    for (int c = 0; c < 8; c++) by_word[8*c +: 8] = {2'b00, codes_q[8*c+2 +: 6]};
    by_group = (ROWS >= 16 && pair_groups) ? codes_q >> 128 : codes_q >> 64;
    for (int c = 0; c < 8; c++) begin
      lo[c] = codes_q[8*c];
      hi[c] = (ROWS >= 16 && pair_groups) ? codes_q[(ROWS >= 16 ? 64 : 0) + 8*c] : codes_q[8*c+1];
      if (`BD_FAULT(10) && c == 7) hi[c] = 1'b0;
    end
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      write_q <= 1'b0;
    end else if (setup_i) begin
      busy_q <= 1'b0;
      write_q <= 1'b0;
    end else begin
      if (pixel) busy_q <= 1'b1;
      else if (last) busy_q <= 1'b0;
      write_q <= busy_q;
    end
  end
  logic single, high_byte;  // a group fills one byte
  assign single = words == 3'd1 && d_i.out_bits == 4'd1 && !pair_groups;
  assign high_byte = single && high_q;
  always_ff @(posedge clk_i) begin
    if (pixel) begin
      codes_q <= codes;
      left_q <= groups - 4'd1;
      words_left_q <= words - 3'd1;
      bank_q <= start_bank;
      high_q <= start_high;
      offset_q <= start_offset;
      group_offset_q <= start_offset;
    end else if (busy_q) begin
      codes_q <= group_end ? by_group : by_word;
      words_left_q <= group_end ? words - 3'd1 : words_left_q - 3'd1;
      if (group_end) begin
        left_q <= left_q - 4'd1;
        bank_q <= bank_q == 4'd8 ? 4'd0 : bank_q + 4'd1;
        if (channel && single && bank_q == 4'd8) high_q <= !high_q;
      end
      // Channel layout: a group's words lie one after the other in a bank, the next group's in the next bank.
      if (!channel || !group_end) offset_q <= offset_q + 1'b1;
      else if (bank_q != 4'd8) offset_q <= group_offset_q;
      else if (!single || high_q) begin
        offset_q <= offset_q + 1'b1;
        group_offset_q <= offset_q + 1'b1;
      end
    end
    addr_o <= pixel_addr + offset_q;
    bank_o <= channel ? bank_q : window_bank;
    data_o <= high_byte ? {lo, 8'd0} : {single ? 8'd0 : hi, lo};
    be_o <= high_byte ? 2'b10 : 2'b11;
  end
  assign we_o = write_q;
  assign busy_o = busy_q || write_q;

  `BD_ASSERT(packer_not_overrun, !(pixel && busy_q && !last), "codes are overwritten before all their planes are written")
  `BD_ASSERT(packer_in_memory, !(we_o && 32'(addr_o) >= ACT_WORDS), "codes are written beyond the activation memory")
endmodule
