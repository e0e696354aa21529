#!/bin/sh
# The requantizer alone against integers; codes that round up must be seen.
set -eu
sh sim/bench/requantizer.sh 24 300000
code=0
build/verilated/requantizer-24/Vrequantizer 1000 1 >build/datapath_test.out || code=$?
[ $code = 1 ] || { echo "codes that round up pass: $(cat build/datapath_test.out)"; exit 1; }
