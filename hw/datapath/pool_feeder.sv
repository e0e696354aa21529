// Walks the residual map of one tile for global average pooling: for each of the ROWS / RQ sub-rows, all pixels, one
// word of RQ values a clock. The address leaves in the clock of issue; the rest one later, beside the word read.
module pool_feeder #(
  parameter int ROWS = 8,
  parameter int RQ = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        setup_i,  // begin of a tile
  input  logic        abort_i,
  input  logic        start_i,
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  height_i,
  input  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  width_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] tile_addr_i,   // word of pixel 0, sub-row 0
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] pixel_step_i,  // words from a pixel to the next
  output logic        read_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o,
  output logic        valid_o,
  output logic        first_o,  // first pixel of its sub-row
  output logic        last_o,   // last word of the tile
  output logic [5:0]  sub_o
);
  localparam int SUBS = ROWS / RQ;
  logic       busy_q, issue, x_last, y_last, sub_last, pixel_first;
  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  x_q, y_q;
  logic [5:0] sub_q;
  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_q;

  assign issue = start_i || busy_q;
  assign x_last = x_q == width_i - 1'b1;
  assign y_last = y_q == height_i - 1'b1;
  assign sub_last = sub_q == 6'(SUBS - 1);
  assign pixel_first = x_q == '0 && y_q == '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      valid_o <= issue && !abort_i;
      if (abort_i) busy_q <= 1'b0;
      else if (issue) busy_q <= !(x_last && y_last && sub_last);
    end
  end
  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      x_q <= '0;
      y_q <= '0;
      sub_q <= 6'd0;
      addr_q <= tile_addr_i;
    end else if (issue) begin
      first_o <= pixel_first;
      last_o <= x_last && y_last && sub_last;
      sub_o <= sub_q;
      x_q <= x_last ? '0 : x_q + 1'b1;
      if (x_last) y_q <= y_last ? '0 : y_q + 1'b1;
      addr_q <= addr_q + pixel_step_i;
      if (x_last && y_last) begin
        sub_q <= sub_q + 6'd1;
        addr_q <= tile_addr_i + bitdial_descriptor_pkg::WORD_ADDRESS_W'(sub_q) + 1'b1;
      end
    end
  end
  assign read_o = issue;
  assign addr_o = addr_q;
endmodule
