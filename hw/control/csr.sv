// Control and status registers behind the AXI4-Lite slave, and the interrupt line; the map, with the place of every
// field, is regs.yaml. An address outside the map answers SLVERR. Doorbells wait in doorbell_queue, what frames leave is
// kept in frame_results.
`include "bitdial_fault.svh"
module csr #(
  parameter int ROWS = 16,
  parameter int RQ = 16,
  parameter int MC = 1,
  parameter int HAS_XNOR = 1,
  parameter int ACT_WORDS = 2048,
  parameter int Z_WORDS = 4096,
  parameter int WEIGHT_WORDS = 128,
  parameter int TABLE_WORDS = 4096,
  parameter int CORRECT_WORDS = 512,
  parameter int DESCRIPTORS = 96,
  parameter int ACC_BITS = 28,
  parameter int MULT_BITS = 24,
  parameter logic [63:0] GEOMETRY_HASH = 64'd0,
  parameter logic [31:0] RTL_HASH = 32'd0,
  parameter int CLOCK_KHZ = 0
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        write_i,               // one clock
  input  logic [11:0] write_addr_i,          // a multiple of 4
  input  logic [31:0] write_data_i,
  input  logic [3:0]  write_strobe_i,
  output logic        write_known_o,         // there is a register
  input  logic        read_i,                // one clock
  input  logic [11:0] read_addr_i,
  output logic [31:0] read_data_o,           // a clock after read_i
  output logic        read_known_o,

  output bitdial_pkg::frame_t frame_o,        // head of the queue
  output logic                frame_valid_o,
  input  logic                frame_pop_i,
  output logic                abort_o,        // soft reset, one clock

  output logic [31:0] watchdog_limit_o,
  input  logic        busy_i,
  input  logic        bus_open_i,             // transfers of an ended frame are not over
  input  logic        done_i,                 // a frame ended well: tag, switch and counters are valid
  input  logic [31:0] done_tag_i,
  input  logic [3:0]  done_switch_i,
  input  logic        error_i,                // a frame was aborted for error_code_i at error_layer_i
  input  logic [3:0]  error_code_i,
  input  logic [7:0]  error_layer_i,
  input  logic [6*bitdial_pkg::COUNT_W-1:0] counters_i,  // total, compute, weight, input, output, overhead
  output logic        irq_o,
  output logic [bitdial_regs_pkg::IRQ_STATUS_W-1:0] causes_o  // IRQ_STATUS
);
  localparam int CW = bitdial_pkg::COUNT_W;

  function automatic logic [31:0] merge(input logic [31:0] old, input logic [31:0] data, input logic [3:0] strobe);
    for (int b = 0; b < 4; b++) merge[8*b +: 8] = strobe[b] ? data[8*b +: 8] : old[8*b +: 8];
  endfunction

  logic [bitdial_regs_pkg::CONTROL_W-1:0]    control_q;
  logic [bitdial_regs_pkg::IRQ_ENABLE_W-1:0] irq_enable_q;
  logic [bitdial_regs_pkg::IRQ_STATUS_W-1:0] irq_status, irq_clear;
  logic [31:0] desc_offset_q, switch_stride_q, layer_count_q, switch_count_q, precision_q, tag_q;
  logic [31:0] watchdog_limit_q, frame_limit_q;
  logic [63:0] program_addr_q, store_addr_q, input_addr_q, output_addr_q;
  logic [31:0] done_tag, frame_count;
  logic [3:0]  done_switch, error;
  logic [7:0]  error_layer;
  logic [6*CW-1:0] counters;
  logic [1:0]  level, results;
  logic        shown;  // there is a result: before the first one it reads as 0

  // --- read ---------------------------------------------------------------------------------------------------------
  localparam logic [31:0] GEOMETRY = (32'(ROWS) << bitdial_regs_pkg::GEOMETRY_ROWS_LSB) |
                                     (32'(RQ) << bitdial_regs_pkg::GEOMETRY_REQUANT_UNITS_LSB) |
                                     (32'(MC) << bitdial_regs_pkg::GEOMETRY_MAC_CHANNELS_LSB) |
                                     (32'(ACC_BITS) << bitdial_regs_pkg::GEOMETRY_ACC_BITS_LSB);
  localparam logic [31:0] CAPABILITIES = (32'(HAS_XNOR != 0) << bitdial_regs_pkg::CAPABILITIES_XNOR_LSB) |
                                         (32'(MC != 0) << bitdial_regs_pkg::CAPABILITIES_MAC_LSB) |
                                         (32'(MC != 0) << bitdial_regs_pkg::CAPABILITIES_DEPTHWISE_LSB) |
                                         (32'd1 << bitdial_regs_pkg::CAPABILITIES_POOL_LSB) |
                                         (32'd1 << bitdial_regs_pkg::CAPABILITIES_STREAM_LSB) |
                                         (32'd1 << bitdial_regs_pkg::CAPABILITIES_STORE_LSB) |
                                         (32'(MULT_BITS) << bitdial_regs_pkg::CAPABILITIES_MULT_BITS_LSB);
  logic [31:0] status;
  logic        is_counter;
  logic [CW-1:0]  counter;
  logic [CW-33:0] upper_q;
  logic [31:0] constants, settings, results_data;  // parts of the map: a read looks at all, one is not 0
  logic        known;
  assign status = (32'(busy_i) << bitdial_regs_pkg::STATUS_BUSY_LSB) |
                  (32'(level) << bitdial_regs_pkg::STATUS_QUEUE_LEVEL_LSB) |
                  (32'(results) << bitdial_regs_pkg::STATUS_RESULT_LEVEL_LSB) |
                  (32'(bus_open_i) << bitdial_regs_pkg::STATUS_BUS_OPEN_LSB) |
                  (32'(error) << bitdial_regs_pkg::STATUS_ERROR_LSB) |
                  (32'(error_layer) << bitdial_regs_pkg::STATUS_ERROR_LAYER_LSB);
  always_comb begin
    known = 1'b1;
    constants = 32'd0;
    settings = 32'd0;
    results_data = 32'd0;
    case (read_addr_i)
      bitdial_regs_pkg::ID_ADDR:               constants = bitdial_regs_pkg::ID_RESET;
      bitdial_regs_pkg::ABI_VERSION_ADDR:      constants = bitdial_regs_pkg::ABI_VERSION_RESET;
      bitdial_regs_pkg::GEOMETRY_ADDR:         constants = GEOMETRY;
      bitdial_regs_pkg::CAPABILITIES_ADDR:     constants = CAPABILITIES;
      bitdial_regs_pkg::ACT_WORDS_ADDR:        constants = 32'(ACT_WORDS);
      bitdial_regs_pkg::Z_WORDS_ADDR:          constants = 32'(Z_WORDS);
      bitdial_regs_pkg::WEIGHT_WORDS_ADDR:     constants = 32'(WEIGHT_WORDS);
      bitdial_regs_pkg::GEOMETRY_HASH_LO_ADDR: constants = GEOMETRY_HASH[31:0];
      bitdial_regs_pkg::GEOMETRY_HASH_HI_ADDR: constants = GEOMETRY_HASH[63:32];
      bitdial_regs_pkg::RTL_HASH_ADDR:         constants = RTL_HASH;
      bitdial_regs_pkg::BUILD_ID_ADDR:         constants = `BD_FAULT_NUMBER;
      bitdial_regs_pkg::TABLE_WORDS_ADDR:      constants = 32'(TABLE_WORDS);
      bitdial_regs_pkg::CORRECT_WORDS_ADDR:    constants = 32'(CORRECT_WORDS);
      bitdial_regs_pkg::DESCRIPTORS_ADDR:      constants = 32'(DESCRIPTORS);
      bitdial_regs_pkg::CLOCK_KHZ_ADDR:        constants = 32'(CLOCK_KHZ);
      bitdial_regs_pkg::CONTROL_ADDR:          settings = 32'(control_q);
      bitdial_regs_pkg::STATUS_ADDR:           results_data = status;
      bitdial_regs_pkg::PROGRAM_ADDR_LO_ADDR:  settings = program_addr_q[31:0];
      bitdial_regs_pkg::PROGRAM_ADDR_HI_ADDR:  settings = program_addr_q[63:32];
      bitdial_regs_pkg::DESC_OFFSET_ADDR:      settings = desc_offset_q;
      bitdial_regs_pkg::SWITCH_STRIDE_ADDR:    settings = switch_stride_q;
      bitdial_regs_pkg::LAYER_COUNT_ADDR:      settings = layer_count_q;
      bitdial_regs_pkg::SWITCH_COUNT_ADDR:     settings = switch_count_q;
      bitdial_regs_pkg::STORE_ADDR_LO_ADDR:    settings = store_addr_q[31:0];
      bitdial_regs_pkg::STORE_ADDR_HI_ADDR:    settings = store_addr_q[63:32];
      bitdial_regs_pkg::WATCHDOG_LIMIT_ADDR:   settings = watchdog_limit_q;
      bitdial_regs_pkg::FRAME_LIMIT_ADDR:      settings = frame_limit_q;
      bitdial_regs_pkg::PRECISION_ADDR:        settings = precision_q;
      bitdial_regs_pkg::INPUT_ADDR_LO_ADDR:    settings = input_addr_q[31:0];
      bitdial_regs_pkg::INPUT_ADDR_HI_ADDR:    settings = input_addr_q[63:32];
      bitdial_regs_pkg::OUTPUT_ADDR_LO_ADDR:   settings = output_addr_q[31:0];
      bitdial_regs_pkg::OUTPUT_ADDR_HI_ADDR:   settings = output_addr_q[63:32];
      bitdial_regs_pkg::TAG_ADDR:              settings = tag_q;
      bitdial_regs_pkg::DOORBELL_ADDR:         settings = 32'd0;
      bitdial_regs_pkg::IRQ_STATUS_ADDR:       results_data = 32'(irq_status);
      bitdial_regs_pkg::IRQ_ENABLE_ADDR:       results_data = 32'(irq_enable_q);
      bitdial_regs_pkg::DONE_TAG_ADDR:         if (shown) results_data = done_tag;
      bitdial_regs_pkg::DONE_SWITCH_ADDR:      if (shown) results_data = 32'(done_switch);
      bitdial_regs_pkg::FRAME_COUNT_ADDR:      results_data = frame_count;
      default: begin
        known = is_counter;
        results_data = !is_counter ? 32'd0 : read_addr_i[2] ? 32'(upper_q) : counter[31:0];
      end
    endcase
  end
  logic [31:0] constants_q, settings_q, results_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {read_known_o, constants_q, settings_q, results_q} <= '0;
    else {read_known_o, constants_q, settings_q, results_q} <= {known, constants, settings, results_data};
  end
  assign read_data_o = constants_q | settings_q | results_q;
  // The lower half of a counter keeps the upper half of the same moment.
  assign is_counter = read_addr_i >= bitdial_regs_pkg::COUNTER_TOTAL_LO_ADDR &&
                      read_addr_i <= bitdial_regs_pkg::COUNTER_OVERHEAD_HI_ADDR;
  always_comb begin
    counter = '0;
    for (int k = 0; k < 6; k++)
      if (shown && read_addr_i[5:3] == 3'(k)) counter = counters[CW*k +: CW];
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) upper_q <= '0;
    else if (read_i && is_counter && !read_addr_i[2]) upper_q <= counter[CW-1:32];
  end
  if (bitdial_regs_pkg::COUNTER_TOTAL_LO_ADDR % 64 != 0) begin : g_misplaced
    $error("counters are not found by bits of their address");
  end

  // --- write --------------------------------------------------------------------------------------------------------
  logic ring, bad_switch, full, soft_reset, reload;          // a clock after their write
  logic ring_write, reset_write, reload_write;
  logic        changed_q;  // since the last doorbell that was taken, the registers may describe another program
  logic [31:0] ones;  // wdata where strobed, else 0
  assign ones = merge(32'd0, write_data_i, write_strobe_i);
  assign ring_write = write_i && write_strobe_i != 4'd0 && write_addr_i == bitdial_regs_pkg::DOORBELL_ADDR;
  assign reset_write = write_i && write_addr_i == bitdial_regs_pkg::CONTROL_ADDR &&
                      ones[bitdial_regs_pkg::CONTROL_SOFT_RESET_LSB];
  always_comb begin
    reload_write = reset_write;
    if (write_i) case (write_addr_i)
      bitdial_regs_pkg::CONTROL_ADDR: reload_write = reset_write || ones[bitdial_regs_pkg::CONTROL_RELOAD_LSB];
      bitdial_regs_pkg::PROGRAM_ADDR_LO_ADDR, bitdial_regs_pkg::PROGRAM_ADDR_HI_ADDR,
      bitdial_regs_pkg::DESC_OFFSET_ADDR, bitdial_regs_pkg::SWITCH_STRIDE_ADDR,
      bitdial_regs_pkg::LAYER_COUNT_ADDR, bitdial_regs_pkg::SWITCH_COUNT_ADDR: reload_write = 1'b1;
      default: ;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {ring, soft_reset, reload, irq_clear} <= '0;
    else begin
      ring <= ring_write;
      soft_reset <= reset_write;
      reload <= reload_write;
      irq_clear <= (write_i && write_addr_i == bitdial_regs_pkg::IRQ_STATUS_ADDR) ?
                   ones[bitdial_regs_pkg::IRQ_STATUS_W-1:0] : '0;
    end
  end

  // Every address below the end of the map that can be read exists; three holes lie between its parts.
  always_comb begin
    write_known_o = write_addr_i <= bitdial_regs_pkg::COUNTER_OVERHEAD_HI_ADDR;
    if (write_addr_i > bitdial_regs_pkg::CLOCK_KHZ_ADDR && write_addr_i < bitdial_regs_pkg::CONTROL_ADDR) write_known_o = 1'b0;
    if (write_addr_i > bitdial_regs_pkg::FRAME_LIMIT_ADDR && write_addr_i < bitdial_regs_pkg::PRECISION_ADDR)
      write_known_o = 1'b0;
    if (write_addr_i > bitdial_regs_pkg::DOORBELL_ADDR && write_addr_i < bitdial_regs_pkg::IRQ_STATUS_ADDR) write_known_o = 1'b0;
    if (write_addr_i > bitdial_regs_pkg::FRAME_COUNT_ADDR && write_addr_i < bitdial_regs_pkg::COUNTER_TOTAL_LO_ADDR)
      write_known_o = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      control_q <= bitdial_regs_pkg::CONTROL_RESET[bitdial_regs_pkg::CONTROL_W-1:0];
      changed_q <= 1'b1;
      program_addr_q <= 64'd0;
      desc_offset_q <= bitdial_regs_pkg::DESC_OFFSET_RESET;
      switch_stride_q <= bitdial_regs_pkg::SWITCH_STRIDE_RESET;
      layer_count_q <= bitdial_regs_pkg::LAYER_COUNT_RESET;
      switch_count_q <= bitdial_regs_pkg::SWITCH_COUNT_RESET;
      store_addr_q <= 64'd0;
      watchdog_limit_q <= bitdial_regs_pkg::WATCHDOG_LIMIT_RESET;
      frame_limit_q <= bitdial_regs_pkg::FRAME_LIMIT_RESET;
      precision_q <= bitdial_regs_pkg::PRECISION_RESET;
      input_addr_q <= 64'd0;
      output_addr_q <= 64'd0;
      tag_q <= bitdial_regs_pkg::TAG_RESET;
      irq_enable_q <= bitdial_regs_pkg::IRQ_ENABLE_RESET[bitdial_regs_pkg::IRQ_ENABLE_W-1:0];
    end else begin
      if (reload) changed_q <= 1'b1;
      else if (ring && !bad_switch && !full) changed_q <= 1'b0;
      if (write_i) begin
        case (write_addr_i)
          bitdial_regs_pkg::CONTROL_ADDR:
            control_q <= bitdial_regs_pkg::CONTROL_W'(merge(32'(control_q), write_data_i, write_strobe_i) &
                                                      bitdial_regs_pkg::CONTROL_WRITABLE);
          bitdial_regs_pkg::PROGRAM_ADDR_LO_ADDR:
            program_addr_q[31:0] <= merge(program_addr_q[31:0], write_data_i, write_strobe_i);
          bitdial_regs_pkg::PROGRAM_ADDR_HI_ADDR:
            program_addr_q[63:32] <= merge(program_addr_q[63:32], write_data_i, write_strobe_i);
          bitdial_regs_pkg::DESC_OFFSET_ADDR:     desc_offset_q <= merge(desc_offset_q, write_data_i, write_strobe_i);
          bitdial_regs_pkg::SWITCH_STRIDE_ADDR:   switch_stride_q <= merge(switch_stride_q, write_data_i, write_strobe_i);
          bitdial_regs_pkg::LAYER_COUNT_ADDR:     layer_count_q <= merge(layer_count_q, write_data_i, write_strobe_i);
          bitdial_regs_pkg::SWITCH_COUNT_ADDR:    switch_count_q <= merge(switch_count_q, write_data_i, write_strobe_i);
          bitdial_regs_pkg::STORE_ADDR_LO_ADDR:   store_addr_q[31:0] <= merge(store_addr_q[31:0], write_data_i, write_strobe_i);
          bitdial_regs_pkg::STORE_ADDR_HI_ADDR:   store_addr_q[63:32] <= merge(store_addr_q[63:32], write_data_i, write_strobe_i);
          bitdial_regs_pkg::WATCHDOG_LIMIT_ADDR:
            watchdog_limit_q <= merge(watchdog_limit_q, write_data_i, write_strobe_i);
          bitdial_regs_pkg::FRAME_LIMIT_ADDR:     frame_limit_q <= merge(frame_limit_q, write_data_i, write_strobe_i);
          bitdial_regs_pkg::PRECISION_ADDR:
            if (!`BD_FAULT(2)) precision_q <= merge(precision_q, write_data_i, write_strobe_i);
          bitdial_regs_pkg::INPUT_ADDR_LO_ADDR:   input_addr_q[31:0] <= merge(input_addr_q[31:0], write_data_i, write_strobe_i);
          bitdial_regs_pkg::INPUT_ADDR_HI_ADDR:   input_addr_q[63:32] <= merge(input_addr_q[63:32], write_data_i, write_strobe_i);
          bitdial_regs_pkg::OUTPUT_ADDR_LO_ADDR:  output_addr_q[31:0] <= merge(output_addr_q[31:0], write_data_i, write_strobe_i);
          bitdial_regs_pkg::OUTPUT_ADDR_HI_ADDR:
            output_addr_q[63:32] <= merge(output_addr_q[63:32], write_data_i, write_strobe_i);
          bitdial_regs_pkg::TAG_ADDR:             tag_q <= merge(tag_q, write_data_i, write_strobe_i);
          bitdial_regs_pkg::IRQ_ENABLE_ADDR:
            irq_enable_q <= bitdial_regs_pkg::IRQ_ENABLE_W'(merge(32'(irq_enable_q), write_data_i, write_strobe_i) &
                                                            bitdial_regs_pkg::IRQ_ENABLE_WRITABLE);
          default: ;
        endcase
      end
    end
  end

  // --- doorbells, results, interrupt --------------------------------------------------------------------------------
  bitdial_pkg::frame_t bell;
  assign bell.program_addr = program_addr_q;
  assign bell.desc_offset = desc_offset_q;
  assign bell.switch_stride = switch_stride_q;
  // A count that no program has ends no list.
  assign bell.layer_count = (layer_count_q > 32'(bitdial_descriptor_pkg::LAYERS)) ? '0 : layer_count_q[8:0];
  assign bell.reload = changed_q;
  assign bell.switch_index = precision_q[3:0];
  assign bell.input_addr = input_addr_q;
  assign bell.output_addr = output_addr_q;
  assign bell.store_addr = store_addr_q;
  assign bell.tag = tag_q;
  assign bell.store_enable = control_q[bitdial_regs_pkg::CONTROL_STORE_ENABLE_LSB];
  assign bell.frame_limit = frame_limit_q;
  doorbell_queue u_doorbell_queue (
    .clk_i, .rst_ni, .clear_i(soft_reset), .ring_i(ring), .precision_i(precision_q), .switch_count_i(switch_count_q),
    .bell_i(bell), .held_i(3'(busy_i) + 3'(results)), .bad_switch_o(bad_switch), .full_o(full), .frame_o, .frame_valid_o, .frame_pop_i, .level_o(level));

  frame_results u_frame_results (
    .clk_i, .rst_ni, .clear_i(irq_clear), .drop_i(soft_reset), .bad_switch_i(ring && bad_switch), .queue_full_i(ring && full), .done_i,
    .tag_i(done_tag_i), .switch_i(done_switch_i), .counters_i, .error_i, .error_code_i, .error_layer_i,
    .causes_o(irq_status), .error_o(error), .error_layer_o(error_layer), .level_o(results), .any_o(shown), .tag_o(done_tag), .switch_o(done_switch),
    .frame_count_o(frame_count), .counters_o(counters));

  assign irq_o = control_q[bitdial_regs_pkg::CONTROL_IRQ_ENABLE_LSB] && |(irq_status & irq_enable_q);
  assign causes_o = irq_status;
  assign abort_o = soft_reset;
  assign watchdog_limit_o = watchdog_limit_q;
endmodule
