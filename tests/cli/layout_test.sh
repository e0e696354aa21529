# Folders depend downwards only: prints every include that runs against the order below, and fails on one; then on a
# planted one, so that it is known to see them. `make check-layout` runs it.
set -eu
# A floor a line, from the ground up; a folder may include what stands on its own line or above. Public headers of the
# package (sw/include) may be included by its users alone: sw/lib, which makes it, and the examples.
floors='model/core
hw/gen
model/graph model/kernels model/runs model/search
model/quant model/data
model/program
model/checkpoint model/exec model/cost
model/train/network
model/train/loop model/fold
model/eval model/compare model/prune model/regress
sw/driver sw/driver/governor sw/page
sw/transport
sw/govern
sw/session
sw/bringup
sw/cosim sw/regress sw/upset
sw/sweep
sw/lib
sw/cli
sim/platform
sim/bench sim/board sim/upset tests/support'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "$floors" >"$work/floors"

check() { # FOLDER: prints the arrows of its tree that run upwards, and folders that stand on no floor
    (cd "$1" && find model hw sim sw -name '*.[ch]' -o -name '*.cpp' | sort | xargs grep -HoE '^ *# *include "[^"]+"' /dev/null) |
        sed -E 's/: *# *include "/ /; s/"$//' | awk -v floors="$work/floors" '
        function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
        BEGIN { while ((getline line < floors) > 0) { floor++; n = split(line, name, " "); for (i = 1; i <= n; i++) at[name[i]] = floor } }
        {
            from = folder($1); to = $2 ~ /\// ? folder($2) : from
            if ($2 == "bitdial.h" || to == "sw/include" || from == "sw/include" || $1 ~ /examples\//) next
            if (!(from in at)) { print $1 " lies in " from ", which stands on no floor of tests/cli/layout_test.sh"; next }
            if (!(to in at)) { print $1 " includes " $2 ", which stands on no floor"; next }
            if (at[to] > at[from]) print $1 " includes " $2 ", which lies above it"
        }' | sort -u
}

check . >"$work/found"
cat "$work/found"
mkdir -p "$work/planted/model/core" "$work/planted/hw" "$work/planted/sim" "$work/planted/sw"
printf '#include "model/train/loop/train.h"\n' >"$work/planted/model/core/rng.h"
[ "$(check "$work/planted" | wc -l)" = 1 ] || { echo "a planted arrow upwards was not found"; exit 1; }
[ ! -s "$work/found" ] || { echo "$(wc -l <"$work/found") arrows against the order of the folders"; exit 1; }
echo "every include runs downwards"
