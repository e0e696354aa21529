// Brings the SDRAM up: writes the controller's registers by Wishbone, one step after the other, as sdram_steps says, and waits
// behind each. Fourteen clocks behind the reset it begins; it ends after the last step, or where a write is not answered within
// 1,024 clocks, and the controller's ports then stay shut.
module sdram_init (
  input  logic        clk_i,
  input  logic        rst_ni,
  output logic [7:0]  step_o,
  input  logic [29:0] address_i,  // of the step, as data and clocks to wait
  input  logic [31:0] data_i,
  input  logic [15:0] wait_i,
  input  logic        last_i,
  output logic [29:0] wb_adr_o,
  output logic [31:0] wb_dat_o,
  output logic        wb_stb_o,
  input  logic        wb_ack_i
);
  localparam logic [15:0] RESET_CLOCKS = 16'd14, ACK_CLOCKS = 16'd1024;
  typedef enum logic [1:0] {WAIT, WRITE, NEXT, END} state_e;
  state_e      state_q;
  logic [15:0] left_q;
  assign wb_adr_o = address_i;
  assign wb_dat_o = data_i;
  assign wb_stb_o = state_q == WRITE;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= WAIT;
      left_q <= RESET_CLOCKS;
      step_o <= 8'd0;
    end else begin
      left_q <= left_q - 16'd1;
      case (state_q)
        WAIT: if (left_q == 16'd0) begin
          left_q <= ACK_CLOCKS;
          state_q <= WRITE;
        end
        WRITE: begin
          if (left_q == 16'd0) state_q <= END;
          if (wb_ack_i) begin
            left_q <= wait_i;
            state_q <= last_i ? END : NEXT;
          end
        end
        NEXT: if (left_q == 16'd0) begin
          step_o <= step_o + 8'd1;
          left_q <= 16'd0;
          state_q <= WAIT;
        end
        default: ;
      endcase
    end
  end
endmodule
