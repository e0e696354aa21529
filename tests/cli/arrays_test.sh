#!/bin/sh
# The arrays of the accelerator alone (weight memory and fetch, XNOR and MAC rows, drain bank) against integer products, and
# their counters as they are built. Whatever the bench drives or expects wrongly must be seen.
set -eu
sh sim/bench/count.sh 50000
if build/verilated/count/Vcount 1000 1 >/dev/null; then
    echo "a lane that is seen wrongly passes"
    exit 1
fi
sh sim/bench/arrays.sh 16 1 0 400 # every kind with every pair of bits
arrays=build/verilated/arrays-16-1-0/Varrays
mutation=1
while code=0 && "$arrays" 200 $mutation >build/arrays_test.out 2>&1 || code=$?; [ $code != 2 ]; do
    [ $code = 1 ] || { echo "the arrays' bench does not see mutation $mutation"; cat build/arrays_test.out; exit 1; }
    mutation=$((mutation + 1))
done
[ $mutation -gt 9 ] || { echo "only $mutation mutations"; exit 1; }
