// Collects the ROWS codes of an output pixel and writes them into the activation buffer: once for every slot j of the
// output tensor, into the word of column x - j, at lanes j * slot_lanes + the row group's first lane.
`include "bitdial_assert.svh"
module act_packer #(
  parameter int ROWS = 8,
  parameter int LANES = 64,
  parameter int RQ = 4,
  parameter int ACT_WORDS = 2048
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               setup_i,   // begin of a tile
  input  logic               enable_i,  // the layer writes codes
  input  bitdial_descriptor_pkg::tensor_t tensor_i,
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0] width_i,
  input  logic [8:0]         group_lane_i,  // first lane of the row group within its word
  input  logic [7:0]         group_word_i,  // its word within the pixel
  input  logic               valid_i,   // RQ codes
  input  logic [5:0]         sub_i,
  input  logic [RQ*8-1:0]    codes_i,
  output logic               we_o,
  output logic [LANES-1:0]   lanes_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic [LANES*8-1:0] data_o
);
  localparam int SUBS = ROWS / RQ;
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int LOG_ROWS = $clog2(ROWS);
  logic [ROWS*8-1:0] collect_q, codes_q, pattern;
  logic              busy_q, complete;
  logic [1:0]        slot_q;
  logic [9:0]        lane_q, lane_count;  // first lane written
  logic [AW-1:0]     addr_q, pixel_q, line_q;
  logic [bitdial_descriptor_pkg::SIDE_W-1:0] x_q, column_q;
  logic              in_row;

  assign complete = valid_i && enable_i && sub_i == 6'(SUBS - 1);

  // Place of the pixel that is being collected.
  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      x_q <= '0;
      line_q <= tensor_i.base + AW'(group_word_i) + (tensor_i.left ? AW'(tensor_i.pixel_words) : '0);
      pixel_q <= tensor_i.base + AW'(group_word_i) + (tensor_i.left ? AW'(tensor_i.pixel_words) : '0);
    end else if (complete) begin
      if (x_q == width_i - 1'b1) begin
        x_q <= '0;
        line_q <= line_q + tensor_i.pitch;
        pixel_q <= line_q + tensor_i.pitch;
      end else begin
        x_q <= x_q + 1'b1;
        pixel_q <= pixel_q + AW'(tensor_i.pixel_words);
      end
    end
    if (valid_i) collect_q[RQ*8*32'(sub_i) +: RQ*8] <= codes_i;
  end

  // Slots of the pixel that is complete.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      slot_q <= 2'd0;
    end else if (complete) begin
      busy_q <= 1'b1;
      slot_q <= 2'd0;
    end else if (busy_q) begin
      busy_q <= slot_q != tensor_i.slots - 2'd1;
      slot_q <= slot_q + 2'd1;
    end
  end
  always_ff @(posedge clk_i) begin
    if (complete) begin
      codes_q <= collect_q;
      codes_q[RQ*8*(SUBS-1) +: RQ*8] <= codes_i;
      lane_q <= {1'b0, group_lane_i};
      addr_q <= pixel_q;
      column_q <= x_q;
    end else if (busy_q) begin
      lane_q <= lane_q + {1'b0, tensor_i.slot_lanes};
      addr_q <= addr_q - 1'b1;
      column_q <= column_q - 1'b1;
    end
  end
  // Columns left of -left do not exist; column_q has wrapped below 0 by slot_q - x.
  assign in_row = column_q + bitdial_descriptor_pkg::SIDE_W'(slot_q) >= bitdial_descriptor_pkg::SIDE_W'(slot_q) ||
                  (tensor_i.left && column_q == '1);

  // Narrow tensors (slot_lanes below ROWS, a power of two) repeat their codes, so that any slot finds them in place.
  always_comb begin
    pattern = '0;
    if (busy_q) for (int r = 0; r < ROWS; r++) begin
      pattern[8*r +: 8] = codes_q[8*r +: 8];
      for (int k = LOG_ROWS - 1; k >= 0; k--)
        if (tensor_i.slot_lanes == 9'(1 << k)) pattern[8*r +: 8] = codes_q[8*(r % (1 << k)) +: 8];
    end
    lane_count = (tensor_i.slot_lanes < 9'(ROWS)) ? {1'b0, tensor_i.slot_lanes} : 10'(ROWS);
  end
  always_comb begin
    lanes_o = '0;
    if (busy_q) for (int l = 0; l < LANES; l++) lanes_o[l] = 10'(l) >= lane_q && 10'(l) < lane_q + lane_count;
  end
  assign we_o = busy_q && in_row;
  assign addr_o = addr_q;
  assign data_o = {(LANES/ROWS){pattern}};

  `BD_ASSERT(packer_not_overrun, !(complete && busy_q && slot_q != tensor_i.slots - 2'd1),
             "codes are overwritten before all their slots are written")
  `BD_ASSERT(packer_in_buffer, !(we_o && 32'(addr_q) >= ACT_WORDS),
             "codes are written beyond the activation buffer")
endmodule
