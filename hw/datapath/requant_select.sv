// Takes the ROWS sums of a pixel and hands them to the requantizers, RQ rows a clock: in clock q it asks for presets,
// multipliers, biases and residual values; in clock q + 1 they stand beside the sums on the requantizers' inputs.
// The write address of z and the sub-row travel along to where z and the codes come out.
`include "bitdial_assert.svh"
module requant_select #(
  parameter int ROWS = 8,
  parameter int RQ = 4
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               setup_i,       // begin of a tile
  // words from a residual map's base to the tile's first:
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] tile_offset_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] pixel_step_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_in_base_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_out_base_i,
  input  logic               ready_i,       // sums of a pixel
  input  logic [ROWS*32-1:0] sums_i,        // stay until the next ready_i
  output logic               read_o,        // clock q
  output logic [5:0]         sub_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_addr_o,
  output logic               valid_o,       // clock q + 1
  output logic [RQ*32-1:0]   sums_o,
  output logic               z_valid_o,     // clock q + 6: z stands at the requantizers
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_waddr_o,
  output logic               code_valid_o,  // clock q + 8: codes stand
  output logic [5:0]         code_sub_o
);
  localparam int SUBS = ROWS / RQ;
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  logic [5:0]    sub_q, sub;
  logic          busy_q, issue;
  logic [AW-1:0] pixel_q;
  logic [7:0]    valid_q;     // bit k: clock q + 1 + k
  logic [6*AW-1:0] waddr_q;
  logic [8*6-1:0]  subs_q;

  assign issue = ready_i || busy_q;
  assign sub = ready_i ? 6'd0 : sub_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      sub_q <= 6'd0;
      valid_q <= 8'd0;
      pixel_q <= '0;
    end else begin
      valid_q <= {valid_q[6:0], issue};
      if (setup_i) pixel_q <= tile_offset_i;
      else if (issue && sub == 6'(SUBS - 1)) pixel_q <= pixel_q + pixel_step_i;
      if (issue) begin
        busy_q <= sub != 6'(SUBS - 1);
        sub_q <= sub + 6'd1;
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (issue) sums_o <= sums_i[RQ*32*32'(sub) +: RQ*32];
    waddr_q <= {waddr_q[5*AW-1:0], z_out_base_i + pixel_q + AW'(sub)};
    subs_q <= {subs_q[7*6-1:0], sub};
  end
  assign read_o = issue;
  assign sub_o = sub;
  assign z_addr_o = z_in_base_i + pixel_q + AW'(sub);
  assign valid_o = valid_q[0];
  assign z_valid_o = valid_q[5];
  assign z_waddr_o = waddr_q[5*AW +: AW];
  assign code_valid_o = valid_q[7];
  assign code_sub_o = subs_q[7*6 +: 6];

  `BD_ASSERT(sums_taken, !(ready_i && busy_q), "sums are overwritten before they are requantized")
endmodule
