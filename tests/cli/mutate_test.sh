# Damaged checkpoints with right checksums, in confined processes: none crashes, opens another file, takes 256 MiB or 10 s;
# and each of these, planted, is noticed. `build/mutate 10000 1 model/zoo/resnet8.h5` is the long run.
set -eu
build=${BITDIAL_BUILD:-build}
unset GLIBC_TUNABLES # large pages leave room in the address space that the harness limits
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" | head -n 5; exit 1; }
"$build/sample" tests/small_network.yaml 1 "$work/net.h5"
for checkpoint in "$work/net.h5" model/zoo/resnet8.h5; do
    "$build/mutate" 400 1 "$checkpoint" >"$work/log" || fail "$(cat "$work/log")"
    cat "$work/log"
    # Not all of one kind: the harness would prove nothing.
    sed -n 's/.*: \([0-9]*\) loaded, \([0-9]*\) refused.*/\1 \2/p' "$work/log" >"$work/counts"
    read -r loaded refused <"$work/counts"
    [ "$loaded" -gt 10 ] && [ "$refused" -gt 100 ] && [ $((loaded + refused)) = 400 ] || fail "$loaded loaded, $refused refused"
done
# A sanitizer opens files to tell of a crash, and is ended for that.
for kind in 'crash:\(Segmentation\|opened\)' open:opened memory:; do
    code=0
    "$build/mutate" --plant "${kind%%:*}" 20 1 "$work/net.h5" >"$work/log" 2>&1 || code=$?
    [ $code = 1 ] && grep -q "^FAIL mutation 7: .*${kind#*:}.*repeat: mutate 1 8 " "$work/log" &&
        grep -q ' 1 broke a promise' "$work/log" || fail "a planted ${kind%%:*} passes: $(cat "$work/log")"
done
