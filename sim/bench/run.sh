#!/bin/sh
# The plain bench of a hardware configuration, built where it is missing or out of date, and run:
#     sim/bench/run.sh HARDWARE.yaml [--print] [OPTION of the bench]...
# With the bench's --trace or --fault a model for debugging is built; else, where BITDIAL_COVERAGE names a file for what was
# covered (places.h), one that counts that. --print: prints the bench's path and runs nothing.
set -eu
hardware=$1
shift
print= variant=${BITDIAL_COVERAGE:+--coverage}
for word; do
    shift
    case $word in
    --print) print=1 && continue ;;
    --trace | --fault) variant=--debug ;;
    esac
    set -- "$@" "$word"
done
root=$(dirname "$0")/../..
# shellcheck disable=SC2086 # one option or none
built=$(sh "$root/sim/bench/build.sh" "$hardware" $variant) || {
    echo "sim/bench/run.sh: the bench of '$hardware' cannot be built" >&2
    exit 3
}
bench=$root/$(echo "$built" | tail -1)
if [ -n "$print" ]; then
    echo "$bench"
    exit
fi
exec "$bench" --hardware "$hardware" "$@"
