// The accelerator and the serial bridge beside it, joined: what every board with an FPGA alone has. Memory is the board's: an
// AXI4 master for the accelerator, and bytes for the bridge. Parameters are those of bitdial_top and, with MEMORY_BASE and
// MEMORY_BYTES, of uart_bridge.
module serial_accelerator #(
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
  parameter int CLOCK_KHZ = 25000,
  parameter int ID_WIDTH = 4,
  parameter logic [63:0] MEMORY_BASE = 64'h100000000,
  parameter logic [63:0] MEMORY_BYTES = 64'd262144
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        uart_rx_i,
  output logic        uart_tx_o,
  output logic        busy_o,   // a frame runs
  output logic        done_o,   // IRQ_STATUS.DONE
  output logic        error_o,  // IRQ_STATUS.ERROR

  output logic [ID_WIDTH-1:0] arid_o,
  output logic [63:0] araddr_o,
  output logic [7:0]  arlen_o,
  output logic        arvalid_o,
  input  logic        arready_i,
  input  logic [ID_WIDTH-1:0] rid_i,
  input  logic [63:0] rdata_i,
  input  logic [1:0]  rresp_i,
  input  logic        rlast_i,
  input  logic        rvalid_i,
  output logic        rready_o,
  output logic [ID_WIDTH-1:0] awid_o,
  output logic [63:0] awaddr_o,
  output logic [7:0]  awlen_o,
  output logic        awvalid_o,
  input  logic        awready_i,
  output logic [63:0] wdata_o,
  output logic [7:0]  wstrb_o,
  output logic        wlast_o,
  output logic        wvalid_o,
  input  logic        wready_i,
  input  logic [ID_WIDTH-1:0] bid_i,
  input  logic [1:0]  bresp_i,
  input  logic        bvalid_i,
  output logic        bready_o,

  output logic        byte_valid_o,  // withdrawn where no byte_ready_i comes within 65,536 clocks
  output logic        byte_write_o,
  output logic [63:0] byte_addr_o,
  output logic [7:0]  byte_data_o,
  input  logic        byte_ready_i,
  input  logic [7:0]  byte_data_i,   // with byte_ready_i
  input  logic        byte_error_i   // with byte_ready_i: there is no such byte
);
  // verilator lint_off UNUSEDSIGNAL
  // 12 bits of them choose a register:
  logic [31:0] awaddr, araddr;
  // verilator lint_on UNUSEDSIGNAL
  logic [31:0] wdata, rdata;
  logic [3:0]  wstrb;
  logic [1:0]  bresp, rresp;
  logic        awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready, irq;
  // Before the line's speed is found out: 115,200 baud. An access waits while a program is read without a gap, at most for some thousand clocks.
  uart_bridge #(.MEMORY_BASE(MEMORY_BASE), .MEMORY_BYTES(MEMORY_BYTES), .BIT_CLOCKS(16'(CLOCK_KHZ * 10 / 1152)),
                .ACCESS_CLOCKS(1 << 16)) u_uart_bridge (
    .clk_i, .rst_ni, .uart_rx_i, .uart_tx_o, .irq_i(irq),
    .m_axil_awaddr_o(awaddr), .m_axil_awvalid_o(awvalid), .m_axil_awready_i(awready), .m_axil_wdata_o(wdata),
    .m_axil_wstrb_o(wstrb), .m_axil_wvalid_o(wvalid), .m_axil_wready_i(wready), .m_axil_bresp_i(bresp),
    .m_axil_bvalid_i(bvalid), .m_axil_bready_o(bready), .m_axil_araddr_o(araddr), .m_axil_arvalid_o(arvalid),
    .m_axil_arready_i(arready), .m_axil_rdata_i(rdata), .m_axil_rresp_i(rresp), .m_axil_rvalid_i(rvalid),
    .m_axil_rready_o(rready), .mem_valid_o(byte_valid_o), .mem_write_o(byte_write_o), .mem_addr_o(byte_addr_o),
    .mem_wdata_o(byte_data_o), .mem_ready_i(byte_ready_i), .mem_rdata_i(byte_data_i), .mem_error_i(byte_error_i));

  // verilator lint_off PINCONNECTEMPTY
  // a memory knows what these say, or has no use for it:
  bitdial_top #(.ROWS(ROWS), .RQ(RQ), .MC(MC), .HAS_XNOR(HAS_XNOR), .ACT_WORDS(ACT_WORDS), .Z_WORDS(Z_WORDS),
                .WEIGHT_WORDS(WEIGHT_WORDS), .TABLE_WORDS(TABLE_WORDS), .CORRECT_WORDS(CORRECT_WORDS),
                .DESCRIPTORS(DESCRIPTORS), .ACC_BITS(ACC_BITS), .MULT_BITS(MULT_BITS), .ID_WIDTH(ID_WIDTH), .GATES(GATES),
                .GEOMETRY_HASH(GEOMETRY_HASH), .RTL_HASH(RTL_HASH), .CLOCK_KHZ(CLOCK_KHZ)) u_bitdial_top (
    .aclk(clk_i), .aresetn(rst_ni),
    .s_axi_awaddr(awaddr[11:0]), .s_axi_awprot(3'd0), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
    .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_bresp(bresp),
    .s_axi_bvalid(bvalid), .s_axi_bready(bready), .s_axi_araddr(araddr[11:0]), .s_axi_arprot(3'd0),
    .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rvalid(rvalid),
    .s_axi_rready(rready),
    .m_axi_arid(arid_o), .m_axi_araddr(araddr_o), .m_axi_arlen(arlen_o), .m_axi_arsize(), .m_axi_arburst(),
    .m_axi_arlock(), .m_axi_arcache(), .m_axi_arprot(), .m_axi_arqos(), .m_axi_arvalid(arvalid_o),
    .m_axi_arready(arready_i), .m_axi_rid(rid_i), .m_axi_rdata(rdata_i), .m_axi_rresp(rresp_i), .m_axi_rlast(rlast_i),
    .m_axi_rvalid(rvalid_i), .m_axi_rready(rready_o),
    .m_axi_awid(awid_o), .m_axi_awaddr(awaddr_o), .m_axi_awlen(awlen_o), .m_axi_awsize(), .m_axi_awburst(),
    .m_axi_awlock(), .m_axi_awcache(), .m_axi_awprot(), .m_axi_awqos(), .m_axi_awvalid(awvalid_o),
    .m_axi_awready(awready_i), .m_axi_wdata(wdata_o), .m_axi_wstrb(wstrb_o), .m_axi_wlast(wlast_o),
    .m_axi_wvalid(wvalid_o), .m_axi_wready(wready_i), .m_axi_bid(bid_i), .m_axi_bresp(bresp_i), .m_axi_bvalid(bvalid_i),
    .m_axi_bready(bready_o), .irq(irq), .status_busy(busy_o), .status_done(done_o), .status_error(error_o));
  // verilator lint_on PINCONNECTEMPTY
endmodule
