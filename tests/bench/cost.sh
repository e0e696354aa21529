#!/bin/sh
# How many networks of random widths the pricer prices a second of one core, exactly: from the layers that occurred before
# (as a search does) and by a plan of each, medians of RUNS (5) of COUNT (300000) networks; beside it what compiling one and pricing its
# program takes as two commands, of the full widths and weights that nobody trained. mid keeps these networks on the chip
# whole, but ResNet-20 with 8-bit weights, whose weights it fetches.
set -eu
build=${BITDIAL_BUILD:-build} runs=${RUNS:-5} count=${COUNT:-300000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
median() { sort -g | sed -n "$((runs / 2 + 1))p"; }
printf '%-18s %-6s %14s %14s %14s %8s\n' "== cost model" on "networks/s" "by plans/s" "compiled/s" ratio
for net in resnet8 resnet20_w1 resnet18_narrow resnet20; do
    for hw in mid demo; do
        network=yaml-configs/networks/$net.yaml hardware=yaml-configs/hardware/$hw.yaml
        "$build/sample" "$network" 1 "$work/net.h5"
        for _ in $(seq "$runs"); do
            "$build/bitdial" cost "$network" --hardware "$hardware" --rate "$count" --json >>"$work/rates"
            ( # processor time of the two commands: minutes and seconds, user and system
                "$build/bitdial" compile "$work/net.h5" --hardware "$hardware" --max-moved 1000 -o "$work/net.bdp" >/dev/null
                "$build/bitdial" cost "$work/net.bdp" --hardware "$hardware" >/dev/null
                times
            ) | tail -n 1 | tr ms '  ' >>"$work/seconds"
        done
        rate=$(jq .networks_per_second "$work/rates" | median) plans=$(jq .plans_per_second "$work/rates" | median)
        seconds=$(awk '{ print 60 * ($1 + $3) + $2 + $4 }' "$work/seconds" | median)
        echo "$net $hw $rate $plans $seconds" |
            awk '{ printf "%-18s %-6s %14.0f %14.0f %14.1f %8.0f\n", $1, $2, $3, $4, 1 / $5, $3 * $5 }'
        rm "$work/rates" "$work/seconds"
    done
done
