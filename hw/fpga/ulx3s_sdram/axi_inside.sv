// Lets bursts to the BYTES from BASE through, without the address bits above, and answers all others with DECERR itself. A read
// outside waits until all reads inside are answered, so that answers stay in their order; writes pass one burst at a time.
module axi_inside #(
  parameter logic [63:0] BASE = 64'h100000000,  // a multiple of BYTES
  parameter int BYTES = 33554432,               // a power of two
  parameter int ID_WIDTH = 4
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic [ID_WIDTH-1:0] arid_i,
  input  logic [63:0] araddr_i,
  input  logic [7:0]  arlen_i,
  input  logic        arvalid_i,
  output logic        arready_o,
  output logic [ID_WIDTH-1:0] rid_o,
  output logic [1:0]  rresp_o,
  output logic        rlast_o,
  output logic        rvalid_o,
  input  logic        rready_i,
  input  logic [ID_WIDTH-1:0] awid_i,
  input  logic [63:0] awaddr_i,
  input  logic        awvalid_i,
  output logic        awready_o,
  input  logic        wlast_i,
  input  logic        wvalid_i,
  output logic        wready_o,
  output logic [ID_WIDTH-1:0] bid_o,
  output logic [1:0]  bresp_o,
  output logic        bvalid_o,
  input  logic        bready_i,

  // The memory's side; IDs, lengths and data go past this module, but for what is answered here.
  output logic [$clog2(BYTES)-1:0] m_araddr_o,
  output logic        m_arvalid_o,
  input  logic        m_arready_i,
  input  logic [ID_WIDTH-1:0] m_rid_i,
  input  logic        m_rlast_i,
  input  logic        m_rvalid_i,
  output logic        m_rready_o,
  output logic [$clog2(BYTES)-1:0] m_awaddr_o,
  output logic        m_awvalid_o,
  input  logic        m_awready_i,
  output logic        m_wvalid_o,
  input  logic        m_wready_i,
  input  logic        m_bvalid_i,
  output logic        m_bready_o
);
  localparam int LOG = $clog2(BYTES);
  localparam logic [1:0] OKAY = 2'b00, DECERR = 2'b11;

  // --- reads ---------------------------------------------------------------------------------------------------------
  logic [5:0]          open_q;  // bursts inside whose last beat was not taken
  logic                read_outside, refuse_q, take, taken;
  logic [ID_WIDTH-1:0] refuse_id_q;
  logic [7:0]          left_q;
  assign read_outside = araddr_i[63:LOG] != BASE[63:LOG];
  assign m_araddr_o = araddr_i[LOG-1:0];
  assign m_arvalid_o = arvalid_i && !read_outside && !refuse_q && open_q != '1;
  assign arready_o = !refuse_q && (read_outside ? open_q == '0 : m_arready_i && open_q != '1);
  assign take = m_arvalid_o && m_arready_i;
  assign taken = m_rvalid_i && m_rready_o && m_rlast_i;
  assign rvalid_o = refuse_q || m_rvalid_i;
  assign rid_o = refuse_q ? refuse_id_q : m_rid_i;
  assign rlast_o = refuse_q ? left_q == 8'd0 : m_rlast_i;
  assign rresp_o = refuse_q ? DECERR : OKAY;
  assign m_rready_o = rready_i && !refuse_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      open_q <= '0;
      refuse_q <= 1'b0;
    end else begin
      open_q <= open_q + 6'(take) - 6'(taken);
      refuse_q <= refuse_q ? !(rready_i && left_q == 8'd0) : arvalid_i && read_outside && open_q == '0;
    end
  end
  always_ff @(posedge clk_i) begin
    if (!refuse_q) begin
      refuse_id_q <= arid_i;
      left_q <= arlen_i;
    end else if (rready_i) begin
      left_q <= left_q - 8'd1;
    end
  end

  // --- writes --------------------------------------------------------------------------------------------------------
  typedef enum logic [1:0] {IDLE, DATA, RESPONSE} write_e;
  write_e write_q;
  logic   write_outside, drop_q;
  assign write_outside = awaddr_i[63:LOG] != BASE[63:LOG];
  assign m_awaddr_o = awaddr_i[LOG-1:0];
  assign m_awvalid_o = write_q == IDLE && awvalid_i && !write_outside;
  assign awready_o = write_q == IDLE && (write_outside || m_awready_i);
  assign m_wvalid_o = write_q == DATA && wvalid_i && !drop_q;
  assign wready_o = write_q == DATA && (drop_q || m_wready_i);
  assign bvalid_o = write_q == RESPONSE && (drop_q || m_bvalid_i);
  assign bresp_o = drop_q ? DECERR : OKAY;
  assign m_bready_o = write_q == RESPONSE && !drop_q && bready_i;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= IDLE;
      drop_q <= 1'b0;
    end else begin
      case (write_q)
        IDLE: if (awvalid_i && awready_o) begin
          write_q <= DATA;
          drop_q <= write_outside;
        end
        DATA: if (wvalid_i && wready_o && wlast_i) write_q <= RESPONSE;
        default: if (bvalid_o && bready_i) write_q <= IDLE;
      endcase
    end
  end
  always_ff @(posedge clk_i) if (awvalid_i && awready_o) bid_o <= awid_i;
endmodule
