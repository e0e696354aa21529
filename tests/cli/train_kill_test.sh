#!/bin/bash
# A training run killed with SIGKILL ten times at random instants and resumed ends in the same bytes as one left
# alone. `SEED=N tests/cli/train_kill_test.sh` repeats the instants of a run.
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "repeat with: SEED=$seed tests/cli/train_kill_test.sh"
RANDOM=$seed
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
export OMP_NUM_THREADS=2

cat >"$folder/train.yaml" <<END
network: tests/small_network.yaml
output: $folder/none.h5
steps: 1500
batch: 16
save_every: 5
validate_images: 100
batch_norm: {recalibrate: 4}
END
train() { exec "$bitdial" train "$folder/train.yaml" --output "$1" --images 2000 --no-test --resume; }

(train "$folder/whole.h5") 2>"$folder/whole.log" || { cat "$folder/whole.log"; exit 1; }
saves() { grep -c '"saved"' "$folder/killed.h5.jsonl" 2>/dev/null || true; }
# Each kill strikes up to 100 ms after the run has saved something new, so that every life gets somewhere.
for kills in 1 2 3 4 5 6 7 8 9 10; do
    before=$(saves)
    train "$folder/killed.h5" >"$folder/killed.log" 2>&1 & # exec: the process killed is bitdial itself
    pid=$!
    for wait in $(seq 2000); do
        [ "$(saves)" != "$before" ] && break
        sleep 0.02
    done
    sleep "$(printf '0.%03d' $((RANDOM % 100)))"
    if ! kill -9 $pid 2>/dev/null; then
        cat "$folder/killed.log"
        echo "the run ended before kill $kills"
        exit 1
    fi
    wait $pid 2>/dev/null
done
echo "last save before the last kill: $(grep '"saved"' "$folder/killed.h5.jsonl" | tail -1 | grep -o '"step":[0-9]*')"
(train "$folder/killed.h5") 2>"$folder/killed.log" || { cat "$folder/killed.log"; exit 1; }
cmp "$folder/whole.h5" "$folder/killed.h5" || { echo "FAIL: killed ten times and resumed, the checkpoint differs"; exit 1; }
echo "killed $kills times: the same $(stat -c %s "$folder/whole.h5") bytes"
