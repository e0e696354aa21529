// Steps of the XNOR array: pairs of a weight plane i and a pair of activation planes k, by exponent e = i + 2k from high
// to low, and by i from high to low within one exponent. Sums shift left where the exponent falls.
module walker_steps (
  input  logic       clk_i,
  input  logic       begin_i,        // begin of a block
  input  logic       next_i,         // to the next step
  input  logic [2:0] top_plane_i,    // weight bits - 1
  input  logic [1:0] top_pair_i,     // pairs of activation planes - 1
  output logic       plane0_o,       // i == 0
  output logic       last_o,
  output logic [1:0] shift_o,        // before the sums of this step
  output logic [1:0] pair_next_o     // k of the next step, of the first after the last
);
  logic [2:0] i_q, i0_q;  // this step, the first one of its exponent
  logic [1:0] k_q, k0_q;
  logic [1:0] shift_q;
  logic       same, top;
  logic [2:0] i0_next;
  logic [1:0] k0_next;

  assign same = i_q >= 3'd2 && k_q != top_pair_i;  // another step of this exponent
  assign top = i0_q == top_plane_i;
  // One exponent lower (two with one-bit weights): the highest i of the right parity.
  always_comb begin
    i0_next = i0_q;
    k0_next = k0_q;
    if (k0_q == 2'd0) i0_next = i0_q - 3'd1;
    else if (top_plane_i == 3'd0) k0_next = k0_q - 2'd1;
    else if (top) i0_next = i0_q - 3'd1;
    else begin
      i0_next = top_plane_i;
      k0_next = k0_q - 2'd1;
    end
  end
  assign last_o = i_q == 3'd0 && k_q == 2'd0;
  assign pair_next_o = last_o ? top_pair_i : same ? k_q + 2'd1 : k0_next;

  always_ff @(posedge clk_i) begin
    if (begin_i) begin
      i_q <= top_plane_i;
      i0_q <= top_plane_i;
      k_q <= top_pair_i;
      k0_q <= top_pair_i;
      shift_q <= 2'd0;
    end else if (next_i) begin
      if (same) begin
        i_q <= i_q - 3'd2;
        k_q <= k_q + 2'd1;
        shift_q <= 2'd0;
      end else begin
        i_q <= i0_next;
        i0_q <= i0_next;
        k_q <= k0_next;
        k0_q <= k0_next;
        shift_q <= (top_plane_i == 3'd0) ? 2'd2 : 2'd1;
      end
    end
  end
  assign plane0_o = i_q == 3'd0;
  assign shift_o = shift_q;
endmodule
