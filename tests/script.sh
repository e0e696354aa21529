#!/bin/sh
# One shell test by itself, as suites run it (sw/regress), with the programs that it may want built first:
#     tests/script.sh NAME        tests/cli/NAME_test.sh
set -eu
cd -- "$(dirname -- "$0")/.."
export LC_ALL=C OMP_WAIT_POLICY=passive
if [ -z "${BITDIAL_BUILD:-}" ]; then # one at a time: a suite runs several tests side by side
    mkdir -p build
    flock build/script.lock make -s test-programs >&2
fi
exec bash "tests/cli/$1_test.sh"
