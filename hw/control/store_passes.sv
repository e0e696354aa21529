// What a layer writes to memory when it is computed: its codes and its stream where the doorbell asked for them or they
// are spilled, the result of the last layer. One pass after the other; each has the store unit read ahead for a few clocks.
module store_passes (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,        // one clock: the layer is computed
  input  logic        abort_i,
  // verilator lint_off UNUSEDSIGNAL
  // of the descriptor and the frame each block takes what it needs:
  input  bitdial_descriptor_pkg::descriptor_t descriptor_i,
  input  bitdial_pkg::frame_t frame_i,
  // verilator lint_on UNUSEDSIGNAL
  input  logic [31:0] result_values_i,  // 32-bit values of a result
  output logic        any_o,          // with start_i: there is a pass
  output logic        busy_o,         // from the clock after start_i to the last pass's end
  output logic        store_start_o,  // to the store unit
  output logic        codes_o,        // the pass reads codes, not residual words
  output logic        write_start_o,  // to the write DMA, PREFILL clocks later: its address is out two clocks after
  output logic [63:0] write_addr_o,
  output logic [bitdial_pkg::BEAT_W-1:0] write_beats_o,
  input  logic        write_done_i
);
  localparam int BW = bitdial_pkg::BEAT_W;
  localparam logic [3:0] PREFILL = 4'd14;
  typedef enum logic [1:0] {CODES, STREAM, RESULT, NONE} pass_e;
  pass_e      pass_q, first_pass, next_pass;
  logic [3:0] wait_q;
  logic       busy_q, writing_q, want_codes, want_stream, want_result;
  assign want_codes = descriptor_i.store_codes && (frame_i.store_enable || descriptor_i.spill_codes);
  assign want_stream = descriptor_i.store_stream && (frame_i.store_enable || descriptor_i.spill_stream);
  assign want_result = descriptor_i.result;
  always_comb begin
    first_pass = want_codes ? CODES : want_stream ? STREAM : want_result ? RESULT : NONE;
    next_pass = NONE;
    if (want_result && pass_q != RESULT) next_pass = RESULT;
    if (want_stream && pass_q == CODES) next_pass = STREAM;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      writing_q <= 1'b0;
      pass_q <= NONE;
      wait_q <= 4'd0;
    end else if (abort_i) begin
      busy_q <= 1'b0;
      writing_q <= 1'b0;
    end else if (start_i && any_o) begin
      busy_q <= 1'b1;
      writing_q <= 1'b0;
      pass_q <= first_pass;
      wait_q <= PREFILL;
    end else if (busy_q && !writing_q) begin
      wait_q <= wait_q - 4'd1;
      if (wait_q == 4'd0) writing_q <= 1'b1;
    end else if (write_done_i) begin
      writing_q <= 1'b0;
      busy_q <= next_pass != NONE;
      pass_q <= next_pass;
      wait_q <= PREFILL;
    end
  end
  assign any_o = first_pass != NONE;
  assign busy_o = busy_q;
  assign store_start_o = busy_q && !writing_q && wait_q == PREFILL;
  assign write_start_o = busy_q && !writing_q && wait_q == 4'd0;
  assign codes_o = pass_q == CODES;
  always_comb begin
    if (pass_q == RESULT) begin
      write_addr_o = frame_i.output_addr;
      write_beats_o = BW'(result_values_i >> 1);
    end else if (codes_o) begin
      write_addr_o = frame_i.store_addr + 64'(descriptor_i.store_codes_offset);
      write_beats_o = BW'(descriptor_i.store_codes_bytes[26:3]);
    end else begin
      write_addr_o = frame_i.store_addr + 64'(descriptor_i.store_z_offset);
      write_beats_o = BW'(descriptor_i.store_z_bytes[26:3]);
    end
  end
endmodule
