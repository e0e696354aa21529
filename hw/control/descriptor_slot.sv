// Holds one layer descriptor, filled two words a beat, and judges it: `bad_o` once it asks for more than this build
// can execute. What a single word may hold is checked beside its decoding (descriptor_fields.sv, generated); rules over
// several fields stand below, and once more for C in model/program/device_rules.c.
module descriptor_slot #(
  parameter int ROWS = 8,
  parameter int LANES = 64,
  parameter int HAS_XNOR = 1,
  parameter int HAS_MAC = 1,
  parameter int WEIGHT_WORDS = 128
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
  bitdial_descriptor_pkg::descriptor_t d;
  logic misfit, misfit_q;
  descriptor_fields u_descriptor_fields (.clk_i, .rst_ni, .we_i, .beat_i, .data_i, .descriptor_o(d), .misfit_o(misfit));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) misfit_q <= 1'b0;
    else if (start_i) misfit_q <= 1'b0;
    else if (we_i) misfit_q <= misfit_q || misfit;
  end

  localparam int IM2COL_CHANNELS = (LANES / 9 > bitdial_descriptor_pkg::IM2COL_CHANNELS) ?
                                   bitdial_descriptor_pkg::IM2COL_CHANNELS : LANES / 9;
  localparam int TABLE_BYTES = 24 * ((LANES + 63) / 64) + 16 * ROWS;  // beside presets
  logic [31:0] weight_words;  // of a row group
  logic no_datapath, odd_window, odd_input, odd_windows, odd_end, too_many_weights, odd_counts, odd_weights;
  always_comb begin
    no_datapath = d.mac ? HAS_MAC == 0 : HAS_XNOR == 0;
    // Square kernels; padding alike on all sides, and none around 1x1.
    odd_window = d.kernel_h != d.kernel_w || d.pad_bottom != d.pad_top || d.pad_left != d.pad_top ||
                 d.pad_right != d.pad_top || (d.kernel_h == 2'd1 && d.pad_top);
    // The first layer, and only it, loads the image; it is a convolution.
    odd_input = d.load_input != first_layer_i || (d.load_input && d.pool) || (d.im2col && !d.load_input);
    odd_windows = d.im2col && (32'(d.in_channels) > 32'(IM2COL_CHANNELS) ||
                               32'(d.in_width) > 32'(bitdial_descriptor_pkg::IM2COL_WIDTH) || d.kernel_h != 2'd3 ||
                               !d.pad_top);
    // The last layer of the list, and only it, is marked as the last and gives the result.
    odd_end = d.last != last_layer_i || d.result != d.last || (list_end_i && !d.last);
    weight_words = 32'(d.k_words) * 32'(d.weight_bits);
    too_many_weights = weight_words > 32'(WEIGHT_WORDS);
    // Counts and lengths follow from the shape and the build: row groups hold all channels, and none is empty; tables and
    // weights are as long as what is read of them.
    odd_counts = 32'(d.row_groups) != (32'(d.out_channels) + 32'(ROWS - 1)) / 32'(ROWS) ||
                 32'(d.table_stride) != 32'(TABLE_BYTES) + (d.border_presets ? 32'(64 * ROWS) : 32'(4 * ROWS));
    odd_weights = 32'(d.weight_bytes) != weight_words * 32'(ROWS * LANES / 8);
  end

  assign bad_o = misfit_q || odd_input || odd_windows || odd_end || odd_counts ||
                 (!d.pool && (no_datapath || odd_window || too_many_weights || odd_weights));
  assign descriptor_o = d;
endmodule
