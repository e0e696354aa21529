// Steps of addresses in a residual map that is pooled, worked out by shifts and additions within 30 clocks of setup_i:
// a pixel's words, a row's, `stride` times each, and the words from the map's first place back to the first window's.
module pool_steps #(
  parameter int SUBS = 2
) (
  input  logic clk_i,
  input  logic rst_ni,
  // verilator lint_off UNUSEDSIGNAL
  input  bitdial_descriptor_pkg::descriptor_t d_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic setup_i,
  output logic ready_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] pixel_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] row_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] stride_pixel_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] stride_row_o,
  output logic [bitdial_descriptor_pkg::WORD_ADDRESS_W-1:0] begin_o  // from the map's first word to the first window's first place
);
  localparam int AW = bitdial_descriptor_pkg::WORD_ADDRESS_W;
  // One shifter and one adder work out one product after the other; `sum` of the last bit is the product.
  typedef enum logic [2:0] {IDLE, BEGIN, ROW, PAD_ROWS, PAD_COLUMNS, STRIDE_PIXEL, STRIDE_ROW} state_e;
  state_e        state_q;
  logic [9:0]    factor_q;   // bits of the factor that are still to come
  logic          last;
  logic [AW-1:0] pixel, shifted_q, sum_q, sum;
  assign pixel = d_i.z_in_wide ? AW'(d_i.row_groups) * AW'(2 * SUBS) : AW'(d_i.row_groups) * AW'(SUBS);
  assign last = factor_q[9:1] == 9'd0;
  assign sum = sum_q + (factor_q[0] ? shifted_q : '0);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) state_q <= IDLE;
    else if (setup_i) state_q <= BEGIN;
    else begin
      unique case (state_q)
        IDLE: state_q <= IDLE;
        BEGIN: state_q <= ROW;
        ROW: if (last) state_q <= PAD_ROWS;
        PAD_ROWS: if (last) state_q <= PAD_COLUMNS;
        PAD_COLUMNS: if (last) state_q <= STRIDE_PIXEL;
        STRIDE_PIXEL: if (last) state_q <= STRIDE_ROW;
        default: if (last) state_q <= IDLE;
      endcase
    end
  end
  always_ff @(posedge clk_i) begin
    factor_q <= {1'b0, factor_q[9:1]};
    shifted_q <= {shifted_q[AW-2:0], 1'b0};
    sum_q <= sum;
    if (last || state_q == BEGIN) begin
      shifted_q <= (state_q == ROW) ? sum : (state_q == STRIDE_PIXEL) ? row_o : pixel_o;
      if (state_q == BEGIN) shifted_q <= pixel;
      if (state_q != PAD_ROWS) sum_q <= '0;
      unique case (state_q)
        BEGIN: factor_q <= d_i.in_width;
        ROW: factor_q <= 10'(d_i.pad_top);
        PAD_ROWS: factor_q <= 10'(d_i.pad_left);
        default: factor_q <= {7'd0, d_i.stride[2:0]};
      endcase
      unique case (state_q)
        BEGIN: pixel_o <= pixel;
        ROW: row_o <= sum;
        PAD_COLUMNS: begin_o <= AW'(0) - sum;
        STRIDE_PIXEL: stride_pixel_o <= sum;
        STRIDE_ROW: stride_row_o <= sum;
        default: ;
      endcase
    end
  end
  assign ready_o = state_q == IDLE;
endmodule
