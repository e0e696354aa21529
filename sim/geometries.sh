#!/bin/sh
# The RTL of every other hardware configuration against the reference, at three memory settings of which two are bound
# by bandwidth: a network's images at a schedule that changes the switch at every frame, then random networks with
# random bus stalls. NETWORK=CHECKPOINT, IMAGES, RANDOM_COUNT and JOBS change what runs; names of configurations as
# arguments choose among them. IMAGES=203 takes about an hour of two cores.
set -eu
cd "$(dirname "$0")/.."
bitdial=${BITDIAL_BUILD:-build}/bitdial
[ $# -gt 0 ] || set -- small mid large rq4 xnor_only mac_only
mkdir -p build/cosim
network=${NETWORK:-model/zoo/resnet8.h5}
for name in "$@"; do
    hardware=yaml-configs/hardware/$name.yaml
    "$bitdial" compile "$network" --hardware "$hardware" -o "build/cosim/$name.bdp" >"build/cosim/$name.txt"
    "$bitdial" cosim "build/cosim/$name.bdp" --hardware "$hardware" --images "${IMAGES:-14}" --jobs "${JOBS:-2}" \
        --schedule w8a8,w1a1,w4a4,w1a2,w2a2,w1a8,w1a4 --memory 20,1,4 --memory 20,16,4 --memory 100,32,2 --json >"build/cosim/$name.json"
    "$bitdial" cosim --random "${RANDOM_COUNT:-50}" --hardware "$hardware" --stalls --jobs "${JOBS:-2}" --memory 20,1,4 \
        --memory 60,4,1 --memory 7,3,2 --json >"build/cosim/$name.random.json"
    for file in "$name" "$name.random"; do
        jq -r --arg file "$file" '"\($file): frames \(.frames) \(if .layers | type == "number" then "layers \(.layers) " else "" end)" +
            "mismatches \(.mismatches) cycle_mismatches \(.cycle_mismatches) cycles_simulated \(.cycles_simulated) " +
            "cycles_predicted \(.cycles_predicted)"' "build/cosim/$file.json"
    done
done
