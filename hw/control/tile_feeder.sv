// Hands the row groups of a layer over, one ahead of the one that runs: to the weight fetch, which then reads its first
// word, and to the back, which copies its table. Says where each one's parts lie: in their place where they are
// resident, in one of two slots where they are streamed.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module tile_feeder #(
  parameter int ROWS = 16
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        frame_i,         // one clock: slots start anew
  input  logic        setup_i,         // one clock: a layer begins
  input  logic        start_i,         // one clock: the oldest row group handed over starts
  input  logic        left_i,          // one clock: a row group has left the machine
  input  logic        abort_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  input  bitdial_pkg::slots_t slots_i,
  input  logic [12:0] correct_step_i,  // correction words of a row group
  input  logic [1:0]  tile_ready_i,    // stream slots that are full
  input  logic        tables_ready_i,
  input  logic        fetch_free_i,
  output logic        hand_o,          // one clock: take the next row group, whose parts lie at place_o
  output bitdial_pkg::tile_place_t place_o,
  output logic        startable_o,     // a row group waits, and everything of it is there when it is needed
  output logic        starving_o,      // none can be handed over, for its parts are still on their way from memory
  output logic        more_o,          // row groups are left that have not started
  output logic        release_o        // one clock: the oldest stream slot is free
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int CW = bitdial_descriptor_pkg::CHANNELS_W;
  localparam logic [3:0] AHEAD = 4'd8;   // clocks from the hand-over to a start, at least (first words, first entries)
  localparam logic [4:0] BEHIND = 5'd31; // clocks from a start to the next hand-over: the weights of the one before are read
  // verilator lint_off UNUSEDSIGNAL
  bitdial_descriptor_pkg::descriptor_t d;
  // verilator lint_on UNUSEDSIGNAL
  assign d = descriptor_i;
  logic          streamed, waiting_q, first_q, slot_q, oldest_q, there, more_hands, settled_q, aged_q;
  logic [1:0]    taken_q;            // stream slots whose row group was handed over and has not left
  logic [3:0]    age_q;              // clocks since the hand-over
  logic [4:0]    settle_q;
  logic [CW-1:0] hands_q, starts_q;  // row groups not yet handed over, not yet started
  bitdial_pkg::tile_place_t place_q;

  assign streamed = d.stream_tables || (d.stream_weights && !d.pool);
  assign more_hands = hands_q != '0;
  assign there = !streamed || (tile_ready_i[slot_q] && !taken_q[slot_q]);
  // One row group ahead, no sooner than descriptor sums stand, and where there is room for it.
  assign hand_o = more_hands && !waiting_q && settled_q && there && tables_ready_i && (fetch_free_i || d.pool) && !abort_i;
  assign starving_o = more_hands && !waiting_q && settled_q && !there;
  // A first table of few rows is copied faster than a first block can be done; others have to be there.
  assign startable_o = waiting_q && aged_q && (tables_ready_i || (first_q && !d.pool && ROWS <= 16));
  assign more_o = starts_q != '0;
  assign release_o = left_i && streamed && !abort_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waiting_q <= 1'b0;
      first_q <= 1'b0;
      slot_q <= 1'b0;
      oldest_q <= 1'b0;
      taken_q <= 2'b00;
      age_q <= 4'd0;
      settle_q <= 5'd0;
      settled_q <= 1'b1;
      aged_q <= 1'b0;
      hands_q <= '0;
      starts_q <= '0;
    end else if (abort_i) begin
      waiting_q <= 1'b0;
      hands_q <= '0;
      starts_q <= '0;
    end else if (setup_i) begin
      waiting_q <= 1'b0;
      first_q <= 1'b1;
      settle_q <= 5'd4;
      settled_q <= 1'b0;
      hands_q <= d.row_groups;
      starts_q <= d.row_groups;
    end else begin
      if (frame_i) begin
        slot_q <= 1'b0;
        oldest_q <= 1'b0;
        taken_q <= 2'b00;
      end
      if (release_o) begin
        taken_q[oldest_q] <= 1'b0;
        oldest_q <= !oldest_q;
      end
      if (settle_q != 5'd0) settle_q <= settle_q - 5'd1;
      settled_q <= settle_q <= 5'd1;
      if (hand_o) begin
        waiting_q <= 1'b1;
        age_q <= 4'd0;
        aged_q <= 1'b0;
        hands_q <= hands_q - 1'b1;
        if (streamed) begin
          slot_q <= !slot_q;
          taken_q[slot_q] <= 1'b1;
        end
      end else begin
        if (age_q != AHEAD) age_q <= age_q + 4'd1;
        aged_q <= age_q >= AHEAD - 4'd1;
        if (start_i) begin
          waiting_q <= 1'b0;
          first_q <= 1'b0;
          settle_q <= BEHIND - 5'd1;
          settled_q <= 1'b0;
        end
      end
      if (start_i) starts_q <= starts_q - 1'b1;
    end
  end

  // Places of resident parts, stepped with the row groups.
  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      place_q.weight <= d.weight_base;
      place_q.correct <= d.correct_base;
      place_q.table_entry <= d.table_base;
    end else if (hand_o) begin
      place_q.weight <= place_q.weight + d.weight_step;
      place_q.correct <= place_q.correct + AW'(correct_step_i);
      place_q.table_entry <= place_q.table_entry + (`BD_FAULT(6) ? AW'(0) : AW'(ROWS));
    end
  end
  always_comb begin
    place_o = place_q;
    if (d.stream_weights) place_o.weight = slots_i.weight_base + (slot_q ? slots_i.weight_words : '0);
    if (d.stream_tables) begin
      place_o.correct = slots_i.correct_base + (slot_q ? slots_i.correct_words : '0);
      place_o.table_entry = slots_i.table_base + (slot_q ? AW'(ROWS) : '0);
    end
  end

  `BD_ASSERT(tile_started_once, !(start_i && !waiting_q), "a row group starts that was not handed over")
endmodule
