#!/bin/sh
# The Verilated accelerator alone, in a plain clock loop (sim/bench): its register map, what may go wrong around a
# frame, what it refuses, a memory that falls silent, random networks with and without stalls. A build whose PRECISION
# ignores writes must fail the map's walk.
set -eu
hardware=tests/small_hardware.yaml
bench=$(sh sim/bench/build.sh $hardware | tail -1)
"$bench" --hardware $hardware --registers
"$bench" --hardware $hardware --random 16 --seed 21
"$bench" --hardware $hardware --random 12 --seed 22 --stalls 90
"$bench" --hardware $hardware --random 3 --seed 23 --errors
"$bench" --hardware $hardware --random 3 --seed 24 --errors --stalls 60
"$bench" --hardware $hardware --random 4 --seed 25 --limits
"$bench" --hardware $hardware --random 1 --seed 26 --hangs
"$bench" --hardware $hardware --random 1 --seed 27 --words

faulty=$(sh sim/bench/build.sh $hardware --fault 2 | tail -1)
code=0
output=$("$faulty" --hardware $hardware --registers) || code=$?
[ $code = 1 ] && echo "$output" | grep -q ': PRECISION (' || { echo "a map without PRECISION passes: $output"; exit 1; }
sh sim/bench/requantizer.sh 8 # alone: every M of 8 bits, then random values
if sh sim/bench/requantizer.sh 8 1 >/dev/null; then
    echo "the requantizer's bench does not see one that rounds up"
    exit 1
fi
rounds_up=$(sh sim/bench/build.sh $hardware --fault 1 | tail -1)
code=0
output=$("$rounds_up" --hardware $hardware --random 2 --seed 21 --no-cycles) || code=$?
[ $code = 1 ] && echo "$output" | grep -q 'code channel .* got .* want' ||
    { echo "a requantizer that rounds up passes: $output"; exit 1; }
