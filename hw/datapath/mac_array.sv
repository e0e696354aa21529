// Add-only MAC array: in each row, MAC_LANES whole codes a clock, added where the weight plane holds 1 and subtracted
// where it holds 0. Stage 1 selects a segment of the word, stage 2 adds, stage 3 delivers. As
// sum(+-c) = 2 sum(c where 1) - sum(c), the rows share the last sum.
module mac_array #(
  parameter int ROWS = 8,
  parameter int LANES = 64,
  parameter int MAC_LANES = 16
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  valid_i,  // stage 1
  input  logic [7:0]            segment_i,
  input  logic [LANES-1:0]      mask_i,
  input  logic [LANES*8-1:0]    codes_i,
  input  logic [ROWS*LANES-1:0] weights_i,
  output logic [ROWS*16-1:0]    sums_o    // stage 3, signed
);
  localparam int SEGMENTS = LANES / MAC_LANES;
  logic                      valid_q;
  logic [MAC_LANES*8-1:0]    codes_q;
  logic [ROWS*MAC_LANES-1:0] weights_q;

  // The sum of the codes whose lane is chosen.
  function automatic logic [14:0] sum(input logic [MAC_LANES*8-1:0] codes, input logic [MAC_LANES-1:0] chosen);
    sum = 15'd0;
    for (int l = 0; l < MAC_LANES; l++) sum = sum + (chosen[l] ? 15'(codes[8*l +: 8]) : 15'd0);
  endfunction

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= valid_i;
  end
  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      for (int s = 0; s < SEGMENTS; s++) if (segment_i == 8'(s)) begin
        for (int l = 0; l < MAC_LANES; l++)
          codes_q[8*l +: 8] <= codes_i[8*(s*MAC_LANES+l) +: 8] & {8{mask_i[s*MAC_LANES+l]}};
        for (int r = 0; r < ROWS; r++)
          weights_q[MAC_LANES*r +: MAC_LANES] <= weights_i[LANES*r + s*MAC_LANES +: MAC_LANES];
      end
    end
  end

  logic [14:0] total;
  assign total = sum(codes_q, '1);
  for (genvar r = 0; r < ROWS; r++) begin : g_row
    always_ff @(posedge clk_i)
      if (valid_q) sums_o[16*r +: 16] <= {sum(codes_q, weights_q[MAC_LANES*r +: MAC_LANES]), 1'b0} - {1'b0, total};
  end
endmodule
