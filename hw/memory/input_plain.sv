// Writes the image's bytes (rows, columns, channels) into the activation buffer as a tensor: each byte into one lane,
// once for every slot of the tensor, a clock each.
module input_plain #(
  parameter int LANES = 64
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,
  input  logic               abort_i,
  input  bitdial_descriptor_pkg::tensor_t tensor_i,
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  height_i,
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  width_i,
  input  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] channels_i,
  input  logic               byte_valid_i,
  input  logic [7:0]         byte_i,
  output logic               byte_ready_o,
  output logic               done_o,     // one clock, after the last write is presented
  output logic               we_o,
  output logic [LANES-1:0]   lanes_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic [LANES*8-1:0] data_o
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  logic [AW-1:0] line_q, pixel_q, addr_q;  // words of the row's column 0, of the pixel, of the byte
  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  x_q, y_q;
  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] c_q;
  logic [8:0]    lane_q;                   // lane of the channel within slot 0
  logic [1:0]    slot_q;
  logic          busy_q, slot_last, take, c_last, x_last, y_last, in_row;
  logic [AW-1:0] first;
  logic [10:0]   lane;

  assign first = tensor_i.base + (tensor_i.left ? AW'(tensor_i.pixel_words) : '0);
  assign slot_last = slot_q == tensor_i.slots - 2'd1;
  assign byte_ready_o = busy_q && slot_last;
  assign take = byte_valid_i && byte_ready_o;
  assign c_last = c_q == channels_i - 1'b1;
  assign x_last = x_q == width_i - 1'b1;
  assign y_last = y_q == height_i - 1'b1;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      done_o <= 1'b0;
    end else begin
      done_o <= take && c_last && x_last && y_last;
      if (start_i) busy_q <= 1'b1;
      else if (abort_i || (take && c_last && x_last && y_last)) busy_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      line_q <= first;
      pixel_q <= first;
      addr_q <= first;
      x_q <= '0;
      y_q <= '0;
      c_q <= '0;
      lane_q <= 9'd0;
      slot_q <= 2'd0;
    end else if (take) begin
      slot_q <= 2'd0;
      if (!c_last) begin
        c_q <= c_q + 1'b1;
        lane_q <= (lane_q == 9'(LANES - 1)) ? 9'd0 : lane_q + 9'd1;
        if (lane_q == 9'(LANES - 1)) addr_q <= addr_q + 1'b1;
      end else begin
        c_q <= '0;
        lane_q <= 9'd0;
        if (!x_last) begin
          x_q <= x_q + 1'b1;
          pixel_q <= pixel_q + AW'(tensor_i.pixel_words);
          addr_q <= pixel_q + AW'(tensor_i.pixel_words);
        end else begin
          x_q <= '0;
          y_q <= y_q + 1'b1;
          line_q <= line_q + tensor_i.pitch;
          pixel_q <= line_q + tensor_i.pitch;
          addr_q <= line_q + tensor_i.pitch;
        end
      end
    end else if (busy_q && byte_valid_i) begin
      slot_q <= slot_q + 2'd1;
    end
  end

  // Slot j of column x - j; columns left of -left do not exist.
  assign in_row = x_q + bitdial_descriptor_pkg::SIDE_W'(tensor_i.left) >= bitdial_descriptor_pkg::SIDE_W'(slot_q);
  always_comb begin
    lane = {2'b00, lane_q};
    if (slot_q != 2'd0) lane = lane + {2'b00, tensor_i.slot_lanes};
    if (slot_q == 2'd2) lane = lane + {2'b00, tensor_i.slot_lanes};
    lanes_o = '0;
    if (we_o) for (int l = 0; l < LANES; l++) lanes_o[l] = 11'(l) == lane;
  end
  assign we_o = busy_q && byte_valid_i && in_row;
  assign addr_o = addr_q - AW'(slot_q);
  assign data_o = we_o ? {LANES{byte_i}} : '0;
endmodule
