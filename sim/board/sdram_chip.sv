// The top of a board with SDRAM, its data pins apart: what the memory drives, and what stands on the wires.
// TOP_PARAMETERS is what chip.sh gives the top.
module sdram_chip (
  input  logic        clk_25mhz,
  input  logic        ftdi_txd,
  output logic        ftdi_rxd,
  input  logic        btn_reset,
  output logic [7:0]  led,
  output logic        wifi_gpio0,
  output logic        sdram_clk,
  output logic        sdram_cke,
  output logic        sdram_csn,
  output logic        sdram_rasn,
  output logic        sdram_casn,
  output logic        sdram_wen,
  output logic [1:0]  sdram_ba,
  output logic [12:0] sdram_a,
  output logic [1:0]  sdram_dqm,
  input  logic        memory_drives,
  input  logic [15:0] memory_data,
  output logic [15:0] wires
);
  wire [15:0] sdram_d;
  assign sdram_d = memory_drives ? memory_data : 16'bz;
  assign wires = sdram_d;
  top #(`TOP_PARAMETERS) u_top (.*);
endmodule
