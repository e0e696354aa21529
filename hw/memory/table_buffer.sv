// Table buffer: two slots, each the table chunk of one tile: three lane masks, multiplier and bias of every row, and
// the presets of one or 16 border classes. Filled in beats of 64 bits in the chunk's order
// (model/program/program.h); the masks stand on wires, the rest is read for RQ rows at a time, latency one clock.
module table_buffer #(
  parameter int ROWS = 8,
  parameter int LANES = 64,
  parameter int RQ = 4,
  parameter int MULT_BITS = 24
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,  // the next beat is a chunk's first
  input  logic               slot_i,
  input  logic               we_i,
  input  logic [63:0]        data_i,

  input  logic               rslot_i,
  output logic [3*LANES-1:0] masks_o,
  input  logic               re_i,
  // verilator lint_off UNUSEDSIGNAL
  // the sub-row is as wide as the most that ROWS / RQ can be:
  input  logic [5:0]         sub_i,    // rows sub*RQ .. sub*RQ + RQ-1
  // verilator lint_on UNUSEDSIGNAL
  input  logic [3:0]         class_i,
  output logic [RQ*MULT_BITS-1:0] multipliers_o,
  output logic [RQ*48-1:0]   biases_o,
  output logic [RQ*32-1:0]   presets_o
);
  localparam int MASK_BEATS = (LANES + 63) / 64;
  localparam int SUBS = ROWS / RQ;
  localparam int ROW_DEPTH = 2 * SUBS;
  localparam int PRESET_DEPTH = 2 * 16 * SUBS;
  localparam int RAW = $clog2(ROW_DEPTH);
  localparam int PAW = $clog2(PRESET_DEPTH);
  localparam int LW = (RQ > 1) ? $clog2(RQ) : 1;
  localparam int PW = (RQ > 2) ? $clog2(RQ / 2) : 1;

  // Write position: masks, then rows (multiplier beat, bias beat), then presets (two rows a beat).
  logic           in_masks_q, in_rows_q, bias_beat_q;
  logic [3:0]     mask_q;
  logic [RAW-1:0] row_addr_q;
  logic [LW-1:0]  row_lane_q;
  logic [PAW-1:0] preset_addr_q;
  logic [PW-1:0]  preset_pair_q;
  logic [MULT_BITS-1:0] multiplier_q;
  logic           fill_slot_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      in_masks_q <= 1'b1;
      in_rows_q <= 1'b0;
      bias_beat_q <= 1'b0;
      mask_q <= 4'd0;
      row_addr_q <= '0;
      row_lane_q <= '0;
      preset_addr_q <= '0;
      preset_pair_q <= '0;
      multiplier_q <= '0;
      fill_slot_q <= 1'b0;
    end else if (start_i) begin
      in_masks_q <= 1'b1;
      in_rows_q <= 1'b0;
      bias_beat_q <= 1'b0;
      mask_q <= 4'd0;
      row_addr_q <= slot_i ? RAW'(SUBS) : '0;
      row_lane_q <= '0;
      preset_addr_q <= slot_i ? PAW'(16 * SUBS) : '0;
      preset_pair_q <= '0;
      fill_slot_q <= slot_i;
    end else if (we_i) begin
      if (in_masks_q) begin
        mask_q <= mask_q + 4'd1;
        in_masks_q <= mask_q != 4'(3 * MASK_BEATS - 1);
        in_rows_q <= mask_q == 4'(3 * MASK_BEATS - 1);
      end else if (in_rows_q) begin
        bias_beat_q <= !bias_beat_q;
        if (!bias_beat_q) begin
          multiplier_q <= data_i[MULT_BITS-1:0];
        end else begin
          row_lane_q <= (row_lane_q == LW'(RQ - 1)) ? '0 : row_lane_q + 1'b1;
          if (row_lane_q == LW'(RQ - 1)) begin
            row_addr_q <= row_addr_q + 1'b1;
            in_rows_q <= row_addr_q != (fill_slot_q ? RAW'(2 * SUBS - 1) : RAW'(SUBS - 1));
          end
        end
      end else begin
        preset_pair_q <= (preset_pair_q == PW'(RQ / 2 - 1)) ? '0 : preset_pair_q + 1'b1;
        if (preset_pair_q == PW'(RQ / 2 - 1)) preset_addr_q <= preset_addr_q + 1'b1;
      end
    end
  end

  // verilator lint_off UNUSEDSIGNAL
  // a mask whose LANES are no multiple of 64 ends within a beat:
  logic [2*3*MASK_BEATS*64-1:0] mask_store;
  // verilator lint_on UNUSEDSIGNAL
  for (genvar g = 0; g < 2 * 3 * MASK_BEATS; g++) begin : g_mask
    logic [63:0] beat_q;
    always_ff @(posedge clk_i)
      if (we_i && in_masks_q && mask_q == 4'(g % (3 * MASK_BEATS)) && fill_slot_q == (g >= 3 * MASK_BEATS))
        beat_q <= data_i;
    assign mask_store[64*g +: 64] = beat_q;
  end
  for (genvar m = 0; m < 3; m++) begin : g_mask_out
    assign masks_o[LANES*m +: LANES] = rslot_i ? mask_store[64*MASK_BEATS*(m+3) +: LANES]
                                               : mask_store[64*MASK_BEATS*m +: LANES];
  end

  logic [RAW-1:0] row_raddr;
  logic [PAW-1:0] preset_raddr;
  assign row_raddr = (rslot_i ? RAW'(SUBS) : '0) + RAW'(sub_i);
  assign preset_raddr = (rslot_i ? PAW'(16 * SUBS) : '0) + PAW'(class_i) * PAW'(SUBS) + PAW'(sub_i);

  for (genvar i = 0; i < RQ; i++) begin : g_row
    logic [48+MULT_BITS-1:0] mem [0:ROW_DEPTH-1];
    logic [48+MULT_BITS-1:0] read_q;
    always_ff @(posedge clk_i) begin
      if (we_i && in_rows_q && !in_masks_q && bias_beat_q && row_lane_q == LW'(i))
        mem[row_addr_q] <= {data_i[47:0], multiplier_q};
      if (re_i) read_q <= mem[row_raddr];
    end
    assign multipliers_o[MULT_BITS*i +: MULT_BITS] = read_q[MULT_BITS-1:0];
    assign biases_o[48*i +: 48] = read_q[48+MULT_BITS-1:MULT_BITS];
  end

  for (genvar i = 0; i < RQ / 2; i++) begin : g_preset
    logic [63:0] mem [0:PRESET_DEPTH-1];
    logic [63:0] read_q;
    always_ff @(posedge clk_i) begin
      if (we_i && !in_rows_q && !in_masks_q && preset_pair_q == PW'(i)) mem[preset_addr_q] <= data_i;
      if (re_i) read_q <= mem[preset_raddr];
    end
    assign presets_o[64*i +: 64] = read_q;
  end
endmodule
