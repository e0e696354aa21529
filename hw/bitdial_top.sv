// The accelerator: registers on an AXI4-Lite slave, one AXI4 master of 64 bits, one interrupt. Parameters are the
// hardware configuration (yaml-configs/hardware/); FAULT is 0 but in builds for fault tests.
module bitdial_top #(
  parameter int ROWS = 16,             // output channels computed at once: 8, 16, 32, 64
  parameter int RQ = 16,               // requantizers; power of two, even
  parameter int MC = 1,                // channels whose nine taps the add-only MAC takes a clock; 0: no MAC
  parameter int HAS_XNOR = 1,
  parameter int ACT_WORDS = 4096,      // plane memory: 16-bit words of each of nine banks
  parameter int Z_WORDS = 16384,       // residual memory: words of RQ x 16 bits
  parameter int WEIGHT_WORDS = 16384,  // weight memory: words of 18 ROWS bits
  parameter int TABLE_WORDS = 4096,    // table memory: rows' entries
  parameter int CORRECT_WORDS = 512,   // correction memory: words of RQ x 24 bits
  parameter int DESCRIPTORS = 96,      // descriptors kept on the chip; 0: fetched for every layer
  parameter int ACC_BITS = 28,
  parameter int MULT_BITS = 24,        // width of the requantizer's multiplier
  parameter logic [63:0] GEOMETRY_HASH = 64'd0,
  parameter logic [31:0] RTL_HASH = 32'd0,
  parameter int FAULT = 0  // 1 codes round up, 2 PRECISION ignores writes, 3 first interrupt lost, 4 switch 0's tables
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic [11:0] s_axi_awaddr_i,
  input  logic        s_axi_awvalid_i,
  output logic        s_axi_awready_o,
  input  logic [31:0] s_axi_wdata_i,
  input  logic [3:0]  s_axi_wstrb_i,
  input  logic        s_axi_wvalid_i,
  output logic        s_axi_wready_o,
  output logic [1:0]  s_axi_bresp_o,
  output logic        s_axi_bvalid_o,
  input  logic        s_axi_bready_i,
  input  logic [11:0] s_axi_araddr_i,
  input  logic        s_axi_arvalid_i,
  output logic        s_axi_arready_o,
  output logic [31:0] s_axi_rdata_o,
  output logic [1:0]  s_axi_rresp_o,
  output logic        s_axi_rvalid_o,
  input  logic        s_axi_rready_i,

  output logic [63:0] m_axi_araddr_o,
  output logic [7:0]  m_axi_arlen_o,
  output logic [2:0]  m_axi_arsize_o,
  output logic [1:0]  m_axi_arburst_o,
  output logic        m_axi_arvalid_o,
  input  logic        m_axi_arready_i,
  input  logic [63:0] m_axi_rdata_i,
  input  logic [1:0]  m_axi_rresp_i,
  input  logic        m_axi_rlast_i,
  input  logic        m_axi_rvalid_i,
  output logic        m_axi_rready_o,
  output logic [63:0] m_axi_awaddr_o,
  output logic [7:0]  m_axi_awlen_o,
  output logic [2:0]  m_axi_awsize_o,
  output logic [1:0]  m_axi_awburst_o,
  output logic        m_axi_awvalid_o,
  input  logic        m_axi_awready_i,
  output logic [63:0] m_axi_wdata_o,
  output logic [7:0]  m_axi_wstrb_o,
  output logic        m_axi_wlast_o,
  output logic        m_axi_wvalid_o,
  input  logic        m_axi_wready_i,
  input  logic [1:0]  m_axi_bresp_i,
  input  logic        m_axi_bvalid_i,
  output logic        m_axi_bready_o,

  output logic        irq_o
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int BW = bitdial_pkg::BEAT_W;
  assign m_axi_arsize_o = 3'd3;
  assign m_axi_awsize_o = 3'd3;
  assign m_axi_arburst_o = 2'b01;
  assign m_axi_awburst_o = 2'b01;

  // --- registers ----------------------------------------------------------------------------------------------------
  bitdial_pkg::frame_t bell, frame;
  logic        bell_valid, bell_pop, soft_reset, busy, done, error;
  logic [3:0]  error_code;
  logic [7:0]  error_layer;
  logic [6*bitdial_pkg::COUNT_W-1:0] counters;
  csr #(.ROWS(ROWS), .LANES(144), .MAC_LANES(9 * MC), .RQ(RQ), .HAS_XNOR(HAS_XNOR), .HAS_MAC(MC),
        .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS), .WEIGHT_WORDS(WEIGHT_WORDS), .MULT_BITS(MULT_BITS),
        .GEOMETRY_HASH(GEOMETRY_HASH), .RTL_HASH(RTL_HASH), .FAULT(FAULT)) u_csr (
    .clk_i, .rst_ni, .awaddr_i(s_axi_awaddr_i), .awvalid_i(s_axi_awvalid_i), .awready_o(s_axi_awready_o),
    .wdata_i(s_axi_wdata_i), .wstrb_i(s_axi_wstrb_i), .wvalid_i(s_axi_wvalid_i), .wready_o(s_axi_wready_o),
    .bresp_o(s_axi_bresp_o), .bvalid_o(s_axi_bvalid_o), .bready_i(s_axi_bready_i), .araddr_i(s_axi_araddr_i),
    .arvalid_i(s_axi_arvalid_i), .arready_o(s_axi_arready_o), .rdata_o(s_axi_rdata_o),
    .rresp_o(s_axi_rresp_o), .rvalid_o(s_axi_rvalid_o), .rready_i(s_axi_rready_i),
    .frame_o(bell), .frame_valid_o(bell_valid),
    .frame_pop_i(bell_pop), .abort_o(soft_reset), .busy_i(busy), .done_i(done), .done_tag_i(frame.tag),
    .done_switch_i(frame.switch_index), .error_i(error), .error_code_i(error_code), .error_layer_i(error_layer),
    .counters_i(counters), .irq_o);

  // --- control ------------------------------------------------------------------------------------------------------
  logic       program_start, program_ready, program_busy, resident, loader_start, abort, bus_error, bad_descriptor;
  logic       bus_idle, layer_slot, layer_done, image_done, setup, hand, startable, starving, more, start, release_slot;
  logic       walk_done, block_done, tile_left, back_idle, tables_ready, fetch_free, passes_start, passes_any;
  logic       passes_busy;
  logic [1:0] layer_ready, tile_ready;
  logic [7:0] loader_layer;
  logic [4:0] kind;
  logic [12:0] correct_step;
  bitdial_pkg::slots_t slots;
  bitdial_pkg::tile_place_t place;
  bitdial_descriptor_pkg::descriptor_t descriptor0, descriptor1, d;
  assign d = layer_slot ? descriptor1 : descriptor0;
  sequencer u_sequencer (
    .clk_i, .rst_ni, .frame_valid_i(bell_valid), .frame_i(bell), .frame_pop_o(bell_pop), .frame_o(frame),
    .busy_o(busy), .done_o(done), .error_o(error), .error_code_o(error_code), .error_layer_o(error_layer),
    .program_start_o(program_start), .program_ready_i(program_ready), .loader_start_o(loader_start), .abort_o(abort),
    .soft_reset_i(soft_reset), .bus_error_i(bus_error), .bad_descriptor_i(bad_descriptor),
    .loader_layer_i(loader_layer), .bus_idle_i(bus_idle), .layer_ready_i(layer_ready), .descriptor_i(d),
    .layer_slot_o(layer_slot), .layer_done_o(layer_done), .image_done_i(image_done), .setup_o(setup),
    .startable_i(startable), .starving_i(starving), .more_i(more), .start_o(start), .walk_done_i(walk_done),
    .block_done_i(block_done), .back_idle_i(back_idle), .passes_start_o(passes_start), .passes_any_i(passes_any),
    .passes_busy_i(passes_busy), .state_kind_o(kind));
  tile_feeder #(.ROWS(ROWS)) u_tile_feeder (
    .clk_i, .rst_ni, .frame_i(program_start), .setup_i(setup), .start_i(start), .left_i(tile_left), .abort_i(abort),
    .descriptor_i(d), .slots_i(slots), .correct_step_i(correct_step), .tile_ready_i(tile_ready),
    .tables_ready_i(tables_ready), .fetch_free_i(fetch_free), .hand_o(hand), .place_o(place),
    .startable_o(startable), .starving_o(starving), .more_o(more), .release_o(release_slot));
  perf_counters u_perf_counters (.clk_i, .rst_ni, .start_i(bell_pop), .kind_i(kind), .counters_o(counters));

  // --- memory to the chip -------------------------------------------------------------------------------------------
  logic          read_start, read_idle, read_error, beat_valid, beat_last, beat_ready, beat, image_ready, image_job;
  logic          program_read, program_job, layer_read, layer_job, image_start, loader_image;
  logic [63:0]   read_addr, program_read_addr, layer_read_addr, beat_data;
  logic [BW-1:0] read_beats, program_read_beats, layer_read_beats;
  bitdial_pkg::part_e program_part, layer_part, part;
  logic [AW-1:0] layer_base;
  assign read_start = program_read || layer_read;
  assign read_addr = program_busy ? program_read_addr : layer_read_addr;
  assign read_beats = program_busy ? program_read_beats : layer_read_beats;
  dma_read u_dma_read (
    .clk_i, .rst_ni, .start_i(read_start), .addr_i(read_addr), .beats_i(read_beats), .abort_i(abort),
    .idle_o(read_idle), .error_o(read_error), .beat_valid_o(beat_valid), .beat_data_o(beat_data),
    .beat_last_o(beat_last), .beat_ready_i(beat_ready), .araddr_o(m_axi_araddr_o), .arlen_o(m_axi_arlen_o),
    .arvalid_o(m_axi_arvalid_o), .arready_i(m_axi_arready_i), .rdata_i(m_axi_rdata_i), .rresp_i(m_axi_rresp_i),
    .rlast_i(m_axi_rlast_i), .rvalid_i(m_axi_rvalid_i), .rready_o(m_axi_rready_o));
  assign beat_ready = !image_job || image_ready;
  assign beat = beat_valid && beat_ready;
  program_loader #(.DESCRIPTORS(DESCRIPTORS)) u_program_loader (
    .clk_i, .rst_ni, .start_i(program_start), .abort_i(abort), .frame_i(frame), .ready_o(program_ready),
    .busy_o(program_busy), .resident_o(resident), .slots_o(slots), .dma_start_o(program_read),
    .dma_addr_o(program_read_addr), .dma_beats_o(program_read_beats), .beat_i(beat && program_busy),
    .beat_last_i(beat_last), .beat_data_i(beat_data), .part_o(program_part), .part_job_o(program_job));
  assign image_start = layer_read && loader_image;
  loader #(.ROWS(ROWS), .HAS_XNOR(HAS_XNOR), .HAS_MAC(MC), .DESCRIPTORS(DESCRIPTORS), .FAULT(FAULT)) u_loader (
    .clk_i, .rst_ni, .start_i(loader_start), .abort_i(abort), .frame_i(frame), .resident_i(resident), .slots_i(slots),
    .fill_start_i(program_read && program_part == bitdial_pkg::PART_DESCRIPTORS),
    .fill_i(beat && program_job && program_part == bitdial_pkg::PART_DESCRIPTORS), .layer_done_i(layer_done),
    .tile_done_i(release_slot), .layer_ready_o(layer_ready), .tile_ready_o(tile_ready), .descriptor0_o(descriptor0),
    .descriptor1_o(descriptor1), .bad_o(bad_descriptor), .layer_o(loader_layer), .dma_start_o(layer_read),
    .dma_addr_o(layer_read_addr), .dma_beats_o(layer_read_beats), .beat_i(beat && !program_busy),
    .beat_last_i(beat_last), .beat_data_i(beat_data), .image_start_o(loader_image), .image_job_o(image_job),
    .part_o(layer_part), .part_job_o(layer_job), .part_base_o(layer_base));
  assign part = program_busy ? program_part : layer_part;

  logic          image_we;
  logic [3:0]    image_bank;
  logic [AW-1:0] image_addr;
  logic [15:0]   image_data;
  image_loader u_image_loader (
    .clk_i, .rst_ni, .start_i(image_start), .abort_i(abort), .descriptor_i(descriptor0),
    .beat_valid_i(beat_valid && image_job), .beat_data_i(beat_data), .beat_ready_o(image_ready), .done_o(image_done),
    .we_o(image_we), .bank_o(image_bank), .addr_o(image_addr), .data_o(image_data));

  // --- compute ------------------------------------------------------------------------------------------------------
  logic          store_act_read, store_z_read;
  logic [AW-1:0] store_act_addr, store_z_addr;
  logic [143:0]  act_data;
  logic [RQ*32-1:0] z_data;
  compute #(.ROWS(ROWS), .RQ(RQ), .MAC_CHANNELS(MC), .XNOR(HAS_XNOR), .ACC_BITS(ACC_BITS), .MULT_BITS(MULT_BITS),
            .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS), .WEIGHT_WORDS(WEIGHT_WORDS), .TABLE_WORDS(TABLE_WORDS),
            .CORRECT_WORDS(CORRECT_WORDS), .FAULT(FAULT)) u_compute (
    .clk_i, .rst_ni, .descriptor_i(d), .abort_i(abort), .setup_i(setup), .hand_i(hand), .place_i(place),
    .tables_ready_o(tables_ready), .fetch_free_o(fetch_free), .correct_step_o(correct_step), .start_i(start),
    .walk_done_o(walk_done), .block_done_o(block_done), .tile_left_o(tile_left), .idle_o(back_idle),
    .fill_start_i(read_start && (program_busy || !loader_image)), .part_i(part),
    .fill_base_i(program_busy ? '0 : layer_base), .fill_i(beat && (program_job || layer_job)),
    .fill_data_i(beat_data), .image_we_i(image_we), .image_bank_i(image_bank), .image_addr_i(image_addr),
    .image_data_i(image_data), .act_read_i(store_act_read), .act_addr_i(store_act_addr), .act_data_o(act_data),
    .z_read_i(store_z_read), .z_addr_i(store_z_addr), .z_data_o(z_data));

  // --- results and stored layers to memory --------------------------------------------------------------------------
  logic          write_idle, write_error, write_start, write_done, store_start, store_codes, store_valid, store_ready;
  logic          store_result;
  logic [63:0]   store_data, write_addr;
  logic [BW-1:0] write_beats;
  store_passes u_store_passes (
    .clk_i, .rst_ni, .start_i(passes_start), .abort_i(abort), .descriptor_i(d), .frame_i(frame),
    .result_values_i(32'(d.row_groups) * 32'(ROWS)), .any_o(passes_any), .busy_o(passes_busy),
    .store_start_o(store_start), .codes_o(store_codes), .result_o(store_result), .write_start_o(write_start),
    .write_addr_o(write_addr), .write_beats_o(write_beats), .write_done_i(write_done));
  store_unit #(.RQ(RQ)) u_store_unit (
    .clk_i, .rst_ni, .start_i(store_start), .abort_i(abort), .codes_i(store_codes), .descriptor_i(d),
    .beats_i(write_beats), .act_read_o(store_act_read), .act_addr_o(store_act_addr), .act_data_i(act_data),
    .z_read_o(store_z_read), .z_addr_o(store_z_addr), .z_data_i(z_data), .beat_valid_o(store_valid),
    .beat_data_o(store_data), .beat_ready_i(store_ready));
  dma_write u_dma_write (
    .clk_i, .rst_ni, .start_i(write_start && !abort), .addr_i(write_addr), .beats_i(write_beats), .abort_i(abort),
    .idle_o(write_idle), .error_o(write_error), .done_o(write_done), .beat_valid_i(store_valid),
    .beat_data_i(store_data), .beat_ready_o(store_ready), .awaddr_o(m_axi_awaddr_o), .awlen_o(m_axi_awlen_o),
    .awvalid_o(m_axi_awvalid_o), .awready_i(m_axi_awready_i), .wdata_o(m_axi_wdata_o), .wstrb_o(m_axi_wstrb_o),
    .wlast_o(m_axi_wlast_o), .wvalid_o(m_axi_wvalid_o), .wready_i(m_axi_wready_i), .bresp_i(m_axi_bresp_i),
    .bvalid_i(m_axi_bvalid_i), .bready_o(m_axi_bready_o));
  assign bus_error = read_error || write_error;
  assign bus_idle = read_idle && write_idle;
  logic unused_result;
  assign unused_result = store_result;
endmodule
