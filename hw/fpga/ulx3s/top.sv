// ULX3S with an LFE5U-85F: the accelerator, block RAM as its memory, and the serial bridge at the FTDI chip. Nothing else of the
// board is used. The parameters are those of the configuration (hardware.yaml), of the build, and of the clock: 25 MHz of the
// oscillator as they are, or FEEDBACK / DIVIDE of them by the PLL, which runs OUTPUT_DIVIDE times as fast inside.
//
// LEDs: 0 a frame runs, 1 an error waits (IRQ_STATUS.ERROR), 2 a result waits (IRQ_STATUS.DONE), 3 bytes from the host, 4 bytes to the
// host, 5 button held, 6 out of reset, 7 blinks once in about a second of 25 MHz. Short events are stretched so that they are seen.
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
  parameter int MEMORY_BYTES = 262144,
  parameter int DIVIDE = 1,
  parameter int FEEDBACK = 1,  // as DIVIDE: no PLL
  // verilator lint_off UNUSEDPARAM
  parameter int OUTPUT_DIVIDE = 1,
  // verilator lint_on UNUSEDPARAM
  parameter int CLOCK_KHZ = 25000
) (
  input  logic       clk_25mhz,
  input  logic       ftdi_txd,    // to the FPGA
  output logic       ftdi_rxd,    // from it
  input  logic       btn_reset,   // FIRE 2, high while pressed
  output logic [7:0] led,
  output logic       wifi_gpio0   // high: the ESP32 leaves the FPGA alone
);
  localparam logic [63:0] MEMORY_BASE = 64'h100000000;
  localparam int ID_WIDTH = 4;
  logic clk, locked, rst_n;
  assign wifi_gpio0 = 1'b1;

  // --- clock and reset -----------------------------------------------------------------------------------------------
  if (DIVIDE == FEEDBACK) begin : g_oscillator
    assign clk = clk_25mhz;
    assign locked = 1'b1;
  end else begin : g_pll
    (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
    EHXPLLL #(.CLKI_DIV(DIVIDE), .CLKFB_DIV(FEEDBACK), .CLKOP_DIV(OUTPUT_DIVIDE), .CLKOP_CPHASE(OUTPUT_DIVIDE - 1),
              .CLKOP_ENABLE("ENABLED"), .FEEDBK_PATH("CLKOP")) u_pll (
      .CLKI(clk_25mhz), .CLKFB(clk), .CLKOP(clk), .LOCK(locked), .RST(1'b0), .STDBY(1'b0), .PHASESEL0(1'b0),
      .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1), .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0));
  end
  reset_sync u_reset_sync (.clk_i(clk), .arst_ni(locked && !btn_reset), .rst_no(rst_n));

  // --- the bridge ------------------------------------------------------------------------------------------------------
  // verilator lint_off UNUSEDSIGNAL
  // 12 bits of them choose a register:
  logic [31:0] awaddr, araddr;
  // verilator lint_on UNUSEDSIGNAL
  logic [31:0] wdata, rdata;
  logic [3:0]  wstrb;
  logic [1:0]  bresp, rresp;
  logic        awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready, irq;
  logic        mem_valid, mem_write, mem_ready, mem_error, busy, done, error;
  logic [63:0] mem_addr;
  logic [7:0]  mem_wdata, mem_rdata;
  // Before the line's speed is found out: 115,200 baud. An access waits while a program is read without a gap, at most for some thousand clocks.
  uart_bridge #(.MEMORY_BASE(MEMORY_BASE), .MEMORY_BYTES(64'(MEMORY_BYTES)), .BIT_CLOCKS(16'(CLOCK_KHZ * 10 / 1152)),
                .ACCESS_CLOCKS(1 << 16)) u_uart_bridge (
    .clk_i(clk), .rst_ni(rst_n), .uart_rx_i(ftdi_txd), .uart_tx_o(ftdi_rxd), .irq_i(irq),
    .m_axil_awaddr_o(awaddr), .m_axil_awvalid_o(awvalid), .m_axil_awready_i(awready), .m_axil_wdata_o(wdata),
    .m_axil_wstrb_o(wstrb), .m_axil_wvalid_o(wvalid), .m_axil_wready_i(wready), .m_axil_bresp_i(bresp),
    .m_axil_bvalid_i(bvalid), .m_axil_bready_o(bready), .m_axil_araddr_o(araddr), .m_axil_arvalid_o(arvalid),
    .m_axil_arready_i(arready), .m_axil_rdata_i(rdata), .m_axil_rresp_i(rresp), .m_axil_rvalid_i(rvalid),
    .m_axil_rready_o(rready), .mem_valid_o(mem_valid), .mem_write_o(mem_write), .mem_addr_o(mem_addr),
    .mem_wdata_o(mem_wdata), .mem_ready_i(mem_ready), .mem_rdata_i(mem_rdata), .mem_error_i(mem_error));

  // --- the accelerator and its memory ----------------------------------------------------------------------------------
  logic [ID_WIDTH-1:0] m_arid, m_rid, m_awid, m_bid;
  logic [63:0] m_araddr, m_rdata, m_awaddr, m_wdata;
  logic [7:0]  m_arlen, m_wstrb;
  logic [1:0]  m_rresp, m_bresp;
  logic        m_arvalid, m_arready, m_rlast, m_rvalid, m_rready, m_awvalid, m_awready, m_wlast, m_wvalid, m_wready,
               m_bvalid, m_bready;
  // verilator lint_off PINCONNECTEMPTY
  // the memory knows what these say, or has no use for it:
  bitdial_top #(.ROWS(ROWS), .RQ(RQ), .MC(MC), .HAS_XNOR(HAS_XNOR), .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS),
                .WEIGHT_WORDS(WEIGHT_WORDS), .TABLE_WORDS(TABLE_WORDS), .CORRECT_WORDS(CORRECT_WORDS),
                .DESCRIPTORS(DESCRIPTORS), .ACC_BITS(ACC_BITS), .MULT_BITS(MULT_BITS), .ID_WIDTH(ID_WIDTH), .GATES(GATES),
                .GEOMETRY_HASH(GEOMETRY_HASH), .RTL_HASH(RTL_HASH), .CLOCK_KHZ(CLOCK_KHZ)) u_bitdial_top (
    .aclk(clk), .aresetn(rst_n),
    .s_axi_awaddr(awaddr[11:0]), .s_axi_awprot(3'd0), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
    .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_bresp(bresp),
    .s_axi_bvalid(bvalid), .s_axi_bready(bready), .s_axi_araddr(araddr[11:0]), .s_axi_arprot(3'd0),
    .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rvalid(rvalid),
    .s_axi_rready(rready),
    .m_axi_arid(m_arid), .m_axi_araddr(m_araddr), .m_axi_arlen(m_arlen), .m_axi_arsize(), .m_axi_arburst(),
    .m_axi_arlock(), .m_axi_arcache(), .m_axi_arprot(), .m_axi_arqos(), .m_axi_arvalid(m_arvalid),
    .m_axi_arready(m_arready), .m_axi_rid(m_rid), .m_axi_rdata(m_rdata), .m_axi_rresp(m_rresp), .m_axi_rlast(m_rlast),
    .m_axi_rvalid(m_rvalid), .m_axi_rready(m_rready),
    .m_axi_awid(m_awid), .m_axi_awaddr(m_awaddr), .m_axi_awlen(), .m_axi_awsize(), .m_axi_awburst(),
    .m_axi_awlock(), .m_axi_awcache(), .m_axi_awprot(), .m_axi_awqos(), .m_axi_awvalid(m_awvalid),
    .m_axi_awready(m_awready), .m_axi_wdata(m_wdata), .m_axi_wstrb(m_wstrb), .m_axi_wlast(m_wlast),
    .m_axi_wvalid(m_wvalid), .m_axi_wready(m_wready), .m_axi_bid(m_bid), .m_axi_bresp(m_bresp), .m_axi_bvalid(m_bvalid),
    .m_axi_bready(m_bready), .irq(irq), .status_busy(busy), .status_done(done), .status_error(error));
  // verilator lint_on PINCONNECTEMPTY
  block_memory #(.BASE(MEMORY_BASE), .BYTES(MEMORY_BYTES), .ID_WIDTH(ID_WIDTH)) u_block_memory (
    .clk_i(clk), .rst_ni(rst_n), .arid_i(m_arid), .araddr_i(m_araddr), .arlen_i(m_arlen), .arvalid_i(m_arvalid),
    .arready_o(m_arready), .rid_o(m_rid), .rdata_o(m_rdata), .rresp_o(m_rresp), .rlast_o(m_rlast), .rvalid_o(m_rvalid),
    .rready_i(m_rready), .awid_i(m_awid), .awaddr_i(m_awaddr), .awvalid_i(m_awvalid), .awready_o(m_awready),
    .wdata_i(m_wdata), .wstrb_i(m_wstrb), .wlast_i(m_wlast), .wvalid_i(m_wvalid), .wready_o(m_wready), .bid_o(m_bid),
    .bresp_o(m_bresp), .bvalid_o(m_bvalid), .bready_i(m_bready), .byte_valid_i(mem_valid), .byte_write_i(mem_write),
    .byte_addr_i(mem_addr), .byte_data_i(mem_wdata), .byte_ready_o(mem_ready), .byte_data_o(mem_rdata),
    .byte_error_o(mem_error));

  // --- lights ------------------------------------------------------------------------------------------------------
  logic [24:0] count_q;
  logic [2:0]  seen_q, shown_q;  // since the last change of bit 20 of the count: a frame, bytes from and to the host
  logic        tick_q;
  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      count_q <= '0;
      seen_q <= '0;
      shown_q <= '0;
      tick_q <= 1'b0;
    end else begin
      count_q <= count_q + 1'b1;
      tick_q <= count_q[20];
      seen_q <= (tick_q != count_q[20] ? 3'd0 : seen_q) | {!ftdi_rxd, !ftdi_txd, busy};
      if (tick_q != count_q[20]) shown_q <= seen_q;
    end
  end
  assign led = {count_q[24], rst_n, btn_reset, shown_q[2], shown_q[1], done, error, shown_q[0]};
endmodule
