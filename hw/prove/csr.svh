  // A doorbell rings with the registers as they were written, byte by byte, up to its own write; it asks to reload
  // where any write since the one before that was taken may have changed the program, and only there; reads and writes know the same addresses;
  // the halves of a counter are of one moment.
  localparam int CONTEXT = 16;
  localparam logic [12*CONTEXT-1:0] PLACES = {
    bitdial_regs_pkg::FRAME_LIMIT_ADDR,
    bitdial_regs_pkg::CONTROL_ADDR, bitdial_regs_pkg::TAG_ADDR, bitdial_regs_pkg::STORE_ADDR_HI_ADDR,
    bitdial_regs_pkg::STORE_ADDR_LO_ADDR, bitdial_regs_pkg::OUTPUT_ADDR_HI_ADDR, bitdial_regs_pkg::OUTPUT_ADDR_LO_ADDR,
    bitdial_regs_pkg::INPUT_ADDR_HI_ADDR, bitdial_regs_pkg::INPUT_ADDR_LO_ADDR, bitdial_regs_pkg::PRECISION_ADDR,
    bitdial_regs_pkg::SWITCH_COUNT_ADDR, bitdial_regs_pkg::LAYER_COUNT_ADDR, bitdial_regs_pkg::SWITCH_STRIDE_ADDR,
    bitdial_regs_pkg::DESC_OFFSET_ADDR, bitdial_regs_pkg::PROGRAM_ADDR_HI_ADDR, bitdial_regs_pkg::PROGRAM_ADDR_LO_ADDR};
  logic [32*CONTEXT-1:0] was_q;
  for (genvar r = 0; r < CONTEXT; r++) begin : g_was
    for (genvar b = 0; b < 4; b++) begin : g_byte
      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) was_q[32*r+8*b +: 8] <= 8'd0;
        else if (write_i && write_addr_i == PLACES[12*r +: 12] && write_strobe_i[b])
          was_q[32*r+8*b +: 8] <= write_data_i[8*b +: 8];
      end
    end
  end
  logic moved, moved_past_q, moved_q;  // ... since the last doorbell that was taken
  logic bell_past_q;
  logic [63:0] count_past_q;
  always_ff @(posedge clk_i) count_past_q <= {precision_q, switch_count_q};
  assign moved = write_i && ((write_addr_i >= bitdial_regs_pkg::PROGRAM_ADDR_LO_ADDR &&
                              write_addr_i <= bitdial_regs_pkg::SWITCH_COUNT_ADDR) ||
                             (write_addr_i == bitdial_regs_pkg::CONTROL_ADDR && write_strobe_i[0] &&
                              (write_data_i[2] || write_data_i[3])));
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) moved_q <= 1'b1;
    else if (moved_past_q) moved_q <= 1'b1;
    else if (ring && !bad_switch && !full) moved_q <= 1'b0;
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {moved_past_q, bell_past_q} <= 2'b00;
    else begin
      moved_past_q <= moved;
      bell_past_q <= write_i && write_addr_i == bitdial_regs_pkg::DOORBELL_ADDR && write_strobe_i != 4'd0;
    end
  end
  // What a read has to give, kept until it does.
  logic [31:0] due, due_q;
  logic        is_due, is_due_q, known_q;
  logic [11:0] read_past_q, write_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {due_q, is_due_q, known_q, read_past_q, write_past_q} <= '0;
    else {due_q, is_due_q, known_q, read_past_q, write_past_q} <= {due, is_due, write_known_o, read_addr_i, write_addr_i};
  end
  logic [CW-33:0] upper_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) upper_past_q <= '0;
    else for (int k = 0; k < 6; k++)
      if (read_i && read_addr_i == bitdial_regs_pkg::COUNTER_TOTAL_LO_ADDR + 12'(8 * k))
        upper_past_q <= shown ? counters[CW*k+32 +: CW-32] : '0;
  end
  always_comb begin
    {is_due, due} = '0;
    for (int k = 0; k < 6; k++) begin
      if (read_i && read_addr_i == bitdial_regs_pkg::COUNTER_TOTAL_LO_ADDR + 12'(8 * k))
        {is_due, due} = {1'b1, shown ? counters[CW*k +: 32] : 32'd0};
      if (read_i && read_addr_i == bitdial_regs_pkg::COUNTER_TOTAL_HI_ADDR + 12'(8 * k))
        {is_due, due} = {1'b1, 32'(upper_past_q)};
    end
  end
  logic run_past_q;
  always_ff @(posedge clk_i or negedge rst_ni) if (!rst_ni) run_past_q <= 1'b0; else run_past_q <= 1'b1;
  always_comb begin
    assume (write_addr_i[1:0] == 2'd0 && read_addr_i[1:0] == 2'd0);
    assume (!(frame_pop_i && (!frame_valid_o || soft_reset)));
    if (run_q) begin
      assert (program_addr_q == was_q[0 +: 64] && desc_offset_q == was_q[64 +: 32] && switch_stride_q == was_q[96 +: 32]);
      assert (layer_count_q == was_q[128 +: 32] && switch_count_q == was_q[160 +: 32] && precision_q == was_q[192 +: 32]);
      assert (input_addr_q == was_q[224 +: 64] && output_addr_q == was_q[288 +: 64] && store_addr_q == was_q[352 +: 64]);
      assert (tag_q == was_q[416 +: 32] && control_q[1:0] == was_q[449:448] && frame_limit_q == was_q[480 +: 32]);
      assert (bell == {was_q[63:0], was_q[64 +: 32], was_q[96 +: 32],
                       was_q[128 +: 32] > 32'd256 ? 9'd0 : was_q[136:128], moved_q, was_q[195:192], was_q[224 +: 64],
                       was_q[288 +: 64], was_q[352 +: 64], was_q[416 +: 32], was_q[448], was_q[480 +: 32]});
      assert (ring == bell_past_q && reload == moved_past_q);
      assert (!ring || count_past_q == {precision_q, switch_count_q});  // doorbell_queue.svh
      assert (changed_q == moved_q);
      assert (upper_q == upper_past_q);
      assert (!is_due_q || read_data_o == due_q);
      assert (!(run_past_q && read_past_q == write_past_q) || read_known_o == known_q);
    end
  end
