# The fuzzers' entry functions in this build: every seed and every input that was once found (tests/fuzz/corpus) passes, and
# a planted fault does not; `make fuzz` says what it lacks.
set -eu
build=${BITDIAL_BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
sh tests/fuzz/seeds.sh "$build" "$work/seeds"
inputs=0
for target in $("$build/replay" --list); do
    files=$(find "$work/seeds/$target" "tests/fuzz/corpus/$target" -type f 2>/dev/null | sort)
    [ -n "$files" ] || fail "no seeds for $target"
    "$build/replay" "$target" $files 2>"$work/log" || fail "$target: $(tail -n 3 "$work/log")"
    inputs=$((inputs + $(echo "$files" | wc -l)))
done
for known in tests/fuzz/corpus/*; do
    "$build/replay" --list | grep -qx "${known##*/}" || fail "$known is of no target"
done
echo "$inputs inputs pass"

# Damaged seeds: each target meets refusals too, in the same way in each run.
for target in $("$build/replay" --list); do
    find "$work/seeds/$target" -type f | sort | head -n 4 | while read -r seed; do
        for at in 3 17 40 90; do
            [ "$(wc -c <"$seed")" -gt $at ] || continue
            cp "$seed" "$work/damaged.$target.$at" && printf '\377' | dd of="$work/damaged.$target.$at" bs=1 seek=$at conv=notrunc status=none
        done
        "$build/replay" "$target" "$work/damaged.$target."* 2>"$work/log" || { cp "$work/log" "$work/failed"; break; }
    done
done
[ ! -e "$work/failed" ] || fail "$(tail -n 3 "$work/failed")"

make -s fuzz CLANG=no-such-compiler >"$work/log" 2>&1 && fail "make fuzz passes without clang"
grep -q 'needs clang and its run-time library' "$work/log" || fail "make fuzz does not say what it lacks: $(cat "$work/log")"

printf BADDER >"$work/planted"
"$build/replay" planted "$work/planted" 2>"$work/log" && fail "a planted fault passes"
grep -q 'a planted fault' "$work/log" || fail "a planted fault is not named"
echo "a planted fault fails"
