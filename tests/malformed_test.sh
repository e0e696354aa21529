# Malformed inputs: every case of tests/malformed/*.sh must end with exit code 2, an error on stderr that names the
# file and the place, nothing on stdout, and nothing written.
#
# A file of cases is sourced. It makes bad files with `file`, `patched` and `cut`, all under $work/in, and
# runs `refuse NAME PATTERN COMMAND...`: PATTERN is an extended regular expression that one stderr line must match
# from its beginning; in it and in COMMAND, $in is the folder of the bad files and $out one to write to.
set -eu
export LC_ALL=C
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
in=$work/in
out=$work/out
mkdir "$in" "$out"
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
    [ ! -s "$work/stdout" ] || why="$why; it printed to standard output"
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
