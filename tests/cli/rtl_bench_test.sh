#!/bin/sh
# The Verilated accelerator alone, in a plain clock loop (sim/bench). Where nearly all is fetched while a frame runs, and
# where maps stream through memory in bands: random networks with and without stalls, on a slow memory; what may go wrong
# around a frame, a memory that falls silent on some channels. On the small hardware every fourth word of a descriptor is
# broken (all of them: the nightly suite); the rest there is the smoke suite's (regress_test.sh). A PRECISION that ignores
# writes must fail the register map's walk, codes that round up must show the first code.
set -eu
streamed=tests/streamed_hardware.yaml
bench=$(sh sim/bench/build.sh $streamed | tail -1)
"$bench" --hardware $streamed --random 16 --seed 28
"$bench" --hardware $streamed --random 4 --first 3 --seed 29 --memory 60,4,1
"$bench" --hardware $streamed --random 8 --seed 30 --stalls 90
"$bench" --hardware $streamed --random 2 --seed 23 --errors
"$bench" --hardware $streamed --random 1 --seed 26 --hangs --share 3

banded=tests/banded_hardware.yaml
bench=$(sh sim/bench/build.sh $banded | tail -1)
"$bench" --hardware $banded --random 12 --seed 31
"$bench" --hardware $banded --random 6 --seed 32 --memory 60,4,1
"$bench" --hardware $banded --random 6 --seed 33 --stalls 90

hardware=tests/small_hardware.yaml
bench=$(sh sim/bench/build.sh $hardware | tail -1)
output=$("$bench" --hardware $hardware --random 1 --first 2 --seed 31 --words --share 4 --verbose)
echo "$output" | grep -q '^[1-9][0-9]* broken words made a frame too long' || { echo "no broken word makes a frame too long"; exit 1; }
# An interval a clock too short leaves weights behind, which the next layer may not meet.
"$bench" --hardware $hardware --random 1 --first 98 --seed 945733915 --words --share 8

faulty=$(sh sim/bench/build.sh $hardware --debug | tail -1)
"$faulty" --hardware $hardware --random 2 --seed 21
"$faulty" --hardware $hardware --registers
code=0
output=$("$faulty" --hardware $hardware --fault 2 --registers) || code=$?
[ $code = 1 ] && echo "$output" | grep -q ': PRECISION (' || { echo "a map without PRECISION passes: $output"; exit 1; }
code=0
output=$("$faulty" --hardware $hardware --fault 1 --random 2 --seed 21 --no-cycles) || code=$?
[ $code = 1 ] && echo "$output" | grep -q 'code channel .* got .* want' ||
    { echo "a requantizer that rounds up passes: $output"; exit 1; }
