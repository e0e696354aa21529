// AXI4-Lite slave: every channel is registered, address and data of a write may come in either order. An access acts one
// clock after its last handshake; a write's response follows in the next clock, a read's in the one after, for its data
// comes a clock later. Addresses count words, whatever the low bits.
`include "bitdial_assert.svh"
module axil_slave (
  input  logic        clk_i,
  input  logic        rst_ni,

  // verilator lint_off UNUSEDSIGNAL
  // a byte's place within its word is in the strobes:
  input  logic [11:0] awaddr_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        awvalid_i,
  output logic        awready_o,
  input  logic [31:0] wdata_i,
  input  logic [3:0]  wstrb_i,
  input  logic        wvalid_i,
  output logic        wready_o,
  output logic [1:0]  bresp_o,
  output logic        bvalid_o,
  input  logic        bready_i,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [11:0] araddr_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        arvalid_i,
  output logic        arready_o,
  output logic [31:0] rdata_o,
  output logic [1:0]  rresp_o,
  output logic        rvalid_o,
  input  logic        rready_i,

  output logic        write_o,        // one clock
  output logic [11:0] write_addr_o,   // a multiple of 4
  output logic [31:0] write_data_o,
  output logic [3:0]  write_strobe_o,
  input  logic        write_known_i,  // there is a register
  output logic        read_o,         // one clock: its data follow in the next
  output logic [11:0] read_addr_o,
  input  logic [31:0] read_data_i,
  input  logic        read_known_i
);
  localparam logic [1:0] OKAY = 2'b00;
  localparam logic [1:0] SLVERR = 2'b10;
  logic [9:0] waddr_q, raddr_q;
  logic       up_q;  // out of reset: before, nothing may be taken
  logic       addr_q, data_q, read_q;  // held: a write's address, its data, a read's address
  logic       asked_q;

  assign awready_o = up_q && !addr_q;
  assign wready_o = up_q && !data_q;
  assign arready_o = up_q && !read_q;
  assign write_o = addr_q && data_q && !(bvalid_o && !bready_i);
  assign read_o = read_q && !asked_q && !(rvalid_o && !rready_i);
  assign write_addr_o = {waddr_q, 2'b00};
  assign read_addr_o = {raddr_q, 2'b00};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      up_q <= 1'b0;
      addr_q <= 1'b0;
      data_q <= 1'b0;
      read_q <= 1'b0;
      asked_q <= 1'b0;
      bvalid_o <= 1'b0;
      bresp_o <= OKAY;
      rvalid_o <= 1'b0;
      rresp_o <= OKAY;
      rdata_o <= 32'd0;
    end else begin
      up_q <= 1'b1;
      if (awvalid_i && awready_o) addr_q <= 1'b1;
      if (wvalid_i && wready_o) data_q <= 1'b1;
      if (arvalid_i && arready_o) read_q <= 1'b1;
      if (bready_i) bvalid_o <= 1'b0;
      if (rready_i) rvalid_o <= 1'b0;
      if (write_o) begin
        addr_q <= 1'b0;
        data_q <= 1'b0;
        bvalid_o <= 1'b1;
        bresp_o <= write_known_i ? OKAY : SLVERR;
      end
      asked_q <= read_o;
      if (asked_q) begin
        read_q <= 1'b0;
        rvalid_o <= 1'b1;
        rresp_o <= read_known_i ? OKAY : SLVERR;
        rdata_o <= read_data_i;
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (awvalid_i && awready_o) waddr_q <= awaddr_i[11:2];
    if (arvalid_i && arready_o) raddr_q <= araddr_i[11:2];
    if (wvalid_i && wready_o) begin
      write_data_o <= wdata_i;
      write_strobe_o <= wstrb_i;
    end
  end

  `BD_ASSERT(lite_response_held, !(write_o && bvalid_o && !bready_i), "a write's response is lost")
endmodule
