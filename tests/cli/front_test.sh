#!/bin/sh
# The front of the accelerator alone (walker, window reader, plane memory) against a plain model, and with the arrays
# against convolutions by definition. A broken rule of the model and a map that seems to have a row more must be seen.
set -eu
sh sim/bench/front.sh 8 1 1000 --layers 150
front=build/verilated/front-8-1-1000/Vfront
mutation=1
while code=0 && "$front" --layers 100 --mutate $mutation >build/front_test.out 2>&1 || code=$?; [ $code != 2 ]; do
    [ $code = 1 ] || { echo "the front's bench does not see mutation $mutation"; cat build/front_test.out; exit 1; }
    mutation=$((mutation + 1))
done
[ $mutation -gt 12 ] || { echo "only $mutation mutations"; exit 1; }
code=0
"$front" --layers 100 --fault 1 >build/front_test.out || code=$?
[ $code = 1 ] || { echo "a map with a row too much passes: $(cat build/front_test.out)"; exit 1; }
sh sim/bench/core.sh 8 1 40 # with the arrays behind it: sums
code=0
build/verilated/core-8-1/Vcore 40 1 1 >build/front_test.out || code=$?
[ $code = 1 ] || { echo "sums of a map with a row too much pass: $(cat build/front_test.out)"; exit 1; }
