// Reads the weights of a tile in the order in which the walker uses them, one ahead of the use. XNOR: a K word of all
// rows (four weight-memory words, eight for one-bit codes) gathers in one register while another is in use; swap_i
// exchanges them. MAC: a weight-memory word, the next one waits at the memory's output. One tile runs, one may wait.
`include "bitdial_assert.svh"
module weight_fetch #(
  parameter int ROWS = 8,
  parameter int MAC_CHANNELS = 1,  // 0: no MAC
  parameter int XNOR = 1,
  parameter int AW = 10
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  input  logic               abort_i,
  input  logic               start_i,
  input  logic [AW-1:0]      word_i,   // first word of the tile
  output logic               free_o,   // a start may come
  output logic               ready_o,  // a swap may come
  input  logic               swap_i,   // two clocks before the weights' first use (MAC: three, depthwise: two)
  output logic               read_o,   // to the weight memory
  output logic [AW-1:0]      address_o,
  input  logic [18*ROWS-1:0] data_i,
  output logic [72*ROWS-1:0] weights_lo_o,
  output logic [72*ROWS-1:0] weights_hi_o,
  output logic [18*ROWS-1:0] mac_weights_o
);
  localparam int W = 18 * ROWS;
  logic mac, one_bit, late, swap_q, use_q;  // use_q: the weights that wait come into use
  always_ff @(posedge clk_i) begin  // of the layer: there long before a tile of it starts
    mac <= XNOR == 0 || (MAC_CHANNELS != 0 && descriptor_i.mac);
    one_bit <= descriptor_i.in_bits == 4'd1;
    late <= (XNOR == 0 || (MAC_CHANNELS != 0 && descriptor_i.mac)) && !descriptor_i.depthwise;
  end

  // the tile that waits
  logic          waits_q, next_take, xnor_take_next, mac_take_next;
  logic [AW-1:0] base_q;
  assign free_o = !waits_q;
  assign next_take = xnor_take_next || mac_take_next;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) waits_q <= 1'b0;
    else if (abort_i) waits_q <= 1'b0;
    else if (start_i) waits_q <= 1'b1;
    else if (next_take) waits_q <= 1'b0;
  end
  always_ff @(posedge clk_i) if (start_i) base_q <= word_i;

  // the walks
  logic          unit_valid, mac_valid;
  logic [AW-1:0] unit, mac_address;
  // verilator lint_off UNUSEDSIGNAL
  logic          unit_take, mac_take;
  // verilator lint_on UNUSEDSIGNAL
  if (XNOR != 0) begin : g_xnor
    weight_walk_xnor #(.AW(AW)) u_walk (
      .clk_i, .rst_ni, .abort_i, .descriptor_i, .next_i(waits_q && !mac), .next_base_i(base_q), .next_take_o(xnor_take_next),
      .valid_o(unit_valid), .address_o(unit), .take_i(unit_take));
  end else begin : g_no_xnor
    assign {xnor_take_next, unit_valid, unit} = '0;
  end
  if (MAC_CHANNELS != 0) begin : g_mac
    weight_walk_mac #(.AW(AW), .MAC_CHANNELS(MAC_CHANNELS)) u_walk (
      .clk_i, .rst_ni, .abort_i, .descriptor_i, .next_i(waits_q && mac), .next_base_i(base_q), .next_take_o(mac_take_next),
      .valid_o(mac_valid), .address_o(mac_address), .take_i(mac_take));
  end else begin : g_no_mac
    assign {mac_take_next, mac_valid, mac_address} = '0;
  end

  // XNOR: the words of a K word one by one
  logic          run_q;
  logic [2:0]    count_q, last;
  logic [AW-1:0] run_address_q;
  assign last = one_bit ? 3'd7 : 3'd3;

  // A word waits at the memory's output (held), then in a register beside it (word), until it can be taken into its own: from
  // memories all over the chip to registers all over the chip is too far for a clock.
  logic       held_q, move, word_valid_q, take, full_q, issue;
  logic [2:0] index_q;
  logic [W-1:0] word_q;
  assign take = word_valid_q && (mac ? use_q : !full_q || use_q);
  assign move = held_q && (!word_valid_q || take);
  assign issue = (mac ? mac_valid : run_q) && (!held_q || move);
  assign read_o = issue;
  assign address_o = mac ? mac_address : run_address_q;
  assign mac_take = mac && issue;
  assign unit_take = unit_valid && (!run_q || (issue && !mac && count_q == last));
  assign ready_o = mac ? word_valid_q : full_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {swap_q, use_q, run_q, held_q, word_valid_q, full_q} <= '0;
      {count_q, index_q} <= '0;
    end else if (abort_i) begin
      {swap_q, use_q, run_q, held_q, word_valid_q, full_q} <= '0;
      {count_q, index_q} <= '0;
    end else begin
      swap_q <= swap_i;
      use_q <= late ? swap_q : swap_i;
      if (unit_take) run_q <= 1'b1;
      else if (issue && !mac && count_q == last) run_q <= 1'b0;
      if (issue && !mac) count_q <= count_q == last ? 3'd0 : count_q + 3'd1;
      held_q <= issue || (held_q && !move);
      word_valid_q <= move || (word_valid_q && !take);
      if (!mac) begin
        if (take) index_q <= index_q == last ? 3'd0 : index_q + 3'd1;
        if (take && index_q == last) full_q <= 1'b1;
        else if (use_q) full_q <= 1'b0;
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (unit_take) run_address_q <= unit;
    else if (issue) run_address_q <= run_address_q + 1'b1;
    if (move) word_q <= data_i;
  end

  // the registers; the MAC uses the first quarter of the next K word's
  if (XNOR != 0) begin : g_registers
    logic [4*W-1:0] next_lo_q, next_hi_q, lo_q, hi_q;
    for (genvar k = 0; k < 4; k++) begin : g_quarter
      always_ff @(posedge clk_i) begin
        if (take && index_q == 3'(k)) next_lo_q[W*k +: W] <= word_q;
        if (take && index_q[1:0] == 2'(k) && index_q[2] == one_bit) next_hi_q[W*k +: W] <= word_q;
      end
    end
    always_ff @(posedge clk_i) if (use_q && !mac) {lo_q, hi_q} <= {next_lo_q, next_hi_q};
    assign {weights_lo_o, weights_hi_o, mac_weights_o} = {lo_q, hi_q, next_lo_q[W-1:0]};
  end else begin : g_register
    logic [W-1:0] next_q;
    always_ff @(posedge clk_i) if (take) next_q <= word_q;
    assign {weights_lo_o, weights_hi_o, mac_weights_o} = {{8*W{1'b0}}, next_q};
  end

  `BD_ASSERT(a_start, !(start_i && waits_q), "a third tile's weights are asked for")
  `BD_ASSERT(a_swap, !use_q || (mac ? word_valid_q : full_q), "weights used before they are read")
endmodule
