// The parts of a streamed row group: which there are, where each lies in the image, how long it is, and where it goes.
module stream_parts #(
  parameter int ROWS = 16
) (
  input  logic        clk_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic        layer_i,  // a new layer: its first row group is next
  input  logic        next_i,   // the row group after
  input  bitdial_pkg::part_e part_i,
  input  bitdial_pkg::slots_t slots_i,
  input  logic        slot_i,
  output logic [31:0] offset_o, // from the image's start
  output logic [bitdial_pkg::BEAT_W-1:0] beats_o,  // this and the next a clock after part_i
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] base_o,
  output bitdial_pkg::part_e first_o,      // part of a row group
  output bitdial_pkg::part_e next_part_o,  // after part_i,
  output logic        more_o               // if there is one
);
  localparam int BW = bitdial_pkg::BEAT_W;
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  localparam int WORD_EIGHTHS = 18 * ROWS / 8;  // bytes of a weight word
  // verilator lint_off UNUSEDSIGNAL
  bitdial_descriptor_pkg::descriptor_t d;
  // verilator lint_on UNUSEDSIGNAL
  assign d = descriptor_i;
  logic [31:0] table_q, correct_q, weight_q;
  logic [9:0]  classes;
  logic [4:0]  rows_apart, columns_apart;
  logic [31:0] correct_bytes, weight_bytes, weight_stride;
  logic        weights;
  logic [BW-1:0] beats;
  logic [AW-1:0] base;
  assign weights = d.stream_weights && !d.pool;
  assign rows_apart = 5'(d.borders[3:0]) + 5'(d.borders[11:8]) + 5'd1;
  assign columns_apart = 5'(d.borders[19:16]) + 5'(d.borders[27:24]) + 5'd1;

  // A layer's numbers stand from two clocks after layer_i on, before which the descriptor was there for one; its first
  // part starts later.
  logic [23:0] plane_words;  // of all planes of a row group
  always_ff @(posedge clk_i) begin
    classes <= 10'(rows_apart) * 10'(columns_apart);
    correct_bytes <= 32'(classes) * 32'(4 * ROWS);
    plane_words <= 24'(d.weight_bits) * 24'(d.weight_plane);
    weight_bytes <= 32'(plane_words) * 32'(WORD_EIGHTHS);
    weight_stride <= 32'(d.weight_step) * 32'(WORD_EIGHTHS);
    if (layer_i) begin
      table_q <= d.table_offset;
      correct_q <= d.correct_offset;
      weight_q <= d.weight_offset;
    end else if (next_i) begin
      table_q <= table_q + 32'(16 * ROWS);
      correct_q <= correct_q + correct_bytes;
      weight_q <= weight_q + weight_stride;
    end
  end

  always_comb begin
    first_o = d.stream_tables ? bitdial_pkg::PART_TABLES : bitdial_pkg::PART_WEIGHTS;
    more_o = 1'b0;
    next_part_o = bitdial_pkg::PART_WEIGHTS;
    offset_o = weight_q;
    beats = BW'((weight_bytes + 32'd7) >> 3);
    base = slot_i ? slots_i.weight_base + slots_i.weight_words : slots_i.weight_base;
    case (part_i)
      bitdial_pkg::PART_TABLES: begin
        more_o = d.correct || weights;
        if (d.correct) next_part_o = bitdial_pkg::PART_CORRECTIONS;
        offset_o = table_q;
        beats = BW'(2 * ROWS);
        base = slot_i ? slots_i.table_base + AW'(ROWS) : slots_i.table_base;
      end
      bitdial_pkg::PART_CORRECTIONS: begin
        more_o = weights;
        offset_o = correct_q;
        beats = BW'(correct_bytes >> 3);
        base = slot_i ? slots_i.correct_base + slots_i.correct_words : slots_i.correct_base;
      end
      default: ;
    endcase
  end
  always_ff @(posedge clk_i) begin
    base_o <= base;
    beats_o <= beats;
  end
endmodule
