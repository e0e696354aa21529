#!/bin/sh
# Faults injected between programs and devices, 660 of 29 kinds (tests/inject): each must end within its time in the right
# result or in an error that names it. Prints a table, and for each injection that does not the line that repeats it.
#     bash tests/board_faults.sh [--kind NAME] [--seed N] [--first N] [--count N] [--limit SECONDS] [--verbose]
# --count: of each kind, in place of the kind's own number. Exit codes: 0 all did, 1 one did not, 2 usage, 3 no device built.
set -eu
cd -- "$(dirname -- "$0")/.."
build=${BITDIAL_BUILD:-build}
hardware=tests/small_hardware.yaml
if [ -z "${BITDIAL_BUILD:-}" ]; then # one at a time: a suite runs several kinds side by side
    mkdir -p build
    flock build/board_faults.lock make -s build/board_faults build/bitdial >&2
fi
platform=$(sh sim/build.sh $hardware) && board=$(sh sim/board/build.sh $hardware) || {
    echo "tests/board_faults.sh: the devices cannot be built" >&2
    exit 3
}
exec "$build/board_faults" --platform "$(echo "$platform" | tail -1)" --board "$(echo "$board" | tail -1)" "$@"
