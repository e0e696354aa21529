// Activation buffer: one byte (eight planes of one code) a lane, one read and one write port, read latency one clock.
// The write port has a register in front: what is presented in clock t is in the memory from clock t + 2 on.
module act_buffer #(
  parameter int LANES = 64,
  parameter int WORDS = 2048
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               re_i,
  // verilator lint_off UNUSEDSIGNAL
  // addresses are as wide as the largest buffer; the feeder asserts that they fit:
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] raddr_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic [LANES*8-1:0] rdata_o,
  input  logic               we_i,
  input  logic [LANES-1:0]   lanes_i,  // written where 1
  // verilator lint_off UNUSEDSIGNAL
  // addresses are as wide as the largest buffer; the feeder asserts that they fit:
  input  logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] waddr_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic [LANES*8-1:0] wdata_i
);
  localparam int AW = $clog2(WORDS);
  logic               we_q;
  logic [LANES-1:0]   lanes_q;
  logic [AW-1:0]      waddr_q;
  logic [LANES*8-1:0] wdata_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) we_q <= 1'b0;
    else we_q <= we_i;
  end
  always_ff @(posedge clk_i) begin
    if (we_i) begin
      lanes_q <= lanes_i;
      waddr_q <= waddr_i[AW-1:0];
      wdata_q <= wdata_i;
    end
  end

  // Eight lanes a memory. Read before write, in one process, so that the blocking write is in order; a delayed write of
  // single lanes would cost the simulator a flag for every lane in every clock.
  for (genvar g = 0; g < LANES / 8; g++) begin : g_lanes
    logic [63:0] mem [0:WORDS-1];
    always_ff @(posedge clk_i) begin
      if (re_i) rdata_o[64*g +: 64] <= mem[raddr_i[AW-1:0]];
      // verilator lint_off BLKSEQ
      if (we_q) for (int l = 0; l < 8; l++) if (lanes_q[8*g+l]) mem[waddr_q][8*l +: 8] = wdata_q[64*g + 8*l +: 8];
      // verilator lint_on BLKSEQ
    end
  end
endmodule
