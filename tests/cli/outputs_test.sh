#!/bin/bash
# What a command may write over: links, devices and pipes stay what they are; an input is never an output; no file is
# replaced by another kind; what cannot be written is an error. Nothing that is refused changes anything.
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d) || exit 3
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
fail() { echo "FAIL: $1"; cat "$work/err" 2>/dev/null; exit 1; }
demo=yaml-configs/hardware/demo.yaml
sample="${bitdial%/*}/sample"
"$sample" tests/small_network.yaml 3 "$work/net.h5" || exit 1
"$sample" tests/small_network.yaml 4 "$work/other.h5" || exit 1
compile() { "$bitdial" compile "$work/net.h5" --hardware $demo --max-moved 1000 -o "$@" >/dev/null 2>"$work/err"; }
# refused CODE TEXT COMMAND...: that exit code, that text, and no file of $work other than before.
state() { (cd "$work" && find . ! -name err ! -name state | sort | xargs -d '\n' stat -c '%n %F %i %s %a' && find . -type f ! -name err ! -name state -exec cksum {} + | sort); }
refused() {
    wanted=$1 text=$2
    shift 2
    state >"$work/state"
    "$@" >/dev/null 2>"$work/err"
    code=$?
    [ $code = "$wanted" ] && grep -q -- "$text" "$work/err" || fail "exit code $code, not $wanted with '$text': $*"
    state | cmp - "$work/state" || fail "something changed: $*"
}
run() { "$bitdial" "$@"; }

compile "$work/net.bdp" || fail "no program"
# Devices, pipes, links, modes.
compile /dev/null && [ -c /dev/null ] || fail "/dev/null"
ln -s net2.bdp "$work/link.bdp"
compile "$work/link.bdp" && [ -L "$work/link.bdp" ] && cmp "$work/net.bdp" "$work/net2.bdp" || fail "a link was replaced"
chmod 640 "$work/net2.bdp"
compile "$work/link.bdp" && [ "$(stat -c %a "$work/net2.bdp")" = 640 ] || fail "the mode changed"
mkfifo "$work/pipe"
cat "$work/pipe" >"$work/piped" &
compile "$work/pipe" && wait $! && cmp "$work/net.bdp" "$work/piped" || fail "a pipe"
"$bitdial" compile "$work/net.h5" --hardware $demo --max-moved 1000 -o /dev/stdout | head -c "$(stat -c %s "$work/net.bdp")" |
    cmp - "$work/net.bdp" || fail "standard output"

# An input is no output.
ln "$work/net.h5" "$work/hard.h5"
ln -s net.h5 "$work/soft.h5"
for name in net hard soft; do refused 2 'the input' compile "$work/$name.h5"; done
cp tests/small_network.yaml "$work/net.yaml"
refused 2 'the input' run show "$work/net.yaml" --write "$work/net.yaml" --force
refused 2 'the input' run eval "$work/net.bdp" --images 1 --logits "$work/net.bdp"
echo '{"event":"step","step":1,"loss":{"w1a1":1}}' >"$work/a.jsonl"
refused 2 'the input' run curves "$work/a.jsonl" -o "$work/a.jsonl"
refused 2 'the input' run cosim "$work/net.bdp" --hardware $demo --images 1 --trace "$work/net.bdp"

# Another kind of file is not replaced.
refused 2 'is a checkpoint, not a program image' compile "$work/other.h5"
refused 2 'is a training log, not a program image' compile "$work/a.jsonl"
refused 2 'is a text, not a program image' compile "$work/net.yaml"
refused 2 'it is a folder' compile "$work"
refused 2 'is a checkpoint, not an array' run eval "$work/net.bdp" --images 1 --logits "$work/other.h5"
refused 2 'is a program image, not a drawing' run curves "$work/a.jsonl" -o "$work/net.bdp"
refused 2 'is a text, not a trace' run run "$work/net.bdp" --hardware $demo --device rtl --images 1 --trace "$work/net.yaml"
refused 2 'a trace needs a file' run run "$work/net.bdp" --hardware $demo --device rtl --images 1 --trace /dev/null
cp "$work/net.yaml" "$work/mine.yaml"
refused 2 'is there already: --force replaces it' run show "$work/net.yaml" --classes 7 --write "$work/mine.yaml"
"$bitdial" show "$work/net.yaml" --classes 7 --write "$work/mine.yaml" --force >/dev/null && grep -q '^classes: 7' "$work/mine.yaml" ||
    fail "--force did not replace a description"

# Two writers.
(exec 8>"$work/net.bdp.lock" && flock 8 && exec sleep 60) &
holder=$!
until [ -e "$work/net.bdp.lock" ] && ! flock -n "$work/net.bdp.lock" true; do sleep 0.02; done
refused 3 "net.bdp' is in use by" compile "$work/net.bdp"
kill -9 $holder
wait $holder 2>/dev/null
compile "$work/net.bdp" && [ ! -e "$work/net.bdp.lock" ] || fail "the lock of a dead process holds"

# What cannot be written is told.
refused 3 "cannot write '/dev/full': No space left" compile /dev/full
refused 3 'No such file or directory' compile "$work/no/net.bdp"
limited() { (ulimit -f 1 && exec "$bitdial" compile "$work/net.h5" --hardware $demo --max-moved 1000 -o "$work/net.bdp"); }
[ "$(stat -c %s "$work/net.bdp")" -gt 1024 ] || fail "the program is too small to show anything"
refused 3 "cannot write '.*net.bdp': File too large" limited
closed() { "$bitdial" show "$work/net.yaml" >&-; }
code=0
closed 2>"$work/err" || code=$?
[ $code = 3 ] && grep -q 'cannot write standard output' "$work/err" || fail "closed standard output: exit code $code"
"$bitdial" compile "$work/net.h5" --hardware $demo --max-moved 1000 -o "$work/quiet.bdp" <&- 2>&- >/dev/null && cmp "$work/net.bdp" "$work/quiet.bdp" ||
    fail "closed standard input and error"
echo "outputs: links, devices, inputs, kinds, writers and failures"
