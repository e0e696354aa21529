#!/bin/sh
# `make prove`: properties of the control blocks, for all time and every input, by induction (Yosys, `sat -tempinduct`).
# NAME.svh holds what is claimed of hw/control/NAME.sv or hw/board/NAME.sv; it is put before that module's end in a copy. Then a fault is
# planted in the copy, by a line of sed, and the proof must find a run of clocks in which the claim breaks.
#     hw/prove/prove.sh [NAME...]
set -eu
cd "$(dirname "$0")/../.."
out=build/prove
mkdir -p "$out"
[ $# -gt 0 ] || set -- axil_slave doorbell_queue csr program_loader frame_results dma_read dma_write watchdog sequencer tile_feeder axil_master
packages="hw/bitdial_regs_pkg.sv hw/bitdial_descriptor_pkg.sv hw/bitdial_pkg.sv"

# prove FOLDER NAME OPTIONS: 0 proved, 1 a counterexample, 2 neither
prove() {
    folder=$1 name=$2 options=$3 others= parameters=
    case $name in
    csr) others="hw/control/doorbell_queue.sv hw/control/frame_results.sv" ;;
    axil_master) parameters="chparam -set ACCESS_CLOCKS 4 axil_master" ;;
    watchdog) parameters="chparam -set ABORT_CLOCKS 16 watchdog" ;;
    esac
    {
        echo "read_verilog -sv -formal -Ihw $packages $others $folder/$name.sv"
        echo "$parameters"
        echo "hierarchy -check -top $name"
        echo "proc; flatten; opt -full"
        # What answers a VALID comes from registers alone.
        [ $name != axil_slave ] || echo "select -assert-none o:*ready_o %ci*:-\$adff,\$adffe,\$dff,\$dffe i:*valid_i %i"
        echo "memory_map; async2sync; dffunmap; opt -full"
        echo "sat $options -prove-asserts -set-assumes -set-init run_q 0 -timeout 60 -verify"
    } >"$folder/$name.ys"
    yosys -q -l "$folder/$name.log" "$folder/$name.ys" >/dev/null 2>&1 && return 0
    if grep -q -e 'model found for base case: FAIL' -e 'Assertion failed: selection is not empty' "$folder/$name.log"; then
        return 1
    fi
    return 2
}

# splice NAME FOLDER: the module with its claims before its end
splice() {
    source=hw/control/$1.sv
    [ -e "$source" ] || source=hw/board/$1.sv
    sed '/^endmodule/,$d' "$source" >"$2/$1.sv"
    cat >>"$2/$1.sv" - "hw/prove/$1.svh" <<'END'
  // The reset is low in the first clock and high from then on.
  logic run_q;
  initial run_q = 1'b0;
  always_ff @(posedge clk_i) run_q <= 1'b1;
  always_comb assume (rst_ni == run_q);
END
    echo endmodule >>"$2/$1.sv"
}

# Faults, one a line: NAME, then what sed does.
faults() {
    cat <<'END'
axil_slave s/ && !(bvalid_o && !bready_i);/;/
axil_slave s/assign awready_o = up_q && !addr_q;/assign awready_o = up_q \&\& !addr_q \&\& wvalid_i;/
axil_slave s/if (wvalid_i && wready_o) begin/if (wvalid_i) begin/
doorbell_queue s/push && (level_q == 2'(frame_pop_i))/push \&\& level_q == 2'd0/
doorbell_queue s/|| 3'(level_q) + held_i >= /|| 3'(level_q) + held_i > /
csr s/if (!`BD_FAULT(2)) precision_q/if (write_strobe_i[0]) precision_q/
csr s/if (read_i && is_counter && !read_addr_i\[2\])/if (is_counter \&\& !read_addr_i[2])/
csr s/assign bell.store_addr = store_addr_q;/assign bell.store_addr = output_addr_q;/
csr s/bitdial_regs_pkg::LAYER_COUNT_ADDR, bitdial_regs_pkg::SWITCH_COUNT_ADDR: reload/bitdial_regs_pkg::SWITCH_COUNT_ADDR: reload/
csr s/else if (ring && !bad_switch && !full) changed_q/else if (ring) changed_q/
program_loader s/if (other_i) loaded_q <= 1'b0;//
program_loader s/    end else if (abort_i) begin/    end else if (abort_i \&\& state_q != PART_RUN) begin/
csr s/write_addr_i > bitdial_regs_pkg::FRAME_LIMIT_ADDR/write_addr_i > bitdial_regs_pkg::STORE_ADDR_HI_ADDR/
frame_results s/kept\[shown_q + level_o + 2'd1\]/kept[shown_q + 2'd1]/
frame_results s/if (done_i) kept/if (done_i || error_i) kept/
dma_read s/open_q < 3'd4/open_q <= 3'd4/
dma_read s/4'd0 - place_q/4'd1 - place_q/
dma_read s/|| arready_i);/|| beat_ready_i);/
dma_read s/assign ours = rid_i == id_i/assign ours = 1'b1/
dma_write s/10'd512 - {1'b0, addr_q/10'd513 - {1'b0, addr_q/
dma_write s/if (!(wvalid_o && !wready_i)) empty_q/empty_q/
dma_write s/bvalid_i && ours) begin/bvalid_i) begin/
axil_master s/next_q \&\& !open_q/next_q/
axil_master s/if (asked_q \&\& !next_q) begin/if (asked_q) begin/
axil_master s/clocks_q == CW'(ACCESS_CLOCKS)/clocks_q == 5/
axil_master s/if (awready_i) aw_q/if (awready_i || wready_i) aw_q/
watchdog s/|| progress_q) still_q/) still_q/
watchdog s/still_q >= limit_i/still_q > limit_i + 32'd1/
watchdog s/else if (!dead_o) abort_q/else if (progress_i) abort_q/
watchdog s/ || late_o;/;/
watchdog s/MARGIN = 32'd5/MARGIN = 32'd4/
watchdog s/MARGIN = 32'd5/MARGIN = 32'd6/
watchdog s/left_q <= MARGIN/left_q == MARGIN/
watchdog s/if (start_i) bounded_q/if (start_i \&\& bounded_q) bounded_q/
sequencer s/ || bad_q || watchdog_i/ || bad_q/
sequencer s/if (quiet || dead) begin/if (quiet) begin/
sequencer s/late_i ? bitdial_regs_pkg::ERROR_FRAME_LIMIT : //
sequencer s/frame_pop_o = !busy_q &&/frame_pop_o =/
sequencer s/assign ready = startable_i && /assign ready = /
sequencer s/&& !block_done_i && !start_o;/\&\& state_q != LOAD;/
tile_feeder s/settle_q <= 5'd4/settle_q <= 5'd0/;s/ && !taken_q\[slot_q\])/)/
tile_feeder s/if (streamed) begin/if (1'b1) begin/
tile_feeder s/more_hands && !waiting_q && settled_q/more_hands \&\& settled_q/
END
}

start=$(date +%s) failed=0
for name in "$@"; do
    mkdir -p "$out/$name"
    splice "$name" "$out/$name"
    code=0
    prove "$out/$name" "$name" "-tempinduct -maxsteps 3" || code=$?
    if [ $code -ne 0 ]; then
        echo "$name: not proved ($out/$name/$name.log)"
        failed=1
        continue
    fi
    n=0
    faults | grep "^$name " >"$out/$name/faults" || { echo "$name: no fault to plant"; failed=1; }
    while read -r _ fault; do
        n=$((n + 1))
        folder=$out/$name/fault$n
        mkdir -p "$folder"
        sed "$fault" "$out/$name/$name.sv" >"$folder/$name.sv"
        if cmp -s "$out/$name/$name.sv" "$folder/$name.sv"; then
            echo "$name: the fault '$fault' changes nothing"
            failed=1
            continue
        fi
        code=0
        prove "$folder" "$name" "-tempinduct -tempinduct-baseonly -maxsteps 16" || code=$?
        if [ $code -ne 1 ]; then
            echo "$name: no run breaks the claims under the fault '$fault' ($folder/$name.log)"
            failed=1
        fi
    done <"$out/$name/faults"
    echo "$name: proved; $n planted faults break it ($(($(date +%s) - start)) s)"
done
yosys -V
exit $failed
