#!/bin/sh
# seeds.sh BUILD FOLDER: inputs to start from, FOLDER/TARGET/NAME: made ones, and the configurations of this tree.
set -e
"$1/seeds" "$2"
for kind in network:networks training:training search:searches comparison:comparisons hardware:hardware; do
    mkdir -p "$2/${kind%%:*}"
    cp yaml-configs/"${kind#*:}"/*.yaml "$2/${kind%%:*}/"
done
cp tests/small_network.yaml "$2/network/"
cp tests/small_hardware.yaml "$2/hardware/"
