#!/bin/bash
# A pruning run killed with SIGKILL ten times, in its search and in its fine-tuning, and resumed ends in the same
# journal and the same checkpoint, byte for byte, as one left alone. `SEED=N tests/cli/prune_kill_test.sh` repeats it.
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "repeat with: SEED=$seed tests/cli/prune_kill_test.sh"
RANDOM=$seed
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
export OMP_NUM_THREADS=2

cat >"$folder/network.yaml" <<'END'
name: kill
input: {height: 28, width: 28, channels: 1}
classes: 10
switches: [w4a4, w1a1]
stem: {channels: 16, stride: 2}
stages:
  - {channels: 16, stride: 2, blocks: [{kind: basic, inner: 24}]}
  - {channels: 24, stride: 2, blocks: [{kind: basic, inner: 32}]}
head: {}
END
cat >"$folder/train.yaml" <<END
network: $folder/network.yaml
output: $folder/base.h5
steps: 20
batch: 16
validate_images: 100
batch_norm: {recalibrate: 4}
END
cat >"$folder/search.yaml" <<END
checkpoint: $folder/base.h5
hardware: yaml-configs/hardware/demo.yaml
journal: $folder/none.jsonl
output: $folder/none.h5
seed: $((seed % 1000))
budget: {switch: w1a1, ratio: 0.9}
search: {evaluations: 24, initial: 5}
evaluation: {switches: w1a1, images: 100, recalibrate: 1, tune_steps: 40, tune_batch: 16}
final: {epochs: 0, steps: 500, batch: 16, save_every: 10}
END
"$bitdial" train "$folder/train.yaml" --images 500 --no-test 2>"$folder/log" || { cat "$folder/log"; exit 1; }
run() {
    "$bitdial" prune "$folder/search.yaml" --journal "$folder/$1.jsonl" --output "$folder/$1.h5" --images 20 --resume
}
run whole >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

# What a life of the run has put on the disk so far.
mark() { wc -l <"$folder/killed.jsonl"; stat -c %Y%s "$folder/killed.h5.partial"; } 2>/dev/null
searching=0
tuning=0
for kills in 1 2 3 4 5 6 7 8 9 10; do
    before=$(mark)
    # exec: the process that is killed must be the run itself, not a shell around it
    (exec "$bitdial" prune "$folder/search.yaml" --journal "$folder/killed.jsonl" --output "$folder/killed.h5" \
        --images 20 --resume) >"$folder/log" 2>&1 &
    pid=$!
    for wait in $(seq 3000); do
        [ "$(mark)" != "$before" ] && break
        sleep 0.01
    done
    # the first six within a few evaluations; then on to fine-tuning
    if [ $kills = 7 ]; then
        for wait in $(seq 9000); do
            [ -e "$folder/killed.h5.partial" ] && break
            sleep 0.01
        done
    fi
    sleep "$(printf '0.%03d' $((RANDOM % 100)))"
    if ! kill -9 $pid 2>/dev/null; then
        [ $kills -gt 7 ] && break # fine-tuning is short; it may end before its later kills
        cat "$folder/log"
        echo "the run ended before kill $kills"
        exit 1
    fi
    wait $pid 2>/dev/null
    if [ -e "$folder/killed.h5.partial" ]; then
        tuning=$((tuning + 1))
    elif [ ! -e "$folder/killed.h5" ]; then
        searching=$((searching + 1))
    fi
done
run killed >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
cmp "$folder/whole.jsonl" "$folder/killed.jsonl" || { echo "FAIL: the journals differ"; exit 1; }
cmp "$folder/whole.h5" "$folder/killed.h5" || { echo "FAIL: the checkpoints differ"; exit 1; }
[ $searching -ge 5 ] && [ $tuning -ge 1 ] || {
    echo "FAIL: $searching kills struck the search and $tuning fine-tuning: too few to show anything"
    exit 1
}
[ -e "$folder/killed.h5.partial" ] && { echo "FAIL: a partial checkpoint was left"; exit 1; }

# Planted fault: a journal whose second record is of another value (a digit more, whatever the seed made it) must be refused, not gone on with.
sed -i '2s/"value":/&1/' "$folder/killed.jsonl"
run killed >"$folder/log" 2>&1
[ $? = 2 ] && grep -q "jsonl:2: the line's CRC" "$folder/log" || { cat "$folder/log"; echo "FAIL: a changed journal passed"; exit 1; }
# And one of another search.
sed -i 's/ratio: 0.9/ratio: 0.8/' "$folder/search.yaml"
run whole >"$folder/log" 2>&1
[ $? = 2 ] && grep -q "is of another search" "$folder/log" || { cat "$folder/log"; echo "FAIL: a foreign journal passed"; exit 1; }
echo "$searching kills in the search and $tuning in fine-tuning: the same bytes"
