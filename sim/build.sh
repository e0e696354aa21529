#!/bin/sh
# Builds the virtual platform for a hardware configuration where it is missing or old, and prints its path:
#     sim/build.sh [--target rtl|tlm] [--trace] [--fault N] HARDWARE.yaml
# The platform of target tlm serves every configuration; one with RTL is named by the hash of its geometry and RTL.
set -eu
target=rtl trace= fault=0
while [ $# -gt 1 ]; do
    case $1 in
    --target) target=$2; shift ;;
    --trace) trace=--trace ;;
    --fault) fault=$2; shift ;;
    *) echo "sim/build.sh: unknown option '$1'" >&2; exit 2 ;;
    esac
    shift
done
hardware=$(realpath "$1")
cd "$(dirname "$0")/.."
root=$PWD
unset MAKEFLAGS MFLAGS MAKELEVEL SAN # this may run below a make of another kind
mkdir -p build
if [ "$target" = tlm ]; then
    (flock 9; make -s build/platform-tlm >&2) 9>build/.platform-lock
    echo "$root/build/platform-tlm"
    exit
fi
# shellcheck disable=SC2086 # no argument where it is empty
folder=$(sh hw/build.sh "$hardware" $trace --fault "$fault")
(flock 9; make -s "build/platform-$(basename "$folder")" VERILATED="$folder" >&2) 9>build/.platform-lock
echo "$root/build/platform-$(basename "$folder")"
