// The tables of the row group that is requantized, and of the next one: two slots, copied from the table memory, one entry
// a clock, into RAM that each requantizer has for itself (M and B' of its rows; a row each: into a register, from which
// another one takes them when the row group before has left). A row group is handed over with tile_i; its
// copy begins when its slot is free, that is, when the row group two before has left with read_end_i.
`include "bitdial_assert.svh"
module requant_tables #(
  parameter int ROWS = 8,
  parameter int RQ = 4,
  parameter int MULT_BITS = 24,
  parameter int BIAS_BITS = 52
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic setup_i,   // forget all
  input  logic tile_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] tile_table_i,    // first entry
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] tile_correct_i,  // first word of its corrections
  output logic ready_o,   // all that were handed over are copied
  output logic filled_o,  // there is one to be requantized
  output logic [2*bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] correct_o,     // tile_correct_i of slots 0 and 1
  output logic memory_re_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] memory_addr_o,
  input  logic [BIAS_BITS+MULT_BITS-1:0] memory_data_i,  // two clocks later
  // verilator lint_off UNUSEDSIGNAL
  input  logic [5:0] read_sub_i,   // as wide as the most that ROWS / RQ can be
  // verilator lint_on UNUSEDSIGNAL
  input  logic read_i,
  input  logic read_end_i,         // the row group's last one
  output logic left_o,
  output logic [RQ*MULT_BITS-1:0] multipliers_o,  // the clock after
  output logic [RQ*BIAS_BITS-1:0] biases_o        // four clocks after
);
  localparam int SUBS = ROWS / RQ;
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int RW = $clog2(ROWS);
  logic          handed_q, copy_q, fill_slot_q, read_slot_q, begin_copy, write1_q, write2_q;
  logic [1:0]    full_q, copied_q;
  logic [AW-1:0] table_q, correct_q, correct0_q, correct1_q;
  logic [RW-1:0] row_q, row1_q, row2_q;
  logic          last1_q, last2_q;

  logic [1:0]    fill_bit, read_bit;
  logic          copied, left;
  assign fill_bit = {fill_slot_q, !fill_slot_q};
  assign read_bit = {read_slot_q, !read_slot_q};
  assign copied = write2_q && last2_q;
  assign left = read_i && read_end_i;
  assign begin_copy = handed_q && !copy_q && !write1_q && !write2_q && (full_q & fill_bit) == 2'b00;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {handed_q, copy_q, fill_slot_q, read_slot_q, write1_q, write2_q, left_o} <= '0;
      {full_q, copied_q} <= '0;
      row_q <= '0;
    end else if (setup_i) begin
      {handed_q, copy_q, fill_slot_q, read_slot_q, write1_q, write2_q, left_o} <= '0;
      {full_q, copied_q} <= '0;
      row_q <= '0;
    end else begin
      if (tile_i) handed_q <= 1'b1;
      else if (begin_copy) handed_q <= 1'b0;
      if (begin_copy) copy_q <= 1'b1;
      if (copy_q) begin
        row_q <= row_q + 1'b1;
        if (&row_q) copy_q <= 1'b0;
      end
      write1_q <= copy_q;
      write2_q <= write1_q;
      if (copied) fill_slot_q <= !fill_slot_q;
      if (left) read_slot_q <= !read_slot_q;
      full_q <= (full_q | (begin_copy ? fill_bit : 2'b00)) & ~(left ? read_bit : 2'b00);
      copied_q <= (copied_q | (copied ? fill_bit : 2'b00)) & ~(left ? read_bit : 2'b00);
      left_o <= left;
    end
  end
  always_ff @(posedge clk_i) begin
    if (tile_i) {table_q, correct_q} <= {tile_table_i, tile_correct_i};
    if (begin_copy) memory_addr_o <= table_q;
    else memory_addr_o <= memory_addr_o + 1'b1;
    if (begin_copy && !fill_slot_q) correct0_q <= correct_q;
    if (begin_copy && fill_slot_q) correct1_q <= correct_q;
    row1_q <= row_q;
    row2_q <= row1_q;
    last1_q <= &row_q;
    last2_q <= last1_q;
  end
  assign memory_re_o = copy_q;
  assign ready_o = !(handed_q || copy_q || write1_q || write2_q);
  assign filled_o = (copied_q & read_bit) != 2'b00;
  assign correct_o = {correct1_q, correct0_q};

  if (SUBS == 1) begin : g_one_sub
    // Entries of the next row group are written from three clocks on after begin_copy: B' is still taken then.
    logic       next_slot_q;  // the slot whose entries are in next_q
    logic [2:0] take_q;
    always_ff @(posedge clk_i) begin
      if (begin_copy) next_slot_q <= fill_slot_q;
      take_q <= {take_q[1:0], next_slot_q == read_slot_q};
    end
    for (genvar i = 0; i < RQ; i++) begin : g_requantizer
      logic [BIAS_BITS+MULT_BITS-1:0] next_q;
      always_ff @(posedge clk_i) begin
        if (write2_q && row2_q == RW'(i)) next_q <= memory_data_i;
        if (next_slot_q == read_slot_q) multipliers_o[MULT_BITS*i +: MULT_BITS] <= next_q[MULT_BITS-1:0];
        if (take_q[2]) biases_o[BIAS_BITS*i +: BIAS_BITS] <= next_q[MULT_BITS +: BIAS_BITS];
      end
    end
  end else begin : g_subs
    localparam int LW = $clog2(RQ);
    logic [RW-LW:0] waddr, raddr, raddr1_q, raddr2_q, raddr3_q;  // within a requantizer's RAM: slot, sub
    assign waddr = {fill_slot_q, row2_q[RW-1:LW]};
    assign raddr = {read_slot_q, read_sub_i[RW-LW-1:0]};
    always_ff @(posedge clk_i) {raddr3_q, raddr2_q, raddr1_q} <= {raddr2_q, raddr1_q, raddr};
    for (genvar i = 0; i < RQ; i++) begin : g_requantizer
      (* ram_style = "distributed" *)
      logic [MULT_BITS-1:0] multipliers [0:2*SUBS-1];
      (* ram_style = "distributed" *)
      logic [BIAS_BITS-1:0] biases [0:2*SUBS-1];
      always_ff @(posedge clk_i) begin
        if (write2_q && row2_q[LW-1:0] == LW'(i)) {biases[waddr], multipliers[waddr]} <= memory_data_i;
        multipliers_o[MULT_BITS*i +: MULT_BITS] <= multipliers[raddr];
        biases_o[BIAS_BITS*i +: BIAS_BITS] <= biases[raddr3_q];
      end
    end
  end

  `BD_ASSERT(tile_one_at_a_time, !(tile_i && !ready_o), "a row group is handed over before the last one's tables are copied")
  `BD_ASSERT(tables_there, !(read_i && !filled_o), "a row group is requantized before its tables are copied")
endmodule
