// Holds one layer descriptor, filled two words a beat, and judges it: `bad_o` once it asks for more than this build
// can execute. The last beat shows in descriptor_o two clocks after it came, and in bad_o three. What a single word may hold is checked beside its decoding (descriptor_fields.sv, generated); rules over
// several fields stand below, and once more for C in model/program/device_rules.c.
module descriptor_slot #(
  parameter int ROWS = 16,
  parameter int HAS_XNOR = 1,
  parameter int HAS_MAC = 1
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,        // a new descriptor follows
  input  logic        we_i,
  input  logic [4:0]  beat_i,         // words 2*beat (low half) and 2*beat + 1
  input  logic [63:0] data_i,
  input  logic        first_layer_i,
  input  logic        last_layer_i,   // by LAYER_COUNT
  input  logic        list_end_i,     // no program has a layer after it
  output bitdial_descriptor_pkg::descriptor_t descriptor_o,
  output logic        bad_o
);
  localparam int FLAG_LOAD = 17;
  bitdial_descriptor_pkg::descriptor_t d;
  logic misfit_q, we_q, fresh_q;
  logic [3:0]  misfit;
  logic [4:0]  beat_q;
  logic [63:0] data_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {we_q, fresh_q} <= 2'b00;
    else {we_q, fresh_q} <= {we_i && !start_i, we_q};
  end
  always_ff @(posedge clk_i) {beat_q, data_q} <= {beat_i, data_i};
  descriptor_fields u_descriptor_fields (.clk_i, .rst_ni, .we_i(we_q), .beat_i(beat_q), .data_i(data_q), .descriptor_o(d),
                                         .misfit_o(misfit));

  // OP_LOAD is what has the flag LOAD.
  logic odd_operation;
  logic [4:0] wrong_q;  // of the beat that was written
  assign odd_operation = beat_q == 5'd0 && (data_q[1:0] == 2'(bitdial_descriptor_pkg::OP_LOAD)) != data_q[32+FLAG_LOAD];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {wrong_q, misfit_q} <= 6'd0;
    else begin
      wrong_q <= {odd_operation, misfit};
      if (start_i) misfit_q <= 1'b0;
      else if (fresh_q && |wrong_q) misfit_q <= 1'b1;
    end
  end

  localparam int LR = $clog2(ROWS);
  localparam int CHW = bitdial_descriptor_pkg::CHANNELS_W;
  logic no_datapath, odd_layout, odd_window, odd_blocks, odd_input, odd_end, odd_mac, odd_groups, odd_load, odd_store;
  logic bytes, channel;
  assign bytes = d.in_tensor.layout == 2'(bitdial_descriptor_pkg::LAYOUT_BYTE);
  assign channel = d.in_tensor.layout == 2'(bitdial_descriptor_pkg::LAYOUT_CHANNEL);
  // Taps that the sub-windows have room for, by an addition: a product would take a multiplier.
  logic [3:0] taps_high, taps_wide;
  assign taps_high = {1'b0, d.sub_rows, 1'b0} + {2'b00, d.sub_rows};
  assign taps_wide = {1'b0, d.sub_columns, 1'b0} + {2'b00, d.sub_columns};
  always_comb begin
    no_datapath = d.mac ? HAS_MAC == 0 : HAS_XNOR == 0;
    // Only the MAC reads whole codes; a row of its own needs it.
    odd_layout = (bytes && !d.mac) || (d.depthwise && (!d.mac || channel || bytes)) ||
                 (channel && (d.kernel_h != 10'd1 || d.kernel_w != 10'd1 || d.tail_banks == 4'd0));
    // Sub-windows cover the kernel, and none is empty.
    odd_window = 4'(d.kernel_h) > taps_high || 4'(d.kernel_h) + 4'd3 <= taps_high ||
                 4'(d.kernel_w) > taps_wide || 4'(d.kernel_w) + 4'd3 <= taps_wide;
    odd_mac = d.mac && !d.depthwise && (d.segments == 5'd0 || d.tail_segments == 5'd0);
    // Rows take all output channels, and no row group is empty: ceil(out_channels / ROWS).
    odd_groups = d.row_groups != (d.out_channels >> LR) + CHW'(d.out_channels[LR-1:0] != '0);
    odd_blocks = (d.blocks_small != 16'd0) && (d.pixels_large == 5'd1 || d.interval_small == 24'd0);
    // The first layer loads the image, as a convolution or by OP_LOAD; no other convolution does.
    odd_input = (first_layer_i && !d.load_input) || (d.load_input && !d.load && (!first_layer_i || d.pool));
    // OP_LOAD brings codes or a stream, of the image codes alone, and no job has no beats. Whole codes are the image's.
    odd_load = d.load && (!d.pool || d.last || d.write_codes == d.write_stream || (d.load_input && !d.write_codes) ||
                          (!d.load_input && d.write_codes && d.store_codes_bytes == '0) ||
                          (d.write_stream && d.store_z_bytes == '0));
    odd_store = !(d.load && d.load_input) && (d.store_codes_offset[2:0] != 3'd0 ||
                d.out_tensor.layout == 2'(bitdial_descriptor_pkg::LAYOUT_BYTE));
    // The last layer of the list, and only it, is marked as the last and gives the result.
    odd_end = d.last != last_layer_i || d.result != d.last || (list_end_i && !d.last);
  end

  logic odd_q, odd_walk_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {odd_q, odd_walk_q} <= 2'b00;
    else begin
      odd_q <= odd_input || odd_end || odd_blocks || odd_groups || odd_load || odd_store || (fresh_q && |wrong_q);
      odd_walk_q <= !d.pool && (no_datapath || odd_layout || odd_window || odd_mac);
    end
  end
  assign bad_o = misfit_q || odd_q || odd_walk_q;
  assign descriptor_o = d;
endmodule
