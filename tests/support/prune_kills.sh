# Kills a search whose evaluations run two side by side at random instants, the search, a worker or an evaluation each time:
# it must end in the journal of one left alone, with every evaluation made once.
#     SEED=N bash tests/support/prune_kills.sh KILLS CHECKPOINT [EVALUATIONS]
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
kills=$1 checkpoint=$2 evaluations=${3:-12}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "repeat with: SEED=$seed bash tests/support/prune_kills.sh $kills $checkpoint $evaluations"
. tests/support/kills.sh

cat >"$work/search.yaml" <<END
checkpoint: $checkpoint
hardware: yaml-configs/hardware/demo.yaml
journal: $work/none.jsonl
output: $work/none.h5
seed: $((seed % 1000))
budget: {switch: w1a1, ratio: 0.9}
search: {evaluations: $evaluations, initial: 4}
evaluation: {switches: w1a1, images: 100, recalibrate: 1, tune_steps: 1, tune_batch: 16}
final: {epochs: 0, steps: 2, batch: 16}
END
search() { # JOURNAL OPTIONS...
    "$bitdial" prune "$work/search.yaml" --search-only --jobs 2 --journal "$work/$1.jsonl" "${@:2}" >/dev/null 2>"$work/$1.err"
}
once() { # JOURNAL: every evaluation has one result, and one line in the history
    /usr/bin/python3 - "$work/$1.jsonl.runs/runs.db" "$evaluations" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
n = int(sys.argv[2])
assert db.execute("SELECT COUNT(*) FROM points WHERE state = 'done'").fetchone()[0] == n
assert db.execute("SELECT COUNT(*), COUNT(DISTINCT point) FROM history").fetchone() == (n, n)
PY
}
search alone || fail "the search that was left alone ended with $?"
once alone || fail "the search that was left alone counts wrongly"

round=0
while [ $done_kills -lt "$kills" ]; do
    round=$((round + 1))
    while :; do
        run_and_kill 2000 "$bitdial" prune "$work/search.yaml" --search-only --jobs 2 --resume --journal "$work/round$round.jsonl"
        [ $code != 137 ] && break
    done
    [ $code = 0 ] || fail "round $round ended with $code"
    cmp "$work/alone.jsonl" "$work/round$round.jsonl" || fail "round $round: another journal"
    once "round$round" || fail "round $round: an evaluation was lost or made twice"
done
echo "$done_kills kills ($parents searches, $workers workers, $inner evaluations) in $round searches of $evaluations evaluations: the same journal, each evaluation once"
