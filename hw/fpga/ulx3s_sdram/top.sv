// ULX3S with an LFE5U-85F: the accelerator, the board's SDRAM as its memory behind a controller by LiteDRAM (generate.py), and the
// serial bridge at the FTDI chip. The parameters are those of the configuration (hardware.yaml), of the build, and of the clock,
// which the PLL makes: FEEDBACK / DIVIDE of 25 MHz, OUTPUT_DIVIDE times as fast inside; and once more a quarter of a clock later
// for the SDRAM, so that what it and the FPGA show each other has settled when it is taken. LEDs are those of hw/board/lights.sv.
module top #(
  parameter int ROWS = 8,
  parameter int RQ = 2,
  parameter int MC = 1,
  parameter int HAS_XNOR = 1,
  parameter int ACT_WORDS = 2048,
  parameter int Z_WORDS = 16384,
  parameter int WEIGHT_WORDS = 1024,
  parameter int TABLE_WORDS = 256,
  parameter int CORRECT_WORDS = 256,
  parameter int DESCRIPTORS = 0,
  parameter int ACC_BITS = 28,
  parameter int MULT_BITS = 24,
  parameter int GATES = 1,
  parameter logic [63:0] GEOMETRY_HASH = 64'd0,
  parameter logic [31:0] RTL_HASH = 32'd0,
  parameter int MEMORY_BYTES = 33554432,
  parameter int DIVIDE = 1,
  parameter int FEEDBACK = 2,
  parameter int OUTPUT_DIVIDE = 12,  // a multiple of 4
  parameter int CLOCK_KHZ = 50000
) (
  input  logic       clk_25mhz,
  input  logic       ftdi_txd,    // to the FPGA
  output logic       ftdi_rxd,    // from it
  input  logic       btn_reset,   // FIRE 2, high while pressed
  output logic [7:0] led,
  output logic       wifi_gpio0,  // high: the ESP32 leaves the FPGA alone

  output logic        sdram_clk,
  output logic        sdram_cke,
  output logic        sdram_csn,
  output logic        sdram_rasn,
  output logic        sdram_casn,
  output logic        sdram_wen,
  output logic [1:0]  sdram_ba,
  output logic [12:0] sdram_a,
  output logic [1:0]  sdram_dqm,
  inout  wire  [15:0] sdram_d
);
  localparam logic [63:0] MEMORY_BASE = 64'h100000000;
  localparam int ID_WIDTH = 4;
  localparam int LOG = $clog2(MEMORY_BYTES);
  localparam logic [7:0] WORD_BURST = 8'd0;
  localparam logic [1:0] INCR = 2'd1;
  localparam logic [3:0] EIGHT_BYTES = 4'd3;
  logic clk, clk_sdram, locked, rst_n;
  assign wifi_gpio0 = 1'b1;

  // --- clocks and reset ----------------------------------------------------------------------------------------------
  if (OUTPUT_DIVIDE % 4 != 0) begin : g_quarter
    $error("no quarter of this clock: OUTPUT_DIVIDE must be a multiple of 4");
  end
  (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(.CLKI_DIV(DIVIDE), .CLKFB_DIV(FEEDBACK), .CLKOP_DIV(OUTPUT_DIVIDE), .CLKOP_CPHASE(OUTPUT_DIVIDE - 1),
            .CLKOP_ENABLE("ENABLED"), .CLKOS_DIV(OUTPUT_DIVIDE), .CLKOS_CPHASE(OUTPUT_DIVIDE - 1 + OUTPUT_DIVIDE / 4),
            .CLKOS_ENABLE("ENABLED"), .FEEDBK_PATH("CLKOP")) u_pll (
    .CLKI(clk_25mhz), .CLKFB(clk), .CLKOP(clk), .CLKOS(clk_sdram), .LOCK(locked), .RST(1'b0), .STDBY(1'b0), .PHASESEL0(1'b0),
    .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1), .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0), .ENCLKOS(1'b0));
  ODDRX1F u_sdram_clk (.D0(1'b1), .D1(1'b0), .SCLK(clk_sdram), .RST(1'b0), .Q(sdram_clk));
  reset_sync u_reset_sync (.clk_i(clk), .arst_ni(locked && !btn_reset), .rst_no(rst_n));

  // --- the accelerator with its bridge, and its memory -----------------------------------------------------------------
  logic [ID_WIDTH-1:0] arid, rid, awid, bid;
  logic [63:0] araddr, rdata, awaddr, wdata, byte_addr;
  logic [7:0]  arlen, awlen, wstrb, byte_wdata, byte_rdata;
  logic [1:0]  rresp, bresp;
  logic        arvalid, arready, rlast, rvalid, rready, awvalid, awready, wlast, wvalid, wready, bvalid, bready;
  logic        byte_valid, byte_write, byte_ready, byte_error, busy, done, error;
  serial_accelerator #(.ROWS(ROWS), .RQ(RQ), .MC(MC), .HAS_XNOR(HAS_XNOR), .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS),
                       .WEIGHT_WORDS(WEIGHT_WORDS), .TABLE_WORDS(TABLE_WORDS), .CORRECT_WORDS(CORRECT_WORDS),
                       .DESCRIPTORS(DESCRIPTORS), .ACC_BITS(ACC_BITS), .MULT_BITS(MULT_BITS), .GATES(GATES),
                       .GEOMETRY_HASH(GEOMETRY_HASH), .RTL_HASH(RTL_HASH), .CLOCK_KHZ(CLOCK_KHZ), .ID_WIDTH(ID_WIDTH),
                       .MEMORY_BASE(MEMORY_BASE), .MEMORY_BYTES(64'(MEMORY_BYTES))) u_serial_accelerator (
    .clk_i(clk), .rst_ni(rst_n), .uart_rx_i(ftdi_txd), .uart_tx_o(ftdi_rxd), .busy_o(busy), .done_o(done), .error_o(error),
    .arid_o(arid), .araddr_o(araddr), .arlen_o(arlen), .arvalid_o(arvalid), .arready_i(arready), .rid_i(rid),
    .rdata_i(rdata), .rresp_i(rresp), .rlast_i(rlast), .rvalid_i(rvalid), .rready_o(rready), .awid_o(awid),
    .awaddr_o(awaddr), .awlen_o(awlen), .awvalid_o(awvalid), .awready_i(awready), .wdata_o(wdata), .wstrb_o(wstrb),
    .wlast_o(wlast), .wvalid_o(wvalid), .wready_i(wready), .bid_i(bid), .bresp_i(bresp), .bvalid_i(bvalid),
    .bready_o(bready), .byte_valid_o(byte_valid), .byte_write_o(byte_write), .byte_addr_o(byte_addr),
    .byte_data_o(byte_wdata), .byte_ready_i(byte_ready), .byte_data_i(byte_rdata), .byte_error_i(byte_error));

  // --- what is outside of memory is answered here; bytes of the bridge have a port of their own ----------------------------
  logic [LOG-1:0] araddr_in, awaddr_in, byte_at;
  logic [ID_WIDTH-1:0] rid_in;
  logic [63:0] byte_word_in, byte_word_out;
  logic [7:0]  byte_strobes;
  logic        arvalid_in, arready_in, rlast_in, rvalid_in, rready_in, awvalid_in, awready_in, wvalid_in, wready_in, bvalid_in, bready_in;
  logic        byte_arvalid, byte_arready, byte_rvalid, byte_rready, byte_awvalid, byte_awready, byte_wvalid, byte_wready,
               byte_bvalid, byte_bready;
  axi_inside #(.BASE(MEMORY_BASE), .BYTES(MEMORY_BYTES), .ID_WIDTH(ID_WIDTH)) u_axi_inside (
    .clk_i(clk), .rst_ni(rst_n), .arid_i(arid), .araddr_i(araddr), .arlen_i(arlen), .arvalid_i(arvalid), .arready_o(arready),
    .rid_o(rid), .rresp_o(rresp), .rlast_o(rlast), .rvalid_o(rvalid), .rready_i(rready), .awid_i(awid), .awaddr_i(awaddr),
    .awvalid_i(awvalid), .awready_o(awready), .wlast_i(wlast), .wvalid_i(wvalid), .wready_o(wready), .bid_o(bid),
    .bresp_o(bresp), .bvalid_o(bvalid), .bready_i(bready),
    .m_araddr_o(araddr_in), .m_arvalid_o(arvalid_in), .m_arready_i(arready_in), .m_rid_i(rid_in), .m_rlast_i(rlast_in),
    .m_rvalid_i(rvalid_in), .m_rready_o(rready_in), .m_awaddr_o(awaddr_in), .m_awvalid_o(awvalid_in),
    .m_awready_i(awready_in), .m_wvalid_o(wvalid_in), .m_wready_i(wready_in), .m_bvalid_i(bvalid_in), .m_bready_o(bready_in));
  axi_byte #(.BASE(MEMORY_BASE), .BYTES(MEMORY_BYTES)) u_axi_byte (
    .clk_i(clk), .rst_ni(rst_n), .byte_valid_i(byte_valid), .byte_write_i(byte_write), .byte_addr_i(byte_addr),
    .byte_data_i(byte_wdata), .byte_ready_o(byte_ready), .byte_data_o(byte_rdata), .byte_error_o(byte_error),
    .addr_o(byte_at), .arvalid_o(byte_arvalid), .arready_i(byte_arready), .rdata_i(byte_word_in), .rvalid_i(byte_rvalid),
    .rready_o(byte_rready), .awvalid_o(byte_awvalid), .awready_i(byte_awready), .wdata_o(byte_word_out),
    .wstrb_o(byte_strobes), .wvalid_o(byte_wvalid), .wready_i(byte_wready), .bvalid_i(byte_bvalid), .bready_o(byte_bready));

  // --- the controller, and what brings it up -----------------------------------------------------------------------------
  logic [7:0]  step;
  logic [29:0] step_address, wb_adr;
  logic [31:0] step_data, wb_dat;
  logic [15:0] step_wait;
  logic        step_last, wb_stb, wb_ack;
  sdram_steps u_sdram_steps (.step_i(step), .address_o(step_address), .data_o(step_data), .wait_o(step_wait), .last_o(step_last));
  sdram_init u_sdram_init (
    .clk_i(clk), .rst_ni(rst_n), .step_o(step), .address_i(step_address), .data_i(step_data), .wait_i(step_wait),
    .last_i(step_last), .wb_adr_o(wb_adr), .wb_dat_o(wb_dat), .wb_stb_o(wb_stb), .wb_ack_i(wb_ack));
  // verilator lint_off PINCONNECTEMPTY
  // its answers are always good, and the bridge's bytes need no ID:
  litedram_core u_litedram_core (
    .clk(clk), .rst(!rst_n), .init_done(), .init_error(), .user_clk(), .user_rst(),
    .sdram_a(sdram_a), .sdram_ba(sdram_ba), .sdram_cas_n(sdram_casn), .sdram_cke(sdram_cke), .sdram_cs_n(sdram_csn),
    .sdram_dm(sdram_dqm), .sdram_dq(sdram_d), .sdram_ras_n(sdram_rasn), .sdram_we_n(sdram_wen),
    .wb_ctrl_adr(wb_adr), .wb_ctrl_dat_w(wb_dat), .wb_ctrl_dat_r(), .wb_ctrl_sel(4'hf), .wb_ctrl_cyc(wb_stb),
    .wb_ctrl_stb(wb_stb), .wb_ctrl_ack(wb_ack), .wb_ctrl_we(1'b1), .wb_ctrl_cti(3'd0), .wb_ctrl_bte(2'd0), .wb_ctrl_err(),
    .user_port_0_arid(arid), .user_port_0_araddr(araddr_in), .user_port_0_arlen(arlen), .user_port_0_arsize(EIGHT_BYTES),
    .user_port_0_arburst(INCR), .user_port_0_arvalid(arvalid_in), .user_port_0_arready(arready_in),
    .user_port_0_rid(rid_in), .user_port_0_rdata(rdata), .user_port_0_rresp(), .user_port_0_rlast(rlast_in),
    .user_port_0_rvalid(rvalid_in), .user_port_0_rready(rready_in),
    .user_port_0_awid(awid), .user_port_0_awaddr(awaddr_in), .user_port_0_awlen(awlen), .user_port_0_awsize(EIGHT_BYTES),
    .user_port_0_awburst(INCR), .user_port_0_awvalid(awvalid_in), .user_port_0_awready(awready_in),
    .user_port_0_wdata(wdata), .user_port_0_wstrb(wstrb), .user_port_0_wlast(wlast), .user_port_0_wvalid(wvalid_in),
    .user_port_0_wready(wready_in), .user_port_0_bid(), .user_port_0_bresp(), .user_port_0_bvalid(bvalid_in),
    .user_port_0_bready(bready_in),
    .user_port_1_arid(1'b0), .user_port_1_araddr(byte_at), .user_port_1_arlen(WORD_BURST), .user_port_1_arsize(EIGHT_BYTES),
    .user_port_1_arburst(INCR), .user_port_1_arvalid(byte_arvalid), .user_port_1_arready(byte_arready),
    .user_port_1_rid(), .user_port_1_rdata(byte_word_in), .user_port_1_rresp(), .user_port_1_rlast(),
    .user_port_1_rvalid(byte_rvalid), .user_port_1_rready(byte_rready),
    .user_port_1_awid(1'b0), .user_port_1_awaddr(byte_at), .user_port_1_awlen(WORD_BURST), .user_port_1_awsize(EIGHT_BYTES),
    .user_port_1_awburst(INCR), .user_port_1_awvalid(byte_awvalid), .user_port_1_awready(byte_awready),
    .user_port_1_wdata(byte_word_out), .user_port_1_wstrb(byte_strobes), .user_port_1_wlast(1'b1),
    .user_port_1_wvalid(byte_wvalid), .user_port_1_wready(byte_wready), .user_port_1_bid(), .user_port_1_bresp(),
    .user_port_1_bvalid(byte_bvalid), .user_port_1_bready(byte_bready));
  // verilator lint_on PINCONNECTEMPTY

  lights u_lights (.clk_i(clk), .rst_ni(rst_n), .busy_i(busy), .error_i(error), .done_i(done), .uart_rx_i(ftdi_txd),
                   .uart_tx_i(ftdi_rxd), .button_i(btn_reset), .led_o(led));
endmodule
