#!/bin/sh
# Blocks of the two-plane datapath alone against integers, each with planted faults that must be seen (sim/bench/dot_row.cpp).
set -eu
sh sim/bench/dot_row.sh 4 200000
sh sim/bench/dot_row.sh 72 300000
