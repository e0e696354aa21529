# Faults between programs and devices (tests/inject) of the kinds that need no simulated RTL, a few of each; and that the run finds a
# wrong result, a hang, a crash and an error that names nothing. `make board-faults` runs all of them in their number.
set -eu
faults=${BITDIAL_BUILD:-build}/board_faults
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kinds='frame-changed frame-cut wrong-bitstream old-bitstream other-hardware damaged-program uio-incomplete uio-vanished'
[ "$(uname -m)" != x86_64 ] || kinds="$kinds uio-lost-interrupt uio-spurious-interrupt"
for kind in $kinds; do
    "$faults" --kind $kind --count 3 >"$work/out" || { cat "$work/out"; exit 1; }
    grep -q "^| $kind | 3 | [0-3] | [0-3] | 0 | " "$work/out" || { echo "no row of $kind"; cat "$work/out"; exit 1; }
done
planted() { # KIND WORDS: is found, with the line that repeats it
    code=0
    "$faults" --kind planted-$1 --seed 7 --first 2 --count 1 --limit 1 >"$work/out" || code=$?
    [ $code = 1 ] && grep -q "^FAIL planted-$1 2 .*$2" "$work/out" &&
        grep -q "again: bash tests/board_faults.sh --kind planted-$1 --seed 7 --first 2 --count 1" "$work/out" ||
        { echo "planted-$1: ends with $code"; cat "$work/out"; exit 1; }
}
planted wrong-result 'a wrong result'
planted hang 'no end within 1 s'
planted crash 'the process died'
planted unnamed 'another register map'
code=0
"$faults" --kind none >"$work/out" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q "no kind 'none'" "$work/err"
code=0
"$faults" --kind old-bitstream --count few >"$work/out" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q "a number up to 1000000 expected, got 'few'" "$work/err"
echo "faults between programs and devices: right or named, and the run finds what is not"
