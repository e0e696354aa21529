#!/bin/sh
# `make fpga-report` with a router that answers what it is told: cells of a known circuit are counted without the harness,
# a clock below its goal fails, a router that breaks off is a failed seed, what is unchanged is not done again, a changed
# source is, nothing is routed with --map, and sources of which Yosys drops a part are refused. paths.py times a chain of two LUTs
# as added by hand, and names a loop.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/sources"
cat >"$work/sources/sum.sv" <<'END'
module sum(input logic clk_i, input logic [7:0] a_i, b_i, output logic [7:0] sum_o);
  logic [7:0] a_q;  // 16 registers, four CCU2C, and a LUT RAM of 16 words of 4 bits
  logic [3:0] mem [0:15];
  always_ff @(posedge clk_i) begin
    a_q <= a_i;
    sum_o <= a_q + {b_i[7:4], mem[b_i[3:0]]};
    mem[a_i[3:0]] <= a_i[7:4];
  end
endmodule
END
cat >"$work/router" <<'END'
#!/bin/sh
# MHz of seed N: the N-th line of the file mhz, or none
here=$(dirname "$0")
[ "$1" != --version ] || { echo '"router" -- (Version router-1)'; exit; }
while [ $# -gt 0 ]; do
    case $1 in --seed) seed=$2 ;; --report) report=$2 ;; esac
    shift
done
echo "$seed" >>"$here/runs"
mhz=$(sed -n "${seed}p" "$here/mhz")
[ "$mhz" != none ] || exit 1
echo "{\"fmax\": {\"c\": {\"achieved\": $mhz, \"constraint\": 100}}, \"critical_paths\": [{\"from\": \"posedge c\", \"to\": \"posedge c\",
    \"path\": [{\"delay\": 1, \"type\": \"clk-to-q\", \"from\": {\"cell\": \"u.a_q_TRELLIS_FF_Q_3\"}, \"to\": {\"cell\": \"u.a_q_TRELLIS_FF_Q_3\"}},
               {\"delay\": 1, \"type\": \"setup\", \"from\": {\"cell\": \"x\"}, \"to\": {\"cell\": \"u.sum_o_TRELLIS_FF_Q\"}}]}]}" >"$report"
END
chmod +x "$work/router"
printf 'seeds = [1, 2, 3]\n[[block]]\nname = "sum"\ngoal_mhz = 100\n' >"$work/list.toml"

report() { # WANTED_CODE [ARGUMENT...]
    wanted=$1
    shift
    code=0
    : >"$work/runs"
    PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/synth/fpga_report.py --router "$work/router" --list "$work/list.toml" --sources "$work/sources" \
        --out "$work/out" "$@" >"$work/printed" 2>"$work/errors" || code=$?
    [ $code = "$wanted" ] || { echo "exit code $code, not $wanted"; cat "$work/printed" "$work/errors"; exit 1; }
}
field() {
    jq -r ".blocks[0] | $1" "$work/out/report.json"
}

printf '90\n130\n100\n' >"$work/mhz"
report 0
counts=$(field '"\(.CCU2C) \(.DPR16X4) \(.FF) \(.median_mhz) \(.from) \(.to) \(.sites - .LUT4)"')
[ "$counts" = "4 1 16 100 a_q sum_o 14" ] || { echo "counted: $counts"; exit 1; }
report 0
[ ! -s "$work/runs" ] || { echo "what had not changed was routed again"; exit 1; }

sed -i 's/a_q + {/a_q - {/' "$work/sources/sum.sv"
printf '90\n130\n99.9\nnone\nnone\n200\n' >"$work/mhz"
report 1
[ "$(wc -l <"$work/runs")" = 3 ] && grep -q 'below the goal: sum' "$work/errors" || { echo "99.9 MHz pass for 100"; exit 1; }
sed -i 's/1, 2, 3/4, 5, 6/' "$work/list.toml"
report 1
[ "$(field '"\(.mhz[0]) \(.median_mhz)"')" = "0 0" ] || { echo "two failed seeds of three pass"; exit 1; }

: >"$work/mhz"
report 0 --map
[ ! -s "$work/runs" ] && [ "$(field '"\(.CCU2C) \(.mhz)"')" = "4 []" ] && grep -q '| not routed | – |' "$work/printed" || { cat "$work/printed"; exit 1; }
# Yosys 0.23 reads a struct that is declared beside a loop as undefined bits, says so, and goes on.
cat >"$work/sources/sum.sv" <<'END'
module wires(input logic [1:0] a_i, output logic [1:0] a_o);
  assign a_o = a_i;
endmodule
module sum(input logic clk_i, input logic [3:0] a_i, output logic [3:0] sum_o);
  typedef struct packed {logic [1:0] high, low;} pair_t;
  for (genvar i = 0; i < 1; i++) begin : g_one
    pair_t pair_q;
    always_ff @(posedge clk_i) pair_q <= a_i;
    wires u_high (.a_i(pair_q.low), .a_o(sum_o[3:2]));
    wires u_low (.a_i(pair_q.high), .a_o(sum_o[1:0]));
  end
endmodule
END
report 3
grep -q 'Yosys does not read this as meant: .*out of bounds' "$work/errors" || { cat "$work/errors"; exit 1; }

# A product and its operands in registers: the multiplier takes all, where the list says so.
cat >"$work/sources/sum.sv" <<'END'
module sum(input logic clk_i, input logic [8:0] a_i, b_i, output logic [17:0] sum_o);
  logic [8:0] a_q, b_q;
  always_ff @(posedge clk_i) {a_q, b_q, sum_o} <= {a_i, b_i, 18'(a_q) * 18'(b_q)};
endmodule
END
for taken in false true; do
    printf 'multiplier_registers = %s\n[[block]]\nname = "sum"\n' $taken >"$work/list.toml"
    report 0 --map
    field '"\(.MULT18X18D) \(.FF)"'
done >"$work/registers"
[ "$(cat "$work/registers")" = "1 36
1 0" ] || { echo "registers of a product: $(cat "$work/registers")"; exit 1; }
printf 'floorplan = true\n[[block]]\nname = "sum"\n' >"$work/list.toml"
report 2 --map
grep -q "block 'sum': no floorplan" "$work/errors" || { cat "$work/errors"; exit 1; }
printf 'router_options = "--quiet"\n[[block]]\nname = "sum"\n' >"$work/list.toml"
report 2 --map
grep -q "router_options: a list of texts" "$work/errors" || { cat "$work/errors"; exit 1; }
printf 'router_settings = { a = "b" }\n[[block]]\nname = "sum"\n' >"$work/list.toml"
report 2 --map
grep -q "router_settings: a table of numbers" "$work/errors" || { cat "$work/errors"; exit 1; }
printf 'router_settings = { "router2/bbMargin/x" = 6, "router2/currCongWeightMult" = 1.5 }\n[[block]]\nname = "sum"\n' >"$work/list.toml"
report 0 --map
settings=$(jq -r '.modules.harness.settings | "\(.["router2/bbMargin/x"]) \(.["router2/currCongWeightMult"])"' "$work"/out/cache/synth-*/harness-*.json)
[ "$settings" = "00000000000000000000000000000110 1.500000" ] || { echo "settings: $settings"; exit 1; }

# A floorplan: two requantizers, each with its half of the bits of the residual memory; a memory more than there are sites is refused.
/usr/bin/python3 - "$work" <<'END'
import json, sys
def netlist(more):
    cells = {}
    for i in range(2):
        for k in range(6):
            cells[f"u.g_requantizer[{i}].u.m_{k}"] = "MULT18X18D"
        for bank in ("even", "odd"):
            cells[f"u.u_z_memory.mem_{bank}.0.{i}"] = "DP16KD"
    cells.update((f"u.other.0.{i}", "DP16KD") for i in range(more))
    cells = {name: {"type": kind, "attributes": {}} for name, kind in cells.items()}
    return {"modules": {"t": {"attributes": {"top": "1"}, "cells": cells}}}
for name, more in (("plan", 4), ("many", 205)):
    json.dump(netlist(more), open(f"{sys.argv[1]}/{name}.json", "w"))
END
plan() {
    code=0
    PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/synth/floorplan.py "$work/$1.json" "$work/planned.json" --rows 2 --requantizers "$2" >"$work/printed" 2>&1 || code=$?
}
plan plan 2
[ $code = 0 ] && grep -q '^12 multipliers and 8 block RAMs placed' "$work/printed" || { cat "$work/printed"; exit 1; }
placed=$(jq -r '[.modules.t.cells[].attributes.BEL] | "\(unique | length) \(map(select(test("Y34/MULT"))) | length) \(map(select(test("Y58/MULT"))) | length)"' "$work/planned.json")
beside=$(jq -r '.modules.t.cells | to_entries | map(select(.key | test("z_memory")).value.attributes.BEL | capture("X(?<x>[0-9]+)/Y(?<y>[0-9]+)")) |
    "\(map(.y) | unique | join(" ")) \(map(.x | tonumber) | max - min)"' "$work/planned.json")
[ "$placed" = "20 6 6" ] && [ "$beside" = "46 7" ] || { echo "placed: $placed; residual memory: $beside"; exit 1; }
plan many 2
[ $code = 2 ] && grep -q '209 block RAMs, and 208 sites' "$work/printed" || { cat "$work/printed"; exit 1; }
plan plan 3
[ $code = 2 ] && grep -q 'requantizer 2 has 0 multipliers' "$work/printed" || { cat "$work/printed"; exit 1; }

# The area of a block that has 8 registers, and 3 for each of its lanes.
cat >"$work/sources/lanes.sv" <<'END'
module lanes #(parameter int LANES = 1) (input logic clk_i, input logic [7:0] a_i, input logic [3*LANES-1:0] b_i,
    output logic [7:0] a_o, output logic [3*LANES-1:0] b_o);
  always_ff @(posedge clk_i) begin
    a_o <= ~a_i;
    b_o <= b_i;
  end
endmodule
END
fit() {
    code=0
    PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/synth/fit_area.py --grid "$work/grid.toml" --sources "$work/sources" --cache "$work/cache" \
        --out "$work/area.json" >"$work/printed" 2>"$work/errors" || code=$?
}
printf '[[fit]]\ntop = "lanes"\nflags = ""\nterms = ["1", "LANES"]\ngrid = { LANES = [2, 5] }\ncount = ["ROWS"]\n' >"$work/grid.toml"
fit
fitted=$(jq -r '.fits[0] | "\(.coefficients.FF["1"]) \(.coefficients.FF.LANES) \(.coefficients.LUT4["1"]) \(.residuals.FF.largest)"' "$work/area.json")
[ $code = 0 ] && echo "$fitted" | grep -Eqx '8(\.0)? 3(\.0)? 8(\.0)? 0(\.0)?' || { echo "fitted: $fitted"; cat "$work/errors"; exit 1; }
sed -i 's/"LANES"\]/"LANES", "LANES*LANES"]/' "$work/grid.toml"
fit
[ $code = 2 ] && grep -q 'do not tell its terms apart' "$work/errors" || { echo "three terms are fitted to two points"; exit 1; }

report 2 no_such_block
printf '[[block]]\nname = "sum"\ngoal = 1\n' >"$work/list.toml"
report 2
grep -q "unknown key 'goal'" "$work/errors"
echo "fpga-report counts, compares and remembers"

# A register, two LUTs one behind the other, a register: 0.52 + 3 nets of 0.64 + 2 LUTs of 0.24 + 0.1 ns.
netlist() { # BIT: what the first LUT's other input reads
    cat <<END
{"modules": {"t": {"attributes": {"top": "1"}, "netnames": {"first_q": {"bits": [2]}, "last_q": {"bits": [5]}}, "cells": {
  "a": {"type": "TRELLIS_FF", "parameters": {}, "port_directions": {"CLK": "input", "DI": "input", "Q": "output"},
        "connections": {"CLK": ["0"], "DI": ["0"], "Q": [2]}},
  "b": {"type": "LUT4", "parameters": {}, "port_directions": {"A": "input", "B": "input", "Z": "output"},
        "connections": {"A": [2], "B": [$1], "Z": [3]}},
  "c": {"type": "LUT4", "parameters": {}, "port_directions": {"A": "input", "Z": "output"},
        "connections": {"A": [3], "Z": [4]}},
  "d": {"type": "TRELLIS_FF", "parameters": {}, "port_directions": {"CLK": "input", "DI": "input", "Q": "output"},
        "connections": {"CLK": ["0"], "DI": [4], "Q": [5]}}}}}}
END
}
netlist '"0"' >"$work/chain.json"
printed=$(/usr/bin/python3 hw/synth/paths.py "$work/chain.json")
[ "$printed" = '  3.02 ns   2 LUT4  0 CCU2C  first_q -> last_q DI' ] || { echo "the chain is timed as: $printed"; exit 1; }
netlist 4 >"$work/loop.json"
code=0
printed=$(/usr/bin/python3 hw/synth/paths.py "$work/loop.json" 2>&1) || code=$?
[ $code = 2 ] && echo "$printed" | grep -q 'a loop without a register' || { echo "a loop passes: $printed"; exit 1; }
# The same two LUTs placed, 7 tiles apart (5 near ones count twice), the last beside its register: 0.52 + 0.076 x (2 x 6 + 12) +
# 2 x 0.24 + 0.1 ns, the wire from LUT to register in the slice being free.
netlist '"0"' | sed -e 's/"LUT4"/"TRELLIS_COMB"/; s/"Z"/"F"/g' -e 's/"parameters": {}/"parameters": {}, "attributes": {"NEXTPNR_BEL": "X1\/Y1\/A"}/' \
    -e '/"c": /,$s/X1/X8/' >"$work/placed.json"
printed=$(/usr/bin/python3 hw/synth/paths.py "$work/placed.json")
[ "$printed" = '  2.92 ns   2 LUT4  0 CCU2C  first_q -> last_q DI' ] || { echo "the placed chain is timed as: $printed"; exit 1; }
printed=$(/usr/bin/python3 hw/synth/paths.py "$work/placed.json" --wires --count 1)
echo "$printed" | grep -q '^7 tiles of wire in 4 nets$' || { echo "the placed chain is as long as: $printed"; exit 1; }
sed '/"d": /,$s/"DI"/"WEA"/; /"d": /s/TRELLIS_FF/DP16KD/' "$work/placed.json" >"$work/memory.json" # the wire to a memory's port is not free
printed=$(/usr/bin/python3 hw/synth/paths.py "$work/memory.json")
[ "$printed" = '  3.38 ns   2 LUT4  0 CCU2C  first_q -> last_q WEA' ] || { echo "the way to a memory is timed as: $printed"; exit 1; }
