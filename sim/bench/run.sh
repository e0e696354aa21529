#!/bin/sh
# The plain bench of a hardware configuration, built where it is missing, and run:
#     sim/bench/run.sh HARDWARE.yaml [--fault N] [OPTION of the bench]...
# With the bench's --trace FILE.fst a model that can be traced is built.
set -eu
hardware=$1
shift
fault=0
if [ "${1:-}" = --fault ]; then
    fault=$2
    shift 2
fi
trace=$(case " $* " in *" --trace "*) echo --trace ;; esac)
root=$(dirname "$0")/../..
# shellcheck disable=SC2086 # one option or none
bench=$(sh "$root/sim/bench/build.sh" "$hardware" $trace --fault "$fault" | tail -1)
exec "$root/$bench" --hardware "$hardware" "$@"
