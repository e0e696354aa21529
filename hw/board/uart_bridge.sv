// A serial line to the accelerator's registers, its memory and its interrupt: the framed protocol of
// sw/transport/README.md, requests 1 to 5, 8 and 15, in frames of up to 264 bytes of payload.
//
//   rx ─► synchronizer ─► uart_baud, uart_rx ─► frame_receiver ─► buffer ─► one request at a time ─► frame_sender ─► uart_tx
//                                                                              │
//                                              axil_master (registers), memory port (bytes), irq
//
// Nothing waits without a bound: a register or memory access ACCESS_CLOCKS, the interrupt IRQ_CLOCKS (the host asks again),
// a frame that stops IDLE_CLOCKS. A request that comes twice, because its answer was lost, acts once: the frame's number
// tells. A frame that was damaged is answered with DAMAGED, so that the host sends it again at once.
module uart_bridge #(
  parameter logic [63:0] MEMORY_BASE = 64'd0,
  parameter logic [63:0] MEMORY_BYTES = 64'h4000000,
  parameter logic [15:0] BIT_CLOCKS = 16'd868,  // before the line's speed is found out
  parameter int IDLE_CLOCKS = 1 << 20,
  parameter int ACCESS_CLOCKS = 1024,
  parameter int IRQ_CLOCKS = 1 << 16
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        uart_rx_i,
  output logic        uart_tx_o,
  input  logic        irq_i,

  output logic [31:0] m_axil_awaddr_o,
  output logic        m_axil_awvalid_o,
  input  logic        m_axil_awready_i,
  output logic [31:0] m_axil_wdata_o,
  output logic [3:0]  m_axil_wstrb_o,
  output logic        m_axil_wvalid_o,
  input  logic        m_axil_wready_i,
  input  logic [1:0]  m_axil_bresp_i,
  input  logic        m_axil_bvalid_i,
  output logic        m_axil_bready_o,
  output logic [31:0] m_axil_araddr_o,
  output logic        m_axil_arvalid_o,
  input  logic        m_axil_arready_i,
  input  logic [31:0] m_axil_rdata_i,
  input  logic [1:0]  m_axil_rresp_i,
  input  logic        m_axil_rvalid_i,
  output logic        m_axil_rready_o,

  output logic        mem_valid_o,  // a byte; withdrawn after ACCESS_CLOCKS without ready
  output logic        mem_write_o,
  output logic [63:0] mem_addr_o,
  output logic [7:0]  mem_wdata_o,
  input  logic        mem_ready_i,
  input  logic [7:0]  mem_rdata_i,  // with ready
  input  logic        mem_error_i   // with ready: there is no such byte
);
  localparam int PAYLOAD = 264;
  localparam int CW = $clog2((IRQ_CLOCKS > ACCESS_CLOCKS ? IRQ_CLOCKS : ACCESS_CLOCKS) + 1);
  localparam logic [15:0] HELLO = 16'd1, READ_REGISTER = 16'd2, WRITE_REGISTER = 16'd3, READ_MEMORY = 16'd4,
                          WRITE_MEMORY = 16'd5, WAIT_IRQ = 16'd8, QUIT = 16'd15;
  localparam logic [1:0] OK = 2'd0, REFUSED = 2'd1, DAMAGED = 2'd3;
  localparam logic [9:0] HELLO_BYTES = 10'd48;
  // "uart" in 16 letters, nothing shared, size, base, version 1
  localparam logic [383:0] HELLO_REPLY = {96'd0, 32'h74726175, 64'd0, MEMORY_BYTES, MEMORY_BASE, 64'd1};
  typedef enum logic [2:0] {RECEIVE, DECODE, REGISTER, FETCH, BYTE, INTERRUPT, START, SEND} state_e;
  state_e        state_q;
  logic [1:0]    rx_q, status_q, last_status_q;
  logic [15:0]   bit_clocks, op, op_q;
  logic          rx_valid, tx_ready, tx_valid, frame, damaged, buffer_we, master_start, master_done, master_error;
  logic          master_timeout, sender_busy, last_known_q, hello_q, short_q, from_memory;
  logic [7:0]    rx_byte, tx_byte, buffer_byte, buffer_data, payload, hello_byte_q, short_byte_q;
  logic [9:0]    length, buffer_at, index_q, size_q, send_length_q, send_index;
  // verilator lint_off UNUSEDSIGNAL
  // no frame reaches it:
  logic [9:0]    buffer_index;
  // verilator lint_on UNUSEDSIGNAL
  logic [31:0]   sequence_now, sequence_q, last_sequence_q, master_data;
  logic [63:0]   first, second, short_payload_q;
  logic [CW-1:0] clocks_q;
  logic          again;  // the request acted already
  logic [7:0]    buffer_ram[512];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) rx_q <= '1;
    else rx_q <= {rx_q[0], uart_rx_i};
  end
  uart_baud #(.BIT_CLOCKS(BIT_CLOCKS)) u_uart_baud (.clk_i, .rst_ni, .rx_i(rx_q[1]), .bit_clocks_o(bit_clocks));
  uart_rx u_uart_rx (.clk_i, .rst_ni, .rx_i(rx_q[1]), .bit_clocks_i(bit_clocks), .valid_o(rx_valid), .byte_o(rx_byte));
  uart_tx u_uart_tx (.clk_i, .rst_ni, .bit_clocks_i(bit_clocks), .valid_i(tx_valid), .byte_i(tx_byte), .ready_o(tx_ready),
                     .tx_o(uart_tx_o));
  frame_receiver #(.PAYLOAD(PAYLOAD), .IDLE_CLOCKS(IDLE_CLOCKS)) u_frame_receiver (
    .clk_i, .rst_ni, .enable_i(state_q == RECEIVE), .valid_i(rx_valid), .byte_i(rx_byte), .frame_o(frame),
    .damaged_o(damaged), .sequence_o(sequence_now), .op_o(op), .length_o(length), .first_o(first), .second_o(second),
    .we_o(buffer_we), .index_o(buffer_at), .byte_o(buffer_byte));
  frame_sender u_frame_sender (
    .clk_i, .rst_ni, .start_i(state_q == START), .sequence_i(sequence_q), .op_i(op_q), .status_i(status_q),
    .length_i(send_length_q), .index_o(send_index), .payload_i(payload), .busy_o(sender_busy), .valid_o(tx_valid),
    .byte_o(tx_byte), .ready_i(tx_ready));
  axil_master #(.ACCESS_CLOCKS(ACCESS_CLOCKS)) u_axil_master (
    .clk_i, .rst_ni, .start_i(master_start), .write_i(op == WRITE_REGISTER), .addr_i(first[31:0]),
    .data_i(second[31:0]), .done_o(master_done), .error_o(master_error), .timeout_o(master_timeout),
    .data_o(master_data), .awaddr_o(m_axil_awaddr_o), .awvalid_o(m_axil_awvalid_o), .awready_i(m_axil_awready_i),
    .wdata_o(m_axil_wdata_o), .wstrb_o(m_axil_wstrb_o), .wvalid_o(m_axil_wvalid_o), .wready_i(m_axil_wready_i),
    .bresp_i(m_axil_bresp_i), .bvalid_i(m_axil_bvalid_i), .bready_o(m_axil_bready_o), .araddr_o(m_axil_araddr_o),
    .arvalid_o(m_axil_arvalid_o), .arready_i(m_axil_arready_i), .rdata_i(m_axil_rdata_i), .rresp_i(m_axil_rresp_i),
    .rvalid_i(m_axil_rvalid_i), .rready_o(m_axil_rready_o));

  // The buffer: filled by the receiver or by reads of memory, read by writes of memory or by the sender.
  assign buffer_index = state_q == SEND ? send_index : state_q == RECEIVE ? buffer_at : index_q + (op == WRITE_MEMORY ? 10'd8 : 10'd0);
  assign from_memory = state_q == BYTE && mem_ready_i && op == READ_MEMORY;
  always_ff @(posedge clk_i) begin
    if (buffer_we || from_memory) buffer_ram[buffer_index[8:0]] <= from_memory ? mem_rdata_i : buffer_byte;
    buffer_data <= buffer_ram[buffer_index[8:0]];
    hello_byte_q <= HELLO_REPLY[{send_index[5:0], 3'b000} +: 8];
    short_byte_q <= short_payload_q[{send_index[2:0], 3'b000} +: 8];
  end
  assign payload = hello_q ? hello_byte_q : short_q ? short_byte_q : buffer_data;

  assign mem_valid_o = state_q == BYTE;
  assign mem_write_o = op == WRITE_MEMORY;
  assign mem_addr_o = first + 64'(index_q);
  assign mem_wdata_o = buffer_data;
  assign again = last_known_q && sequence_now == last_sequence_q && op == WRITE_REGISTER;
  assign master_start = state_q == DECODE && (op == READ_REGISTER || (op == WRITE_REGISTER && !again));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= RECEIVE;
      status_q <= OK;
      last_status_q <= OK;
      last_known_q <= 1'b0;
      last_sequence_q <= '0;
      hello_q <= 1'b0;
      short_q <= 1'b0;
      short_payload_q <= '0;
      index_q <= '0;
      size_q <= '0;
      send_length_q <= '0;
      sequence_q <= '0;
      op_q <= '0;
      clocks_q <= '0;
    end else begin
      clocks_q <= clocks_q + 1'b1;
      case (state_q)
        RECEIVE: begin
          hello_q <= 1'b0;
          short_q <= 1'b1;
          send_length_q <= '0;
          index_q <= '0;
          clocks_q <= '0;
          sequence_q <= damaged ? '0 : sequence_now;
          op_q <= damaged ? '0 : op;
          status_q <= damaged ? DAMAGED : OK;
          if (frame) state_q <= DECODE;
          if (damaged) state_q <= START;
        end
        DECODE: begin
          last_known_q <= op != HELLO;
          last_sequence_q <= sequence_now;
          last_status_q <= again ? last_status_q : OK;
          size_q <= op == READ_MEMORY ? second[9:0] : length - 10'd8;
          short_payload_q <= "  htgnel";  // "length  ": the first letter is the lowest byte
          case (op)
            HELLO: begin
              hello_q <= 1'b1;
              send_length_q <= HELLO_BYTES;
              state_q <= START;
            end
            READ_REGISTER: state_q <= REGISTER;
            WRITE_REGISTER: begin
              state_q <= again ? START : REGISTER;
              status_q <= again ? last_status_q : OK;
            end
            READ_MEMORY, WRITE_MEMORY: state_q <= FETCH;
            WAIT_IRQ: state_q <= INTERRUPT;
            QUIT: state_q <= START;
            default: begin
              short_payload_q <= " nwonknu";
              status_q <= REFUSED;
              send_length_q <= 10'd8;
              state_q <= START;
            end
          endcase
          if ((op == READ_MEMORY && second > 64'd256) || (op == WRITE_MEMORY && length < 10'd8)) begin
            status_q <= REFUSED;
            send_length_q <= 10'd8;
            state_q <= START;
          end
        end
        REGISTER: if (master_done) begin
          state_q <= START;
          send_length_q <= op == READ_REGISTER ? 10'd8 : 10'd0;
          short_payload_q <= {32'd0, master_data};
          if (master_error || master_timeout) begin
            status_q <= REFUSED;
            last_status_q <= REFUSED;
            send_length_q <= 10'd8;
            short_payload_q <= master_timeout ? "  tnelis" : "retsiger";  // "silent  ", "register"
          end
        end
        FETCH: begin  // the byte of the index comes out of the buffer in the next clock
          clocks_q <= '0;
          state_q <= index_q == size_q ? START : BYTE;
          short_q <= 1'b0;
          send_length_q <= op == READ_MEMORY ? size_q : 10'd0;
        end
        BYTE: begin
          index_q <= index_q + 10'd1;
          if (mem_ready_i && !mem_error_i) begin
            state_q <= FETCH;
          end else if (mem_ready_i || clocks_q == CW'(ACCESS_CLOCKS)) begin
            state_q <= START;
            status_q <= REFUSED;
            short_q <= 1'b1;
            send_length_q <= 10'd8;
            short_payload_q <= mem_ready_i ? " edistuo" : "  tnelis";  // "outside "
          end else begin
            index_q <= index_q;
          end
        end
        INTERRUPT: if (irq_i || clocks_q == CW'(IRQ_CLOCKS)) begin
          state_q <= START;
          send_length_q <= 10'd8;
          short_payload_q <= {63'd0, irq_i};
        end
        START: state_q <= SEND;
        default: if (!sender_busy) state_q <= RECEIVE;
      endcase
    end
  end
endmodule
