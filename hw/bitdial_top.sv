// The accelerator: registers on an AXI4-Lite slave, one AXI4 master of 64 bits, one interrupt. Parameters are the
// hardware configuration (yaml-configs/hardware/); FAULT is 0 but in builds for fault tests.
module bitdial_top #(
  parameter int ROWS = 8,            // output channels computed at once; power of two
  parameter int LANES = 64,          // bits of one K word
  parameter int MAC_LANES = 16,      // activations the add-only MAC takes a clock
  parameter int RQ = 4,              // requantizers; power of two, even
  parameter int HAS_XNOR = 1,
  parameter int HAS_MAC = 1,
  parameter int ACT_WORDS = 2048,    // activation buffer, words of LANES x 8 bits
  parameter int Z_WORDS = 4096,      // residual buffer, words of RQ x 32 bits
  parameter int WEIGHT_WORDS = 128,  // one of two weight slots, words of ROWS x LANES bits
  parameter int MULT_BITS = 24,      // width of the requantizer's multiplier
  parameter int ID_WIDTH = 4,        // of the AXI IDs
  parameter logic [2:0] AXI_PROT = 3'b000,    // of the master: data, secure, unprivileged
  parameter logic [3:0] AXI_CACHE = 4'b0011,  // ... normal memory, not cached, bufferable
  parameter int ABORT_CLOCKS = 65536,  // longest abort; power of two
  parameter logic [63:0] GEOMETRY_HASH = 64'd0,
  parameter logic [31:0] RTL_HASH = 32'd0,
  parameter int FAULT = 0  // 1 codes round up, 2 PRECISION ignores writes, 3 first interrupt lost, 4 switch 0's tables
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

  output logic        irq
);
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
  axil_slave u_axil_slave (
    .clk_i, .rst_ni, .awaddr_i(s_axi_awaddr), .awvalid_i(s_axi_awvalid), .awready_o(s_axi_awready),
    .wdata_i(s_axi_wdata), .wstrb_i(s_axi_wstrb), .wvalid_i(s_axi_wvalid), .wready_o(s_axi_wready),
    .bresp_o(s_axi_bresp), .bvalid_o(s_axi_bvalid), .bready_i(s_axi_bready), .araddr_i(s_axi_araddr),
    .arvalid_i(s_axi_arvalid), .arready_o(s_axi_arready), .rdata_o(s_axi_rdata), .rresp_o(s_axi_rresp),
    .rvalid_o(s_axi_rvalid), .rready_i(s_axi_rready), .write_o(reg_write), .write_addr_o(reg_waddr),
    .write_data_o(reg_wdata), .write_strobe_o(reg_wstrb), .write_known_i(write_known), .read_o(reg_read),
    .read_addr_o(reg_raddr), .read_data_i(reg_rdata), .read_known_i(read_known));
  csr #(.ROWS(ROWS), .LANES(LANES), .MAC_LANES(MAC_LANES), .RQ(RQ), .HAS_XNOR(HAS_XNOR), .HAS_MAC(HAS_MAC),
        .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS), .WEIGHT_WORDS(WEIGHT_WORDS), .MULT_BITS(MULT_BITS),
        .GEOMETRY_HASH(GEOMETRY_HASH), .RTL_HASH(RTL_HASH), .FAULT(FAULT)) u_csr (
    .clk_i, .rst_ni, .write_i(reg_write), .write_addr_i(reg_waddr), .write_data_i(reg_wdata),
    .write_strobe_i(reg_wstrb), .write_known_o(write_known), .read_i(reg_read), .read_addr_i(reg_raddr),
    .read_data_o(reg_rdata), .read_known_o(read_known), .watchdog_limit_o(watchdog_limit),
    .bus_open_i(!bus_idle && !busy),
    .frame_o(bell), .frame_valid_o(bell_valid),
    .frame_pop_i(bell_pop), .abort_o(soft_reset), .busy_i(busy), .done_i(done), .done_tag_i(frame.tag),
    .done_switch_i(frame.switch_index), .error_i(error), .error_code_i(error_code), .error_layer_i(error_layer),
    .counters_i(counters), .irq_o(irq));

  // --- control ------------------------------------------------------------------------------------------------------
  logic       waiting, bite, aborting, dead, read_progress, write_progress;
  logic       loader_start, abort, bus_error, bad_descriptor, layer_slot, tile_slot, layer_done, tile_done;
  logic       image_done, setup, pixel_start, row_end, store_start, write_start, store_codes, store_result, write_done;
  logic [1:0] layer_ready, tile_ready;
  logic [7:0] loader_layer, group_word;
  logic [8:0] group_lane;
  logic [4:0] kind;
  logic [AW-1:0] tile_offset, pixel_step;
  bitdial_descriptor_pkg::descriptor_t descriptor0, descriptor1, d;
  assign d = layer_slot ? descriptor1 : descriptor0;
  sequencer #(.ROWS(ROWS), .LANES(LANES), .RQ(RQ)) u_sequencer (
    .clk_i, .rst_ni, .frame_valid_i(bell_valid), .frame_i(bell), .frame_pop_o(bell_pop), .frame_o(frame),
    .busy_o(busy), .done_o(done), .error_o(error), .error_code_o(error_code), .error_layer_o(error_layer),
    .loader_start_o(loader_start), .abort_o(abort), .soft_reset_i(soft_reset), .bus_error_i(bus_error),
    .bad_descriptor_i(bad_descriptor), .loader_layer_i(loader_layer), .bus_idle_i(bus_idle), .waiting_o(waiting), .watchdog_i(bite), .aborting_o(aborting), .dead_i(dead),
    .layer_ready_i(layer_ready), .tile_ready_i(tile_ready), .descriptor_i(d), .layer_slot_o(layer_slot),
    .tile_slot_o(tile_slot), .layer_done_o(layer_done), .tile_done_o(tile_done), .image_done_i(image_done),
    .setup_o(setup), .pixel_start_o(pixel_start), .row_end_o(row_end), .group_lane_o(group_lane),
    .group_word_o(group_word), .tile_offset_o(tile_offset), .pixel_step_o(pixel_step),
    .store_start_o(store_start), .write_start_o(write_start), .store_codes_o(store_codes),
    .store_result_o(store_result), .write_done_i(write_done), .state_kind_o(kind));
  watchdog #(.ABORT_CLOCKS(ABORT_CLOCKS)) u_watchdog (
    .clk_i, .rst_ni, .limit_i(watchdog_limit), .busy_i(busy), .aborting_i(aborting),
    .progress_i(!waiting || read_progress || write_progress), .bite_o(bite), .dead_o(dead));
  perf_counters u_perf_counters (.clk_i, .rst_ni, .start_i(bell_pop), .kind_i(kind), .counters_o(counters));

  // --- memory to buffers --------------------------------------------------------------------------------------------
  logic          read_start, read_idle, read_error, beat_valid, beat_last, beat_ready, beat, image_ready;
  logic          image_job, table_job, weight_job, chunk_start, fill_slot, image_start, loader_image;
  logic [63:0]   read_addr, beat_data;
  logic [BW-1:0] read_beats;
  dma_read #(.ID_WIDTH(ID_WIDTH)) u_dma_read (
    .clk_i, .rst_ni, .start_i(read_start), .addr_i(read_addr), .beats_i(read_beats), .abort_i(abort),
    .idle_o(read_idle), .error_o(read_error), .progress_o(read_progress), .beat_valid_o(beat_valid), .beat_data_o(beat_data),
    .beat_last_o(beat_last), .beat_ready_i(beat_ready), .id_i(id), .rid_i(m_axi_rid), .araddr_o(m_axi_araddr), .arlen_o(m_axi_arlen),
    .arvalid_o(m_axi_arvalid), .arready_i(m_axi_arready), .rdata_i(m_axi_rdata), .rresp_i(m_axi_rresp),
    .rlast_i(m_axi_rlast), .rvalid_i(m_axi_rvalid), .rready_o(m_axi_rready));
  assign beat_ready = !image_job || image_ready;
  assign beat = beat_valid && beat_ready;
  assign image_start = read_start && loader_image;
  loader #(.ROWS(ROWS), .LANES(LANES), .HAS_XNOR(HAS_XNOR), .HAS_MAC(HAS_MAC), .WEIGHT_WORDS(WEIGHT_WORDS), .FAULT(FAULT)) u_loader (
    .clk_i, .rst_ni, .start_i(loader_start), .abort_i(abort), .frame_i(frame),
    .layer_done_i(layer_done), .tile_done_i(tile_done), .layer_ready_o(layer_ready), .tile_ready_o(tile_ready),
    .descriptor0_o(descriptor0), .descriptor1_o(descriptor1), .bad_o(bad_descriptor), .layer_o(loader_layer),
    .dma_start_o(read_start), .dma_addr_o(read_addr), .dma_beats_o(read_beats), .beat_i(beat),
    .beat_last_i(beat_last), .beat_data_i(beat_data), .image_start_o(loader_image), .image_job_o(image_job),
    .table_job_o(table_job), .weight_job_o(weight_job), .chunk_start_o(chunk_start), .tile_slot_o(fill_slot));

  logic               image_we;
  logic [LANES-1:0]   image_lanes;
  logic [LANES*8-1:0] image_data;
  logic [AW-1:0]      image_addr;
  input_loader #(.LANES(LANES)) u_input_loader (
    .clk_i, .rst_ni, .start_i(image_start), .abort_i(abort), .descriptor_i(descriptor0),
    .beat_valid_i(beat_valid && image_job), .beat_data_i(beat_data), .beat_ready_o(image_ready), .done_o(image_done),
    .we_o(image_we), .lanes_o(image_lanes), .addr_o(image_addr), .data_o(image_data));

  // --- buffers ------------------------------------------------------------------------------------------------------
  logic               conv_read, conv_write, store_act_read, weight_read, table_read;
  logic               z_read, store_z_read, z_write;
  logic [AW-1:0]      conv_raddr, conv_waddr, store_raddr, z_raddr, z_waddr;
  logic [LANES-1:0]   conv_lanes;
  logic [LANES*8-1:0] act_rdata, conv_wdata;
  logic [14:0]        weight_addr;
  logic [ROWS*LANES-1:0] weight_data;
  logic [3*LANES-1:0] masks;
  logic [5:0]         table_sub;
  logic [3:0]         table_class;
  logic [RQ*MULT_BITS-1:0] multipliers;
  logic [RQ*48-1:0]   biases;
  logic [RQ*32-1:0]   presets, z_rdata, z_wdata;
  act_buffer #(.LANES(LANES), .WORDS(ACT_WORDS)) u_act_buffer (
    .clk_i, .rst_ni, .re_i(conv_read || store_act_read), .raddr_i(store_act_read ? store_raddr : conv_raddr),
    .rdata_o(act_rdata), .we_i(conv_write || image_we), .lanes_i(conv_write ? conv_lanes : image_lanes),
    .waddr_i(conv_write ? conv_waddr : image_addr), .wdata_i(conv_write ? conv_wdata : image_data));
  weight_buffer #(.ROWS(ROWS), .LANES(LANES), .WORDS(WEIGHT_WORDS)) u_weight_buffer (
    .clk_i, .rst_ni, .start_i(chunk_start), .slot_i(fill_slot), .we_i(beat && weight_job), .data_i(beat_data),
    .re_i(weight_read), .rslot_i(tile_slot), .raddr_i(weight_addr), .rdata_o(weight_data));
  table_buffer #(.ROWS(ROWS), .LANES(LANES), .RQ(RQ), .MULT_BITS(MULT_BITS)) u_table_buffer (
    .clk_i, .rst_ni, .start_i(chunk_start), .slot_i(fill_slot), .we_i(beat && table_job), .data_i(beat_data),
    .rslot_i(tile_slot), .masks_o(masks), .re_i(table_read), .sub_i(table_sub), .class_i(table_class),
    .multipliers_o(multipliers), .biases_o(biases), .presets_o(presets));
  z_buffer #(.RQ(RQ), .WORDS(Z_WORDS)) u_z_buffer (
    .clk_i, .re_i(z_read || store_z_read), .raddr_i(store_z_read ? store_raddr : z_raddr), .rdata_o(z_rdata),
    .we_i(z_write), .waddr_i(z_waddr), .wdata_i(z_wdata));

  // --- compute ------------------------------------------------------------------------------------------------------
  compute #(.ROWS(ROWS), .LANES(LANES), .MAC_LANES(MAC_LANES), .RQ(RQ), .HAS_XNOR(HAS_XNOR), .HAS_MAC(HAS_MAC),
            .ACT_WORDS(ACT_WORDS), .MULT_BITS(MULT_BITS), .FAULT(FAULT)) u_compute (
    .clk_i, .rst_ni, .descriptor_i(d), .setup_i(setup), .abort_i(abort), .pixel_start_i(pixel_start),
    .row_end_i(row_end), .group_lane_i(group_lane), .group_word_i(group_word), .tile_offset_i(tile_offset),
    .pixel_step_i(pixel_step), .act_read_o(conv_read), .act_raddr_o(conv_raddr), .act_rdata_i(act_rdata),
    .act_write_o(conv_write), .act_lanes_o(conv_lanes), .act_waddr_o(conv_waddr), .act_wdata_o(conv_wdata),
    .weight_read_o(weight_read), .weight_addr_o(weight_addr), .weight_data_i(weight_data), .masks_i(masks),
    .table_read_o(table_read), .table_sub_o(table_sub), .table_class_o(table_class), .multipliers_i(multipliers),
    .biases_i(biases), .presets_i(presets), .z_read_o(z_read), .z_raddr_o(z_raddr), .z_rdata_i(z_rdata),
    .z_write_o(z_write), .z_waddr_o(z_waddr), .z_wdata_o(z_wdata));

  // --- buffers to memory --------------------------------------------------------------------------------------------
  logic          write_idle, write_error, store_valid, store_ready;
  logic [63:0]   store_data, write_addr;
  logic [BW-1:0] write_beats;
  always_comb begin
    if (store_result) begin
      write_addr = frame.output_addr;
      write_beats = BW'(d.row_groups) * BW'(ROWS / 2);
    end else if (store_codes) begin
      write_addr = frame.store_addr + 64'(d.store_codes_offset);
      write_beats = BW'(d.store_codes_bytes[26:3]);
    end else begin
      write_addr = frame.store_addr + 64'(d.store_z_offset);
      write_beats = BW'(d.store_z_bytes[26:3]);
    end
  end
  store_unit #(.LANES(LANES), .RQ(RQ)) u_store_unit (
    .clk_i, .rst_ni, .start_i(store_start), .abort_i(abort), .codes_i(store_codes), .tensor_i(d.out_tensor),
    .width_i(d.out_width), .channels_i(d.out_channels), .z_base_i(d.z_out_base), .beats_i(write_beats),
    .act_read_o(store_act_read), .z_read_o(store_z_read), .addr_o(store_raddr), .act_data_i(act_rdata),
    .z_data_i(z_rdata), .beat_valid_o(store_valid), .beat_data_o(store_data), .beat_ready_i(store_ready));
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
