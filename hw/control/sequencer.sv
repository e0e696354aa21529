// The compute side of a frame: layers, their tiles, their output pixels at the descriptor's fixed interval, a fixed
// drain after each tile, store passes, the result. It takes frames from the doorbell queue one at a time, and every
// frame starts from the same state. README.md, section Timing, counts the clocks of each state.
`include "bitdial_assert.svh"
module sequencer #(
  parameter int ROWS = 8,
  parameter int LANES = 64,
  parameter int RQ = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        frame_valid_i,
  input  bitdial_pkg::frame_t frame_i,
  output logic        frame_pop_o,
  output bitdial_pkg::frame_t frame_o,       // the frame that runs
  output logic        busy_o,
  output logic        done_o,                // one clock
  output logic        error_o,               // one clock: a frame was aborted, or an abort found the bus dead
  output logic [3:0]  error_code_o,
  output logic [7:0]  error_layer_o,

  output logic        loader_start_o,
  output logic        abort_o,               // level: stop, end bus transfers, drop the rest
  input  logic        soft_reset_i,
  input  logic        bus_error_i,
  input  logic        bad_descriptor_i,
  input  logic [7:0]  loader_layer_i,
  input  logic        bus_idle_i,
  output logic        waiting_o,             // the frame comes on only by what others do, or by a pixel that starts
  input  logic        watchdog_i,            // ... which has taken too long
  output logic        aborting_o,
  input  logic        dead_i,                // ... for too long: the bus does not end its transfers

  input  logic [1:0]  layer_ready_i,
  input  logic [1:0]  tile_ready_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,  // of slot layer_slot_o
  // verilator lint_on UNUSEDSIGNAL
  output logic        layer_slot_o,
  output logic        tile_slot_o,
  output logic        layer_done_o,
  output logic        tile_done_o,
  input  logic        image_done_i,          // one clock

  output logic        setup_o,               // begin of a tile
  output logic        pixel_start_o,
  output logic        row_end_o,
  output logic [8:0]  group_lane_o,          // row group's first lane in the output word,
  output logic [7:0]  group_word_o,          // its word of the pixel,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] tile_offset_o,  // and its word of a residual pixel
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] pixel_step_o,   // words of a residual pixel

  output logic        store_start_o,         // to the store unit
  output logic        write_start_o,         // to the write DMA
  output logic        store_codes_o,         // the pass reads codes, not residual words
  output logic        store_result_o,        // ... and writes to the frame's output address
  input  logic        write_done_i,

  output logic [4:0]  state_kind_o           // compute, weight, input, output stall, overhead: one hot while a frame runs
);
  localparam int SUBS = ROWS / RQ;
  localparam int DRAIN = SUBS + 16;
  localparam int PREFILL = 4;  // clocks that the store unit leads the write DMA
  typedef enum logic [3:0] {IDLE, START, LAYER, IMAGE, TILE, SETUP, RUN, DRAINING, TILE_END, STORE, STORING, LAYER_END,
                            DONE, ABORT} state_e;
  typedef enum logic [1:0] {CODES, STREAM, RESULT, NONE} pass_e;
  state_e state_q;
  pass_e  pass_q, first_pass, next_pass;
  bitdial_pkg::frame_t frame_q;
  logic [23:0] clock_q;   // of the pixel's interval
  logic [bitdial_descriptor_pkg::SIDE_W-1:0]  x_q, y_q;
  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] group_q;
  logic [6:0]  wait_q;    // of the drain, or the prefill
  logic        layer_slot_q, tile_slot_q, image_ready_q;
  logic [7:0]  layer_q;
  logic [3:0]  error_code_q;
  logic [7:0]  error_layer_q;
  logic        silent_q;  // aborted by a soft reset: no interrupt

  logic interval_end, row_end, map_end, tiles_end, strike, drained, dead;
  assign interval_end = clock_q == descriptor_i.initiation_interval - 24'd1;
  assign row_end = x_q == descriptor_i.out_width - 1'b1;
  assign map_end = row_end && y_q == descriptor_i.out_height - 1'b1;
  assign tiles_end = group_q == descriptor_i.row_groups - 1'b1;
  assign strike = busy_o && state_q != ABORT &&
                  (soft_reset_i || bus_error_i || bad_descriptor_i || watchdog_i);
  assign drained = state_q == ABORT && wait_q == 7'd0 && bus_idle_i;
  assign dead = state_q == ABORT && dead_i && !drained;

  // Store passes of a layer in order, each where it is wanted.
  logic want_codes, want_stream, want_result;
  assign want_codes = frame_q.store_enable && descriptor_i.store_codes;
  assign want_stream = frame_q.store_enable && descriptor_i.store_stream;
  assign want_result = descriptor_i.result;
  always_comb begin
    next_pass = NONE;
    if (want_result && pass_q != RESULT) next_pass = RESULT;
    if (want_stream && pass_q == CODES) next_pass = STREAM;
    first_pass = want_codes ? CODES : want_stream ? STREAM : want_result ? RESULT : NONE;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      pass_q <= NONE;
      frame_q <= '0;
      clock_q <= 24'd0;
      x_q <= '0;
      y_q <= '0;
      group_q <= '0;
      wait_q <= 7'd0;
      layer_slot_q <= 1'b0;
      tile_slot_q <= 1'b0;
      image_ready_q <= 1'b0;
      layer_q <= 8'd0;
      error_code_q <= 4'd0;
      error_layer_q <= 8'd0;
      silent_q <= 1'b0;
    end else begin
      if (image_done_i) image_ready_q <= 1'b1;
      case (state_q)
        IDLE: if (frame_pop_o) begin
          state_q <= START;
          frame_q <= frame_i;
        end
        START: begin  // transfers of a frame that was aborted on a dead bus may still be open
          if (bus_idle_i) state_q <= LAYER;
          layer_slot_q <= 1'b0;
          tile_slot_q <= 1'b0;
          image_ready_q <= 1'b0;
          layer_q <= 8'd0;
        end
        LAYER: begin
          group_q <= '0;
          if (layer_ready_i[layer_slot_q]) state_q <= descriptor_i.load_input ? IMAGE : TILE;
        end
        IMAGE: if (image_ready_q) state_q <= TILE;
        TILE: if (tile_ready_i[tile_slot_q]) state_q <= SETUP;
        SETUP: begin
          state_q <= RUN;
          clock_q <= 24'd0;
          x_q <= '0;
          y_q <= '0;
        end
        RUN: begin
          clock_q <= interval_end ? 24'd0 : clock_q + 24'd1;
          wait_q <= 7'(DRAIN - 1);
          if (interval_end) begin
            x_q <= row_end ? '0 : x_q + 1'b1;
            if (row_end) y_q <= y_q + 1'b1;
            if (map_end) state_q <= DRAINING;
          end
        end
        DRAINING: begin
          wait_q <= wait_q - 7'd1;
          if (wait_q == 7'd0) state_q <= TILE_END;
        end
        TILE_END: begin
          tile_slot_q <= !tile_slot_q;
          group_q <= group_q + 1'b1;
          pass_q <= first_pass;
          wait_q <= 7'(PREFILL - 1);
          state_q <= !tiles_end ? TILE : (first_pass == NONE) ? LAYER_END : STORE;
        end
        STORE: begin
          wait_q <= wait_q - 7'd1;
          if (wait_q == 7'd0) state_q <= STORING;
        end
        STORING: if (write_done_i) begin
          pass_q <= next_pass;
          wait_q <= 7'(PREFILL - 1);
          state_q <= (next_pass == NONE) ? LAYER_END : STORE;
        end
        LAYER_END: begin
          layer_slot_q <= !layer_slot_q;
          layer_q <= layer_q + 8'd1;
          state_q <= descriptor_i.last ? DONE : LAYER;
        end
        DONE: state_q <= IDLE;
        ABORT: begin
          if (wait_q != 7'd0) wait_q <= wait_q - 7'd1;
          if (drained || dead) state_q <= IDLE;
          if (soft_reset_i) silent_q <= 1'b1;
        end
        default: state_q <= IDLE;
      endcase
      if (strike) begin
        state_q <= ABORT;
        wait_q <= 7'(DRAIN);
        silent_q <= soft_reset_i;
        error_code_q <= bus_error_i ? bitdial_regs_pkg::ERROR_BUS_ERROR :
                        bad_descriptor_i ? bitdial_regs_pkg::ERROR_BAD_DESCRIPTOR : bitdial_regs_pkg::ERROR_WATCHDOG;
        error_layer_q <= bad_descriptor_i ? loader_layer_i : layer_q;
      end
    end
  end

  // Row group's place, stepped with the tiles.
  always_ff @(posedge clk_i) begin
    if (state_q == LAYER) begin
      group_lane_o <= 9'd0;
      group_word_o <= 8'd0;
      tile_offset_o <= '0;
    end else if (tile_done_o) begin
      tile_offset_o <= tile_offset_o + bitdial_descriptor_pkg::WORD_ADDRESS_W'(SUBS);
      group_lane_o <= (group_lane_o == 9'(LANES - ROWS)) ? 9'd0 : group_lane_o + 9'(ROWS);
      if (group_lane_o == 9'(LANES - ROWS)) group_word_o <= group_word_o + 8'd1;
    end
  end
  assign pixel_step_o = bitdial_descriptor_pkg::WORD_ADDRESS_W'(descriptor_i.row_groups) *
                        bitdial_descriptor_pkg::WORD_ADDRESS_W'(SUBS);

  assign frame_pop_o = state_q == IDLE && frame_valid_i && !soft_reset_i;
  assign frame_o = frame_q;
  assign busy_o = state_q != IDLE;
  assign done_o = state_q == DONE && !strike;
  assign error_o = dead || (drained && !silent_q && !soft_reset_i);
  assign error_code_o = dead ? bitdial_regs_pkg::ERROR_BUS_DEAD : error_code_q;
  assign error_layer_o = error_layer_q;
  assign loader_start_o = state_q == START && bus_idle_i;
  assign abort_o = state_q == ABORT;
  assign aborting_o = state_q == ABORT;
  assign waiting_o = state_q == START || state_q == LAYER || state_q == IMAGE || state_q == TILE || state_q == STORING ||
                     (state_q == RUN && !pixel_start_o);
  assign layer_slot_o = layer_slot_q;
  assign tile_slot_o = tile_slot_q;
  assign layer_done_o = state_q == LAYER_END;
  assign tile_done_o = state_q == TILE_END;
  assign setup_o = state_q == SETUP;
  assign pixel_start_o = state_q == RUN && clock_q == 24'd0;
  assign row_end_o = row_end;
  assign store_start_o = state_q == STORE && wait_q == 7'(PREFILL - 1);
  assign write_start_o = state_q == STORE && wait_q == 7'd0;
  assign store_codes_o = pass_q == CODES;
  assign store_result_o = pass_q == RESULT;

  // Waiting states count as stalls only while what they wait for is missing.
  logic run, weight_stall, input_stall, output_stall;
  assign run = state_q == RUN;
  assign weight_stall = state_q == TILE && !tile_ready_i[tile_slot_q];
  assign input_stall = state_q == IMAGE && !image_ready_q;
  assign output_stall = state_q == STORE || state_q == STORING;
  assign state_kind_o = {busy_o && !(run || weight_stall || input_stall || output_stall),
                         output_stall, input_stall, weight_stall, run};
endmodule
