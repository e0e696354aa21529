#!/bin/sh
# The demo's closing table from its JSON files: sw/table.sh FOLDER NETWORK...
# Cycles are sums over each switch's co-simulated frames, simulated beside predicted; bytes is the program image;
# energy is the cost model's, for one frame.
set -eu
out=$1
shift
row='%-15s %-6s %8s %8s %7s %11s %13s %13s %9s %10s\n'
# shellcheck disable=SC2059
printf "$row" network switch float% integer% frames mismatches 'cycles sim' 'cycles pred' bytes 'energy nJ'
for net in "$@"; do
    jq -nr --arg net "$net" --slurpfile e "$out/$net.eval.json" --slurpfile c "$out/$net.cosim.json" \
        --slurpfile p "$out/$net.cost.json" '
        def percent: . * 100 | . + 0.00005 | tostring | .[0:5];
        $c[0].switches[] | .switch as $s | ($e[0].switches[] | select(.name == $s)) as $a |
        [$net, $s, ($a.float_accuracy | percent), ($a.integer_accuracy | percent), .frames, $c[0].mismatches,
         .cycles_simulated, .cycles_predicted, $p[0].bytes.image, ($p[0].switches[$s].energy_nj | floor)] | @tsv' |
        while IFS="$(printf '\t')" read -r a b c d e f g h i j; do
            # shellcheck disable=SC2059
            printf "$row" "$a" "$b" "$c" "$d" "$e" "$f" "$g" "$h" "$i" "$j"
        done
done
