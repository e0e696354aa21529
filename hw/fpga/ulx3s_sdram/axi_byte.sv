// A byte of the serial bridge as a burst of one word on an AXI4 port of BYTES bytes. A byte that is withdrawn, because its answer took
// too long, is not answered; its burst ends by itself before the next one begins. An address outside is answered with an error.
module axi_byte #(
  parameter logic [63:0] BASE = 64'h100000000,  // a multiple of BYTES
  parameter int BYTES = 33554432                // a power of two
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        byte_valid_i,  // stays until byte_ready_o, or is withdrawn
  input  logic        byte_write_i,
  input  logic [63:0] byte_addr_i,
  input  logic [7:0]  byte_data_i,
  output logic        byte_ready_o,
  output logic [7:0]  byte_data_o,   // with byte_ready_o
  output logic        byte_error_o,  // with byte_ready_o: there is no such byte

  output logic [$clog2(BYTES)-1:0] addr_o,  // of AR and AW
  output logic        arvalid_o,
  input  logic        arready_i,
  input  logic [63:0] rdata_i,
  input  logic        rvalid_i,
  output logic        rready_o,
  output logic        awvalid_o,
  input  logic        awready_i,
  output logic [63:0] wdata_o,
  output logic [7:0]  wstrb_o,
  output logic        wvalid_o,
  input  logic        wready_i,
  input  logic        bvalid_i,
  output logic        bready_o
);
  localparam int LOG = $clog2(BYTES);
  typedef enum logic [2:0] {IDLE, READ_ADDRESS, READ_DATA, WRITE, RESPONSE, ANSWER} state_e;
  state_e         state_q;
  logic           kept_q, address_q, data_q, error_q;  // not withdrawn; AW taken; W taken; outside
  logic [LOG-1:0] at_q;
  logic [7:0]     byte_q;
  assign addr_o = {at_q[LOG-1:3], 3'd0};
  assign wdata_o = {8{byte_q}};
  assign wstrb_o = 8'd1 << at_q[2:0];
  assign arvalid_o = state_q == READ_ADDRESS;
  assign rready_o = state_q == READ_DATA;
  assign awvalid_o = state_q == WRITE && !address_q;
  assign wvalid_o = state_q == WRITE && !data_q;
  assign bready_o = state_q == RESPONSE;
  assign byte_ready_o = state_q == ANSWER && kept_q && byte_valid_i;
  assign byte_error_o = error_q;
  assign byte_data_o = byte_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      kept_q <= 1'b0;
      address_q <= 1'b0;
      data_q <= 1'b0;
      error_q <= 1'b0;
    end else begin
      kept_q <= state_q == IDLE || (kept_q && byte_valid_i);
      case (state_q)
        IDLE: begin
          address_q <= 1'b0;
          data_q <= 1'b0;
          error_q <= byte_addr_i[63:LOG] != BASE[63:LOG];
          if (byte_valid_i) state_q <= byte_addr_i[63:LOG] != BASE[63:LOG] ? ANSWER : byte_write_i ? WRITE : READ_ADDRESS;
        end
        READ_ADDRESS: if (arready_i) state_q <= READ_DATA;
        READ_DATA: if (rvalid_i) state_q <= ANSWER;
        WRITE: begin
          address_q <= address_q || awready_i;
          data_q <= data_q || wready_i;
          if ((address_q || awready_i) && (data_q || wready_i)) state_q <= RESPONSE;
        end
        RESPONSE: if (bvalid_i) state_q <= ANSWER;
        default: state_q <= IDLE;
      endcase
    end
  end
  always_ff @(posedge clk_i) begin
    if (state_q == IDLE) begin
      at_q <= byte_addr_i[LOG-1:0];
      byte_q <= byte_data_i;
    end else if (state_q == READ_DATA) begin
      byte_q <= rdata_i[{at_q[2:0], 3'b000} +: 8];
    end
  end
endmodule
