// Reads a finished tensor out of its buffer as a stream of 8-byte beats: codes of slot 0, ceil(C / 8) beats a pixel,
// or residual words in order, RQ / 2 beats each. A beat is ready four clocks after start_i and one in each clock then.
`include "bitdial_assert.svh"
module store_unit #(
  parameter int LANES = 64,
  parameter int RQ = 4
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,
  input  logic               abort_i,
  input  logic               codes_i,    // what to read: codes or residual words
  // verilator lint_off UNUSEDSIGNAL
  // only slot 0 is stored:
  input  bitdial_descriptor_pkg::tensor_t tensor_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  width_i,
  input  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] channels_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_base_i,
  input  logic [bitdial_pkg::BEAT_W-1:0] beats_i,

  output logic               act_read_o,
  output logic               z_read_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  input  logic [LANES*8-1:0] act_data_i,  // one clock after the read
  input  logic [RQ*32-1:0]   z_data_i,

  output logic               beat_valid_o,
  output logic [63:0]        beat_data_o,
  input  logic               beat_ready_i
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int ACT_PARTS = LANES / 8;
  localparam int Z_PARTS = RQ / 2;
  logic [bitdial_pkg::BEAT_W-1:0] left_q;   // beats not yet read
  logic [AW-1:0] line_q, pixel_q, addr_q;
  logic [bitdial_descriptor_pkg::SIDE_W-1:0] x_q;
  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] c_q;      // beat of the pixel
  logic [5:0]    part_q, part1_q;           // 8-byte part of the word
  logic [3:0]    room_q;                    // queue places not promised to a read
  logic          issue, read1_q, read2_q, pop, part_last, pixel_last;
  logic [63:0]   part, data2_q;
  logic [AW-1:0] first;

  assign first = codes_i ? tensor_i.base + (tensor_i.left ? AW'(tensor_i.pixel_words) : '0) : z_base_i;
  assign issue = left_q != '0 && room_q != 4'd0;
  assign pop = beat_valid_o && beat_ready_i;
  assign part_last = part_q == (codes_i ? 6'(ACT_PARTS - 1) : 6'(Z_PARTS - 1));
  assign pixel_last = c_q == ((channels_i + 12'd7) >> 3) - 12'd1;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q <= '0;
      room_q <= 4'd8;
      read1_q <= 1'b0;
      read2_q <= 1'b0;
    end else if (start_i || abort_i) begin
      left_q <= abort_i ? '0 : beats_i;
      room_q <= 4'd8;
      read1_q <= 1'b0;
      read2_q <= 1'b0;
    end else begin
      if (issue) left_q <= left_q - 1'b1;
      room_q <= room_q - 4'(issue) + 4'(pop);
      read1_q <= issue;
      read2_q <= read1_q;
    end
  end
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      line_q <= first;
      pixel_q <= first;
      addr_q <= first;
      x_q <= '0;
      c_q <= '0;
      part_q <= 6'd0;
    end else if (issue) begin
      part1_q <= part_q;
      part_q <= part_last ? 6'd0 : part_q + 6'd1;
      if (part_last) addr_q <= addr_q + 1'b1;
      c_q <= c_q + 1'b1;
      if (codes_i && pixel_last) begin
        c_q <= '0;
        part_q <= 6'd0;
        if (x_q == width_i - 1'b1) begin
          x_q <= '0;
          line_q <= line_q + tensor_i.pitch;
          pixel_q <= line_q + tensor_i.pitch;
          addr_q <= line_q + tensor_i.pitch;
        end else begin
          x_q <= x_q + 1'b1;
          pixel_q <= pixel_q + AW'(tensor_i.pixel_words);
          addr_q <= pixel_q + AW'(tensor_i.pixel_words);
        end
      end
    end
    if (read1_q) data2_q <= part;
  end
  assign act_read_o = issue && codes_i;
  assign z_read_o = issue && !codes_i;
  assign addr_o = addr_q;
  always_comb begin
    part = 64'd0;
    if (codes_i) begin
      for (int p = 0; p < ACT_PARTS; p++) if (part1_q == 6'(p)) part = act_data_i[64*p +: 64];
    end else begin
      for (int p = 0; p < Z_PARTS; p++) if (part1_q == 6'(p)) part = z_data_i[64*p +: 64];
    end
  end

  // Queue of eight beats; every read has its place before it is issued.
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
      if (read2_q) tail_q <= tail_q + 3'd1;
      if (pop) head_q <= head_q + 3'd1;
      count_q <= count_q + 4'(read2_q) - 4'(pop);
    end
  end
  always_ff @(posedge clk_i) if (read2_q) queue[tail_q] <= data2_q;
  assign beat_valid_o = count_q != 4'd0;
  assign beat_data_o = queue[head_q];

  `BD_ASSERT(store_queue_room, !(read2_q && count_q == 4'd8), "a beat is read that finds no place in the queue")
endmodule
