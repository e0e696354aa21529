// A word STAGES clocks later.
module tag_delay #(
  parameter int WIDTH = 1,
  parameter int STAGES = 1
) (
  input  logic             clk_i,
  input  logic [WIDTH-1:0] tag_i,
  output logic [WIDTH-1:0] tag_o
);
  logic [STAGES*WIDTH-1:0] stages_q;  // the newest in the lowest bits
  if (STAGES == 1) begin : g_one
    always_ff @(posedge clk_i) stages_q <= tag_i;
  end else begin : g_more
    always_ff @(posedge clk_i) stages_q <= {stages_q[(STAGES-1)*WIDTH-1:0], tag_i};
  end
  assign tag_o = stages_q[STAGES*WIDTH-1 -: WIDTH];
endmodule
