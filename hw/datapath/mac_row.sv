// One row of the MAC array: nine lanes for each of CHANNELS channels, Horner's scheme over the weight planes of a word
// (h), the sum of a pixel's words (P). The first nine lanes have codes of their own (depthwise), the others share theirs.
// Stages: 0 codes and bits stand here (and top_i); 5 the tags of h; 6 those of P; 7 sum_o.
module mac_row #(
  parameter int CHANNELS = 1,
  parameter int ACC_BITS = 28
) (
  input  logic                  clk_i,
  input  logic [71:0]           codes_i,
  input  logic [71:0]           more_codes_i,   // of the second channel
  input  logic [9*CHANNELS-1:0] bits_i,
  input  logic                  zero_point_i,   // of the layer
  input  logic                  top_i,          // stage 0: bits of the top plane
  input  logic                  step_i,         // stage 5: a segment
  input  logic                  plane_first_i,  // h doubles
  input  logic                  word_first_i,   // h begins
  input  logic                  word_end_i,     // stage 6: h is a word's sum
  input  logic                  pixel_first_i,  // P begins
  output logic [ACC_BITS-1:0]   sum_o
);
  logic signed [12:0] part;
  logic signed [14:0] segment, segment_q;
  mac_lanes u_lanes (.clk_i, .codes_i, .bits_i(bits_i[8:0]), .zero_point_i, .top_i, .sum_o(part));
  if (CHANNELS == 2) begin : g_second
    logic signed [12:0] more;
    mac_lanes u_lanes (.clk_i, .codes_i(more_codes_i), .bits_i(bits_i[17:9]), .zero_point_i, .top_i, .sum_o(more));
    assign segment = 15'(part) + 15'(more);
  end else begin : g_one
    assign segment = 15'(part);
    // verilator lint_off UNUSEDSIGNAL
    logic unused;  // there is no second channel
    assign unused = ^more_codes_i;
    // verilator lint_on UNUSEDSIGNAL
  end

  logic signed [23:0] h_q, base;
  assign base = word_first_i ? 24'sd0 : plane_first_i ? {h_q[22:0], 1'b0} : h_q;
  always_ff @(posedge clk_i) begin
    segment_q <= zero_point_i ? {segment[13:0], 1'b0} : segment;
    if (step_i) h_q <= base + 24'(segment_q);
    if (word_end_i) sum_o <= (pixel_first_i ? '0 : sum_o) + ACC_BITS'(h_q);
  end
endmodule
