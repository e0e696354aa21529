// One row of the MAC array: nine lanes for each of CHANNELS channels, Horner's scheme over the weight planes of a word
// (h), the sum of a pixel's words (P). The first nine lanes have codes of their own (depthwise), the others share theirs.
// A weight bit adds a code where it is 1 and takes it off where it is 0. Of weights with a zero point only half of that is
// wanted, offset included: codes are taken off where the top plane's bit is 0, and added where another plane's bit is 1.
// Stages: 0 codes, gates and inverses stand here; 5 the tags of h; 6 those of P; 7 sum_o.
module mac_row #(
  parameter int CHANNELS = 1,
  parameter int ACC_BITS = 28
) (
  input  logic                  clk_i,
  input  logic [71:0]           codes_i,        // mac_lanes.sv
  input  logic [72*CHANNELS-1:0] shared_i,      // of both channels
  input  logic [9*CHANNELS-1:0] gate_i,
  input  logic [9*CHANNELS-1:0] inverse_i,
  input  logic                  zero_point_i,   // of the layer
  input  logic                  negative_i,     // stage 4: with a zero point, the top plane
  input  logic                  step_i,         // stage 5: a segment
  input  logic                  plane_first_i,  // h doubles
  input  logic                  word_first_i,   // h begins
  input  logic                  word_end_i,     // stage 6: h is a word's sum
  input  logic                  pixel_first_i,  // P begins
  output logic [ACC_BITS-1:0]   sum_o
);
  logic signed [12:0] part;
  logic signed [14:0] segment, segment_q;
  mac_lanes u_lanes (
    .clk_i, .codes_i, .shared_i(shared_i[71:0]), .gate_i(gate_i[8:0]), .inverse_i(inverse_i[8:0]), .sum_o(part));
  if (CHANNELS == 2) begin : g_second
    logic signed [12:0] more;
    mac_lanes u_lanes (
      .clk_i, .codes_i(72'd0), .shared_i(shared_i[143:72]), .gate_i(gate_i[17:9]), .inverse_i(inverse_i[17:9]), .sum_o(more));
    assign segment = 15'(part) + 15'(more);
  end else begin : g_one
    assign segment = 15'(part);
  end

  logic signed [23:0] h_q, base;
  logic               negative_q;
  // verilator lint_off UNUSEDSIGNAL
  logic [24:0]        total;  // bit 0 but makes the carry
  // verilator lint_on UNUSEDSIGNAL
  assign base = word_first_i ? 24'sd0 : plane_first_i ? {h_q[22:0], 1'b0} : h_q;
  assign total = {base, 1'b1} + {24'(segment_q), negative_q};
  always_ff @(posedge clk_i) begin
    segment_q <= (zero_point_i ? {segment[13:0], 1'b0} : segment) ^ {15{negative_i}};
    negative_q <= negative_i;
    if (step_i) h_q <= total[24:1];
    if (word_end_i) sum_o <= (pixel_first_i ? '0 : sum_o) + ACC_BITS'(h_q);
  end
endmodule
