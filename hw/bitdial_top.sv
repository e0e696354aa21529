// The accelerator: registers on an AXI4-Lite slave, one AXI4 master of 64 bits, one interrupt. Parameters are the
// hardware configuration (yaml-configs/hardware/).
`include "bitdial_fault.svh"
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
  parameter int ID_WIDTH = 4,        // of the AXI IDs
  parameter logic [2:0] AXI_PROT = 3'b000,    // of the master: data, secure, unprivileged
  parameter logic [3:0] AXI_CACHE = 4'b0011,  // ... normal memory, not cached, bufferable
  parameter int ABORT_CLOCKS = 65536,  // longest abort; power of two
  parameter int GATES = 1,  // 0: counters of the XNOR array in a form that simulates fast
  parameter logic [63:0] GEOMETRY_HASH = 64'd0,
  parameter logic [31:0] RTL_HASH = 32'd0,
  parameter int CLOCK_KHZ = 0  // what the register of that name says
) (
  input  logic        aclk,
  input  logic        aresetn,  // may fall at any time; released inside on a clock edge

  // Addresses count words: the two low bits choose none. s_axi_*prot is not looked at.
  input  logic [11:0] s_axi_awaddr,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [2:0]  s_axi_awprot,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        s_axi_awvalid,
  output logic        s_axi_awready,
  input  logic [31:0] s_axi_wdata,
  input  logic [3:0]  s_axi_wstrb,
  input  logic        s_axi_wvalid,
  output logic        s_axi_wready,
  output logic [1:0]  s_axi_bresp,
  output logic        s_axi_bvalid,
  input  logic        s_axi_bready,
  input  logic [11:0] s_axi_araddr,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [2:0]  s_axi_arprot,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        s_axi_arvalid,
  output logic        s_axi_arready,
  output logic [31:0] s_axi_rdata,
  output logic [1:0]  s_axi_rresp,
  output logic        s_axi_rvalid,
  input  logic        s_axi_rready,

  output logic [ID_WIDTH-1:0] m_axi_arid,
  output logic [63:0] m_axi_araddr,
  output logic [7:0]  m_axi_arlen,
  output logic [2:0]  m_axi_arsize,
  output logic [1:0]  m_axi_arburst,
  output logic        m_axi_arlock,
  output logic [3:0]  m_axi_arcache,
  output logic [2:0]  m_axi_arprot,
  output logic [3:0]  m_axi_arqos,
  output logic        m_axi_arvalid,
  input  logic        m_axi_arready,
  input  logic [ID_WIDTH-1:0] m_axi_rid,
  input  logic [63:0] m_axi_rdata,
  input  logic [1:0]  m_axi_rresp,
  input  logic        m_axi_rlast,
  input  logic        m_axi_rvalid,
  output logic        m_axi_rready,
  output logic [ID_WIDTH-1:0] m_axi_awid,
  output logic [63:0] m_axi_awaddr,
  output logic [7:0]  m_axi_awlen,
  output logic [2:0]  m_axi_awsize,
  output logic [1:0]  m_axi_awburst,
  output logic        m_axi_awlock,
  output logic [3:0]  m_axi_awcache,
  output logic [2:0]  m_axi_awprot,
  output logic [3:0]  m_axi_awqos,
  output logic        m_axi_awvalid,
  input  logic        m_axi_awready,
  output logic [63:0] m_axi_wdata,
  output logic [7:0]  m_axi_wstrb,
  output logic        m_axi_wlast,
  output logic        m_axi_wvalid,
  input  logic        m_axi_wready,
  input  logic [ID_WIDTH-1:0] m_axi_bid,
  input  logic [1:0]  m_axi_bresp,
  input  logic        m_axi_bvalid,
  output logic        m_axi_bready,

  output logic        irq,
  output logic        status_busy,   // for lights of a board: STATUS.BUSY,
  output logic        status_done,   // IRQ_STATUS.DONE and
  output logic        status_error   // IRQ_STATUS.ERROR
);
`ifdef BITDIAL_FAULTS
  initial if (!$value$plusargs("bitdial_fault=%d", bitdial_fault_pkg::number)) bitdial_fault_pkg::number = 0;
`endif
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int BW = bitdial_pkg::BEAT_W;
  logic clk_i, rst_ni;
  assign clk_i = aclk;
  reset_sync u_reset_sync (.clk_i, .arst_ni(aresetn), .rst_no(rst_ni));

  logic [ID_WIDTH-1:0] id;
  bus_id #(.ID_WIDTH(ID_WIDTH)) u_bus_id (.clk_i, .rst_ni, .id_o(id));
  assign m_axi_arid = id;
  assign m_axi_arsize = 3'd3;
  assign m_axi_arburst = 2'b01;
  assign m_axi_arlock = 1'b0;
  assign m_axi_arcache = AXI_CACHE;
  assign m_axi_arprot = AXI_PROT;
  assign m_axi_arqos = 4'd0;
  assign m_axi_awid = id;
  assign m_axi_awsize = 3'd3;
  assign m_axi_awburst = 2'b01;
  assign m_axi_awlock = 1'b0;
  assign m_axi_awcache = AXI_CACHE;
  assign m_axi_awprot = AXI_PROT;
  assign m_axi_awqos = 4'd0;

  // --- registers ----------------------------------------------------------------------------------------------------
  bitdial_pkg::frame_t bell, frame;
  logic        bell_valid, bell_pop, soft_reset, busy, done, error, bus_idle;
  logic [3:0]  error_code;
  logic [7:0]  error_layer;
  logic [6*bitdial_pkg::COUNT_W-1:0] counters;
  logic        reg_write, reg_read, write_known, read_known;
  logic [11:0] reg_waddr, reg_raddr;
  logic [31:0] reg_wdata, reg_rdata, watchdog_limit;
  logic [3:0]  reg_wstrb;
  logic [bitdial_regs_pkg::IRQ_STATUS_W-1:0] causes;
  axil_slave u_axil_slave (
    .clk_i, .rst_ni, .awaddr_i(s_axi_awaddr), .awvalid_i(s_axi_awvalid), .awready_o(s_axi_awready),
    .wdata_i(s_axi_wdata), .wstrb_i(s_axi_wstrb), .wvalid_i(s_axi_wvalid), .wready_o(s_axi_wready),
    .bresp_o(s_axi_bresp), .bvalid_o(s_axi_bvalid), .bready_i(s_axi_bready), .araddr_i(s_axi_araddr),
    .arvalid_i(s_axi_arvalid), .arready_o(s_axi_arready), .rdata_o(s_axi_rdata), .rresp_o(s_axi_rresp),
    .rvalid_o(s_axi_rvalid), .rready_i(s_axi_rready), .write_o(reg_write), .write_addr_o(reg_waddr),
    .write_data_o(reg_wdata), .write_strobe_o(reg_wstrb), .write_known_i(write_known), .read_o(reg_read),
    .read_addr_o(reg_raddr), .read_data_i(reg_rdata), .read_known_i(read_known));
  csr #(.ROWS(ROWS), .RQ(RQ), .MC(MC), .HAS_XNOR(HAS_XNOR), .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS),
        .WEIGHT_WORDS(WEIGHT_WORDS), .TABLE_WORDS(TABLE_WORDS), .CORRECT_WORDS(CORRECT_WORDS),
        .DESCRIPTORS(DESCRIPTORS), .ACC_BITS(ACC_BITS), .MULT_BITS(MULT_BITS),
        .GEOMETRY_HASH(GEOMETRY_HASH), .RTL_HASH(RTL_HASH), .CLOCK_KHZ(CLOCK_KHZ)) u_csr (
    .clk_i, .rst_ni, .write_i(reg_write), .write_addr_i(reg_waddr), .write_data_i(reg_wdata),
    .write_strobe_i(reg_wstrb), .write_known_o(write_known), .read_i(reg_read), .read_addr_i(reg_raddr),
    .read_data_o(reg_rdata), .read_known_o(read_known), .watchdog_limit_o(watchdog_limit),
    .bus_open_i(!bus_idle && !busy),
    .frame_o(bell), .frame_valid_o(bell_valid),
    .frame_pop_i(bell_pop), .abort_o(soft_reset), .busy_i(busy), .done_i(done), .done_tag_i(frame.tag),
    .done_switch_i(frame.switch_index), .error_i(error), .error_code_i(error_code), .error_layer_i(error_layer),
    .counters_i(counters), .irq_o(irq), .causes_o(causes));
  assign status_busy = busy;
  assign status_done = causes[bitdial_regs_pkg::IRQ_STATUS_DONE_LSB];
  assign status_error = causes[bitdial_regs_pkg::IRQ_STATUS_ERROR_LSB];

  // --- control ------------------------------------------------------------------------------------------------------
  logic       waiting, bite, late, aborting, dead, read_progress, write_progress;
  logic       program_start, program_ready, program_busy, resident, loader_start, abort, bus_error;
  logic       bad_descriptor, bad_program;
  logic       layer_done, image_done, setup, hand, startable, starving, more, start, release_slot;
  logic       walk_done, block_done, tile_left, back_idle, tables_ready, fetch_free, passes_start, passes_any;
  logic       passes_busy, maps, maps_done;
  logic [1:0] layer_ready, tile_ready;
  logic [7:0] loader_layer;
  logic [4:0] kind;
  logic [12:0] correct_step;
  bitdial_pkg::slots_t slots;
  bitdial_pkg::tile_place_t place;
  bitdial_descriptor_pkg::descriptor_t d;
  // Blocks all over the chip stop a clock after the sequencer; an abort lasts for dozens of clocks.
  logic       halt;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) halt <= 1'b0;
    else halt <= abort;
  end
  sequencer u_sequencer (
    .clk_i, .rst_ni, .frame_valid_i(bell_valid), .frame_i(bell), .frame_pop_o(bell_pop), .frame_o(frame),
    .busy_o(busy), .done_o(done), .error_o(error), .error_code_o(error_code), .error_layer_o(error_layer),
    .program_start_o(program_start), .program_ready_i(program_ready), .loader_start_o(loader_start), .abort_o(abort),
    .soft_reset_i(soft_reset), .bus_error_i(bus_error), .bad_descriptor_i(bad_descriptor || bad_program),
    .loader_layer_i(program_busy ? 8'd0 : loader_layer), .bus_idle_i(bus_idle), .waiting_o(waiting), .watchdog_i(bite), .late_i(late),
    .aborting_o(aborting), .dead_i(dead), .layer_ready_i(layer_ready), .descriptor_i(d),
    .layer_done_o(layer_done), .image_done_i(image_done), .maps_o(maps), .maps_done_i(maps_done), .setup_o(setup),
    .startable_i(startable), .starving_i(starving), .more_i(more), .start_o(start), .walk_done_i(walk_done),
    .block_done_i(block_done), .back_idle_i(back_idle), .passes_start_o(passes_start), .passes_any_i(passes_any),
    .passes_busy_i(passes_busy), .state_kind_o(kind));
  tile_feeder #(.ROWS(ROWS)) u_tile_feeder (
    .clk_i, .rst_ni, .frame_i(program_start), .setup_i(setup), .start_i(start), .left_i(tile_left), .abort_i(halt),
    .descriptor_i(d), .slots_i(slots), .correct_step_i(correct_step), .tile_ready_i(tile_ready),
    .tables_ready_i(tables_ready), .fetch_free_i(fetch_free), .hand_o(hand), .place_o(place),
    .startable_o(startable), .starving_o(starving), .more_o(more), .release_o(release_slot));
  watchdog #(.ABORT_CLOCKS(ABORT_CLOCKS)) u_watchdog (
    .clk_i, .rst_ni, .limit_i(watchdog_limit), .start_i(bell_pop), .frame_limit_i(bell.frame_limit), .busy_i(busy),
    .aborting_i(aborting), .progress_i(!waiting || read_progress || write_progress), .bite_o(bite), .late_o(late), .dead_o(dead));
  perf_counters u_perf_counters (.clk_i, .start_i(bell_pop), .kind_i(kind), .counters_o(counters));

  // --- memory to the chip -------------------------------------------------------------------------------------------
  logic          read_start, read_idle, read_error, beat_valid, beat_last, beat_ready, beat, image_ready, image_job;
  logic          program_read, program_job, layer_read, layer_job, layer_part_start, image_start, loader_image;
  logic [63:0]   read_addr, program_read_addr, layer_read_addr, beat_data;
  logic [BW-1:0] read_beats, program_read_beats, layer_read_beats;
  bitdial_pkg::part_e program_part, layer_part, part;
  logic [AW-1:0] layer_base;
  logic          codes_start, codes_job, codes_ready, z_start, z_job, map_busy, map_we;
  assign read_start = program_read || layer_read;
  assign read_addr = program_busy ? program_read_addr : layer_read_addr;
  assign read_beats = program_busy ? program_read_beats : layer_read_beats;
  dma_read #(.ID_WIDTH(ID_WIDTH)) u_dma_read (
    .clk_i, .rst_ni, .start_i(read_start), .addr_i(read_addr), .beats_i(read_beats), .abort_i(halt),
    .idle_o(read_idle), .error_o(read_error), .progress_o(read_progress), .beat_valid_o(beat_valid), .beat_data_o(beat_data),
    .beat_last_o(beat_last), .beat_ready_i(beat_ready), .id_i(id), .rid_i(m_axi_rid), .araddr_o(m_axi_araddr), .arlen_o(m_axi_arlen),
    .arvalid_o(m_axi_arvalid), .arready_i(m_axi_arready), .rdata_i(m_axi_rdata), .rresp_i(m_axi_rresp),
    .rlast_i(m_axi_rlast), .rvalid_i(m_axi_rvalid), .rready_o(m_axi_rready));
  logic map_ready;
  assign beat_ready = !(image_job || codes_job) || map_ready;
  assign beat = beat_valid && beat_ready;  // beats of all else are taken when they come
  program_loader #(.DESCRIPTORS(DESCRIPTORS)) u_program_loader (
    .clk_i, .rst_ni, .other_i(bell_pop && bell.reload), .start_i(program_start), .abort_i(abort), .frame_i(frame), .ready_o(program_ready),
    .busy_o(program_busy), .bad_o(bad_program), .resident_o(resident), .slots_o(slots), .dma_start_o(program_read),
    .dma_addr_o(program_read_addr), .dma_beats_o(program_read_beats), .beat_i(beat_valid && program_busy),
    .beat_last_i(beat_last), .beat_data_i(beat_data), .part_o(program_part), .part_job_o(program_job));
  assign image_start = loader_image && !halt;
  loader #(.ROWS(ROWS), .HAS_XNOR(HAS_XNOR), .HAS_MAC(MC), .DESCRIPTORS(DESCRIPTORS)) u_loader (
    .clk_i, .rst_ni, .start_i(loader_start), .abort_i(halt), .frame_i(frame), .resident_i(resident), .slots_i(slots),
    .fill_start_i(program_read && program_part == bitdial_pkg::PART_DESCRIPTORS),
    .fill_i(beat_valid && program_job && program_part == bitdial_pkg::PART_DESCRIPTORS), .layer_done_i(layer_done),
    .tile_done_i(release_slot), .layer_ready_o(layer_ready), .tile_ready_o(tile_ready), .descriptor_o(d),
    .bad_o(bad_descriptor), .layer_o(loader_layer), .dma_start_o(layer_read),
    .dma_addr_o(layer_read_addr), .dma_beats_o(layer_read_beats), .beat_i(beat && !program_busy),
    .beat_last_i(beat_last), .beat_data_i(beat_data), .maps_i(maps), .maps_done_o(maps_done), .map_busy_i(map_busy),
    .image_done_i(image_done), .codes_start_o(codes_start), .codes_job_o(codes_job), .z_start_o(z_start), .z_job_o(z_job),
    .image_start_o(loader_image), .image_job_o(image_job), .part_o(layer_part), .part_start_o(layer_part_start), .part_job_o(layer_job), .part_base_o(layer_base));
  assign part = program_busy ? program_part : layer_part;

  // Beats that are not taken one a clock, of the image or of codes: one of both is loading.
  logic          map_valid, map_taken, image_we;
  logic [63:0]   map_beat;
  beat_skid u_beat_skid (
    .clk_i, .rst_ni, .clear_i(halt), .valid_i(beat_valid && (image_job || codes_job)), .data_i(beat_data),
    .ready_o(map_ready), .valid_o(map_valid), .data_o(map_beat), .ready_i(map_taken));
  assign map_taken = map_busy ? codes_ready : image_ready;
  logic [3:0]    image_bank;
  logic [AW-1:0] image_addr;
  logic [15:0]   image_data;
  image_loader u_image_loader (
    .clk_i, .rst_ni, .start_i(image_start), .abort_i(halt), .descriptor_i(d),
    .beat_valid_i(map_valid && !map_busy), .beat_data_i(map_beat), .beat_ready_o(image_ready), .done_o(image_done),
    .we_o(image_we), .bank_o(image_bank), .addr_o(image_addr), .data_o(image_data));
  logic [3:0]    map_bank;
  logic [AW-1:0] map_addr, z_fill_addr;
  logic [15:0]   map_data;
  logic          z_fill;
  logic [RQ*32-1:0] z_fill_data;
  map_loader u_map_loader (
    .clk_i, .rst_ni, .start_i(codes_start && !halt), .abort_i(halt), .descriptor_i(d),
    .beat_valid_i(map_valid && map_busy), .beat_data_i(map_beat), .beat_ready_o(codes_ready), .busy_o(map_busy),
    .we_o(map_we), .bank_o(map_bank), .addr_o(map_addr), .data_o(map_data));
  z_fill #(.RQ(RQ)) u_z_fill (
    .clk_i, .rst_ni, .start_i(z_start && !halt), .base_i(d.z_out_base), .beat_i(beat_valid && z_job), .data_i(beat_data),
    .we_o(z_fill), .addr_o(z_fill_addr), .data_o(z_fill_data));

  // --- compute ------------------------------------------------------------------------------------------------------
  logic          store_act_read, store_z_read;
  logic [AW-1:0] store_act_addr, store_z_addr;
  logic [143:0]  act_data;
  logic [RQ*32-1:0] z_data;
  compute #(.ROWS(ROWS), .RQ(RQ), .MAC_CHANNELS(MC), .XNOR(HAS_XNOR), .ACC_BITS(ACC_BITS), .MULT_BITS(MULT_BITS),
            .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS), .WEIGHT_WORDS(WEIGHT_WORDS), .TABLE_WORDS(TABLE_WORDS),
            .CORRECT_WORDS(CORRECT_WORDS), .GATES(GATES)) u_compute (
    .clk_i, .rst_ni, .descriptor_i(d), .abort_i(halt), .setup_i(setup), .hand_i(hand), .place_i(place),
    .tables_ready_o(tables_ready), .fetch_free_o(fetch_free), .correct_step_o(correct_step), .start_i(start),
    .walk_done_o(walk_done), .block_done_o(block_done), .tile_left_o(tile_left), .idle_o(back_idle),
    .fill_start_i(program_read || (layer_part_start && !halt)), .part_i(part),
    .fill_base_i(program_busy ? '0 : layer_base), .fill_i(beat_valid && (program_job || layer_job)),
    .fill_data_i(beat_data), .image_we_i(image_we || map_we), .image_bank_i(map_we ? map_bank : image_bank),
    .image_addr_i(map_we ? map_addr : image_addr), .image_data_i(map_we ? map_data : image_data),
    .act_read_i(store_act_read), .act_addr_i(store_act_addr), .act_data_o(act_data),
    .z_read_i(store_z_read), .z_addr_i(store_z_addr), .z_data_o(z_data), .z_fill_i(z_fill), .z_fill_addr_i(z_fill_addr),
    .z_fill_data_i(z_fill_data));

  // --- results and stored layers to memory --------------------------------------------------------------------------
  logic          write_idle, write_error, write_start, write_done, store_start, store_codes, store_valid, store_ready;
  logic [63:0]   store_data, write_addr;
  logic [BW-1:0] write_beats;
  store_passes u_store_passes (
    .clk_i, .rst_ni, .start_i(passes_start), .abort_i(abort), .descriptor_i(d), .frame_i(frame),
    .result_values_i(32'(d.row_groups) * 32'(ROWS)), .any_o(passes_any), .busy_o(passes_busy),
    .store_start_o(store_start), .codes_o(store_codes), .write_start_o(write_start),
    .write_addr_o(write_addr), .write_beats_o(write_beats), .write_done_i(write_done));
  store_unit #(.RQ(RQ)) u_store_unit (
    .clk_i, .rst_ni, .start_i(store_start), .abort_i(abort), .codes_i(store_codes), .descriptor_i(d),
    .beats_i(write_beats), .act_read_o(store_act_read), .act_addr_o(store_act_addr), .act_data_i(act_data),
    .z_read_o(store_z_read), .z_addr_o(store_z_addr), .z_data_i(z_data), .beat_valid_o(store_valid),
    .beat_data_o(store_data), .beat_ready_i(store_ready));
  dma_write #(.ID_WIDTH(ID_WIDTH)) u_dma_write (
    .clk_i, .rst_ni, .start_i(write_start && !abort), .addr_i(write_addr), .beats_i(write_beats), .abort_i(abort),
    .idle_o(write_idle), .error_o(write_error), .progress_o(write_progress), .done_o(write_done), .beat_valid_i(store_valid),
    .beat_data_i(store_data), .beat_ready_o(store_ready), .id_i(id), .bid_i(m_axi_bid), .awaddr_o(m_axi_awaddr), .awlen_o(m_axi_awlen),
    .awvalid_o(m_axi_awvalid), .awready_i(m_axi_awready), .wdata_o(m_axi_wdata), .wstrb_o(m_axi_wstrb),
    .wlast_o(m_axi_wlast), .wvalid_o(m_axi_wvalid), .wready_i(m_axi_wready), .bresp_i(m_axi_bresp),
    .bvalid_i(m_axi_bvalid), .bready_o(m_axi_bready));
  assign bus_error = read_error || write_error;
  assign bus_idle = read_idle && write_idle;
endmodule
