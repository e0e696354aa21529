// Read DMA: one job at a time, a run of 8-byte beats from an aligned address, as bursts of up to 16 beats that never
// cross 4 KiB, four of them open at once. Beats leave in order. `abort_i` ends a job: no further burst is asked for, and
// the beats under way are taken and dropped, however late they come; until then the block is not idle. Beats of another
// ID are answers to transfers from before a reset: they are taken and dropped at any time.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module dma_read #(
  parameter int ID_WIDTH = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        start_i,   // only while idle_o
  input  logic [63:0] addr_i,
  input  logic [bitdial_pkg::BEAT_W-1:0] beats_i,
  input  logic        abort_i,
  output logic        idle_o,
  output logic        error_o,   // a beat of the job came with SLVERR or DECERR
  output logic        progress_o,  // a transfer that was wanted has happened

  output logic        beat_valid_o,
  output logic [63:0] beat_data_o,
  output logic        beat_last_o,  // the job's last
  input  logic        beat_ready_i,

  input  logic [ID_WIDTH-1:0] id_i,
  output logic [63:0] araddr_o,
  output logic [7:0]  arlen_o,
  output logic        arvalid_o,
  input  logic        arready_i,
  input  logic [ID_WIDTH-1:0] rid_i,
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
  // The next burst's address: its page, to which a page is added a clock after the last one reached that page's end, and
  // the beat within it.
  logic [51:0]   page_q;
  logic          cross_q;
  logic [8:0]    place_q;
  logic [63:0]   next_addr;
  logic [BW-1:0] ask_q;      // beats not yet asked for
  logic [BW-1:0] expect_q;   // beats not yet received
  logic [2:0]    open_q;     // bursts presented and not finished
  logic          active_q;
  logic          dropped_q;  // the job was aborted

  // Beats of the next burst: up to 16, to the end of the job, to the next 4 KiB boundary. Both that a long job has and
  // that a short one has are worked out beside what tells which it is.
  logic [3:0] to_boundary;
  logic [4:0] burst, burst_long, burst_short;
  logic       near;  // the boundary is less than 16 beats away
  logic       drop, ours, present, beat, burst_end;
  assign next_addr = {page_q + 52'(cross_q), place_q, 3'd0};
  assign to_boundary = 4'd0 - place_q[3:0] + 4'(`BD_FAULT(11));
  assign near = &place_q[8:4] && to_boundary != 4'd0;
  assign burst_long = near ? {1'b0, to_boundary} : 5'd16;
  assign burst_short = {1'b0, (near && to_boundary < ask_q[3:0]) ? to_boundary : ask_q[3:0]};
  assign burst = (ask_q[BW-1:4] != '0) ? burst_long : burst_short;
  assign drop = abort_i || dropped_q;
  assign ours = rid_i == id_i && open_q != 3'd0;
  assign present = active_q && !drop && ask_q != '0 && open_q < 3'd4 && (!arvalid_o || arready_i);
  assign beat = rvalid_i && rready_o && ours;
  assign burst_end = beat && rlast_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      dropped_q <= 1'b0;
      arvalid_o <= 1'b0;
      araddr_o <= 64'd0;
      arlen_o <= 8'd0;
      page_q <= 52'd0;
      cross_q <= 1'b0;
      place_q <= 9'd0;
      ask_q <= '0;
      expect_q <= '0;
      open_q <= 3'd0;
    end else begin
      if (arready_i) arvalid_o <= 1'b0;
      page_q <= next_addr[63:12];
      cross_q <= 1'b0;
      if (start_i) begin
        active_q <= 1'b1;
        {page_q, place_q} <= addr_i[63:3];
        ask_q <= beats_i;
        expect_q <= beats_i;
      end else if (present) begin
        arvalid_o <= 1'b1;
        araddr_o <= next_addr;
        arlen_o <= 8'(burst) - 8'd1;
        {cross_q, place_q} <= {1'b0, place_q} + 10'(burst);
        ask_q <= ask_q - BW'(burst);
      end
      open_q <= open_q + 3'(present) - 3'(burst_end);
      if (beat) expect_q <= expect_q - BW'(1);
      if (active_q) dropped_q <= drop;
      if (active_q && (drop ? open_q == 3'd0 : beat && expect_q == BW'(1))) begin
        active_q <= 1'b0;
        dropped_q <= 1'b0;
      end
    end
  end

  assign idle_o = !active_q;
  assign beat_valid_o = rvalid_i && ours && !drop;
  assign beat_data_o = rdata_i;
  assign beat_last_o = expect_q == BW'(1);
  assign rready_o = beat_ready_i || drop || !ours;
  assign error_o = beat && !drop && rresp_i[1];
  assign progress_o = beat || (arvalid_o && arready_i);

  `BD_ASSERT(read_start_idle, !(start_i && active_q), "a job starts over another, whose beats are lost")
  `BD_ASSERT(read_aligned, !(start_i && addr_i[2:0] != 3'd0), "an unaligned job reads the wrong bytes")
  `BD_ASSERT(read_last_in_burst, drop || !(beat && expect_q == BW'(1) && !rlast_i),
             "the memory sends more beats than were asked for")
endmodule
