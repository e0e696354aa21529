#!/bin/sh
# A checkpoint compiled for a hardware configuration and co-simulated: sim/zoo.sh NET.h5 HARDWARE.yaml [OPTION of cosim]...
# Prints the JSON object of bitdial cosim. The program is kept under build/zoo.
set -eu
network=$1 hardware=$2
shift 2
root=$(dirname "$0")/..
bitdial=$root/${BITDIAL_BUILD:-build}/bitdial
mkdir -p "$root/build/zoo"
program=$root/build/zoo/$(basename "$network" .h5)-$(basename "$hardware" .yaml).bdp
(
    flock 9
    "$bitdial" compile "$network" --hardware "$hardware" -o "$program" >&2
) 9>"$program.lock"
exec "$bitdial" cosim "$program" --hardware "$hardware" --json "$@"
