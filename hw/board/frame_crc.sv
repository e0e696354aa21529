// One byte further in the CRC-32 of frames (polynomial 0xEDB88320, lowest bit first).
module frame_crc (
  input  logic [31:0] crc_i,
  input  logic [7:0]  byte_i,
  output logic [31:0] crc_o
);
  always_comb begin
    crc_o = crc_i ^ {24'd0, byte_i};
    for (int i = 0; i < 8; i++) crc_o = crc_o[0] ? (crc_o >> 1) ^ 32'hedb88320 : crc_o >> 1;
  end
endmodule
