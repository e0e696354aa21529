#!/bin/sh
# `make synth-check`: Yosys reads the RTL that is simulated, with the parameters that it has by itself. It fails on anything that
# `check` finds, on any latch and on any implicitly declared wire; then it maps the design for ECP5 and prints what
# that takes.
#     hw/synth/check.sh [--read-only | --self-test]
# --read-only stops before mapping; --self-test shows that a planted latch, an implicit wire and a loop are refused.
set -eu
cd "$(dirname "$0")/../.."
out=build/synth
mkdir -p "$out"

# read NAME TOP FILES: elaborates TOP and leaves build/synth/NAME.il; its failures are printed
read_design() {
    name=$1 top=$2
    shift 2
    {
        echo "read_verilog -sv -Ihw $*"
        echo "hierarchy -check -top $top"
        echo "proc"
        echo "opt"
        echo "check -assert"
        echo "select -assert-none t:\$dlatch t:\$adlatch t:\$dlatchsr t:\$sr"
        echo "write_rtlil $out/$name.il"
    } >"$out/$name.ys"
    if ! yosys -q -l "$out/$name.log" "$out/$name.ys" >"$out/$name.out" 2>&1; then
        grep -E 'ERROR|Warning' "$out/$name.log" | head -20
        return 1
    fi
    if grep -E 'implicitly declared|Latch inferred' "$out/$name.log"; then
        return 1
    fi
}

if [ "${1:-}" = --self-test ]; then
    echo 'module good(input logic a, b, output logic y); always_comb y = a && b; endmodule' >"$out/good.sv"
    echo 'module latch(input logic a, b, output logic y); always @* if (a) y = b; endmodule' >"$out/latch.sv"
    echo 'module implicit(input logic a, output logic y); assign w = a; assign y = w; endmodule' >"$out/implicit.sv"
    echo 'module loop(input logic a, output logic y); logic w; assign w = y && a; assign y = !w; endmodule' >"$out/loop.sv"
    read_design good good "$out/good.sv" || { echo "synth-check: a good design is refused"; exit 1; }
    for planted in latch implicit loop; do
        if read_design $planted $planted "$out/$planted.sv" >"$out/$planted.why"; then
            echo "synth-check: a planted $planted passes"
            exit 1
        fi
        [ -s "$out/$planted.why" ] || { echo "synth-check: no reason for refusing a planted $planted"; exit 1; }
    done
    echo "synth-check refuses a planted latch, an implicit wire and a combinational loop"
    exit
fi

start=$(date +%s)
# shellcheck disable=SC2046 # one file a word
read_design bitdial bitdial_top hw/bitdial_regs_pkg.sv hw/bitdial_descriptor_pkg.sv hw/bitdial_walk_pkg.sv hw/bitdial_pkg.sv \
    hw/bitdial_top.sv $(find hw/control hw/memory hw/datapath -name '*.sv' | sort)
read_design bridge uart_bridge hw/board/*.sv
echo "bitdial_top and uart_bridge read: check found nothing, no latch, no implicit wire ($(($(date +%s) - start)) s)"
[ "${1:-}" != --read-only ] || exit 0

# map FAMILY COMMAND CELLS: maps the design and prints the cells asked for
map_design() {
    family=$1 command=$2 cells=$3
    yosys -q -l "$out/$family.log" -p "read_rtlil $out/bitdial.il; $command; check -assert
        tee -o $out/$family.stat stat -top bitdial_top" >"$out/$family.out" 2>&1 || {
        grep ERROR "$out/$family.log"
        return 1
    }
    # Memories lie in the family's RAM; those that Yosys makes of cases are its own.
    if grep -A1 '^Mapping memory \\' "$out/$family.log" | grep 'created [1-9]'; then
        echo "synth-check: a memory is made of registers for $family"
        return 1
    fi
    awk -v family="$family" -v cells="$cells" '
        /=== design hierarchy ===/ { total = 1 }
        total && NF == 2 { count[$1] += $2 }
        END {
            n = split(cells, group, " ")
            line = family ":"
            for (g = 1; g <= n; g++) {
                split(group[g], part, "=")
                sum = 0
                for (cell in count) if (cell ~ "^(" part[2] ")$") sum += count[cell]
                line = line " " part[1] " " sum
            }
            print line
            if (line ~ /LUT 0 /) exit 1
        }' "$out/$family.stat"
}
# No memory is read and written at one address in one clock, which simulation asserts.
map_design ecp5 "synth_ecp5 -noflatten -no-rw-check -top bitdial_top -run :map_luts; opt_merge; opt_clean; synth_ecp5 -noflatten -no-rw-check -top bitdial_top -run map_luts:" \
    'LUT=LUT4 FF=TRELLIS_FF carry=CCU2C BRAM=DP16KD LUT-RAM=TRELLIS_DPR16X4 DSP=MULT18X18D' || failed=1
yosys -V
[ -z "${failed:-}" ] || { echo "synth-check: mapping failed"; exit 1; }
echo "synth-check passed in $(($(date +%s) - start)) s"
