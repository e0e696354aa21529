#!/bin/sh
# The Verilated accelerator alone, in a plain clock loop (sim/bench): its register map, what may go wrong around a
# frame, what it refuses, a memory that falls silent, random networks with and without stalls, on a slow memory too. A
# PRECISION that ignores writes must fail the map's walk, codes that round up must show the first code. Where nearly
# all is fetched while a frame runs, maps in bands too, values and clocks are as the reference and the cost model have
# them.
set -eu
streamed=tests/streamed_hardware.yaml
bench=$(sh sim/bench/build.sh $streamed | tail -1)
"$bench" --hardware $streamed --random 16 --seed 28
"$bench" --hardware $streamed --random 6 --first 3 --seed 29 --memory 60,4,1
"$bench" --hardware $streamed --random 8 --seed 30 --stalls 90
"$bench" --hardware $streamed --random 2 --seed 23 --errors
"$bench" --hardware $streamed --random 1 --seed 26 --hangs

banded=tests/banded_hardware.yaml
bench=$(sh sim/bench/build.sh $banded | tail -1)
"$bench" --hardware $banded --random 12 --seed 31
"$bench" --hardware $banded --random 6 --seed 32 --memory 60,4,1
"$bench" --hardware $banded --random 6 --seed 33 --stalls 90

hardware=tests/small_hardware.yaml
bench=$(sh sim/bench/build.sh $hardware | tail -1)
"$bench" --hardware $hardware --registers
"$bench" --hardware $hardware --random 16 --seed 21
"$bench" --hardware $hardware --random 12 --seed 22 --stalls 90
"$bench" --hardware $hardware --random 3 --first 10 --seed 24 --errors --stalls 60
"$bench" --hardware $hardware --random 1 --seed 25 --limits
"$bench" --hardware $hardware --random 1 --seed 27 --words

faulty=$(sh sim/bench/build.sh $hardware --debug | tail -1)
"$faulty" --hardware $hardware --random 2 --seed 21
code=0
output=$("$faulty" --hardware $hardware --fault 2 --registers) || code=$?
[ $code = 1 ] && echo "$output" | grep -q ': PRECISION (' || { echo "a map without PRECISION passes: $output"; exit 1; }
code=0
output=$("$faulty" --hardware $hardware --fault 1 --random 2 --seed 21 --no-cycles) || code=$?
[ $code = 1 ] && echo "$output" | grep -q 'code channel .* got .* want' ||
    { echo "a requantizer that rounds up passes: $output"; exit 1; }
