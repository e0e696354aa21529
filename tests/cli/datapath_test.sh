#!/bin/sh
# Blocks of the two-plane datapath alone against integers, each with planted faults that must be seen: sim/bench/README.md.
set -eu
sh sim/bench/requantizer.sh 8
sh sim/bench/requantizer.sh 24
if sh sim/bench/requantizer.sh 8 1 >/dev/null; then
    echo "the requantizer's bench does not see one that rounds up"
    exit 1
fi
