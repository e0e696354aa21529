// Frames from bytes (sw/transport/README.md). Looks for the magic number, so that whatever was lost or added before
// does no harm after it; a frame counts when its length is possible and its CRC right. A frame that stops in its middle is
// given up after IDLE_CLOCKS. Payload goes to the buffer of the bridge; its first two numbers are kept besides.
module frame_receiver #(
  parameter int PAYLOAD = 264,     // most bytes of payload
  parameter int IDLE_CLOCKS = 1 << 20
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        enable_i,    // bytes are taken; low while the bridge works and answers
  input  logic        valid_i,
  input  logic [7:0]  byte_i,
  output logic        frame_o,     // one clock: the fields hold a good frame, until the next byte
  output logic        damaged_o,   // one clock: a frame was given up
  output logic [31:0] sequence_o,
  output logic [15:0] op_o,
  output logic [9:0]  length_o,    // of the payload
  output logic [63:0] first_o,     // the payload's numbers
  output logic [63:0] second_o,
  output logic        we_o,        // a byte of payload
  output logic [9:0]  index_o,
  output logic [7:0]  byte_o
);
  localparam logic [31:0] MAGIC = 32'h31464442;      // "BDF1"
  localparam logic [31:0] CRC_MAGIC = 32'h6fc87df0;   // after the magic number
  localparam logic [31:0] CRC_RESIDUE = 32'hdebb20e3;  // after a frame and its own CRC
  localparam int IW = $clog2(IDLE_CLOCKS + 1);
  typedef enum logic [1:0] {HUNT, HEADER, PAYLOAD_BYTES, TRAILER} state_e;
  state_e        state_q;
  logic [23:0]   last_q;  // the three bytes before
  logic [31:0]   crc_q, crc_next, sequence_q;
  logic [15:0]   op_q;
  logic [127:0]  numbers_q;
  logic [9:0]    count_q, length_q;
  logic [IW-1:0] idle_q;
  logic          frame_q, damaged_q;
  logic [31:0]   window, length;

  assign window = {byte_i, last_q};
  assign length = window;  // at the header's last byte
  frame_crc u_frame_crc (.crc_i(crc_q), .byte_i(byte_i), .crc_o(crc_next));
  assign frame_o = frame_q;
  assign damaged_o = damaged_q;
  assign sequence_o = sequence_q;
  assign op_o = op_q;
  assign length_o = length_q;
  assign first_o = numbers_q[63:0];
  assign second_o = numbers_q[127:64];
  assign we_o = enable_i && valid_i && state_q == PAYLOAD_BYTES;
  assign index_o = count_q;
  assign byte_o = byte_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= HUNT;
      last_q <= '0;
      crc_q <= '0;
      sequence_q <= '0;
      op_q <= '0;
      numbers_q <= '0;
      count_q <= '0;
      length_q <= '0;
      idle_q <= '0;
      frame_q <= 1'b0;
      damaged_q <= 1'b0;
    end else begin
      frame_q <= 1'b0;
      damaged_q <= 1'b0;
      idle_q <= valid_i || state_q == HUNT ? '0 : idle_q + 1'b1;
      if (!enable_i) begin
        state_q <= HUNT;
        last_q <= '0;
      end else if (!valid_i) begin
        if (idle_q == IW'(IDLE_CLOCKS)) begin
          state_q <= HUNT;
          damaged_q <= 1'b1;
        end
      end else begin
        last_q <= window[31:8];
        crc_q <= crc_next;
        count_q <= count_q + 10'd1;
        case (state_q)
          HUNT: if (window == MAGIC) begin
            state_q <= HEADER;
            crc_q <= CRC_MAGIC;
            count_q <= '0;
          end
          HEADER: begin
            if (count_q == 10'd3) sequence_q <= window;
            if (count_q == 10'd5) op_q <= window[31:16];
            if (count_q == 10'd11) begin
              count_q <= '0;
              length_q <= length[9:0];
              state_q <= length == 0 ? TRAILER : PAYLOAD_BYTES;
              if (length > 32'(PAYLOAD)) begin
                state_q <= HUNT;
                damaged_q <= 1'b1;
              end
            end
          end
          PAYLOAD_BYTES: begin
            if (count_q < 10'd16) numbers_q[{count_q[3:0], 3'b000} +: 8] <= byte_i;
            if (count_q + 10'd1 == length_q) begin
              count_q <= '0;
              state_q <= TRAILER;
            end
          end
          default: if (count_q == 10'd3) begin
            state_q <= HUNT;
            frame_q <= crc_next == CRC_RESIDUE;
            damaged_q <= crc_next != CRC_RESIDUE;
            last_q <= '0;
          end
        endcase
      end
    end
  end
endmodule
