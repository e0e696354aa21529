// What the walk takes from a layer's descriptor, computed in the clocks after setup_i: load_o is a pulse eight clocks
// later, from which on all outputs hold until the layer's end; soon_o is the clock before.
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
  output logic          soon_o,
  output logic          load_o,
  output logic          wide_o,           // words of two 8-channel groups: one-bit codes
  output logic [2:0]    pairs_o,          // words of a group
  output logic [bitdial_walk_pkg::GATHER_W-1:0] gather_o,  // words of a gather
  output logic [3:0]    planes_o,         // a word's slot lasts at least planes x segments clocks
  output logic [4:0]    segments_o,
  output logic [4:0]    tail_segments_o,
  output logic [10:0]   groups_o,
  output logic          one_group_o,
  output logic [1:0]    stride_mod_o,     // modulo 3, of window cells
  output logic [AW-1:0] origin_o,         // address of the cell of the first window's corner
  output logic [AW-1:0] right_o,          // words of a step by `stride` pixels, without and with the wrap of the remainder
  output logic [AW-1:0] right_wrap_o,
  output logic [AW-1:0] down_o,
  output logic [AW-1:0] down_wrap_o,
  output logic [1:0]    ym_o,             // row of the first window's corner modulo 3
  output logic [1:0]    xm_o
);
  localparam int GW = bitdial_walk_pkg::GATHER_W;
  logic          channel;                      // LAYOUT_CHANNEL: cells are pixels
  logic [7:0]    setup_q;
  logic [1:0]    cells_down_q, cells_right_q;  // from the corner to the map's first cell, still to go
  logic [AW-1:0] origin_q, pitch, cell_words;
  logic [2:0]    stride;

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
  function automatic logic [AW-1:0] step(input logic [AW-1:0] words, input logic [2:0] pixels, input logic by_pixel);
    if (by_pixel) step = (pixels[2] ? words << 2 : pixels[1] ? words << 1 : '0) + (pixels[0] ? words : '0);
    else step = pixels >= 3'd3 ? words : '0;
  endfunction

  assign channel = descriptor_i.in_tensor.layout == 2'd1;
  assign pitch = AW'(descriptor_i.in_tensor.pitch);
  assign cell_words = AW'(descriptor_i.in_tensor.cell_words);
  assign stride = descriptor_i.stride[2:0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) setup_q <= 8'd0;
    else setup_q <= {setup_q[6:0], setup_i};
  end
  always_ff @(posedge clk_i) begin
    wide_o <= descriptor_i.in_bits == 4'd1;
    pairs_o <= descriptor_i.in_tensor.layout == 2'd2 ? 3'd1 : 3'(({1'b0, descriptor_i.in_bits} + 5'd1) >> 1);
    if (!descriptor_i.depthwise) gather_o <= GW'(pairs_o);
    else if (wide_o) gather_o <= GW'((ROWS + 15) / 16);
    else gather_o <= GW'((ROWS / 8) * 32'(pairs_o));
    planes_o <= descriptor_i.mac ? descriptor_i.weight_bits : 4'd1;
    // A word's weights of the XNOR array are read in four clocks; two words' with one-bit codes.
    segments_o <= !descriptor_i.mac ? (wide_o ? 5'd8 : 5'd4) : descriptor_i.depthwise ? 5'd1 : descriptor_i.segments;
    tail_segments_o <= !descriptor_i.mac ? (wide_o ? 5'd8 : 5'd4) : descriptor_i.depthwise ? 5'd1 : descriptor_i.tail_segments;
    groups_o <= descriptor_i.depthwise ? 11'd1 : descriptor_i.word_groups;
    one_group_o <= groups_o == 11'd1;

    stride_mod_o <= (channel || stride == 3'd3) ? 2'd0 : (stride == 3'd2) ? 2'd2 : 2'd1;
    right_o <= step(cell_words, stride, channel);
    down_o <= step(pitch, stride, channel);
    right_wrap_o <= stride >= 3'd3 ? cell_words << 1 : cell_words;
    down_wrap_o <= stride >= 3'd3 ? pitch << 1 : pitch;
    ym_o <= channel ? 2'd0 : pad_mod(descriptor_i.pad_top);
    xm_o <= channel ? 2'd0 : pad_mod(descriptor_i.pad_left);

    if (setup_i) begin
      origin_q <= AW'(descriptor_i.in_tensor.base);
      cells_down_q <= pad_cells(descriptor_i.pad_top);
      cells_right_q <= pad_cells(descriptor_i.pad_left);
    end else begin
      if (cells_down_q != 2'd0) cells_down_q <= cells_down_q - 2'd1;
      else if (cells_right_q != 2'd0) cells_right_q <= cells_right_q - 2'd1;
      if ({cells_down_q, cells_right_q} != 4'd0) origin_q <= origin_q - (cells_down_q != 2'd0 ? pitch : cell_words);
    end
  end
  assign origin_o = origin_q;
  assign soon_o = setup_q[6];
  assign load_o = setup_q[7];
endmodule
