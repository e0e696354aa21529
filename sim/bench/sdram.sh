#!/bin/sh
# Builds and runs the bench of the SDRAM chip's model: sim/bench/sdram.sh
set -eu
cd -- "$(dirname -- "$0")/../.."
mkdir -p build/bench
g++ -std=gnu++17 -O1 -Wall -Wextra -Werror -I. -o build/bench/sdram sim/bench/sdram.cpp
exec build/bench/sdram
