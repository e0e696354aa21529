// A frame: its program on the chip, its layers, their row groups one behind the other, what they write to memory. It
// takes frames from the doorbell queue one at a time, and every frame starts from the same state. README.md, section
// Timing, counts the clocks of each state.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module sequencer (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        frame_valid_i,
  input  bitdial_pkg::frame_t frame_i,
  output logic        frame_pop_o,
  output bitdial_pkg::frame_t frame_o,       // the frame that runs
  output logic        busy_o,
  output logic        done_o,                // one clock
  output logic        error_o,               // one clock, behind busy_o: a frame was aborted, or an abort found the bus dead
  output logic [3:0]  error_code_o,
  output logic [7:0]  error_layer_o,

  output logic        program_start_o,       // a frame begins
  input  logic        program_ready_i,       // its program is on the chip
  output logic        loader_start_o,        // its layers begin
  output logic        abort_o,               // level: stop, end bus transfers, drop the rest
  input  logic        soft_reset_i,
  input  logic        bus_error_i,
  input  logic        bad_descriptor_i,
  input  logic [7:0]  loader_layer_i,
  input  logic        bus_idle_i,
  output logic        waiting_o,             // the frame comes on only by what others do
  input  logic        watchdog_i,            // ... which has taken too long, or the frame has
  input  logic        late_i,                // with it: the frame
  output logic        aborting_o,
  input  logic        dead_i,                // ... for too long: the bus does not end its transfers

  input  logic [1:0]  layer_ready_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,  // of the layer that runs
  // verilator lint_on UNUSEDSIGNAL
  output logic        layer_done_o,
  input  logic        image_done_i,          // one clock
  output logic        maps_o,                // level: a layer that loads maps is at work
  input  logic        maps_done_i,           // one clock

  output logic        setup_o,               // one clock: a layer begins
  input  logic        startable_i,           // a row group can start
  input  logic        starving_i,            // its parts are on their way from memory
  input  logic        more_i,                // row groups are left
  output logic        start_o,               // one clock: a row group starts
  input  logic        walk_done_i,           // last clock of its walk
  input  logic        block_done_i,          // one clock for each block: its sums are there
  input  logic        back_idle_i,           // everything that was summed is written
  output logic        passes_start_o,        // one clock: the layer is computed
  input  logic        passes_any_i,          // with it: something goes to memory
  input  logic        passes_busy_i,

  output logic [4:0]  state_kind_o           // compute, weight, input, output stall, overhead: one hot while a frame runs
);
  typedef enum logic [3:0] {IDLE, START, LOAD, LAYER, SETUP, WAIT, RUN, DRAIN, PASSES, MAPS, LAYER_END, DONE, ABORT} state_e;
  localparam logic [5:0] QUIET = 6'd63;  // clocks after which nothing of an aborted frame moves any more
  localparam logic [5:0] POOL_AHEAD = 6'd32;
  state_e      state_q;
  bitdial_pkg::frame_t frame_q;
  logic [16:0] blocks_q;      // of row groups that have started, not yet summed
  logic [5:0]  wait_q;
  logic        layer_slot_q, image_ready_q, silent_q, settled;
  logic [7:0]  layer_q, error_layer_q;
  logic [3:0]  error_code_q;
  logic        strike, need_image, ready, drained, follow, follow_q, quiet, dead, busy_q, abort_q, setup_q, bus_error_q, bad_q;
  logic [7:0]  bad_layer_q;

  assign strike = busy_o && !abort_q && (soft_reset_i || bus_error_q || bad_q || watchdog_i);
  assign quiet = abort_q && wait_q == 6'd0 && bus_idle_i;
  assign dead = abort_q && dead_i && !quiet;
  assign need_image = descriptor_i.load_input && !image_ready_q && !`BD_FAULT(5);
  assign ready = startable_i && !need_image && settled;
  assign drained = blocks_q == 17'd0 && back_idle_i && wait_q[1:0] == 2'd0;
  // A row group starts in the clock behind the walk of the one before; pooling waits until that one has left.
  assign follow = state_q == RUN && walk_done_i && more_i && ready;
  assign start_o = (state_q == WAIT && ready) || follow_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      frame_q <= '0;
      blocks_q <= 17'd0;
      wait_q <= 6'd0;
      layer_slot_q <= 1'b0;
      image_ready_q <= 1'b0;
      layer_q <= 8'd0;
      error_code_q <= 4'd0;
      error_layer_q <= 8'd0;
      silent_q <= 1'b0;
      follow_q <= 1'b0;
      {busy_q, abort_q, setup_q} <= 3'b000;
      {bus_error_q, bad_q, settled} <= 3'd0;
      error_o <= 1'b0;
      error_code_o <= 4'd0;
    end else begin
      {bus_error_q, bad_q} <= {bus_error_i, bad_descriptor_i};
      settled <= !descriptor_i.pool || wait_q <= 6'd1;  // a start comes later than the clock in which wait_q is set
      error_o <= dead || (quiet && !silent_q && !soft_reset_i);
      error_code_o <= dead ? bitdial_regs_pkg::ERROR_BUS_DEAD : error_code_q;
      follow_q <= follow && !strike;
      setup_q <= state_q == LAYER && layer_ready_i[layer_slot_q] && !descriptor_i.load && !strike;  // SETUP, in a register
      if (image_done_i) image_ready_q <= 1'b1;
      if (wait_q != 6'd0) wait_q <= wait_q - 6'd1;
      if (start_o && !descriptor_i.pool)
        blocks_q <= blocks_q + 17'(descriptor_i.blocks_large) + 17'(descriptor_i.blocks_small) - 17'(block_done_i);
      else
        blocks_q <= blocks_q - 17'(block_done_i);
      case (state_q)
        IDLE: if (frame_pop_o) begin
          state_q <= START;
          busy_q <= 1'b1;
          frame_q <= frame_i;
        end
        START: begin  // transfers of a frame that was aborted on a dead bus may still be open
          if (bus_idle_i) state_q <= LOAD;
          layer_slot_q <= 1'b0;
          image_ready_q <= 1'b0;
          layer_q <= 8'd0;
          blocks_q <= 17'd0;
        end
        LOAD: if (program_ready_i) state_q <= LAYER;
        LAYER: if (layer_ready_i[layer_slot_q]) state_q <= descriptor_i.load ? MAPS : SETUP;
        MAPS: if (maps_done_i) state_q <= LAYER_END;
        SETUP: begin
          state_q <= WAIT;
          wait_q <= POOL_AHEAD;
        end
        WAIT: if (start_o) begin
          state_q <= descriptor_i.pool ? DRAIN : RUN;
          wait_q <= 6'd3;
        end
        RUN: if (walk_done_i && !follow) begin
          state_q <= more_i ? WAIT : DRAIN;
          wait_q <= 6'd3;
        end
        DRAIN: if (drained) begin
          wait_q <= 6'd0;
          state_q <= more_i ? WAIT : passes_any_i ? PASSES : LAYER_END;
        end
        PASSES: if (!passes_busy_i && wait_q == 6'd0) state_q <= LAYER_END;
        LAYER_END: begin
          layer_slot_q <= !layer_slot_q;
          layer_q <= layer_q + 8'(!descriptor_i.last);
          state_q <= descriptor_i.last ? DONE : LAYER;
        end
        DONE: begin
          state_q <= IDLE;
          busy_q <= 1'b0;
        end
        ABORT: begin
          if (quiet || dead) begin
            state_q <= IDLE;
            {busy_q, abort_q} <= 2'b00;
          end
          if (soft_reset_i) silent_q <= 1'b1;
        end
        default: begin
          state_q <= IDLE;
          busy_q <= 1'b0;
        end
      endcase
      if (passes_start_o) wait_q <= 6'd2;
      if (strike) begin
        state_q <= ABORT;
        {busy_q, abort_q} <= 2'b11;
        wait_q <= QUIET;
        silent_q <= soft_reset_i;
        error_code_q <= bus_error_q ? bitdial_regs_pkg::ERROR_BUS_ERROR
                                    : bitdial_regs_pkg::ERROR_BAD_DESCRIPTOR;
        if (!bus_error_q && !bad_q)
          error_code_q <= late_i ? bitdial_regs_pkg::ERROR_FRAME_LIMIT : bitdial_regs_pkg::ERROR_WATCHDOG;
        error_layer_q <= bad_q ? bad_layer_q : layer_q;
      end
    end
  end

  always_ff @(posedge clk_i) bad_layer_q <= loader_layer_i;

  assign frame_pop_o = !busy_q && frame_valid_i && !soft_reset_i;
  assign frame_o = frame_q;
  assign busy_o = busy_q;
  assign done_o = state_q == DONE && !strike;
  assign error_layer_o = error_layer_q;
  assign program_start_o = state_q == START && bus_idle_i;
  assign loader_start_o = state_q == LOAD && program_ready_i;
  assign abort_o = abort_q;
  assign aborting_o = abort_q;
  // Blocks of a row group come of themselves, each within its interval.
  assign waiting_o = busy_o && !abort_q && !block_done_i && !start_o;
  assign layer_done_o = state_q == LAYER_END;
  assign setup_o = setup_q;
  assign maps_o = state_q == MAPS;
  assign passes_start_o = state_q == DRAIN && drained && !more_i && passes_any_i;

  // Waiting states count as stalls only while what they wait for is missing.
  logic run, weight_stall, input_stall, output_stall;
  assign run = state_q == RUN || (state_q == DRAIN && descriptor_i.pool);
  assign input_stall = (state_q == WAIT && need_image) || state_q == MAPS;
  assign weight_stall = (state_q == LOAD && !program_ready_i) || (state_q == WAIT && starving_i && !need_image);
  assign output_stall = state_q == PASSES;
  assign state_kind_o = {busy_o && !(run || weight_stall || input_stall || output_stall),
                         output_stall, input_stall, weight_stall, run};
endmodule
