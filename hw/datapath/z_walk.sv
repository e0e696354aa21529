// Addresses of the residual words of a layer, in the order in which pixels are drained: row groups outermost, then pixels,
// then subs. Word of (pixel n, row group g, sub s): base + ((n * row_groups + g) * SUBS + s) * (wide ? 2 : 1).
module z_walk #(
  parameter int SUBS = 2
) (
  input  logic clk_i,
  input  logic setup_i,  // to row group 0, pixel 0; the layer's settings below are stable from here on
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] base_i,
  input  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] row_groups_i,
  input  logic wide_i,
  input  logic valid_i,        // a beat
  input  logic [5:0] sub_i,    // 0 .. SUBS - 1, one after the other
  input  logic tile_end_i,     // with the last beat of a row group
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] addr_o  // the clock after
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  logic [AW-1:0] pixel_q, tile_q, pixel_step_q, tile_step;  // tile_q: the next row group's first
  assign tile_step = wide_i ? AW'(2 * SUBS) : AW'(SUBS);
  always_ff @(posedge clk_i) begin
    pixel_step_q <= wide_i ? AW'(row_groups_i) * AW'(2 * SUBS) : AW'(row_groups_i) * AW'(SUBS);
    if (setup_i) begin
      pixel_q <= base_i;
      tile_q <= base_i + tile_step;
    end else if (valid_i && sub_i == 6'(SUBS - 1)) begin
      pixel_q <= tile_end_i ? tile_q : pixel_q + pixel_step_q;
      if (tile_end_i) tile_q <= tile_q + tile_step;
    end
    if (valid_i) addr_o <= pixel_q + (wide_i ? AW'({sub_i, 1'b0}) : AW'(sub_i));
  end
endmodule
