// The path of the data: plane memory, walker and window reader, arrays, back. Everything runs in lock step from the
// sequencer's start of a row group; nothing here ever waits.
module compute #(
  parameter int ROWS = 16,
  parameter int RQ = 16,
  parameter int MAC_CHANNELS = 1,
  parameter int XNOR = 1,
  parameter int ACC_BITS = 28,
  parameter int MULT_BITS = 24,
  parameter int ACT_WORDS = 4096,
  parameter int Z_WORDS = 2048,
  parameter int WEIGHT_WORDS = 1024,
  parameter int TABLE_WORDS = 1024,
  parameter int CORRECT_WORDS = 512,
  parameter int GATES = 1  // 0: counters that simulate fast
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  input  logic        abort_i,
  // control
  input  logic        setup_i,         // a layer begins
  input  logic        hand_i,          // the next row group, whose parts lie at place_i
  input  bitdial_pkg::tile_place_t place_i,
  output logic        tables_ready_o,
  output logic        fetch_free_o,
  output logic [12:0] correct_step_o,
  input  logic        start_i,         // a row group starts
  output logic        walk_done_o,
  output logic        block_done_o,
  output logic        tile_left_o,
  output logic        idle_o,
  // parts from memory: the next beat of a kind is the first of its word fill_base_i
  input  logic        fill_start_i,
  input  bitdial_pkg::part_e part_i,
  // verilator lint_off UNUSEDSIGNAL
  // addresses are as wide as the largest memory:
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] fill_base_i,
  input  logic        fill_i,
  input  logic [63:0] fill_data_i,
  // the image, or spilled codes
  input  logic        image_we_i,
  input  logic [3:0]  image_bank_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] image_addr_i,
  input  logic [15:0] image_data_i,
  // store passes, while idle_o
  input  logic        act_read_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] act_addr_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic [143:0] act_data_o,
  input  logic        z_read_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_addr_i,
  output logic [RQ*32-1:0] z_data_o,
  // residual words from memory, while idle_o
  input  logic        z_fill_i,
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] z_fill_addr_i,
  input  logic [RQ*32-1:0] z_fill_data_i
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int PW = $clog2(ACT_WORDS);
  // The layer in registers beside what it steers; it stands a clock before setup_i. Those of the arrays have a reset so that they
  // are not merged with the others. The back is set up a clock later: nothing of a layer comes there for a while. All stop at once.
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  bitdial_descriptor_pkg::descriptor_t d, d_arrays;
  // verilator lint_on UNUSEDSIGNAL
  logic clear_q, abort_q;
  always_ff @(posedge clk_i) d <= descriptor_i;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {clear_q, abort_q, d_arrays} <= '0;
    else {clear_q, abort_q, d_arrays} <= {setup_i || abort_i, abort_i, descriptor_i};
  end

  // --- planes -------------------------------------------------------------------------------------------------------
  logic            issue, absent, walk_busy;
  logic [PW-1:0]   corner, offset;
  bitdial_walk_pkg::place_t place;
  bitdial_walk_pkg::sum_tag_t sum_tag;
  bitdial_walk_pkg::gather_tag_t gather_tag;
  walker #(.ROWS(ROWS), .ACT_WORDS(ACT_WORDS), .MAC_CHANNELS(MAC_CHANNELS)) u_walker (
    .clk_i, .rst_ni, .setup_i, .start_i(start_i && !d.pool), .abort_i(abort_q), .descriptor_i(d), .busy_o(walk_busy),
    .done_o(walk_done_o), .issue_o(issue), .corner_o(corner), .offset_o(offset), .place_o(place), .sum_o(sum_tag),
    .gather_o(gather_tag), .absent_o(absent));

  logic [8:0]      reads;
  logic [9*PW-1:0] read_addrs;
  logic            act_valid, sum, first, last, plane0, swap, plane_first, word_first, word_last, block_last;
  logic            gather_high;
  logic [71:0]     act_lo, act_hi;
  logic [3:0]      pixel, segment;
  logic [1:0]      shift, gather_pair;
  logic [2:0]      gather_group;
  // verilator lint_off UNUSEDSIGNAL
  // tags that the arrays count for themselves:
  logic            block_small, tile_last, gather_last, fetch_ready;
  // verilator lint_on UNUSEDSIGNAL
  window_reader #(.ACT_WORDS(ACT_WORDS)) u_window_reader (
    .clk_i, .rst_ni, .abort_i(abort_q), .descriptor_i(d), .issue_i(issue), .corner_i(corner), .offset_i(offset), .place_i(place),
    .sum_i(sum_tag), .gather_i(gather_tag), .absent_i(absent), .read_o(reads), .raddr_o(read_addrs),
    .rdata_i(act_data_o), .act_valid_o(act_valid), .act_lo_o(act_lo), .act_hi_o(act_hi), .sum_o(sum),
    .pixel_o(pixel), .first_o(first), .shift_o(shift), .last_o(last), .plane0_o(plane0), .swap_o(swap),
    .segment_o(segment), .plane_first_o(plane_first), .word_first_o(word_first), .word_last_o(word_last),
    .block_last_o(block_last), .block_small_o(block_small), .tile_last_o(tile_last), .gather_last_o(gather_last),
    .gather_pair_o(gather_pair), .gather_group_o(gather_group), .gather_high_o(gather_high));

  logic          code_we;
  logic [3:0]    code_bank;
  // verilator lint_off UNUSEDSIGNAL
  // addresses are as wide as the largest memory:
  logic [AW-1:0] code_addr;
  // verilator lint_on UNUSEDSIGNAL
  logic [15:0]   code_data;
  logic [1:0]    code_be;
  plane_memory #(.ACT_WORDS(ACT_WORDS)) u_plane_memory (
    .clk_i, .rst_ni, .read_i(act_read_i ? 9'h1ff : reads),
    .raddr_i(act_read_i ? {9{act_addr_i[PW-1:0]}} : read_addrs), .rdata_o(act_data_o),
    .write_i(code_we || image_we_i), .wbank_i(code_we ? code_bank : image_bank_i),
    .waddr_i(code_we ? code_addr[PW-1:0] : image_addr_i[PW-1:0]), .wdata_i(code_we ? code_data : image_data_i),
    .wbe_i(code_we ? code_be : 2'b11));

  // --- parts, a clock behind the bus: nobody reads what came in the last clocks of a job ------------------------------
  logic               fill_start_q, fill_q;
  bitdial_pkg::part_e part_q;
  logic [63:0]        fill_data_q;
  // verilator lint_off UNUSEDSIGNAL
  logic [AW-1:0]      fill_base_q;
  // verilator lint_on UNUSEDSIGNAL
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {fill_start_q, fill_q} <= '0;
    else {fill_start_q, fill_q} <= {fill_start_i, fill_i};
  end
  always_ff @(posedge clk_i) {part_q, fill_base_q, fill_data_q} <= {part_i, fill_base_i, fill_data_i};

  // --- sums ---------------------------------------------------------------------------------------------------------
  logic [4:0]    block_pixels;
  logic          drain_read;
  logic [3:0]    drain_pixel;
  logic [ROWS*ACC_BITS-1:0] sums;
  logic [ACC_BITS-1:0] window_sum;
  arrays #(.ROWS(ROWS), .MAC_CHANNELS(MAC_CHANNELS), .XNOR(XNOR), .ACC_BITS(ACC_BITS),
           .WEIGHT_WORDS(WEIGHT_WORDS), .GATES(GATES)) u_arrays (
    .clk_i, .rst_ni, .descriptor_i(d_arrays), .abort_i(clear_q),
    .load_start_i(fill_start_q && part_q == bitdial_pkg::PART_WEIGHTS), .load_word_i(fill_base_q),
    .load_we_i(fill_q && part_q == bitdial_pkg::PART_WEIGHTS), .load_beat_i(fill_data_q),
    .fetch_start_i(hand_i && !d.pool), .fetch_word_i(place_i.weight), .fetch_free_o, .fetch_ready_o(fetch_ready),
    .act_valid_i(act_valid), .act_lo_i(act_lo), .act_hi_i(act_hi), .sum_i(sum), .pixel_i(pixel), .first_i(first),
    .shift_i(shift), .last_i(last), .plane0_i(plane0), .swap_i(swap), .segment_i(segment),
    .plane_first_i(plane_first), .word_first_i(word_first), .word_last_i(word_last), .gather_pair_i(gather_pair),
    .gather_group_i(gather_group), .gather_high_i(gather_high), .block_last_i(block_last), .block_done_o,
    .block_pixels_o(block_pixels), .drain_read_i(drain_read), .drain_pixel_i(drain_pixel), .sums_o(sums),
    .window_sum_o(window_sum));

  // --- codes and stream ---------------------------------------------------------------------------------------------
  logic          table_we, correct_we;
  logic [AW:0]   table_beat_q;
  logic [AW+4:0] correct_beat_q;
  assign table_we = fill_q && part_q == bitdial_pkg::PART_TABLES;
  assign correct_we = fill_q && part_q == bitdial_pkg::PART_CORRECTIONS;
  always_ff @(posedge clk_i) begin
    if (fill_start_q && part_q == bitdial_pkg::PART_TABLES) table_beat_q <= {fill_base_q, 1'b0};
    else if (table_we) table_beat_q <= table_beat_q + 1'b1;
    if (fill_start_q && part_q == bitdial_pkg::PART_CORRECTIONS)
      correct_beat_q <= (AW+5)'(fill_base_q) * (AW+5)'(RQ / 2);
    else if (correct_we) correct_beat_q <= correct_beat_q + 1'b1;
  end
  back #(.ROWS(ROWS), .RQ(RQ), .ACC_BITS(ACC_BITS), .MULT_BITS(MULT_BITS), .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS),
         .TABLE_WORDS(TABLE_WORDS), .CORRECT_WORDS(CORRECT_WORDS)) u_back (
    .clk_i, .rst_ni, .d_i(d), .setup_i(clear_q), .tile_i(hand_i),
    .tile_table_i(place_i.table_entry), .tile_correct_i(place_i.correct), .tables_ready_o, .tile_left_o,
    .correct_step_o, .pool_start_i(start_i && d.pool), .idle_o, .block_done_i(block_done_o),
    .block_pixels_i(block_pixels), .drain_read_o(drain_read), .drain_pixel_o(drain_pixel), .sums_i(sums),
    .window_sum_i(window_sum), .table_we_i(table_we), .table_beat_i(table_beat_q), .table_data_i(fill_data_q),
    .correct_we_i(correct_we), .correct_beat_i(correct_beat_q), .correct_data_i(fill_data_q), .plane_we_o(code_we),
    .plane_bank_o(code_bank), .plane_addr_o(code_addr), .plane_data_o(code_data), .plane_be_o(code_be), .z_read_i,
    .z_addr_i, .z_wide_i(d.z_out_wide || d.spill_stream), .z_data_o, .z_fill_i, .z_fill_addr_i, .z_fill_data_i);
  logic unused_busy;
  assign unused_busy = walk_busy;
endmodule
