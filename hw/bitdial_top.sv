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
  csr #(.ROWS(ROWS), .LANES(LANES), .MAC_LANES(MAC_LANES), .RQ(RQ), .HAS_XNOR(HAS_XNOR), .HAS_MAC(HAS_MAC),
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
  logic       loader_start, abort, bus_error, bad_descriptor, bus_idle, layer_slot, tile_slot, layer_done, tile_done;
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
    .bad_descriptor_i(bad_descriptor), .loader_layer_i(loader_layer), .bus_idle_i(bus_idle),
    .layer_ready_i(layer_ready), .tile_ready_i(tile_ready), .descriptor_i(d), .layer_slot_o(layer_slot),
    .tile_slot_o(tile_slot), .layer_done_o(layer_done), .tile_done_o(tile_done), .image_done_i(image_done),
    .setup_o(setup), .pixel_start_o(pixel_start), .row_end_o(row_end), .group_lane_o(group_lane),
    .group_word_o(group_word), .tile_offset_o(tile_offset), .pixel_step_o(pixel_step),
    .store_start_o(store_start), .write_start_o(write_start), .store_codes_o(store_codes),
    .store_result_o(store_result), .write_done_i(write_done), .state_kind_o(kind));
  perf_counters u_perf_counters (.clk_i, .rst_ni, .start_i(bell_pop), .kind_i(kind), .counters_o(counters));

  // --- memory to buffers --------------------------------------------------------------------------------------------
  logic          read_start, read_idle, read_error, beat_valid, beat_last, beat_ready, beat, image_ready;
  logic          image_job, table_job, weight_job, chunk_start, fill_slot, image_start, loader_image;
  logic [63:0]   read_addr, beat_data;
  logic [BW-1:0] read_beats;
  dma_read u_dma_read (
    .clk_i, .rst_ni, .start_i(read_start), .addr_i(read_addr), .beats_i(read_beats), .abort_i(abort),
    .idle_o(read_idle), .error_o(read_error), .beat_valid_o(beat_valid), .beat_data_o(beat_data),
    .beat_last_o(beat_last), .beat_ready_i(beat_ready), .araddr_o(m_axi_araddr_o), .arlen_o(m_axi_arlen_o),
    .arvalid_o(m_axi_arvalid_o), .arready_i(m_axi_arready_i), .rdata_i(m_axi_rdata_i), .rresp_i(m_axi_rresp_i),
    .rlast_i(m_axi_rlast_i), .rvalid_i(m_axi_rvalid_i), .rready_o(m_axi_rready_o));
  assign beat_ready = !image_job || image_ready;
  assign beat = beat_valid && beat_ready;
  assign image_start = read_start && loader_image;
  loader #(.LANES(LANES), .HAS_XNOR(HAS_XNOR), .HAS_MAC(HAS_MAC), .WEIGHT_WORDS(WEIGHT_WORDS), .FAULT(FAULT)) u_loader (
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
  dma_write u_dma_write (
    .clk_i, .rst_ni, .start_i(write_start && !abort), .addr_i(write_addr), .beats_i(write_beats), .abort_i(abort),
    .idle_o(write_idle), .error_o(write_error), .done_o(write_done), .beat_valid_i(store_valid),
    .beat_data_i(store_data), .beat_ready_o(store_ready), .awaddr_o(m_axi_awaddr_o), .awlen_o(m_axi_awlen_o),
    .awvalid_o(m_axi_awvalid_o), .awready_i(m_axi_awready_i), .wdata_o(m_axi_wdata_o), .wstrb_o(m_axi_wstrb_o),
    .wlast_o(m_axi_wlast_o), .wvalid_o(m_axi_wvalid_o), .wready_i(m_axi_wready_i), .bresp_i(m_axi_bresp_i),
    .bvalid_i(m_axi_bvalid_i), .bready_o(m_axi_bready_o));
  assign bus_error = read_error || write_error;
  assign bus_idle = read_idle && write_idle;
endmodule
