#!/bin/sh
# The back of the accelerator alone (drain, tables, requantizers, residual memory, pooling, packer) against plain loops. Broken
# rules of the model and a byte that stays as it was beside one that is written must be seen.
set -eu
sh sim/bench/back.sh 8 8 250
sh sim/bench/back.sh 8 4 250
back=build/verilated/back-8-4/Vback_top
for mutation in 1 2 3 4; do
    code=0
    "$back" 250 1 $mutation >build/back_test.out 2>&1 || code=$?
    [ $code = 1 ] || { echo "the back's bench does not see mutation $mutation: $(cat build/back_test.out)"; exit 1; }
done
code=0
"$back" 250 1 0 1 >build/back_test.out 2>&1 || code=$?
[ $code = 1 ] || { echo "a byte that is not cleared passes: $(cat build/back_test.out)"; exit 1; }
