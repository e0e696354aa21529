#!/bin/bash
# What is there is gone on with only by what began it: a run or a search resumes with the network, images, start and
# settings that it had, or is refused with the first difference, and then nothing has changed.
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive
fail() { echo "FAIL: $1"; tail -3 "$work/err" 2>/dev/null; exit 1; }
state() { (cd "$work" && find . -type f ! -name err ! -name state ! -name '*.lock' -exec cksum {} + | sort); }
# refused CODE TEXT COMMAND...: that exit code, that text, and no file of $work other than before.
refused() {
    wanted=$1 text=$2
    shift 2
    state >"$work/state"
    timeout 60 "$bitdial" "$@" >/dev/null 2>"$work/err"
    code=$?
    [ $code = "$wanted" ] && grep -q -- "$text" "$work/err" || fail "exit code $code, not $wanted with '$text': $*"
    state | cmp - "$work/state" || fail "something changed: $*"
}
passes() { timeout 120 "$bitdial" "$@" >/dev/null 2>"$work/err" || fail "exit code $?: $*"; }

# Other labels for the same images.
mkdir "$work/data"
ln -s "$BITDIAL_DATA"/*.gz "$work/data/"
rm "$work/data/train-labels-idx1-ubyte.gz"
/usr/bin/python3 -c "
import gzip
a = bytearray(gzip.open('$BITDIAL_DATA/train-labels-idx1-ubyte.gz').read())
a[8:] = bytes(9 - x for x in a[8:])
gzip.open('$work/data/train-labels-idx1-ubyte.gz', 'wb', 1).write(a)"

# ---- training ----
cp tests/small_network.yaml "$work/net.yaml"
printf 'network: %s\noutput: %s\nsteps: 100000\nbatch: 16\nsave_every: 5\nvalidate_images: 100\nbatch_norm: {recalibrate: 2}\n' \
    "$work/net.yaml" "$work/run.h5" >"$work/run.yaml"
train() { echo train "$work/run.yaml" --no-test --images 500 --limit-seconds 0.2; }
passes $(train)
refused 2 "checkpoint '.*run.h5' is there already: --resume goes on with it, --force begins anew" $(train)
refused 2 "give one of them" $(train) --resume --force
refused 2 "started with 'images 500', not 'images 499'" $(train) --resume --images 499
refused 2 "started with 'data [0-9a-f]*', not 'data [0-9a-f]*'" $(train) --resume --data "$work/data"
refused 2 "started with 'optimizer.rate 0.003.*', not 'optimizer.rate 0.5'" $(train) --resume --rate 0.5
cp "$work/run.h5" "$work/start.h5"
refused 2 "started with 'start fresh weights', not 'start [0-9a-f]*'" $(train) --resume --init "$work/start.h5"
sed -i 's/w4a4/w2a2/' "$work/net.yaml"
refused 2 "started with 'switches: \[w4a4, w1a1\]', not 'switches: \[w2a2, w1a1\]'" $(train) --resume
{ cat tests/small_network.yaml; echo '# a remark changes no network'; } >"$work/net.yaml"
passes $(train) --resume
[ "$(grep -c '"saved"' "$work/run.h5.jsonl")" -ge 2 ] || fail "the log was not gone on with"
(exec 8>"$work/run.h5.lock" && flock 8 && exec sleep 60) &
holder=$!
until [ -e "$work/run.h5.lock" ] && ! flock -n "$work/run.h5.lock" true; do sleep 0.02; done
refused 3 "run.h5' is in use by" $(train) --resume
kill -9 $holder
wait $holder 2>/dev/null
rm "$work/run.h5.lock"
printf 'my notes\n' >"$work/notes"
refused 2 "notes' is there already and is a text, not a training log" $(train) --resume --log "$work/notes"
refused 2 "is the output and the log" $(train) --output "$work/new.h5" --log "$work/new.h5"
refused 2 "is the input and the output" $(train) --force --init "$work/run.h5"
refused 3 "cannot write the log '.*/no/log': No such file" $(train) --output "$work/new.h5" --log "$work/no/log"
cp "$work/run.h5" "$work/kept.h5"
passes $(train) --force
cmp -s "$work/run.h5" "$work/kept.h5" && fail "--force did not begin anew"
"$bitdial" $(train) --steps 2 --output "$work/full.h5" --log /dev/full >/dev/null 2>"$work/err"
[ $? = 3 ] && grep -q "cannot write the log '/dev/full': No space" "$work/err" || fail "a lost log passed"
# A fine-tuned network says what it started from.
passes train "$work/run.yaml" --no-test --images 500 --steps 2 --init "$work/start.h5" --output "$work/tuned.h5"
strings -n 8 "$work/tuned.h5" | grep -q '"base":{.*"start\|start [0-9a-f]\{8\};' || fail "tuned.h5 does not say what it started from"

# ---- pruning ----
sed 's/channels: 8/channels: 32/g; s/^name: .*/name: wide/' tests/small_network.yaml >"$work/wide.yaml"
"${bitdial%/*}/sample" "$work/wide.yaml" 3 "$work/wide.h5" && "${bitdial%/*}/sample" "$work/wide.yaml" 4 "$work/wide4.h5" || exit 1
cat >"$work/search.yaml" <<END
checkpoint: $work/wide.h5
hardware: yaml-configs/hardware/demo.yaml
journal: $work/search.jsonl
output: $work/pruned.h5
budget: {switch: w1a1, ratio: 0.95}
search: {evaluations: 3, initial: 2}
evaluation: {switches: w1a1, images: 100, recalibrate: 1}
final: {epochs: 0, steps: 100000, batch: 16, save_every: 5}
END
prune() { echo prune "$work/search.yaml" --images 20; }
"$bitdial" $(prune) >/dev/null 2>"$work/err" & # killed as it tunes
pid=$!
for wait in $(seq 3000); do [ -e "$work/pruned.h5.partial" ] && break; sleep 0.02; done
kill -9 $pid 2>/dev/null || fail "the pruning ended by itself"
wait $pid 2>/dev/null
sed -i 's/steps: 100000/steps: 30/' "$work/search.yaml"
refused 2 "journal '.*search.jsonl' is there already: --resume" $(prune)
# Without --resume what is left of it is neither used nor lost; and lost it would be a second time.
cp "$work/pruned.h5.partial" "$work/left"
passes $(prune) --journal "$work/other.jsonl"
cmp -s "$work/left" "$work/pruned.h5.partial.old" && [ ! -e "$work/pruned.h5.partial" ] || fail "an unfinished fine-tuning was lost, or used"
cp "$work/left" "$work/pruned.h5.partial"
rm "$work/other.jsonl" "$work/pruned.h5"
refused 2 "pruned.h5.partial.old' is there already: --resume" $(prune) --journal "$work/other.jsonl"
rm "$work/pruned.h5.partial.old"
refused 2 "started with 'steps 100000', not 'steps 30'" $(prune) --resume
refused 2 "'checkpoint_crc' was [0-9]* there and is [0-9]* here" $(prune) --resume --checkpoint "$work/wide4.h5"
data=$BITDIAL_DATA BITDIAL_DATA=$work/data
refused 2 "_images_crc' was [0-9]* there and is [0-9]* here" $(prune) --resume
BITDIAL_DATA=$data
sed 's/latency: .*/latency: 77/' yaml-configs/hardware/slow_memory.yaml >"$work/hw.yaml"
sed "s#^hardware:.*#hardware: $work/hw.yaml#" "$work/search.yaml" >"$work/slow.yaml"
refused 2 "was .* there and is .* here" prune "$work/slow.yaml" --resume
passes $(prune) --force
[ -e "$work/pruned.h5" ] && [ ! -e "$work/pruned.h5.partial" ] && [ ! -e "$work/pruned.h5.lock" ] || fail "no pruned network, or litter"
for word in '"checkpoint_crc":' '"ranking":' '"evaluations":3' '"group_channels":\[' '"plan":"'; do
    strings -n 8 "$work/pruned.h5" | grep -q -- "$word" || fail "the pruned network does not say $word"
done
cp "$work/search.jsonl" "$work/one.jsonl"
refused 2 "checkpoint '.*pruned.h5' is there already" $(prune) --journal "$work/other.jsonl"
refused 2 "tuned.h5' is no checkpoint of a pruning" $(prune) --resume --output "$work/tuned.h5"
# A line that is whole but wrong, and a file that is no journal; then threads of the linear algebra.
sed -i '$s/"value":[0-9]/"value":7/' "$work/search.jsonl"
refused 2 "search.jsonl:4: the line's CRC" $(prune) --search-only --resume
refused 2 "notes' is there already and is a text, not a journal" $(prune) --search-only --resume --journal "$work/notes"
OPENBLAS_NUM_THREADS=2 "$bitdial" $(prune) --search-only --journal "$work/two.jsonl" >/dev/null 2>"$work/err" || fail "a search"
cmp "$work/one.jsonl" "$work/two.jsonl" || fail "the journal depends on threads"
sed 's/floor: 0/&/; s/ratio: 0.95/ratio: 0.8, floor: 0.9/' "$work/search.yaml" >"$work/floor.yaml"
refused 2 "floor.yaml:5:[0-9]*: 'floor' of 0.9 is above 'ratio'" prune "$work/floor.yaml" --journal "$work/f.jsonl" --output "$work/f.h5"

# ---- comparing ----
sed "s#^folder: .*#folder: $work/none#" yaml-configs/comparisons/screen_resnet8.yaml >"$work/compare.yaml"
run=$("$bitdial" compare "$work/compare.yaml" --plan --json | jq -r '.runs[0].id // .runs[0].run // .runs[0]')
refused 2 "there is no folder" compare "$work/compare.yaml" --worker "$run" --rate 0.01
refused 2 "holds no comparison" compare "$work/compare.yaml" --table
echo "resumed by what began it alone"
