// ULX3S with an LFE5U-85F: the accelerator, block RAM as its memory, and the serial bridge at the FTDI chip. Nothing else of the
// board is used. The parameters are those of the configuration (hardware.yaml), of the build, and of the clock: 25 MHz of the
// oscillator as they are, or FEEDBACK / DIVIDE of them by the PLL, which runs OUTPUT_DIVIDE times as fast inside.
// LEDs are those of hw/board/lights.sv.
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

  // --- the accelerator with its bridge, and its memory -----------------------------------------------------------------
  logic [ID_WIDTH-1:0] arid, rid, awid, bid;
  logic [63:0] araddr, rdata, awaddr, wdata, byte_addr;
  logic [7:0]  arlen, wstrb, byte_wdata, byte_rdata;
  logic [1:0]  rresp, bresp;
  logic        arvalid, arready, rlast, rvalid, rready, awvalid, awready, wlast, wvalid, wready, bvalid, bready;
  logic        byte_valid, byte_write, byte_ready, byte_error, busy, done, error;
  // verilator lint_off PINCONNECTEMPTY
  // block RAM sees the end of a burst by WLAST:
  serial_accelerator #(.ROWS(ROWS), .RQ(RQ), .MC(MC), .HAS_XNOR(HAS_XNOR), .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS),
                       .WEIGHT_WORDS(WEIGHT_WORDS), .TABLE_WORDS(TABLE_WORDS), .CORRECT_WORDS(CORRECT_WORDS),
                       .DESCRIPTORS(DESCRIPTORS), .ACC_BITS(ACC_BITS), .MULT_BITS(MULT_BITS), .GATES(GATES),
                       .GEOMETRY_HASH(GEOMETRY_HASH), .RTL_HASH(RTL_HASH), .CLOCK_KHZ(CLOCK_KHZ), .ID_WIDTH(ID_WIDTH),
                       .MEMORY_BASE(MEMORY_BASE), .MEMORY_BYTES(64'(MEMORY_BYTES))) u_serial_accelerator (
    .clk_i(clk), .rst_ni(rst_n), .uart_rx_i(ftdi_txd), .uart_tx_o(ftdi_rxd), .busy_o(busy), .done_o(done), .error_o(error),
    .arid_o(arid), .araddr_o(araddr), .arlen_o(arlen), .arvalid_o(arvalid), .arready_i(arready), .rid_i(rid),
    .rdata_i(rdata), .rresp_i(rresp), .rlast_i(rlast), .rvalid_i(rvalid), .rready_o(rready), .awid_o(awid),
    .awaddr_o(awaddr), .awlen_o(), .awvalid_o(awvalid), .awready_i(awready), .wdata_o(wdata), .wstrb_o(wstrb),
    .wlast_o(wlast), .wvalid_o(wvalid), .wready_i(wready), .bid_i(bid), .bresp_i(bresp), .bvalid_i(bvalid),
    .bready_o(bready), .byte_valid_o(byte_valid), .byte_write_o(byte_write), .byte_addr_o(byte_addr),
    .byte_data_o(byte_wdata), .byte_ready_i(byte_ready), .byte_data_i(byte_rdata), .byte_error_i(byte_error));
  // verilator lint_on PINCONNECTEMPTY
  block_memory #(.BASE(MEMORY_BASE), .BYTES(MEMORY_BYTES), .ID_WIDTH(ID_WIDTH)) u_block_memory (
    .clk_i(clk), .rst_ni(rst_n), .arid_i(arid), .araddr_i(araddr), .arlen_i(arlen), .arvalid_i(arvalid),
    .arready_o(arready), .rid_o(rid), .rdata_o(rdata), .rresp_o(rresp), .rlast_o(rlast), .rvalid_o(rvalid),
    .rready_i(rready), .awid_i(awid), .awaddr_i(awaddr), .awvalid_i(awvalid), .awready_o(awready), .wdata_i(wdata),
    .wstrb_i(wstrb), .wlast_i(wlast), .wvalid_i(wvalid), .wready_o(wready), .bid_o(bid), .bresp_o(bresp),
    .bvalid_o(bvalid), .bready_i(bready), .byte_valid_i(byte_valid), .byte_write_i(byte_write), .byte_addr_i(byte_addr),
    .byte_data_i(byte_wdata), .byte_ready_o(byte_ready), .byte_data_o(byte_rdata), .byte_error_o(byte_error));

  lights u_lights (.clk_i(clk), .rst_ni(rst_n), .busy_i(busy), .error_i(error), .done_i(done), .uart_rx_i(ftdi_txd),
                   .uart_tx_i(ftdi_rxd), .button_i(btn_reset), .led_o(led));
endmodule
