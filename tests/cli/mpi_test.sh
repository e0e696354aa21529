#!/bin/bash
# Data-parallel training: two ranks have the gradients of one. A run whose one rank is killed ends at once, one whose one
# rank is stopped ends after --stall-seconds, each with an error that names the rank; and it goes on from its checkpoint
# to the same bytes as one left alone. A rank that works alone for long is not taken for a stopped one.
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
ranks=${BITDIAL_BUILD:-build}/ranks
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
fail() { echo "FAIL: $1"; tail -n 20 "$folder"/*.err 2>/dev/null; exit 1; }
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_btl=self,vader OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_rmaps_base_oversubscribe=1
export OMP_NUM_THREADS=1
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}" # MPI keeps what it has to the end
mpi() { mpirun --oversubscribe --bind-to none -n "$@"; }
train() { # NAME OPTION...: exec, so that the process of the shell is mpirun itself
    exec mpirun --oversubscribe --bind-to none -n 2 "$bitdial" train "$folder/train.yaml" --output "$folder/$1.h5" \
        --images 1000 --no-test --stall-seconds 2 "${@:2}" >"$folder/$1.out" 2>"$folder/$1.err"
}

mpi 2 "$ranks" >"$folder/ranks" 2>"$folder/ranks.err" || { cat "$folder/ranks"; fail "the gradients of two ranks differ"; }
cat "$folder/ranks"
[ "$(grep -c '^rank' "$folder/ranks")" = 2 ] || fail "not both ranks compared"
(mpi 2 "$ranks" twice >/dev/null 2>&1) &
twice=$!
(mpi 2 "$ranks" busy >/dev/null 2>"$folder/busy.err") & # most of each is waiting
busy=$!
mpi 3 "$ranks" asleep >/dev/null 2>"$folder/asleep.err" && fail "rank 0 stood still, and the run ended well"
grep -q "rank [12]: waited 1.5 s for rank 0" "$folder/asleep.err" || fail "the rank that stands still is not named"
grep -q "waited .* for rank [12]" "$folder/asleep.err" && fail "a rank that waits itself is named"
wait $twice && fail "an image that counts twice was not told"
wait $busy || fail "a rank that worked alone was taken for a stopped one"

cat >"$folder/train.yaml" <<END
network: tests/small_network.yaml
output: $folder/none.h5
steps: 150
batch: 16
save_every: 5
validate_images: 100
data: {validation: 100}
batch_norm: {recalibrate: 4}
END
(train whole) || fail "two ranks do not train"
[ "$(grep -c wrote "$folder/whole.out")" = 1 ] || fail "not rank 0 alone tells"

saves() { grep -c '"saved"' "$folder/struck.h5.jsonl" 2>/dev/null || true; }
strike() { # SIGNAL PID: sends rank 1 of the run the signal when it has saved three times more; then waits for the run
    local victim= child start before
    before=$(saves)
    for wait in $(seq 1000); do
        [ "$(saves)" -ge $((before + 3)) ] 2>/dev/null && break
        sleep 0.02
    done
    for child in $(pgrep -P "$2"); do
        tr '\0' '\n' <"/proc/$child/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=1 && victim=$child
    done
    [ -n "$victim" ] || fail "rank 1 is not to be found"
    start=$(date +%s)
    kill -"$1" "$victim"
    wait "$2" && fail "rank 1 had SIG$1, and the run ended well"
    [ $(($(date +%s) - start)) -le 20 ] || fail "after SIG$1 the other rank lived on"
    for wait in $(seq 500); do
        [ -e "/proc/$victim" ] || return
        sleep 0.02
    done
    fail "after SIG$1 rank 1 lived on"
}
train struck &
strike KILL $!
grep -q "process rank 1 .*killed\|rank 1 with PID .* exited on signal 9" "$folder/struck.err" ||
    fail "the rank that died is not named"
train struck --resume &
strike STOP $!
grep -q "^bitdial train: rank 0 of 2: waited 2 s for rank 1, which gives no sign of life" "$folder/struck.err" ||
    fail "the rank that was stopped is not named"
(train struck --resume) || fail "not resumed"
cmp "$folder/whole.h5" "$folder/struck.h5" || fail "killed, stopped and resumed, the checkpoint differs"

# With --json one object tells of a failure, also where the one rank that fails is not the first.
mpirun --oversubscribe --bind-to none -n 1 "$bitdial" train "$folder/train.yaml" --no-test --json \
    : -n 1 env BITDIAL_DATA=/nowhere "$bitdial" train "$folder/train.yaml" --no-test --json >"$folder/alone.out" 2>"$folder/alone.err"
[ $? = 2 ] && jq -se 'length == 1 and .[0].error.exit_code == 2 and (.[0].error.message | startswith("rank 1 of 2: "))' \
    "$folder/alone.out" >/dev/null || fail "rank 1 failed alone: $(cat "$folder/alone.out")"

sed -i 's/^batch: 16/batch: 15/' "$folder/train.yaml"
(train odd --json)
[ $? = 2 ] || fail "a batch that does not divide was not refused"
jq -se 'length == 1 and .[0].error.exit_code == 2' "$folder/odd.out" >/dev/null || fail "not one object: $(cat "$folder/odd.out")"
grep -q "rank . of 2: .*does not divide among 2 ranks" "$folder/odd.err" || fail "another message"
sed -i 's/^batch: 15/batch: 16\nbalance: norm/' "$folder/train.yaml"
(train balanced)
[ $? = 2 ] || fail "parts of a gradient were balanced as if they were whole"
grep -q "'balance: norm' needs the whole gradient" "$folder/balanced.err" || fail "another message"
echo "two ranks: the gradients of one; killed, stopped, named, resumed"
