// Add-only MAC array: ROWS rows of CHANNELS x 9 lanes of whole codes. Planes of a word gather to codes while the word
// before is computed. Dense: all rows get the same segment of the word, channel(s) CHANNELS * segment on. Depthwise:
// each row gets the nine codes of its own channel.
// Words and tags come in clock S8 of the window reader. A pixel's sum stands at sums_o with done_o ten clocks after its
// last segment's tag (depthwise: nine); the weights of a segment stand here two clocks after it (depthwise: one).
module mac_array #(
  parameter int ROWS = 8,
  parameter int CHANNELS = 1,
  parameter int ACC_BITS = 28
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     abort_i,
  input  logic                     depthwise_i,   // of the layer
  input  logic                     byte_i,        // ... words of whole codes of two channels
  input  logic                     one_bit_i,     // ... codes of one bit: words of one plane of 16 channels
  input  logic                     zero_point_i,  // ... sums less those of the codes
  input  logic                     gather_i,      // of a MAC layer
  input  logic [71:0]              act_lo_i,
  input  logic [71:0]              act_hi_i,
  input  logic [1:0]               gather_pair_i,
  input  logic [2:0]               gather_group_i,
  input  logic                     gather_high_i,
  input  logic                     step_i,        // of a MAC layer: a segment
  input  logic [3:0]               segment_i,
  input  logic                     plane_first_i,
  input  logic                     word_first_i,
  input  logic                     word_last_i,
  input  logic [3:0]               pixel_i,
  input  logic                     first_i,
  input  logic                     last_i,
  input  logic                     block_last_i,
  input  logic [18*ROWS-1:0]       weights_i,
  output logic                     done_o,
  output logic                     block_done_o,
  output logic [3:0]               pixel_o,
  output logic [ROWS*ACC_BITS-1:0] sums_o
);
  typedef struct packed {
    logic [3:0] segment;
    logic       plane_first;
    logic       word_first;
    logic       word_last;
    logic [3:0] pixel;
    logic       first;
    logic       last;
    logic       block_last;
  } tag_t;
  localparam int TAG = 14;  // bits of it
  localparam int BITS = 9 * CHANNELS;

  // Tags: one clock (two) behind the reader, then stage 0 to 7 of the rows.
  tag_t            tag1_q, tag2_q, row_tag;
  logic            step1_q, step2_q, row_step;
  logic [7:0]      steps_q;
  logic [8*TAG-1:0] tags_q;
  // verilator lint_off UNUSEDSIGNAL
  tag_t            tag5, tag6, tag7;  // parts
  // verilator lint_on UNUSEDSIGNAL
  assign {row_step, row_tag} = depthwise_i ? {step1_q, tag1_q} : {step2_q, tag2_q};
  assign {tag7, tag6, tag5} = tags_q[5*TAG +: 3*TAG];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {step1_q, step2_q, steps_q} <= '0;
    else if (abort_i) {step1_q, step2_q, steps_q} <= '0;
    else {step1_q, step2_q, steps_q} <= {step_i, step1_q, steps_q[6:0], row_step};
  end
  always_ff @(posedge clk_i) begin
    tag1_q <= {segment_i, plane_first_i, word_first_i, word_last_i, pixel_i, first_i, last_i, block_last_i};
    tag2_q <= tag1_q;
    tags_q <= {tags_q[7*TAG-1:0], row_tag};
  end

  // Gather: bits 2 pair (from lo) and 2 pair + 1 (from hi) of eight channels; above them 0 from pair 0 on. Dense, the word of
  // all rows gathers here, beside the reader.
  logic         gather_q;
  logic [1:0]   pair_q;
  logic [71:0]  even_q, odd_q;
  logic [575:0] next_q;  // channel, tap, bit
  logic         byte_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) gather_q <= 1'b0;
    else gather_q <= gather_i && !depthwise_i;
  end
  always_ff @(posedge clk_i) begin
    byte_q <= byte_i;
    pair_q <= gather_pair_i;
    {odd_q, even_q} <= {act_hi_i, act_lo_i};
  end
  for (genvar c = 0; c < 8; c++) begin : g_channel
    for (genvar t = 0; t < 9; t++) begin : g_tap
      for (genvar b = 0; b < 8; b++) begin : g_bit
        logic plane;
        assign plane = b % 2 == 1 ? odd_q[8*t + c] : even_q[8*t + c];
        always_ff @(posedge clk_i) begin
          if (c < 2) begin
            if (gather_q && (pair_q == 2'(b / 2) || pair_q == 2'd0))
              next_q[72*c + 8*t + b] <= byte_q ? (c == 0 ? even_q[8*t + b] : odd_q[8*t + b]) : pair_q == 2'(b / 2) && plane;
          end else if (b >= 2 && gather_q && pair_q == 2'd0) next_q[72*c + 8*t + b] <= 1'b0;
          else if (gather_q && pair_q == 2'(b / 2)) next_q[72*c + 8*t + b] <= plane;
        end
      end
    end
  end

  // Dense: the word in work, and its segment.
  logic [575:0]         word_q;
  logic [8/CHANNELS-1:0] select_q;  // one hot
  logic [CHANNELS*72-1:0] segment;
  always_ff @(posedge clk_i) begin
    if (step1_q && tag1_q.word_first) word_q <= next_q;
    for (int s = 0; s < 8 / CHANNELS; s++)
      select_q[s] <= CHANNELS == 2 ? tag1_q.segment[1:0] == 2'(s) : tag1_q.segment[2:0] == 3'(s);
  end
  always_comb begin
    segment = '0;
    for (int s = 0; s < 8 / CHANNELS; s++)
      segment = segment | (word_q[72*CHANNELS*s +: 72*CHANNELS] & {72*CHANNELS{select_q[s]}});
    if (one_bit_i) begin
      for (int l = 0; l < 9 * CHANNELS; l++)
        segment[8*l +: 8] = {7'd0, tag2_q.segment[CHANNELS == 2 ? 2 : 3] ? segment[8*l + 1] : segment[8*l]};
    end
  end

  // Rows: codes of their own (depthwise) or those of the segment.
  // What all rows are told stands in registers of four rows each, beside them; these are not to be merged (keep).
  localparam int TOLD = (ROWS + 3) / 4;
  logic             zero_q, above_q, above, top, top_q;  // top_q: bits of the top plane; top: in the next clock
  logic             word_first, plane_first;             // of row_tag in the next clock
  logic [TOLD-1:0]  tops_q, zeros_q, depthwise_q, lones_q, odds_q;
  logic [4:0]       negatives_q;                         // with a zero point: the same at stages 0 to 4
  logic [72*CHANNELS-1:0] shared_q;
  assign word_first = depthwise_i ? word_first_i : tag1_q.word_first;
  assign plane_first = depthwise_i ? plane_first_i : tag1_q.plane_first;
  assign above = row_step ? top_q : above_q;
  assign top = word_first || (above && !plane_first);
  always_ff @(posedge clk_i) begin
    negatives_q <= {negatives_q[3:0], top_q && zero_q};
    top_q <= top;
    above_q <= above;
    zero_q <= zero_point_i;
    if (step2_q) shared_q <= segment;
    if (depthwise_i) shared_q <= '0;
  end
  for (genvar g = 0; g < TOLD; g++) begin : g_told
    (* keep *) always_ff @(posedge clk_i) begin
      tops_q[g] <= top;
      zeros_q[g] <= zero_point_i;
      depthwise_q[g] <= depthwise_i;
      lones_q[g] <= depthwise_i && one_bit_i;
      odds_q[g] <= CHANNELS == 1 && !depthwise_i && tag1_q.segment[0];
    end
  end
  // Depthwise, the codes of eight rows' channels gather at a time: bits of which pair come, one hot, and bits above pair 0 that go.
  localparam int GROUPS = (ROWS + 7) / 8;
  logic [4*GROUPS-1:0] come_q;
  for (genvar g = 0; g < GROUPS; g++) begin : g_group
    logic here;
    assign here = gather_i && depthwise_i && gather_group_i == 3'(lones_q[2*g] ? g / 2 : g);
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) come_q[4*g +: 4] <= '0;
      else for (int k = 0; k < 4; k++) come_q[4*g + k] <= here && gather_pair_i == 2'(k);
    end
  end
  for (genvar r = 0; r < ROWS; r++) begin : g_row
    // Depthwise, the codes of the row's channel gather beside the row: its 18 bits of the planes have to come here, not 72 of
    // codes. The registers before them are the row's own for that (keep: they are not to be merged with those of other rows).
    logic [8:0]      lo_q, hi_q;
    logic [71:0]     own_q, codes_q;
    (* keep *) always_ff @(posedge clk_i) begin
      for (int t = 0; t < 9; t++) begin
        lo_q[t] <= lones_q[r/4] && (r / 8 % 2 == 1 || (ROWS == 8 && gather_high_i)) ? act_hi_i[8*t + r%8] : act_lo_i[8*t + r%8];
        hi_q[t] <= !lones_q[r/4] && act_hi_i[8*t + r%8];
      end
    end
    for (genvar t = 0; t < 9; t++) begin : g_tap
      for (genvar b = 0; b < 8; b++) begin : g_bit
        always_ff @(posedge clk_i) begin
          if (b >= 2 && come_q[4*(r/8)]) own_q[8*t + b] <= 1'b0;
          else if (come_q[4*(r/8) + b/2]) own_q[8*t + b] <= b % 2 == 1 ? hi_q[t] : lo_q[t];
        end
      end
    end
    logic            zero;
    logic [BITS-1:0] bits, gate_q, inverse_q;
    assign zero = zeros_q[r/4];
    assign bits = odds_q[r/4] ? BITS'(weights_i[18*r+9 +: 9]) : weights_i[18*r +: BITS];
    always_ff @(posedge clk_i) begin
      if (step1_q && tag1_q.word_first) codes_q <= own_q;
      if (!depthwise_q[r/4]) codes_q <= '0;
      gate_q <= bits ^ {BITS{tops_q[r/4]}};
      if (!zero) gate_q <= '1;
      inverse_q <= ~bits;
      if (zero) inverse_q <= '0;
    end
    mac_row #(.CHANNELS(CHANNELS), .ACC_BITS(ACC_BITS)) u_row (
      .clk_i, .codes_i(codes_q), .shared_i(shared_q), .gate_i(gate_q), .inverse_i(inverse_q), .zero_point_i(zero),
      .negative_i(negatives_q[4]), .step_i(steps_q[5]), .plane_first_i(tag5.plane_first),
      .word_first_i(tag5.word_first), .word_end_i(steps_q[6] && tag6.word_last), .pixel_first_i(tag6.first),
      .sum_o(sums_o[ACC_BITS*r +: ACC_BITS]));
  end

  assign done_o = steps_q[7] && tag7.word_last && tag7.last;
  assign block_done_o = done_o && tag7.block_last;
  assign pixel_o = tag7.pixel;
endmodule
