// bitdial_top behind its pins for cocotb, with faults of handshakes that +outside_fault=N plants between the accelerator
// and the bus (0: none), each of which the run must find:
//     1  WLAST never rises                            6  WVALID falls while WREADY is low
//     2  AWVALID falls while AWREADY is low           7  a write strobe is lost in a burst's last beat
//     3  ARADDR changes while ARREADY is low          8  the registers' RVALID falls while RREADY is low
//     4  bursts are read one beat too long            9  the registers' BRESP changes while BREADY is low
//     5  write addresses cross 4 KiB                 10  the registers answer a write before its data has come
module outside_top (
  // verilator public_flat_rw_on
  input  logic        aclk,
  input  logic        aresetn,
  input  logic [11:0] s_axi_awaddr,
  input  logic [2:0]  s_axi_awprot,
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
  input  logic [2:0]  s_axi_arprot,
  input  logic        s_axi_arvalid,
  output logic        s_axi_arready,
  output logic [31:0] s_axi_rdata,
  output logic [1:0]  s_axi_rresp,
  output logic        s_axi_rvalid,
  input  logic        s_axi_rready,
  output logic [3:0]  m_axi_arid,
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
  input  logic [3:0]  m_axi_rid,
  input  logic [63:0] m_axi_rdata,
  input  logic [1:0]  m_axi_rresp,
  input  logic        m_axi_rlast,
  input  logic        m_axi_rvalid,
  output logic        m_axi_rready,
  output logic [3:0]  m_axi_awid,
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
  input  logic [3:0]  m_axi_bid,
  input  logic [1:0]  m_axi_bresp,
  input  logic        m_axi_bvalid,
  output logic        m_axi_bready,
  output logic        irq
  // verilator public_off
);
  int fault;
  initial if (!$value$plusargs("outside_fault=%d", fault)) fault = 0;

  // A channel that has waited for a clock: what a fault changes, it changes then.
  logic aw_waits, w_waits, ar_waits, lite_r_waits, lite_b_waits, early;
  always_ff @(posedge aclk) begin
    aw_waits <= m_axi_awvalid && !m_axi_awready;
    w_waits <= m_axi_wvalid && !m_axi_wready;
    ar_waits <= m_axi_arvalid && !m_axi_arready;
    lite_r_waits <= s_axi_rvalid && !s_axi_rready;
    lite_b_waits <= s_axi_bvalid && !s_axi_bready;
    early <= s_axi_awvalid && s_axi_awready;
  end

  logic [63:0] araddr, awaddr;
  logic [7:0]  arlen, wstrb;
  logic [1:0]  bresp;
  logic        awvalid, wvalid, wlast, lite_rvalid, lite_bvalid;
  assign m_axi_wlast = wlast && fault != 1;
  assign m_axi_awvalid = awvalid && !(fault == 2 && aw_waits);
  assign m_axi_araddr = araddr + 64'(fault == 3 && ar_waits) * 64'd8;
  assign m_axi_arlen = arlen + 8'(fault == 4);
  assign m_axi_awaddr = awaddr | 64'(fault == 5) * 64'hff8;
  assign m_axi_wvalid = wvalid && !(fault == 6 && w_waits);
  assign m_axi_wstrb = wstrb & {8{!(fault == 7 && wlast)}};
  assign s_axi_rvalid = lite_rvalid && !(fault == 8 && lite_r_waits);
  assign s_axi_bresp = bresp | {2{fault == 9 && lite_b_waits}};
  assign s_axi_bvalid = lite_bvalid || (fault == 10 && early);

  bitdial_top #(`BITDIAL_PARAMETERS, .GATES(0)) u_top (
    .aclk, .aresetn, .s_axi_awaddr, .s_axi_awprot, .s_axi_awvalid, .s_axi_awready, .s_axi_wdata, .s_axi_wstrb,
    .s_axi_wvalid, .s_axi_wready, .s_axi_bresp(bresp), .s_axi_bvalid(lite_bvalid), .s_axi_bready, .s_axi_araddr,
    .s_axi_arprot, .s_axi_arvalid, .s_axi_arready, .s_axi_rdata, .s_axi_rresp, .s_axi_rvalid(lite_rvalid), .s_axi_rready,
    .m_axi_arid, .m_axi_araddr(araddr), .m_axi_arlen(arlen), .m_axi_arsize, .m_axi_arburst, .m_axi_arlock, .m_axi_arcache,
    .m_axi_arprot, .m_axi_arqos, .m_axi_arvalid, .m_axi_arready, .m_axi_rid, .m_axi_rdata, .m_axi_rresp, .m_axi_rlast,
    .m_axi_rvalid, .m_axi_rready, .m_axi_awid, .m_axi_awaddr(awaddr), .m_axi_awlen, .m_axi_awsize, .m_axi_awburst,
    .m_axi_awlock, .m_axi_awcache, .m_axi_awprot, .m_axi_awqos, .m_axi_awvalid(awvalid), .m_axi_awready, .m_axi_wdata,
    .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid), .m_axi_wready, .m_axi_bid, .m_axi_bresp,
    .m_axi_bvalid, .m_axi_bready, .irq);
endmodule
