#!/bin/sh
# Blocks of the two-plane datapath alone against integers, each with planted faults that must be seen: sim/bench/README.md.
set -eu
sh sim/bench/dot_row.sh 7 200000
sh sim/bench/dot_row.sh 72 300000
sh sim/bench/requantizer.sh --pipe 8
sh sim/bench/requantizer.sh --pipe 24
if sh sim/bench/requantizer.sh --pipe 8 1 >/dev/null; then
    echo "the requantizer's bench does not see one that rounds up"
    exit 1
fi
