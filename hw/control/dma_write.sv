// Write DMA: one job at a time, a run of 8-byte beats to an aligned address, as bursts of up to 16 beats that never
// cross 4 KiB; the response of each burst is awaited before the next. After `abort_i` the burst under way is
// finished with no byte enabled, however long that takes, and the job ends; until then the block is not idle. Responses
// of another ID are answers to transfers from before a reset: they are taken and dropped at any time.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module dma_write #(
  parameter int ID_WIDTH = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        start_i,  // only while idle_o
  input  logic [63:0] addr_i,
  input  logic [bitdial_pkg::BEAT_W-1:0] beats_i,
  input  logic        abort_i,
  output logic        idle_o,
  output logic        error_o,  // a response to the job was SLVERR or DECERR
  output logic        progress_o,  // a transfer has happened
  output logic        done_o,   // with the job's last response

  input  logic        beat_valid_i,
  input  logic [63:0] beat_data_i,
  output logic        beat_ready_o,

  input  logic [ID_WIDTH-1:0] id_i,
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
  // verilator lint_off UNUSEDSIGNAL
  // bit 1 alone tells an error:
  input  logic [1:0]  bresp_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        bvalid_i,
  output logic        bready_o
);
  localparam int BW = bitdial_pkg::BEAT_W;
  typedef enum logic [2:0] {IDLE, FORM, ADDRESS, DATA, RESPONSE} state_e;
  state_e        state_q;
  logic [63:0]   addr_q;
  logic [BW-1:0] left_q;   // beats not yet sent
  logic [4:0]    burst_q;  // beats of this burst not yet sent
  logic [9:0]    to_boundary;
  logic [4:0]    burst, next_q;  // beats of the next burst, worked out while none of it is asked for
  logic          dropped_q;  // the job was aborted
  logic          empty_q;  // the same, from the end of a beat on: W signals hold until WREADY
  logic          drop, ours;

  assign drop = abort_i || dropped_q;
  assign ours = bid_i == id_i;

  assign to_boundary = 10'd512 - {1'b0, addr_q[11:3]};
  always_comb begin
    burst = 5'd16;
    if (left_q[BW-1:4] == '0) burst = {1'b0, left_q[3:0]};
    if (to_boundary < 10'(burst)) burst = to_boundary[4:0];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      addr_q <= 64'd0;
      left_q <= '0;
      burst_q <= 5'd0;
      next_q <= 5'd0;
      dropped_q <= 1'b0;
      empty_q <= 1'b0;
    end else begin
      dropped_q <= drop && state_q != IDLE;
      if (!(wvalid_o && !wready_i)) empty_q <= drop;
      case (state_q)
        IDLE: if (start_i) begin
          state_q <= FORM;
          addr_q <= addr_i;
          left_q <= beats_i;
        end
        FORM: state_q <= drop ? IDLE : ADDRESS;
        ADDRESS: if (awready_i) begin
          state_q <= DATA;
          burst_q <= next_q;
          addr_q <= addr_q + {56'd0, next_q, 3'd0};
          left_q <= left_q - BW'(next_q);
        end
        DATA: if (wvalid_o && wready_i) begin
          burst_q <= burst_q - 5'd1;
          if (wlast_o) state_q <= RESPONSE;
        end
        RESPONSE: if (bvalid_i && ours) begin
          state_q <= (left_q == '0 || drop) ? IDLE : ADDRESS;
          dropped_q <= 1'b0;
        end
        default: state_q <= IDLE;
      endcase
      if (state_q == FORM && drop) dropped_q <= 1'b0;
      if (state_q != ADDRESS) next_q <= burst;
    end
  end

  // AWVALID must not fall once raised, so an abort in ADDRESS goes on to an empty burst.
  assign awvalid_o = state_q == ADDRESS;
  assign awaddr_o = addr_q;
  assign awlen_o = 8'(next_q) - 8'd1;
  assign wvalid_o = state_q == DATA && (beat_valid_i || empty_q);
  assign wdata_o = beat_data_i;
  assign wstrb_o = (empty_q || (`BD_FAULT(12) && wlast_o)) ? 8'h00 : 8'hff;
  assign wlast_o = burst_q == 5'd1;
  assign bready_o = state_q == RESPONSE || !ours;
  assign beat_ready_o = state_q == DATA && wready_i;
  assign idle_o = state_q == IDLE;
  assign error_o = state_q == RESPONSE && bvalid_i && ours && !drop && bresp_i[1];
  assign done_o = state_q == RESPONSE && bvalid_i && ours && !drop && left_q == '0;
  assign progress_o = (awvalid_o && awready_i) || (wvalid_o && wready_i) || (state_q == RESPONSE && bvalid_i && ours);

  `BD_ASSERT(write_start_idle, !(start_i && !idle_o), "a job starts over another, whose beats are lost")
  `BD_ASSERT(write_aligned, !(start_i && addr_i[2:0] != 3'd0), "an unaligned job writes the wrong bytes")
endmodule
