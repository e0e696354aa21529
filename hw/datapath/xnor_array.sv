// XNOR-popcount array: ROWS dot units of LANES bits. Stage 1 takes one plane of the activation word, stage 2 counts
// equal bits, stage 3 delivers. Lanes that are not real read as 0 and hold weight bit 1, so they count nothing.
module xnor_array #(
  parameter int ROWS = 8,
  parameter int LANES = 64
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  valid_i,  // stage 1
  input  logic [2:0]            plane_i,
  input  logic [LANES-1:0]      mask_i,
  input  logic [LANES*8-1:0]    codes_i,
  input  logic [ROWS*LANES-1:0] weights_i,
  output logic [ROWS*9-1:0]     counts_o  // stage 3
);
  logic                  valid_q;
  logic [LANES-1:0]      bits_q;
  logic [ROWS*LANES-1:0] weights_q;

  // Bit `plane` of every code.
  function automatic logic [LANES-1:0] take_plane(input logic [LANES*8-1:0] codes, input logic [2:0] plane);
    logic [LANES*8-1:0] shifted;
    shifted = codes >> plane;
    for (int l = 0; l < LANES; l++) take_plane[l] = shifted[8*l];
  endfunction

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= valid_i;
  end
  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      bits_q <= take_plane(codes_i, plane_i) & mask_i;
      weights_q <= weights_i;
    end
  end
  for (genvar r = 0; r < ROWS; r++) begin : g_row
    always_ff @(posedge clk_i)
      if (valid_q) counts_o[9*r +: 9] <= 9'($countones(~(weights_q[LANES*r +: LANES] ^ bits_q)));
  end
endmodule
