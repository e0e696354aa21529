#!/bin/sh
# `make cosim`: the shipped networks on the Verilated RTL at three memory settings (two of them bound by bandwidth),
# the switch changing at every frame; every layer, result and clock count compared. FRAMES=N for another count.
set -eu
code=0
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=yaml-configs/hardware/demo.yaml
mkdir -p build/cosim
for net in resnet8 resnet8_pruned; do
    "$bitdial" compile model/zoo/$net.h5 --hardware $hardware -o build/cosim/$net.bdp >build/cosim/$net.txt
    "$bitdial" cosim build/cosim/$net.bdp --hardware $hardware --images "${FRAMES:-210}" --jobs 2 \
        --schedule w8a8,w1a1,w4a4,w1a2,w2a2,w1a8,w1a4 --memory 20,1,4 --memory 20,16,4 --memory 100,32,2 --json \
        >build/cosim/$net.json || code=$?
    jq . build/cosim/$net.json
done
exit $code
