// The memory side of a frame whose program is on the chip: for each layer in turn its descriptor, from the chip or from
// memory; the image, or, when the sequencer is there, maps that were spilled; and, where the layer is streamed, tables, corrections and weights of each row group; as far ahead
// as two descriptor slots and two tile slots allow. One DMA job at a time.
`include "bitdial_assert.svh"
`include "bitdial_fault.svh"
module loader #(
  parameter int ROWS = 16,
  parameter int HAS_XNOR = 1,
  parameter int HAS_MAC = 1,
  parameter int DESCRIPTORS = 96
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        start_i,         // a frame's layers begin: all slots are empty
  input  logic        abort_i,         // level: stop, drop everything
  // verilator lint_off UNUSEDSIGNAL
  // the loader needs some fields of the frame:
  input  bitdial_pkg::frame_t frame_i, // stable from start_i to the frame's end
  // verilator lint_on UNUSEDSIGNAL
  input  logic        resident_i,      // the chip has the descriptors
  input  bitdial_pkg::slots_t slots_i,
  input  logic        fill_start_i,    // descriptor memory: filled by the program loader
  input  logic        fill_i,

  input  logic        layer_done_i,    // the sequencer has left the oldest layer
  input  logic        tile_done_i,     // ... the oldest streamed row group
  output logic [1:0]  layer_ready_o,   // descriptor slot holds a layer
  output logic [1:0]  tile_ready_o,    // stream slots hold a row group
  output bitdial_descriptor_pkg::descriptor_t descriptor_o,  // of the oldest layer that is ready, held until layer_done_i
  output logic        bad_o,           // one clock: a descriptor was refused
  output logic [7:0]  layer_o,         // the layer being loaded

  output logic        dma_start_o,
  output logic [63:0] dma_addr_o,
  output logic [bitdial_pkg::BEAT_W-1:0] dma_beats_o,
  input  logic        beat_i,          // a beat is taken
  input  logic        beat_last_i,
  input  logic [63:0] beat_data_i,
  input  logic        maps_i,          // the sequencer is at the layer that loads maps
  output logic        maps_done_o,     // one clock: they are there
  input  logic        map_busy_i,      // words of codes are still to be written
  input  logic        image_done_i,
  output logic        codes_start_o,   // with dma_start_o: the job is spilled codes
  output logic        codes_job_o,     // beats belong to it
  output logic        z_start_o,       // with dma_start_o: the job is a spilled stream
  output logic        z_job_o,         // beats belong to it
  output logic        image_start_o,   // with dma_start_o: the job is the image
  output logic        image_job_o,     // beats belong to it
  output bitdial_pkg::part_e part_o,   // of a streamed row group
  output logic        part_start_o,    // with dma_start_o: the job is that part
  output logic        part_job_o,      // beats belong to it
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] part_base_o  // word that it starts at, with dma_start_o
);
  localparam int BW = bitdial_pkg::BEAT_W;
  localparam int CW = bitdial_descriptor_pkg::CHANNELS_W;
  localparam int AREA_W = 2 * bitdial_descriptor_pkg::SIDE_W;  // pixels of an image
  localparam int IMAGE_W = AREA_W + CW;                        // its bytes
  if (BW < IMAGE_W - 3) begin : g_narrow
    $error("BEAT_W is too small for the largest image");
  end
  typedef enum logic [3:0] {IDLE, OTHER, DESC, DESC_RUN, CHECK, AREA, IMAGE, IMAGE_RUN, TILE, PICK, STREAM, STREAM_RUN, MAPS, MAP,
                            MAP_RUN, MAP_WAIT} state_e;
  state_e      state_q;
  bitdial_pkg::part_e part_q;
  logic [8:0]  layer_q;
  logic [12:0] place_q;    // descriptor on the chip
  logic [63:0] address_q;  // descriptor in memory
  logic [5:0]  beat_q;
  logic        layer_slot, tile_slot_q, slot_free, tile_free, kept_q, desc_beat, desc_end, job_end, streamed, last_tile;
  logic [1:0]  desc_end_q;  // the descriptor is written a clock after its last beat, and judged in the one after
  logic [4:0]  slot_beat_q;
  logic [CW-1:0] groups_q;
  logic [AREA_W-1:0] area_q;
  logic [1:0]  layer_ready_q, tile_ready_q;
  logic        oldest_layer_q, oldest_tile_q, tile_loaded, next_layer;
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  bitdial_descriptor_pkg::descriptor_t d;
  // verilator lint_on UNUSEDSIGNAL
  logic        bad;
  state_e      first_state;  // of a layer

  assign first_state = `BD_FAULT(4) ? OTHER : DESC;
  assign layer_slot = layer_q[0];
  assign slot_free = !layer_ready_q[layer_slot];
  assign tile_free = !tile_ready_q[tile_slot_q];
  assign streamed = d.stream_tables || (d.stream_weights && !d.pool);
  assign job_end = beat_i && beat_last_i;
  assign last_tile = groups_q == CW'(1);

  // Lists of the frame's switch: in memory, and on the chip. Parts are summed in the clock before start_i, when the frame
  // is there; what is added of an image's size has its 32 bits.
  logic [31:0] offset_low_q, offset_high_q, offset;
  assign offset = offset_low_q + offset_high_q + 32'd64;
  logic [63:0] list_q;
  logic [12:0] place_a_q, place_b_q;
  always_ff @(posedge clk_i) begin
    list_q <= frame_i.program_addr + 64'(frame_i.desc_offset);
    offset_low_q <= (frame_i.switch_index[0] ? frame_i.switch_stride : 32'd0) +
                    (frame_i.switch_index[1] ? frame_i.switch_stride << 1 : 32'd0);
    offset_high_q <= (frame_i.switch_index[2] ? frame_i.switch_stride << 2 : 32'd0) +
                     (frame_i.switch_index[3] ? frame_i.switch_stride << 3 : 32'd0);
    place_a_q <= (frame_i.switch_index[0] ? 13'(frame_i.layer_count) : 13'd0) +
                 (frame_i.switch_index[1] ? 13'(frame_i.layer_count) << 1 : 13'd0);
    place_b_q <= (frame_i.switch_index[2] ? 13'(frame_i.layer_count) << 2 : 13'd0) +
                 (frame_i.switch_index[3] ? 13'(frame_i.layer_count) << 3 : 13'd0);
  end

  // --- descriptors on the chip: 32 reads, each a clock before its beat ------------------------------------------------
  logic [63:0] kept;
  logic        kept_read;
  assign kept_read = state_q == OTHER || (state_q == DESC_RUN && resident_i && !beat_q[5]);
  if (DESCRIPTORS != 0) begin : g_kept
    descriptor_memory #(.DESCRIPTORS(DESCRIPTORS)) u_descriptor_memory (
      .clk_i, .fill_start_i, .we_i(fill_i), .data_i(beat_data_i), .re_i(kept_read),
      .layer_i((state_q == OTHER) ? 13'(layer_q) : place_q),
      .beat_i((state_q == OTHER) ? 5'(bitdial_descriptor_pkg::WORD_TABLE_BASE / 2) : beat_q[4:0]), .data_o(kept));
  end else begin : g_no_kept
    assign kept = 64'd0;
    logic unused_fill;
    assign unused_fill = fill_start_i ^ fill_i;
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) kept_q <= 1'b0;
    else kept_q <= kept_read && state_q == DESC_RUN && !abort_i;
  end
  assign desc_beat = state_q == DESC_RUN && (resident_i ? kept_q : beat_i);
  assign desc_end = state_q == DESC_RUN && (resident_i ? kept_q && slot_beat_q == 5'd31 : job_end);

  // --- jobs ---------------------------------------------------------------------------------------------------------
  // The image's bytes follow from words that came long before: the area, the bytes, and those with what the first beat
  // has before them, each a clock after the other.
  logic [IMAGE_W-1:0] image_bytes_q, image_end_q;
  always_ff @(posedge clk_i) begin
    area_q <= AREA_W'(d.in_height) * AREA_W'(d.in_width);
    image_bytes_q <= IMAGE_W'(area_q) * IMAGE_W'(d.in_channels);
    image_end_q <= image_bytes_q + (d.load ? IMAGE_W'(d.store_codes_offset[2:0]) : '0) + IMAGE_W'(7);
  end
  logic [31:0]   part_offset;
  logic [BW-1:0] part_beats;
  bitdial_pkg::part_e first_part, next_part;
  logic          more_parts;
  stream_parts #(.ROWS(ROWS)) u_stream_parts (
    .clk_i, .descriptor_i(d), .layer_i(state_q == CHECK), .next_i(tile_loaded), .part_i(part_q), .slots_i,
    .slot_i(tile_slot_q), .offset_o(part_offset), .beats_o(part_beats), .base_o(part_base_o), .first_o(first_part),
    .next_part_o(next_part), .more_o(more_parts));
  assign tile_loaded = state_q == STREAM_RUN && job_end && !more_parts;
  assign maps_done_o = state_q == MAP_WAIT && (d.load_input ? image_done_i : !map_busy_i);
  assign next_layer = (state_q == TILE && !streamed) || (tile_loaded && last_tile) || maps_done_o;

  // Where the jobs lie stands a clock before they start: of the image and of maps since the descriptor is there.
  logic [63:0]   map_addr_q, part_addr_q;
  logic [BW-1:0] map_beats_q;
  logic          go_q;  // in IMAGE, MAP and STREAM
  logic          image_job_q, codes_job_q, z_job_q, part_job_q;  // in what follows these, by what is loaded
  always_ff @(posedge clk_i) begin
    if (d.load_input) map_addr_q <= frame_i.input_addr + (d.load ? {32'd0, d.store_codes_offset[31:3], 3'd0} : 64'd0);
    else map_addr_q <= frame_i.store_addr + (d.write_codes ? 64'(d.store_codes_offset) : 64'(d.store_z_offset));
    map_beats_q <= d.write_codes ? BW'(d.store_codes_bytes[26:3]) : BW'(d.store_z_bytes[26:3]);
    part_addr_q <= frame_i.program_addr + 64'(part_offset);
  end
  assign dma_start_o = (go_q || (state_q == DESC && slot_free && !resident_i)) && !abort_i;
  always_comb begin
    dma_addr_o = address_q;
    dma_beats_o = BW'(32);
    if (go_q) begin
      dma_addr_o = (state_q == STREAM) ? part_addr_q : map_addr_q;
      dma_beats_o = (state_q == STREAM) ? part_beats : (state_q == MAP) ? map_beats_q : BW'(image_end_q >> 3);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      part_q <= bitdial_pkg::PART_TABLES;
      layer_q <= 9'd0;
      place_q <= 13'd0;
      address_q <= 64'd0;
      beat_q <= 6'd0;
      slot_beat_q <= 5'd0;
      desc_end_q <= 2'b00;
      tile_slot_q <= 1'b0;
      {go_q, image_job_q, codes_job_q, z_job_q, part_job_q} <= 5'd0;
      groups_q <= '0;
    end else if (abort_i) begin
      state_q <= IDLE;
      {go_q, image_job_q, codes_job_q, z_job_q, part_job_q} <= 5'd0;
    end else if (start_i) begin
      {go_q, image_job_q, codes_job_q, z_job_q, part_job_q} <= 5'd0;
      state_q <= first_state;
      layer_q <= 9'd0;
      place_q <= place_a_q + place_b_q;
      address_q <= list_q + 64'(offset);
      tile_slot_q <= 1'b0;
    end else begin
      if (desc_beat) slot_beat_q <= slot_beat_q + 5'd1;
      go_q <= 1'b0;
      case (state_q)
        OTHER: state_q <= DESC;
        DESC: begin
          beat_q <= 6'd0;
          slot_beat_q <= 5'd0;
          desc_end_q <= 2'b00;
          if (slot_free) state_q <= DESC_RUN;
        end
        DESC_RUN: begin
          if (!beat_q[5]) beat_q <= beat_q + 6'd1;
          desc_end_q <= {desc_end_q[0], desc_end};
          if (desc_end_q[1]) state_q <= CHECK;
        end
        CHECK: begin
          groups_q <= d.row_groups;
          state_q <= bad ? IDLE : d.load ? MAPS : d.load_input ? AREA : TILE;
        end
        AREA: begin
          state_q <= IMAGE;
          go_q <= 1'b1;
        end
        IMAGE: begin
          state_q <= IMAGE_RUN;
          image_job_q <= 1'b1;
        end
        IMAGE_RUN: if (job_end) state_q <= d.load ? MAP_WAIT : TILE;
        MAPS: if (maps_i) begin
          state_q <= d.load_input ? AREA : MAP;
          go_q <= !d.load_input;
        end
        MAP: begin
          state_q <= MAP_RUN;
          {codes_job_q, z_job_q} <= {d.write_codes, !d.write_codes};
        end
        MAP_RUN: if (job_end) state_q <= MAP_WAIT;
        TILE: begin
          part_q <= first_part;
          if (streamed && tile_free) state_q <= PICK;
        end
        PICK: begin
          state_q <= STREAM;
          go_q <= 1'b1;
        end
        STREAM: begin
          state_q <= STREAM_RUN;
          part_job_q <= 1'b1;
        end
        STREAM_RUN: if (job_end) begin
          part_q <= next_part;
          state_q <= more_parts ? PICK : TILE;
        end
        default: ;
      endcase
      if (job_end) {image_job_q, codes_job_q, z_job_q, part_job_q} <= 4'd0;
      if (tile_loaded) begin
        tile_slot_q <= !tile_slot_q;
        groups_q <= groups_q - 1'b1;
      end
      if (next_layer) begin
        layer_q <= layer_q + 9'd1;
        place_q <= place_q + ((`BD_FAULT(14) && layer_q == 9'd2) ? 13'd2 : 13'd1);
        address_q <= address_q + 64'd256;
        state_q <= d.last ? IDLE : first_state;
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
  logic [63:0] desc_data;
  assign desc_data = resident_i ? kept : beat_data_i;
  descriptor_slot #(.ROWS(ROWS), .HAS_XNOR(HAS_XNOR), .HAS_MAC(HAS_MAC)) u_slot (
    .clk_i, .rst_ni, .start_i(state_q == DESC), .we_i(desc_beat), .beat_i(slot_beat_q), .data_i(desc_data),
    .first_layer_i(first_layer), .last_layer_i(last_layer), .list_end_i(list_end), .descriptor_o(d), .bad_o(bad));

  // The layer that runs has a copy of its own, taken when it has been read and the one before has ended; the next
  // layer's descriptor is not begun before both.
  bitdial_descriptor_pkg::descriptor_t running_q;
  always_ff @(posedge clk_i) begin
    if (layer_done_i || (state_q == CHECK && layer_slot == oldest_layer_q)) running_q <= d;
  end

`ifdef BITDIAL_FAULTS
  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] base_q [0:1];
  logic other_q;
  always_ff @(posedge clk_i) begin
    other_q <= state_q == OTHER;
    if (other_q) base_q[layer_slot] <= kept[0 +: bitdial_descriptor_pkg::WORD_ADDRESS_W];
  end
  always_comb begin
    descriptor_o = running_q;
    if (`BD_FAULT(4)) descriptor_o.table_base = base_q[oldest_layer_q];
  end
`else
  assign descriptor_o = running_q;
`endif
  assign layer_ready_o = layer_ready_q;
  assign tile_ready_o = tile_ready_q;
  assign bad_o = state_q == CHECK && bad;
  assign layer_o = layer_q[7:0];
  assign codes_start_o = state_q == MAP && d.write_codes;
  assign codes_job_o = codes_job_q;
  assign z_start_o = state_q == MAP && !d.write_codes;
  assign z_job_o = z_job_q;
  assign image_start_o = state_q == IMAGE;
  assign image_job_o = image_job_q;
  assign part_o = part_q;
  assign part_start_o = state_q == STREAM;
  assign part_job_o = part_job_q;

  `BD_ASSERT(layer_release_held, !(layer_done_i && !layer_ready_q[oldest_layer_q]),
             "a layer ends that was never loaded")
  `BD_ASSERT(tile_release_held, !(tile_done_i && !tile_ready_q[oldest_tile_q]), "a tile ends that was never loaded")
endmodule
