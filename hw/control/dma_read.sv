// Read DMA: one job at a time, a run of 8-byte beats from an aligned address, as bursts of up to 16 beats that never
// cross 4 KiB, four of them open at once. Beats leave in order. `abort_i` ends a job: no further burst is asked for,
// and the beats under way are taken and dropped.
`include "bitdial_assert.svh"
module dma_read (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        start_i,   // only while idle_o
  input  logic [63:0] addr_i,
  input  logic [bitdial_pkg::BEAT_W-1:0] beats_i,
  input  logic        abort_i,   // level
  output logic        idle_o,
  output logic        error_o,   // a beat came with SLVERR or DECERR

  output logic        beat_valid_o,
  output logic [63:0] beat_data_o,
  output logic        beat_last_o,  // the job's last
  input  logic        beat_ready_i,

  output logic [63:0] araddr_o,
  output logic [7:0]  arlen_o,
  output logic        arvalid_o,
  input  logic        arready_i,
  input  logic [63:0] rdata_i,
  // verilator lint_off UNUSEDSIGNAL
  // bit 1 alone tells an error:
  input  logic [1:0]  rresp_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        rlast_i,
  input  logic        rvalid_i,
  output logic        rready_o
);
  localparam int BW = bitdial_pkg::BEAT_W;
  logic [63:0]   next_addr_q;
  logic [BW-1:0] ask_q;      // beats not yet asked for
  logic [BW-1:0] expect_q;   // beats not yet received
  logic [2:0]    open_q;     // bursts presented and not finished
  logic          active_q;

  // Beats of the next burst: up to 16, to the end of the job, to the next 4 KiB boundary.
  logic [9:0] to_boundary;
  logic [4:0] burst;
  logic       present, beat, burst_end;
  assign to_boundary = 10'd512 - {1'b0, next_addr_q[11:3]};
  always_comb begin
    burst = 5'd16;
    if (ask_q < BW'(16)) burst = ask_q[4:0];
    if (to_boundary < 10'(burst)) burst = to_boundary[4:0];
  end
  assign present = active_q && !abort_i && ask_q != '0 && open_q < 3'd4 && (!arvalid_o || arready_i);
  assign beat = rvalid_i && rready_o;
  assign burst_end = beat && rlast_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      arvalid_o <= 1'b0;
      araddr_o <= 64'd0;
      arlen_o <= 8'd0;
      next_addr_q <= 64'd0;
      ask_q <= '0;
      expect_q <= '0;
      open_q <= 3'd0;
    end else begin
      if (arready_i) arvalid_o <= 1'b0;
      if (start_i) begin
        active_q <= 1'b1;
        next_addr_q <= addr_i;
        ask_q <= beats_i;
        expect_q <= beats_i;
      end else if (present) begin
        arvalid_o <= 1'b1;
        araddr_o <= next_addr_q;
        arlen_o <= 8'(burst) - 8'd1;
        next_addr_q <= next_addr_q + {56'd0, burst, 3'd0};
        ask_q <= ask_q - BW'(burst);
      end
      open_q <= open_q + 3'(present) - 3'(burst_end);
      if (beat) expect_q <= expect_q - BW'(1);
      if (abort_i ? (open_q == 3'd0) : (beat && expect_q == BW'(1))) active_q <= 1'b0;
    end
  end

  assign idle_o = !active_q;
  assign beat_valid_o = rvalid_i && !abort_i;
  assign beat_data_o = rdata_i;
  assign beat_last_o = expect_q == BW'(1);
  assign rready_o = active_q && (beat_ready_i || abort_i);
  assign error_o = beat && rresp_i[1];

  `BD_ASSERT(read_start_idle, !(start_i && active_q), "a job starts over another, whose beats are lost")
  `BD_ASSERT(read_aligned, !(start_i && addr_i[2:0] != 3'd0), "an unaligned job reads the wrong bytes")
  `BD_ASSERT(read_last_in_burst, abort_i || !(beat && expect_q == BW'(1) && !rlast_i),
             "the memory sends more beats than were asked for")
endmodule
