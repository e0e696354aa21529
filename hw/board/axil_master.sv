// One AXI4-Lite access at a time, each told to be over after ACCESS_CLOCKS at the latest. What the other side still owes
// then is waited for before the next access, which ends in time too if that never comes.
module axil_master #(
  parameter int ACCESS_CLOCKS = 1024
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,    // one clock, when the access before has ended
  input  logic        write_i,
  input  logic [31:0] addr_i,
  input  logic [31:0] data_i,
  output logic        done_o,     // one clock
  output logic        error_o,    // with done_o: refused by the other side
  output logic        timeout_o,  // with done_o: no answer
  output logic [31:0] data_o,

  output logic [31:0] awaddr_o,
  output logic        awvalid_o,
  input  logic        awready_i,
  output logic [31:0] wdata_o,
  output logic [3:0]  wstrb_o,
  output logic        wvalid_o,
  input  logic        wready_i,
  // verilator lint_off UNUSEDSIGNAL
  // which kind of error it is says nothing more:
  input  logic [1:0]  bresp_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        bvalid_i,
  output logic        bready_o,
  output logic [31:0] araddr_o,
  output logic        arvalid_o,
  input  logic        arready_i,
  input  logic [31:0] rdata_i,
  // verilator lint_off UNUSEDSIGNAL
  // which kind of error it is says nothing more:
  input  logic [1:0]  rresp_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        rvalid_i,
  output logic        rready_o
);
  localparam int CW = $clog2(ACCESS_CLOCKS + 1);
  logic          asked_q;              // an access that was asked for has not been told to be over
  logic          open_q;               // the bus owes an answer
  logic          write_q, aw_q, w_q, ar_q;
  logic          next_q, next_write_q; // an access that waits for the bus
  logic [31:0]   addr_q, data_q, next_addr_q, next_data_q, read_q;
  logic [CW-1:0] clocks_q;
  logic          done_q, error_q, timeout_q;
  logic          ended;

  assign ended = open_q && (write_q ? bvalid_i : rvalid_i);
  assign awaddr_o = addr_q;
  assign awvalid_o = aw_q;
  assign wdata_o = data_q;
  assign wstrb_o = '1;
  assign wvalid_o = w_q;
  assign bready_o = open_q && write_q;
  assign araddr_o = addr_q;
  assign arvalid_o = ar_q;
  assign rready_o = open_q && !write_q;
  assign done_o = done_q;
  assign error_o = error_q;
  assign timeout_o = timeout_q;
  assign data_o = read_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      asked_q <= 1'b0;
      open_q <= 1'b0;
      write_q <= 1'b0;
      aw_q <= 1'b0;
      w_q <= 1'b0;
      ar_q <= 1'b0;
      next_q <= 1'b0;
      next_write_q <= 1'b0;
      addr_q <= '0;
      data_q <= '0;
      next_addr_q <= '0;
      next_data_q <= '0;
      read_q <= '0;
      clocks_q <= '0;
      done_q <= 1'b0;
      error_q <= 1'b0;
      timeout_q <= 1'b0;
    end else begin
      done_q <= 1'b0;
      if (awready_i) aw_q <= 1'b0;
      if (wready_i) w_q <= 1'b0;
      if (arready_i) ar_q <= 1'b0;
      if (start_i) begin
        asked_q <= 1'b1;
        next_q <= 1'b1;
        next_write_q <= write_i;
        next_addr_q <= addr_i;
        next_data_q <= data_i;
        clocks_q <= '0;
      end else if (asked_q) begin
        clocks_q <= clocks_q + 1'b1;
        if (clocks_q == CW'(ACCESS_CLOCKS)) begin
          asked_q <= 1'b0;
          next_q <= 1'b0;
          done_q <= 1'b1;
          error_q <= 1'b0;
          timeout_q <= 1'b1;
        end else if (next_q && !open_q) begin
          next_q <= 1'b0;
          open_q <= 1'b1;
          write_q <= next_write_q;
          addr_q <= next_addr_q;
          data_q <= next_data_q;
          aw_q <= next_write_q;
          w_q <= next_write_q;
          ar_q <= !next_write_q;
        end
      end
      if (ended) begin
        open_q <= 1'b0;
        read_q <= rdata_i;
        if (asked_q && !next_q) begin  // else it is the answer to an access that was given up
          asked_q <= 1'b0;
          done_q <= 1'b1;
          error_q <= write_q ? bresp_i[1] : rresp_i[1];
          timeout_q <= 1'b0;
        end
      end
    end
  end
endmodule
