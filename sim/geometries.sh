#!/bin/sh
# The RTL of every other hardware configuration against the reference, at three memory settings of which two are bound
# by bandwidth: a network's images at a schedule that changes the switch at every frame, then random networks with
# random bus stalls. NETWORK=CHECKPOINT, IMAGES and RANDOM_COUNT change what runs; names of configurations as arguments
# choose among them. Each is a point of `bitdial runs` in build/cosim/runs, JOBS side by side (2), anew, or with RESUME=1 on from
# where they were stopped or killed. IMAGES=203 takes about an hour of two cores.
set -eu
cd "$(dirname "$0")/.."
bitdial=${BITDIAL_BUILD:-build}/bitdial work=build/cosim
[ $# -gt 0 ] || set -- small mid large rq4 xnor_only mac_only
mkdir -p "$work"
network=${NETWORK:-model/zoo/resnet8.h5}
{
    echo "title: cosim of hardware configurations"
    echo "inputs: [$(find hw -name '*.sv' | sort | paste -sd ,)]"
    echo "points:"
    for name; do
        hardware=yaml-configs/hardware/$name.yaml
        "$bitdial" compile "$network" --hardware "$hardware" -o "$work/$name.bdp" >"$work/$name.txt"
        common="--hardware, $hardware, --memory, '20,1,4', --json, --memory"
        echo "  - {name: $name, inputs: [$work/$name.bdp, $hardware], argv: [bitdial, cosim, $work/$name.bdp, --images, ${IMAGES:-14}," \
            "--schedule, 'w8a8,w1a1,w4a4,w1a2,w2a2,w1a8,w1a4', $common, '20,16,4', --memory, '100,32,2']}"
        echo "  - {name: $name.random, inputs: [$hardware], argv: [bitdial, cosim, --random, ${RANDOM_COUNT:-50}, --stalls," \
            "$common, '60,4,1', --memory, '7,3,2']}"
    done
} >"$work/plan.yaml"
begin=--force
[ -z "${RESUME:-}" ] || begin=--resume
code=0
"$bitdial" runs "$work/plan.yaml" --out "$work/runs" --jobs "${JOBS:-2}" $begin >&2 || code=$?
[ $code -le 1 ] || exit $code
for name; do
    for point in "$name" "$name.random"; do
        jq -r --arg name "$point" '.output // {frames: "none"} |
            "\($name): frames \(.frames) \(if .layers | type == "number" then "layers \(.layers) " else "" end)" +
            "mismatches \(.mismatches) cycle_mismatches \(.cycle_mismatches) cycles_simulated \(.cycles_simulated) " +
            "cycles_predicted \(.cycles_predicted)"' "$work/runs/points/$point/result.json"
    done
done
exit $code
