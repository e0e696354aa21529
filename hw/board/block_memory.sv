// Memory on the chip behind the accelerator's AXI4 master and beside the serial bridge: BYTES of block RAM from BASE on, in
// eight lanes of a byte, with one port that reads and one that writes.
//
//   AR ─► four bursts ─► issue ─► address ─► block RAM ─► word ─► kept ─► R
//   AW, W ─► write register ─► block RAM            bridge: a byte, in clocks that the accelerator leaves
//
// Its timing is that of hw/README.md with latency 6, beat interval 1, outstanding 4: the first beat six clocks after its
// address, every other one the clock after the beat before, BVALID six clocks after the last W beat. What the bridge does
// changes none of it. An address outside answers DECERR. Bursts are those of bitdial_top: whole words, INCR, within 4 KiB.
`include "bitdial_assert.svh"
module block_memory #(
  parameter logic [63:0] BASE = 64'h100000000,  // a multiple of BYTES
  parameter int BYTES = 262144,                 // a power of two
  parameter int ID_WIDTH = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic [ID_WIDTH-1:0] arid_i,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [63:0] araddr_i,  // bits 2:0 choose nothing
  // verilator lint_on UNUSEDSIGNAL
  input  logic [7:0]  arlen_i,
  input  logic        arvalid_i,
  output logic        arready_o,
  output logic [ID_WIDTH-1:0] rid_o,
  output logic [63:0] rdata_o,
  output logic [1:0]  rresp_o,
  output logic        rlast_o,
  output logic        rvalid_o,
  input  logic        rready_i,
  input  logic [ID_WIDTH-1:0] awid_i,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [63:0] awaddr_i,  // bits 2:0 choose nothing
  // verilator lint_on UNUSEDSIGNAL
  input  logic        awvalid_i,
  output logic        awready_o,
  input  logic [63:0] wdata_i,
  input  logic [7:0]  wstrb_i,
  input  logic        wlast_i,
  input  logic        wvalid_i,
  output logic        wready_o,
  output logic [ID_WIDTH-1:0] bid_o,
  output logic [1:0]  bresp_o,
  output logic        bvalid_o,
  input  logic        bready_i,

  input  logic        byte_valid_i,  // stays until byte_ready_o
  input  logic        byte_write_i,
  input  logic [63:0] byte_addr_i,
  input  logic [7:0]  byte_data_i,
  output logic        byte_ready_o,
  output logic [7:0]  byte_data_o,   // with byte_ready_o
  output logic        byte_error_o   // with byte_ready_o: there is no such byte
);
  localparam int LOG = $clog2(BYTES);
  localparam int AW = LOG - 3;
  localparam int KEPT = 16;  // beats on their way or waiting: more than the six clocks of a beat
  localparam logic [1:0] OKAY = 2'b00, DECERR = 2'b11;

  // --- reads: four bursts wait, the oldest is issued word by word ----------------------------------------------------
  localparam int TW = ID_WIDTH + 1;    // ID, whether outside
  localparam int BW = TW + AW + 8;     // ... next word, beats left after it
  logic [4*BW-1:0] bursts_q;
  logic [TW-1:0]   tag;                // of the oldest
  logic [AW-1:0]   word;
  logic [7:0]      left;
  logic [1:0]      put_q, get_q;
  logic [2:0]      waiting_q, open_q;  // bursts not issued whole; bursts whose last beat was not taken
  logic [4:0]      room_q;             // beats that may be issued
  logic            issue, issue_last, take, beat_taken;
  always_comb begin
    {tag, word, left} = bursts_q[0 +: BW];
    for (int i = 1; i < 4; i++) if (get_q == 2'(i)) {tag, word, left} = bursts_q[BW*i +: BW];
  end
  assign arready_o = open_q < 3'd4;
  assign take = arvalid_i && arready_o;
  assign issue = waiting_q != 3'd0 && room_q != 5'd0;
  assign issue_last = left == 8'd0;
  assign beat_taken = rvalid_o && rready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      put_q <= 2'd0;
      get_q <= 2'd0;
      waiting_q <= 3'd0;
      open_q <= 3'd0;
      room_q <= 5'(KEPT);
    end else begin
      put_q <= put_q + 2'(take);
      get_q <= get_q + 2'(issue && issue_last);
      waiting_q <= waiting_q + 3'(take) - 3'(issue && issue_last);
      open_q <= open_q + 3'(take) - 3'(beat_taken && rlast_o);
      room_q <= room_q + 5'(beat_taken) - 5'(issue);
    end
  end
  always_ff @(posedge clk_i) begin
    for (int i = 0; i < 4; i++) begin
      if (take && put_q == 2'(i))
        bursts_q[BW*i +: BW] <= {arid_i, araddr_i[63:LOG] != BASE[63:LOG], araddr_i[LOG-1:3], arlen_i};
      else if (issue && get_q == 2'(i))
        bursts_q[BW*i +: AW+8] <= {word + 1'b1, left - 8'd1};
    end
  end

  // --- the bridge: a byte at a time --------------------------------------------------------------------------------
  logic        byte_outside, byte_asks, byte_read, byte_write, byte_busy_q, byte_done_q, word_beat;
  logic        byte3_q;  // the byte's word is there
  logic [63:0] word_q;
  assign byte_outside = byte_addr_i[63:LOG] != BASE[63:LOG];
  assign byte_asks = byte_valid_i && !byte_busy_q;
  assign byte_read = byte_asks && !byte_outside && !byte_write_i && !issue;
  assign byte_write = byte_asks && !byte_outside && byte_write_i && !word_beat;
  assign byte_ready_o = byte_done_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      byte_busy_q <= 1'b0;
      byte_done_q <= 1'b0;
    end else begin
      byte_done_q <= (byte_asks && byte_outside) || byte_write || (byte3_q && byte_valid_i);
      if (byte_done_q || !byte_valid_i) byte_busy_q <= 1'b0;
      else if ((byte_asks && byte_outside) || byte_write || byte_read) byte_busy_q <= 1'b1;
    end
  end
  always_ff @(posedge clk_i) begin
    byte_error_o <= byte_outside;
    byte_data_o <= word_q[{byte_addr_i[2:0], 3'b000} +: 8];
  end

  // --- write register ------------------------------------------------------------------------------------------------
  typedef enum logic [1:0] {IDLE, DATA, RESPONSE} write_e;
  write_e              write_q;
  logic [AW-1:0]       write_word_q, at_q;
  logic                write_outside_q;
  logic [2:0]          response_q;  // clocks since the last beat
  logic [7:0]          we_q;
  logic [63:0]         data_q;
  assign awready_o = write_q == IDLE;
  assign wready_o = write_q == DATA;
  assign word_beat = wvalid_i && wready_o;
  assign bvalid_o = write_q == RESPONSE && response_q == 3'd5;
  assign bresp_o = write_outside_q ? DECERR : OKAY;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= IDLE;
      response_q <= 3'd0;
      we_q <= 8'd0;
    end else begin
      response_q <= (write_q == RESPONSE && response_q != 3'd5) ? response_q + 3'd1 : (write_q == RESPONSE ? response_q : 3'd0);
      case (write_q)
        IDLE: if (awvalid_i) write_q <= DATA;
        DATA: if (wvalid_i && wlast_i) write_q <= RESPONSE;
        default: if (bvalid_o && bready_i) write_q <= IDLE;
      endcase
      we_q <= word_beat ? (write_outside_q ? 8'd0 : wstrb_i) : byte_write ? 8'd1 << byte_addr_i[2:0] : 8'd0;
    end
  end
  always_ff @(posedge clk_i) begin
    if (awvalid_i && awready_o) begin
      bid_o <= awid_i;
      write_word_q <= awaddr_i[LOG-1:3];
      write_outside_q <= awaddr_i[63:LOG] != BASE[63:LOG];
    end else if (word_beat) begin
      write_word_q <= write_word_q + 1'b1;
    end
    at_q <= word_beat ? write_word_q : byte_addr_i[LOG-1:3];
    data_q <= word_beat ? wdata_i : {8{byte_data_i}};
  end

  // --- block RAM -----------------------------------------------------------------------------------------------------
  logic [AW-1:0] read_q;
  logic [63:0]   ram_q;
  always_ff @(posedge clk_i) begin
    read_q <= issue ? word : byte_addr_i[LOG-1:3];
    word_q <= ram_q;
  end
  for (genvar b = 0; b < 8; b++) begin : g_lane
    logic [7:0] lane[BYTES/8];
    always_ff @(posedge clk_i) begin
      ram_q[8*b +: 8] <= lane[read_q];
      if (we_q[b]) lane[at_q] <= data_q[8*b +: 8];
    end
  end

  // --- beats in their order, and what the bridge waits for -----------------------------------------------------------
  logic [TW:0] tag1_q, tag2_q, tag3_q;  // ID, whether outside, whether the last of its burst
  logic        beat1_q, beat2_q, beat3_q, byte1_q, byte2_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {beat1_q, beat2_q, beat3_q} <= 3'd0;
      {byte1_q, byte2_q, byte3_q} <= 3'd0;
    end else begin
      {beat1_q, beat2_q, beat3_q} <= {issue, beat1_q, beat2_q};
      {byte1_q, byte2_q, byte3_q} <= {byte_read, byte1_q && byte_valid_i, byte2_q && byte_valid_i};
    end
  end
  always_ff @(posedge clk_i) begin
    tag1_q <= {tag, issue_last};
    {tag2_q, tag3_q} <= {tag1_q, tag2_q};
  end

  logic [TW+64:0] kept[KEPT];
  logic [3:0]     in_q, out_q;
  logic           show, outside_q;
  assign show = in_q != out_q && (!rvalid_o || rready_i);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      in_q <= 4'd0;
      out_q <= 4'd0;
      rvalid_o <= 1'b0;
    end else begin
      in_q <= in_q + 4'(beat3_q);
      out_q <= out_q + 4'(show);
      rvalid_o <= show || (rvalid_o && !rready_i);
    end
  end
  always_ff @(posedge clk_i) begin
    if (beat3_q) kept[in_q] <= {tag3_q, word_q};
    if (show) {rid_o, outside_q, rlast_o, rdata_o} <= kept[out_q];
  end
  assign rresp_o = outside_q ? DECERR : OKAY;

  `BD_ASSERT(block_memory_kept, !(beat3_q && in_q + 4'd1 == out_q), "a beat is lost: nothing keeps it")
  `BD_ASSERT(block_memory_inside_burst, !(take && 32'(araddr_i[11:3]) + 32'(arlen_i) >= 512), "a burst crosses 4 KiB")
endmodule
