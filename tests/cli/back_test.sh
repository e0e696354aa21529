#!/bin/sh
# The back of the accelerator alone (drain, tables, requantizers, residual memory, pooling, packer) against plain loops. Broken
# rules of the model and a packer that leaves a byte's neighbour as it was must be seen.
set -eu
for geometry in '8 4' '8 8' '16 2'; do
    # shellcheck disable=SC2086 # two arguments
    sh sim/bench/back.sh $geometry 0 250
done
for mutation in 1 2 3 4; do
    code=0
    sh sim/bench/back.sh 8 4 0 250 1 $mutation >build/back_test.out 2>&1 || code=$?
    [ $code = 1 ] || { echo "the back's bench does not see mutation $mutation: $(cat build/back_test.out)"; exit 1; }
done
code=0
sh sim/bench/back.sh 8 4 9 250 >build/back_test.out 2>&1 || code=$?
[ $code = 1 ] || { echo "a packer that does not clear a byte passes: $(cat build/back_test.out)"; exit 1; }
