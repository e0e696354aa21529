#!/bin/bash
# Data-parallel training: two ranks have the gradients of one; a run of two ranks whose one is killed ends at once,
# names it, and goes on from its checkpoint to the same bytes as one left alone.
bitdial=${BITDIAL_BUILD:-build}/bitdial
ranks=${BITDIAL_BUILD:-build}/ranks
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
fail() { echo "FAIL: $1"; tail -n 20 "$folder"/*.err 2>/dev/null; exit 1; }
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_btl=self,vader OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_rmaps_base_oversubscribe=1
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}" # MPI keeps what it has to the end
mpi() { mpirun --oversubscribe --bind-to none -n "$@"; }
train() { # NAME OPTION...: exec, so that the process of the shell is mpirun itself
    exec mpirun --oversubscribe --bind-to none -n 2 "$bitdial" train "$folder/train.yaml" --output "$folder/$1.h5" \
        --images 1000 --no-test "${@:2}" >"$folder/$1.out" 2>"$folder/$1.err"
}

mpi 2 "$ranks" >"$folder/ranks" 2>"$folder/ranks.err" || { cat "$folder/ranks"; fail "the gradients of two ranks differ"; }
cat "$folder/ranks"
[ "$(grep -c '^rank' "$folder/ranks")" = 2 ] || fail "not both ranks compared"
mpi 2 "$ranks" planted >/dev/null 2>&1 && fail "an image that counts twice was not told"

cat >"$folder/network.yaml" <<'END'
name: ranks
input: {height: 28, width: 28, channels: 1}
classes: 10
switches: [w4a4, w1a1]
stem: {channels: 8, stride: 2}
stages:
  - {channels: 8, stride: 2, blocks: [{kind: basic}]}
head: {}
END
cat >"$folder/train.yaml" <<END
network: $folder/network.yaml
output: $folder/none.h5
steps: 100
batch: 16
save_every: 5
validate_images: 100
data: {validation: 100}
batch_norm: {recalibrate: 4}
END
(train whole) || fail "two ranks do not train"
[ "$(grep -c wrote "$folder/whole.out")" = 1 ] || fail "not rank 0 alone tells"

train killed &
pid=$!
for wait in $(seq 1000); do
    [ "$(grep -c '"saved"' "$folder/killed.h5.jsonl" 2>/dev/null)" -gt 2 ] 2>/dev/null && break
    sleep 0.02
done
victim=
for child in $(pgrep -P $pid); do
    tr '\0' '\n' <"/proc/$child/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=1 && victim=$child
done
[ -n "$victim" ] || fail "rank 1 is not to be found"
start=$(date +%s)
kill -9 "$victim"
wait $pid && fail "a rank was killed, and the run ended well"
[ $(($(date +%s) - start)) -le 20 ] || fail "the other rank lived on"
grep -q "process rank 1 .*killed\|rank 1 with PID .* exited on signal 9" "$folder/killed.err" ||
    fail "the rank that died is not named"
(train killed --resume) || fail "not resumed"
cmp "$folder/whole.h5" "$folder/killed.h5" || fail "killed and resumed, the checkpoint differs"

sed -i 's/^batch: 16/batch: 15/' "$folder/train.yaml"
(train odd)
[ $? = 2 ] || fail "a batch that does not divide was not refused"
grep -q "rank . of 2: .*does not divide among 2 ranks" "$folder/odd.err" || fail "another message"
echo "two ranks: the gradients of one; killed, named, resumed"
