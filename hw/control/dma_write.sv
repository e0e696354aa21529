// Write DMA: one job at a time, a run of 8-byte beats to an aligned address, as bursts of up to 16 beats that never
// cross 4 KiB; the response of each burst is awaited before the next. After `abort_i` the burst under way is
// finished with no byte enabled, and the job ends.
`include "bitdial_assert.svh"
module dma_write (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        start_i,  // only while idle_o
  input  logic [63:0] addr_i,
  input  logic [bitdial_pkg::BEAT_W-1:0] beats_i,
  input  logic        abort_i,  // level
  output logic        idle_o,
  output logic        error_o,  // a response was SLVERR or DECERR
  output logic        done_o,   // with the job's last response

  input  logic        beat_valid_i,
  input  logic [63:0] beat_data_i,
  output logic        beat_ready_o,

  output logic [63:0] awaddr_o,
  output logic [7:0]  awlen_o,
  output logic        awvalid_o,
  input  logic        awready_i,
  output logic [63:0] wdata_o,
  output logic [7:0]  wstrb_o,
  output logic        wlast_o,
  output logic        wvalid_o,
  input  logic        wready_i,
  // verilator lint_off UNUSEDSIGNAL
  // bit 1 alone tells an error:
  input  logic [1:0]  bresp_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        bvalid_i,
  output logic        bready_o
);
  localparam int BW = bitdial_pkg::BEAT_W;
  typedef enum logic [1:0] {IDLE, ADDRESS, DATA, RESPONSE} state_e;
  state_e        state_q;
  logic [63:0]   addr_q;
  logic [BW-1:0] left_q;   // beats not yet sent
  logic [4:0]    burst_q;  // beats of this burst not yet sent
  logic [9:0]    to_boundary;
  logic [4:0]    burst;
  logic          drop_q;   // abort_i, from the end of a beat on: W signals hold until WREADY

  assign to_boundary = 10'd512 - {1'b0, addr_q[11:3]};
  always_comb begin
    burst = 5'd16;
    if (left_q < BW'(16)) burst = left_q[4:0];
    if (to_boundary < 10'(burst)) burst = to_boundary[4:0];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      addr_q <= 64'd0;
      left_q <= '0;
      burst_q <= 5'd0;
      drop_q <= 1'b0;
    end else begin
      if (!(wvalid_o && !wready_i)) drop_q <= abort_i;
      case (state_q)
        IDLE: if (start_i) begin
          state_q <= ADDRESS;
          addr_q <= addr_i;
          left_q <= beats_i;
        end
        ADDRESS: if (awready_i) begin
          state_q <= DATA;
          burst_q <= burst;
          addr_q <= addr_q + {56'd0, burst, 3'd0};
          left_q <= left_q - BW'(burst);
        end
        DATA: if (wvalid_o && wready_i) begin
          burst_q <= burst_q - 5'd1;
          if (wlast_o) state_q <= RESPONSE;
        end
        RESPONSE: if (bvalid_i) state_q <= (left_q == '0 || abort_i) ? IDLE : ADDRESS;
      endcase
    end
  end

  // AWVALID must not fall once raised, so an abort in ADDRESS goes on to an empty burst.
  assign awvalid_o = state_q == ADDRESS;
  assign awaddr_o = addr_q;
  assign awlen_o = 8'(burst) - 8'd1;
  assign wvalid_o = state_q == DATA && (beat_valid_i || drop_q);
  assign wdata_o = beat_data_i;
  assign wstrb_o = drop_q ? 8'h00 : 8'hff;
  assign wlast_o = burst_q == 5'd1;
  assign bready_o = state_q == RESPONSE;
  assign beat_ready_o = state_q == DATA && wready_i;
  assign idle_o = state_q == IDLE;
  assign error_o = state_q == RESPONSE && bvalid_i && bresp_i[1];
  assign done_o = state_q == RESPONSE && bvalid_i && left_q == '0;

  `BD_ASSERT(write_start_idle, !(start_i && !idle_o), "a job starts over another, whose beats are lost")
  `BD_ASSERT(write_aligned, !(start_i && addr_i[2:0] != 3'd0), "an unaligned job writes the wrong bytes")
endmodule
