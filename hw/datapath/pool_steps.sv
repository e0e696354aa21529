// Steps of addresses in a residual map that is pooled, worked out by shifts and additions within 24 clocks of setup_i:
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
  typedef enum logic [2:0] {IDLE, BEGIN, ROW, PAD_ROWS, PAD_COLUMNS, LAST} state_e;
  state_e        state_q;
  logic [9:0]    factor_q;   // bits of the factor that are still to come
  logic [AW-1:0] shifted_q, sum_q, sum, margin_q;

  function automatic logic [AW-1:0] times_stride(input logic [AW-1:0] step, input logic [2:0] stride);
    times_stride = (stride[2] ? {step[AW-3:0], 2'b00} : '0) + (stride[1] ? {step[AW-2:0], 1'b0} : '0) + (stride[0] ? step : '0);
  endfunction

  assign sum = sum_q + (factor_q[0] ? shifted_q : '0);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) state_q <= IDLE;
    else if (setup_i) state_q <= BEGIN;
    else begin
      unique case (state_q)
        BEGIN: state_q <= ROW;
        ROW: if (factor_q[9:1] == 9'd0) state_q <= PAD_ROWS;
        PAD_ROWS: if (factor_q[9:1] == 9'd0) state_q <= PAD_COLUMNS;
        PAD_COLUMNS: if (factor_q[9:1] == 9'd0) state_q <= LAST;
        default: state_q <= IDLE;
      endcase
    end
  end
  always_ff @(posedge clk_i) begin
    factor_q <= {1'b0, factor_q[9:1]};
    shifted_q <= {shifted_q[AW-2:0], 1'b0};
    sum_q <= sum;
    unique case (state_q)
      BEGIN: begin
        pixel_o <= d_i.z_in_wide ? AW'(d_i.row_groups) * AW'(2 * SUBS) : AW'(d_i.row_groups) * AW'(SUBS);
        shifted_q <= d_i.z_in_wide ? AW'(d_i.row_groups) * AW'(2 * SUBS) : AW'(d_i.row_groups) * AW'(SUBS);
        factor_q <= d_i.in_width;
        sum_q <= '0;
      end
      ROW: if (factor_q[9:1] == 9'd0) begin  // in_width * pixel
        row_o <= sum;
        shifted_q <= sum;
        factor_q <= 10'(d_i.pad_top);
        sum_q <= '0;
      end
      PAD_ROWS: if (factor_q[9:1] == 9'd0) begin  // + pad_top * row
        shifted_q <= pixel_o;
        factor_q <= 10'(d_i.pad_left);
      end
      PAD_COLUMNS: if (factor_q[9:1] == 9'd0) margin_q <= sum;  // + pad_left * pixel
      default: begin
        begin_o <= AW'(0) - margin_q;
        stride_pixel_o <= times_stride(pixel_o, d_i.stride[2:0]);
        stride_row_o <= times_stride(row_o, d_i.stride[2:0]);
      end
    endcase
  end
  assign ready_o = state_q == IDLE;
endmodule
