# Malformed inputs: every case of tests/malformed/*.sh must end with exit code 2, an error on stderr that names the
# file and the place, nothing on stdout, and nothing written.
#
# A file of cases is sourced. It makes bad files in $in, with `file`, `patched`, `cut` and `resealed`, from the
# well-formed ones in $good, and runs `refuse NAME PATTERN COMMAND...`: PATTERN is an extended regular expression that
# one line of stderr must match from its beginning; COMMAND may write under $out.
set -eu
export LC_ALL=C
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
in=$work/in
good=$work/good
out=$work/out
mkdir "$in" "$good" "$out"
demo=yaml-configs/hardware/demo.yaml
"${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml 1 "$good/net.ckpt"
"$bitdial" compile "$good/net.ckpt" --hardware "$demo" -o "$good/net.bdp" >/dev/null
refused=0
wrong=0

# file NAME <<EOF: a text file of these bytes.
file() { cat >"$in/$1"; }
# patched NAME SOURCE OFFSET BYTES: SOURCE with the bytes at OFFSET replaced (BYTES as for printf).
patched() {
    cp "$2" "$in/$1"
    printf "$4" | dd of="$in/$1" bs=1 seek="$3" conv=notrunc status=none
}
# cut NAME SOURCE SIZE: the first SIZE bytes; a negative SIZE leaves that many off the end.
cut() { head -c "$3" "$2" >"$in/$1"; }

# resealed NAME: the CRC-32 at byte 12 made right again, so that the checks behind it are reached. gzip's trailer
# carries the sum of the file with that field zero.
resealed() {
    printf '\0\0\0\0' | dd of="$in/$1" bs=1 seek=12 conv=notrunc status=none
    gzip -1 -n -c "$in/$1" | tail -c 8 | head -c 4 | dd of="$in/$1" bs=1 seek=12 conv=notrunc status=none
}

everything() { find "$work/in" "$out" -type f | sort | xargs -r cksum; }

refuse() {
    name=$1
    pattern=$2
    shift 2
    everything >"$work/before"
    code=0
    "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
    everything >"$work/after"
    why=
    [ "$code" = 2 ] || why="exit code $code"
    grep -Eq "^$pattern" "$work/stderr" || why="$why; no error line matches '$pattern'"
    # Nothing, or with --json the one object that tells of the error.
    [ ! -s "$work/stdout" ] || jq -se 'length == 1 and (.[0] | keys == ["error"] and .error.exit_code == 2)' \
        "$work/stdout" >/dev/null 2>&1 || why="$why; it printed to standard output"
    cmp -s "$work/before" "$work/after" || why="$why; it wrote: $(diff "$work/before" "$work/after" | tail -n 1)"
    if [ -z "$why" ]; then
        refused=$((refused + 1))
        echo "ok   $name: $(head -n 1 "$work/stderr")"
    else
        wrong=$((wrong + 1))
        echo "FAIL $name: ${why#; }"
        sed 's/^/     /' "$work/stderr"
    fi
}

# The harness must notice each way of being wrong.
touch "$in/x"
for bad in 'exit 1' 'echo >&2 elsewhere; exit 2' 'echo >&2 "x:1:1: bad"; exit 0' \
    'echo >&2 "x:1:1: bad"; echo text; exit 2' 'echo >&2 "x:1:1: bad"; echo >"$0/written"; exit 2'; do
    refuse planted 'x:1:1: bad' sh -c "$bad" "$out" >"$work/planted" || true
    grep -q '^FAIL planted' "$work/planted" || { echo "FAIL: the harness let '$bad' pass"; exit 1; }
    rm -f "$out/written"
done
wrong=0

for cases in tests/malformed/*.sh; do
    . "$cases"
done
echo "$refused malformed inputs refused, $wrong not"
[ "$refused" -ge 30 ] && [ "$wrong" = 0 ]
