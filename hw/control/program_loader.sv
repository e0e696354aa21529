// Brings a program onto the chip, once: its load descriptor (model/program/README.md) and the parts that this lists. A
// frame whose program is there already costs it nothing: one that was not rung with `reload`, after one that loaded it.
module program_loader #(
  parameter int DESCRIPTORS = 96
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        other_i,         // a frame is taken from the queue that was rung with `reload`
  input  logic        start_i,         // a frame begins
  input  logic        abort_i,         // level: stop, drop everything
  // verilator lint_off UNUSEDSIGNAL
  // of the frame it needs where the program lies:
  input  bitdial_pkg::frame_t frame_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic        ready_o,         // from two clocks after start_i on: the frame's program is on the chip
  output logic        busy_o,          // the read DMA is its own
  output logic        bad_o,           // one clock: the load descriptor lists what cannot be read
  output logic        resident_o,      // the chip has its descriptors
  output bitdial_pkg::slots_t slots_o, // where streamed row groups go

  output logic        dma_start_o,
  output logic [63:0] dma_addr_o,
  output logic [bitdial_pkg::BEAT_W-1:0] dma_beats_o,
  input  logic        beat_i,
  input  logic        beat_last_i,
  input  logic [63:0] beat_data_i,
  output bitdial_pkg::part_e part_o,   // that the job loads
  output logic        part_job_o       // beats belong to it
);
  localparam int BW = bitdial_pkg::BEAT_W;
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  if (AW != bitdial_pkg::WORD_ADDRESS_W) $error("a word address has two widths");
  localparam int PARTS = 4;
  typedef enum logic [2:0] {IDLE, HEAD, HEAD_RUN, LOOK, PART, PART_RUN} state_e;
  state_e     state_q;
  bitdial_pkg::part_e part_q, next_part;
  logic [2:0] beat_q;
  logic       loaded_q, busy_q, job_end, resident_q;
  (* ram_style = "distributed" *)
  logic [63:0] parts [0:PARTS-1];  // as listed
  logic [31:0] offset, beats;      // of the part in work
  logic [BW-1:0] beats_q;
  logic [31:0] offset_q;
  logic        bad_q, any_q;       // it cannot be read; it has beats
  bitdial_pkg::slots_t slots_q;

  assign job_end = beat_i && beat_last_i;
  always_comb begin
    case (part_q)
      bitdial_pkg::PART_DESCRIPTORS: next_part = bitdial_pkg::PART_TABLES;
      bitdial_pkg::PART_TABLES: next_part = bitdial_pkg::PART_CORRECTIONS;
      default: next_part = bitdial_pkg::PART_WEIGHTS;
    endcase
  end
  assign {beats, offset} = parts[part_q];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      part_q <= bitdial_pkg::PART_DESCRIPTORS;
      beat_q <= 3'd0;
      loaded_q <= 1'b0;
      busy_q <= 1'b0;
    end else if (abort_i) begin
      state_q <= IDLE;
      busy_q <= 1'b0;
    end else begin
      if (other_i) loaded_q <= 1'b0;
      case (state_q)
        IDLE: if (start_i && !loaded_q) begin
          state_q <= HEAD;
          busy_q <= 1'b1;
          beat_q <= 3'd0;
        end
        HEAD: state_q <= HEAD_RUN;
        HEAD_RUN: begin
          if (beat_i) beat_q <= beat_q + 3'd1;
          part_q <= bitdial_pkg::PART_DESCRIPTORS;
          if (job_end) state_q <= LOOK;
        end
        LOOK: state_q <= PART;
        PART: if (bad_q) begin
          state_q <= IDLE;
          busy_q <= 1'b0;
        end else if (any_q) begin
          state_q <= PART_RUN;
        end else begin
          part_q <= next_part;
          state_q <= LOOK;
          if (part_q == bitdial_pkg::PART_WEIGHTS) begin
            state_q <= IDLE;
            busy_q <= 1'b0;
            loaded_q <= 1'b1;
          end
        end
        PART_RUN: if (job_end) begin
          part_q <= next_part;
          state_q <= LOOK;
          if (part_q == bitdial_pkg::PART_WEIGHTS) begin
            state_q <= IDLE;
            busy_q <= 1'b0;
            loaded_q <= 1'b1;
          end
        end
        default: begin
          state_q <= IDLE;
          busy_q <= 1'b0;
        end
      endcase
    end
  end

  // Words of the load descriptor, two a beat.
  always_ff @(posedge clk_i) begin
    if (beat_i && state_q == HEAD_RUN && !beat_q[2]) parts[beat_q[1:0]] <= beat_data_i;
    if (beat_i && state_q == HEAD_RUN) case (beat_q)
      3'd0: resident_q <= beat_data_i[63:32] != 32'd0;
      3'd4: begin
        slots_q.weight_base <= beat_data_i[AW-1:0];
        slots_q.weight_words <= beat_data_i[32 +: AW];
      end
      3'd5: begin
        slots_q.correct_base <= beat_data_i[AW-1:0];
        slots_q.correct_words <= beat_data_i[32 +: AW];
      end
      3'd6: slots_q.table_base <= beat_data_i[AW-1:0];
      default: ;
    endcase
  end

  // Parts are whole beats, and no more of them than one job reads.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {bad_q, any_q} <= 2'b00;
    else {bad_q, any_q} <= {offset[2:0] != 3'd0 || beats[31:BW] != '0, beats != 32'd0};
  end
  always_ff @(posedge clk_i) {beats_q, offset_q} <= {beats[BW-1:0], offset};
  assign bad_o = state_q == PART && bad_q;
  assign ready_o = !busy_q && loaded_q;
  assign busy_o = busy_q;
  assign resident_o = DESCRIPTORS != 0 && resident_q;
  assign slots_o = slots_q;
  assign part_o = part_q;
  assign part_job_o = state_q == PART_RUN;
  always_comb begin
    dma_start_o = !abort_i && (state_q == HEAD || (state_q == PART && !bad_q && any_q));
    dma_addr_o = frame_i.program_addr + ((state_q == HEAD) ? 64'(frame_i.desc_offset) : 64'(offset_q));
    dma_beats_o = (state_q == HEAD) ? BW'(8) : beats_q;
  end
endmodule
