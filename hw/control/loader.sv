// The memory side of a frame: descriptors, the image, and for each tile its table and weights, in the order in which
// the sequencer needs them, as far ahead as two descriptor slots and two tile slots allow. One DMA job at a time.
`include "bitdial_assert.svh"
module loader #(
  parameter int ROWS = 8,
  parameter int LANES = 64,
  parameter int HAS_XNOR = 1,
  parameter int HAS_MAC = 1,
  parameter int WEIGHT_WORDS = 128,
  parameter int FAULT = 0
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        start_i,         // a frame begins: all slots are empty
  input  logic        abort_i,         // level: stop, drop everything
  // verilator lint_off UNUSEDSIGNAL
  // the loader needs some fields of the frame:
  input  bitdial_pkg::frame_t frame_i, // stable from start_i to the frame's end
  // verilator lint_on UNUSEDSIGNAL

  input  logic        layer_done_i,    // the sequencer has left the oldest layer
  input  logic        tile_done_i,     // ... the oldest tile
  output logic [1:0]  layer_ready_o,   // descriptor slot holds a layer
  output logic [1:0]  tile_ready_o,    // table and weight slot hold a tile
  output bitdial_descriptor_pkg::descriptor_t descriptor0_o,
  output bitdial_descriptor_pkg::descriptor_t descriptor1_o,
  output logic        bad_o,           // one clock: a descriptor was refused
  output logic [7:0]  layer_o,         // the layer being loaded

  output logic        dma_start_o,
  output logic [63:0] dma_addr_o,
  output logic [bitdial_pkg::BEAT_W-1:0] dma_beats_o,
  input  logic        beat_i,          // a beat is taken
  input  logic        beat_last_i,
  input  logic [63:0] beat_data_i,
  output logic        image_start_o,   // with dma_start_o: the job is the image
  output logic        image_job_o,     // beats belong to the image
  output logic        table_job_o,
  output logic        weight_job_o,
  output logic        chunk_start_o,   // with dma_start_o: the table or weight write pointers go back to 0
  output logic        tile_slot_o      // slot being filled
);
  localparam int BW = bitdial_pkg::BEAT_W;
  localparam int AREA_W = 2 * bitdial_descriptor_pkg::SIDE_W;                // pixels of an image
  localparam int IMAGE_W = AREA_W + bitdial_descriptor_pkg::CHANNELS_W;      // its bytes
  if (BW < IMAGE_W - 3) begin : g_narrow
    $error("BEAT_W is too small for the largest image");
  end
  typedef enum logic [3:0] {IDLE, DESC, DESC_RUN, CHECK, AREA, IMAGE, IMAGE_RUN, TABLE, TABLE_RUN, WEIGHT, WEIGHT_RUN,
                            OTHER, OTHER_RUN} state_e;
  state_e      state_q;
  logic [8:0]  layer_q;
  logic        layer_slot, tile_slot_q, slot_free, tile_free;
  logic [4:0]  beat_q;
  logic [31:0] desc_addr_q, table_addr_q, weight_addr_q;  // offsets into the image
  logic [31:0] other_table_q;                             // fault 4: table_offset of switch 0
  logic [bitdial_descriptor_pkg::CHANNELS_W-1:0] groups_q;  // row groups still to load
  logic [AREA_W-1:0] area_q;
  logic [1:0]  layer_ready_q, tile_ready_q;
  logic        oldest_layer_q, oldest_tile_q;
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  bitdial_descriptor_pkg::descriptor_t d0, d1, d;
  // verilator lint_on UNUSEDSIGNAL
  logic        bad0, bad1, bad;
  logic        desc_done, other;

  assign layer_slot = layer_q[0];
  assign d = layer_slot ? d1 : d0;
  assign bad = layer_slot ? bad1 : bad0;
  assign slot_free = !layer_ready_q[layer_slot];
  assign tile_free = !tile_ready_q[tile_slot_q];

  // Descriptor list of the frame's switch: desc_offset + switch * stride.
  logic [31:0] list_offset;
  always_comb begin
    list_offset = frame_i.desc_offset;
    for (int b = 0; b < 4; b++) if (frame_i.switch_index[b]) list_offset = list_offset + (frame_i.switch_stride << b);
  end

  logic [IMAGE_W-1:0] image_bytes;
  assign image_bytes = IMAGE_W'(area_q) *
                       IMAGE_W'(d.in_channels);

  always_comb begin
    dma_start_o = 1'b0;
    dma_addr_o = frame_i.program_addr + 64'(desc_addr_q);
    dma_beats_o = BW'(32);
    case (state_q)
      DESC: dma_start_o = slot_free;
      OTHER: begin
        dma_start_o = slot_free;
        dma_addr_o = frame_i.program_addr + 64'(frame_i.desc_offset) + {47'd0, layer_q, 8'd0};
      end
      IMAGE: begin
        dma_start_o = 1'b1;
        dma_addr_o = frame_i.input_addr;
        dma_beats_o = BW'((image_bytes + 7) >> 3);
      end
      TABLE: begin
        dma_start_o = tile_free;
        dma_addr_o = frame_i.program_addr + 64'(table_addr_q);
        dma_beats_o = BW'(d.table_stride[19:3]);
      end
      WEIGHT: begin
        dma_start_o = 1'b1;
        dma_addr_o = frame_i.program_addr + 64'(weight_addr_q);
        dma_beats_o = BW'(d.weight_bytes[23:3]);
      end
      default: ;
    endcase
    if (abort_i) dma_start_o = 1'b0;
  end

  assign other = state_q == OTHER_RUN;
  assign desc_done = beat_i && beat_last_i;

  logic weights_wanted, tile_loaded;
  assign weights_wanted = !d.pool;
  assign tile_loaded = beat_i && beat_last_i &&
                       (state_q == WEIGHT_RUN || (state_q == TABLE_RUN && !weights_wanted));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      layer_q <= 9'd0;
      tile_slot_q <= 1'b0;
      beat_q <= 5'd0;
      desc_addr_q <= 32'd0;
      table_addr_q <= 32'd0;
      other_table_q <= 32'd0;
      weight_addr_q <= 32'd0;
      groups_q <= '0;
      area_q <= '0;
    end else if (abort_i) begin
      state_q <= IDLE;
    end else if (start_i) begin
      state_q <= (FAULT == 4) ? OTHER : DESC;
      layer_q <= 9'd0;
      tile_slot_q <= 1'b0;
      beat_q <= 5'd0;
      desc_addr_q <= list_offset;
    end else begin
      if (beat_i && (state_q == DESC_RUN || other)) beat_q <= beat_q + 5'd1;
      case (state_q)
        OTHER: if (slot_free) state_q <= OTHER_RUN;
        OTHER_RUN: begin
          if (beat_i && 32'(beat_q) == bitdial_descriptor_pkg::WORD_TABLE_OFFSET / 2)
            other_table_q <= beat_data_i[31:0];
          if (desc_done) state_q <= DESC;
        end
        DESC: if (slot_free) state_q <= DESC_RUN;
        DESC_RUN: if (desc_done) state_q <= CHECK;
        CHECK: begin
          state_q <= bad ? IDLE : d.load_input ? AREA : TABLE;
          desc_addr_q <= desc_addr_q + 32'd256;
          table_addr_q <= (FAULT == 4) ? other_table_q : d.table_offset;
          weight_addr_q <= d.weight_offset;
          groups_q <= d.row_groups;
        end
        AREA: begin
          area_q <= AREA_W'(d.in_height) * AREA_W'(d.in_width);
          state_q <= IMAGE;
        end
        IMAGE: state_q <= IMAGE_RUN;
        IMAGE_RUN: if (beat_i && beat_last_i) state_q <= TABLE;
        TABLE: if (tile_free) state_q <= TABLE_RUN;
        TABLE_RUN: if (beat_i && beat_last_i && weights_wanted) state_q <= WEIGHT;
        WEIGHT: state_q <= WEIGHT_RUN;
        default: ;
      endcase
      if (tile_loaded) begin
        tile_slot_q <= !tile_slot_q;
        table_addr_q <= table_addr_q + 32'(d.table_stride);
        weight_addr_q <= weight_addr_q + d.weight_stride;
        groups_q <= groups_q - 1'b1;
        if (groups_q != bitdial_descriptor_pkg::CHANNELS_W'(1)) begin
          state_q <= TABLE;
        end else begin
          layer_q <= layer_q + 9'd1;
          state_q <= d.last ? IDLE : (FAULT == 4) ? OTHER : DESC;
        end
      end
    end
  end

  // Slots fill and empty in turn, so the oldest of each kind alternates.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      layer_ready_q <= 2'b00;
      tile_ready_q <= 2'b00;
      oldest_layer_q <= 1'b0;
      oldest_tile_q <= 1'b0;
    end else if (start_i || abort_i) begin
      layer_ready_q <= 2'b00;
      tile_ready_q <= 2'b00;
      oldest_layer_q <= 1'b0;
      oldest_tile_q <= 1'b0;
    end else begin
      if (state_q == CHECK && !bad) layer_ready_q[layer_slot] <= 1'b1;
      if (layer_done_i) begin
        layer_ready_q[oldest_layer_q] <= 1'b0;
        oldest_layer_q <= !oldest_layer_q;
      end
      if (tile_loaded) tile_ready_q[tile_slot_q] <= 1'b1;
      if (tile_done_i) begin
        tile_ready_q[oldest_tile_q] <= 1'b0;
        oldest_tile_q <= !oldest_tile_q;
      end
    end
  end

  logic first_layer, last_layer, list_end;
  assign first_layer = layer_q == 9'd0;
  assign last_layer = layer_q + 9'd1 == frame_i.layer_count;
  assign list_end = 32'(layer_q) == bitdial_descriptor_pkg::LAYERS - 1;
  descriptor_slot #(.ROWS(ROWS), .LANES(LANES), .HAS_XNOR(HAS_XNOR), .HAS_MAC(HAS_MAC), .WEIGHT_WORDS(WEIGHT_WORDS)) u_slot0 (
    .clk_i, .rst_ni, .start_i(dma_start_o && state_q == DESC && !layer_slot),
    .we_i(beat_i && state_q == DESC_RUN && !layer_slot), .beat_i(beat_q), .data_i(beat_data_i),
    .first_layer_i(first_layer), .last_layer_i(last_layer), .list_end_i(list_end), .descriptor_o(d0), .bad_o(bad0));
  descriptor_slot #(.ROWS(ROWS), .LANES(LANES), .HAS_XNOR(HAS_XNOR), .HAS_MAC(HAS_MAC), .WEIGHT_WORDS(WEIGHT_WORDS)) u_slot1 (
    .clk_i, .rst_ni, .start_i(dma_start_o && state_q == DESC && layer_slot),
    .we_i(beat_i && state_q == DESC_RUN && layer_slot), .beat_i(beat_q), .data_i(beat_data_i),
    .first_layer_i(first_layer), .last_layer_i(last_layer), .list_end_i(list_end), .descriptor_o(d1), .bad_o(bad1));

  assign descriptor0_o = d0;
  assign descriptor1_o = d1;
  assign layer_ready_o = layer_ready_q;
  assign tile_ready_o = tile_ready_q;
  assign bad_o = state_q == CHECK && bad;
  assign layer_o = layer_q[7:0];
  assign image_start_o = state_q == IMAGE;
  assign image_job_o = state_q == IMAGE_RUN;
  assign table_job_o = state_q == TABLE_RUN;
  assign weight_job_o = state_q == WEIGHT_RUN;
  assign chunk_start_o = dma_start_o && (state_q == TABLE || state_q == WEIGHT);
  assign tile_slot_o = tile_slot_q;

  `BD_ASSERT(layer_release_held, !(layer_done_i && !layer_ready_q[oldest_layer_q]),
             "a layer ends that was never loaded")
  `BD_ASSERT(tile_release_held, !(tile_done_i && !tile_ready_q[oldest_tile_q]), "a tile ends that was never loaded")
endmodule
