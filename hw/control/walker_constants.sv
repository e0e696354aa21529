// What the walk takes from a layer's descriptor, computed in the clocks after setup_i: load_o is a pulse eight clocks
// later, from which on all outputs hold until the layer's end.
module walker_constants #(
  parameter int ROWS = 16,
  parameter int AW = 12
) (
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic          setup_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic          load_o,
  output logic          wide_o,         // words of two 8-channel groups: one-bit codes
  output logic [2:0]    pairs_o,        // words of a group
  output logic [bitdial_walk_pkg::GATHER_W:0] gather_o,
  output logic [bitdial_walk_pkg::GATHER_W-1:0] gather_m1_o,
  output logic [bitdial_walk_pkg::SLOT_W-1:0] slot_m1_o,
  output logic [bitdial_walk_pkg::SLOT_W-1:0] slot_less_m1_o,
  output logic [10:0]   groups_m1_o,
  output logic          one_group_o,
  output logic [1:0]    stride_mod_o,
  output logic [AW-1:0] origin_o,
  output logic [AW-1:0] right_o,
  output logic [AW-1:0] right_wrap_o,
  output logic [AW-1:0] down_o,
  output logic [AW-1:0] down_wrap_o,
  output logic [1:0]    ym_o,
  output logic [1:0]    xm_o
);
  localparam int SW = bitdial_walk_pkg::SLOT_W;
  logic          channel_q;
  logic [7:0]    setup_q;
  logic [1:0]    cells_down_q, cells_right_q;  // cells from the corner to the map's first one, still to go
  logic [AW-1:0] origin_q, pitch, cell_words, right_q, down_q;
  logic [2:0]    steps, pairs;
  logic [7:0]    compute, tail_compute, gather8, weight_clocks;
  logic [4:0]    pixels_less;

  // Cells to the left of the map's first that padding reaches, and the column of its cell where it begins.
  function automatic logic [1:0] pad_cells(input logic [3:0] pad);
    pad_cells = pad == 4'd0 ? 2'd0 : pad < 4'd4 ? 2'd1 : pad < 4'd7 ? 2'd2 : 2'd3;
  endfunction
  function automatic logic [1:0] pad_mod(input logic [3:0] pad);
    unique case (pad)
      4'd1, 4'd4, 4'd7: pad_mod = 2'd2;
      4'd2, 4'd5, 4'd8: pad_mod = 2'd1;
      default: pad_mod = 2'd0;
    endcase
  endfunction
  function automatic logic [AW-1:0] times(input logic [AW-1:0] words, input logic [2:0] n);  // n = 0..4
    times = (n[0] ? words : '0) + (n[1] ? words << 1 : n[2] ? words << 2 : '0);
  endfunction
  function automatic logic [SW-1:0] longer_m1(input logic [7:0] a, input logic [7:0] b);
    longer_m1 = SW'((a > b ? a : b) - 8'd1);
  endfunction

  assign pitch = AW'(descriptor_i.in_tensor.pitch);
  assign cell_words = AW'(descriptor_i.in_tensor.cell_words);
  assign steps = channel_q ? descriptor_i.stride[2:0] : (descriptor_i.stride[2:0] >= 3'd3 ? 3'd1 : 3'd0);
  assign pairs = descriptor_i.in_tensor.layout == 2'd2 ? 3'd1 : 3'(({1'b0, descriptor_i.in_bits} + 5'd1) >> 1);
  assign gather8 = 8'(gather_o);
  assign pixels_less = descriptor_i.pixels_large - 5'd1;
  assign weight_clocks = wide_o ? 8'd8 : 8'd4;  // clocks to read the weights of a word

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) setup_q <= 8'd0;
    else setup_q <= {setup_q[6:0], setup_i};
  end
  always_ff @(posedge clk_i) begin
    wide_o <= descriptor_i.in_bits == 4'd1;
    channel_q <= descriptor_i.in_tensor.layout == 2'd1;
    pairs_o <= pairs;
    if (!descriptor_i.depthwise) gather_o <= 6'(pairs_o);
    else if (wide_o) gather_o <= 6'((ROWS + 15) / 16);
    else gather_o <= 6'((ROWS / 8) * 32'(pairs_o));
    gather_m1_o <= 5'(gather_o - 6'd1);
    compute <= 8'(descriptor_i.weight_bits) * (descriptor_i.depthwise ? 8'd1 : 8'(descriptor_i.segments));
    tail_compute <= 8'(descriptor_i.weight_bits) * (descriptor_i.depthwise ? 8'd1 : 8'(descriptor_i.tail_segments));
    slot_m1_o <= descriptor_i.mac ? longer_m1(gather8, compute) : longer_m1(8'(descriptor_i.pixels_large), weight_clocks);
    slot_less_m1_o <= descriptor_i.mac ? longer_m1(gather8, tail_compute) : longer_m1(8'(pixels_less), weight_clocks);
    groups_m1_o <= descriptor_i.depthwise ? 11'd0 : descriptor_i.word_groups - 11'd1;
    one_group_o <= groups_m1_o == 11'd0;

    stride_mod_o <= (channel_q || descriptor_i.stride[2:0] == 3'd3) ? 2'd0 : (descriptor_i.stride[2:0] == 3'd2) ? 2'd2 : 2'd1;
    right_q <= times(cell_words, steps);
    down_q <= times(pitch, steps);
    right_wrap_o <= right_q + cell_words;
    down_wrap_o <= down_q + pitch;
    ym_o <= channel_q ? 2'd0 : pad_mod(descriptor_i.pad_top);
    xm_o <= channel_q ? 2'd0 : pad_mod(descriptor_i.pad_left);

    if (setup_i) begin
      origin_q <= AW'(descriptor_i.in_tensor.base);
      cells_down_q <= pad_cells(descriptor_i.pad_top);
      cells_right_q <= pad_cells(descriptor_i.pad_left);
    end else if (cells_down_q != 2'd0) begin
      origin_q <= origin_q - pitch;
      cells_down_q <= cells_down_q - 2'd1;
    end else if (cells_right_q != 2'd0) begin
      origin_q <= origin_q - cell_words;
      cells_right_q <= cells_right_q - 2'd1;
    end
  end
  assign right_o = right_q;
  assign down_o = down_q;
  assign origin_o = origin_q;
  assign load_o = setup_q[7];
endmodule
