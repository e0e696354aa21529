#!/bin/sh
# Builds the virtual platform for a hardware configuration where it is missing or old, and prints its path:
#     sim/build.sh [--target rtl|tlm] [--debug] HARDWARE.yaml
# The platform of target tlm serves every configuration; one with RTL is named by its Verilated build (hw/build.sh).
# Where this tree cannot be written, a platform that is built and up to date is used as it is; another is refused.
set -eu
target=rtl debug=
while [ $# -gt 1 ]; do
    case $1 in
    --target) target=$2; shift ;;
    --debug) debug=--debug ;;
    *) echo "sim/build.sh: unknown option '$1'" >&2; exit 2 ;;
    esac
    shift
done
hardware=$(realpath -- "$1")
cd -- "$(dirname -- "$0")/.."
root=$PWD
unset MAKEFLAGS MFLAGS MAKELEVEL SAN # this may run below a make of another kind
verilated=
if [ "$target" = tlm ]; then
    platform=build/platform-tlm
else
    verilated=$(sh hw/build.sh "$hardware" ${debug:+"$debug"})
    platform=build/platform-$(basename "$verilated")
fi
if [ -w build ] || { [ ! -e build ] && [ -w . ]; }; then
    mkdir -p build
    (flock 9; make -s "$platform" VERILATED="$verilated" >&2) 9>build/.platform-lock
elif ! make -q "$platform" VERILATED="$verilated" >/dev/null 2>&1; then
    echo "sim/build.sh: cannot write '$root/build', and '$platform' for '$hardware' is not built there or is out of date:" \
        "let the tree's owner run sim/build.sh with the same options, or run from a copy of the tree" >&2
    exit 3
fi
echo "$root/$platform"
