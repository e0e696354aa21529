// A reply as bytes: header, payload, CRC. Payload is a short one of up to eight bytes, or the bridge's buffer, or the
// answer to HELLO, whose bytes the bridge gives by their index.
module frame_sender (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,
  input  logic [31:0] sequence_i,
  input  logic [15:0] op_i,
  input  logic [1:0]  status_i,
  input  logic [9:0]  length_i,
  output logic [9:0]  index_o,       // of the byte of payload that is wanted next ...
  input  logic [7:0]  payload_i,     // ... which comes a clock later
  output logic        busy_o,
  output logic        valid_o,
  output logic [7:0]  byte_o,
  input  logic        ready_i
);
  localparam logic [31:0] MAGIC = 32'h31464442;
  typedef enum logic [1:0] {IDLE, HEADER, PAYLOAD_BYTES, TRAILER} state_e;
  state_e       state_q;
  logic [9:0]   count_q;
  logic [1:0]   settle_q;  // clocks until the byte that is shown is that of the index
  logic [31:0]  crc_q, crc_next;
  logic [127:0] header;
  logic [7:0]   shown;
  logic         sent;

  assign header = {22'd0, length_i, 14'd0, status_i, op_i, sequence_i, MAGIC};
  assign index_o = count_q;
  assign busy_o = state_q != IDLE;
  assign valid_o = busy_o && settle_q == 0;
  assign sent = valid_o && ready_i;
  assign byte_o = shown;
  frame_crc u_frame_crc (.crc_i(crc_q), .byte_i(shown), .crc_o(crc_next));
  always_comb begin
    case (state_q)
      HEADER: shown = header[{count_q[3:0], 3'b000} +: 8];
      PAYLOAD_BYTES: shown = payload_i;
      default: shown = ~crc_q[{count_q[1:0], 3'b000} +: 8];
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      count_q <= '0;
      settle_q <= '0;
      crc_q <= '0;
    end else if (state_q == IDLE) begin
      if (start_i) begin
        state_q <= HEADER;
        count_q <= '0;
        settle_q <= '0;
        crc_q <= '1;
      end
    end else if (settle_q != 0) begin
      settle_q <= settle_q - 2'd1;
    end else if (sent) begin
      count_q <= count_q + 10'd1;
      if (state_q != TRAILER) crc_q <= crc_next;
      if (state_q == PAYLOAD_BYTES) settle_q <= 2'd2;
      case (state_q)
        HEADER: if (count_q == 10'd15) begin
          count_q <= '0;
          settle_q <= 2'd2;
          state_q <= length_i == 0 ? TRAILER : PAYLOAD_BYTES;
        end
        PAYLOAD_BYTES: if (count_q + 10'd1 == length_i) begin
          count_q <= '0;
          state_q <= TRAILER;
        end
        default: if (count_q == 10'd3) state_q <= IDLE;
      endcase
    end
  end
endmodule
