# Kills a search whose evaluations run two side by side at random instants, the search, a worker or an evaluation each time:
# it must end in the journal of one left alone, with every evaluation made once.
#     SEED=N bash tests/support/prune_kills.sh KILLS CHECKPOINT [EVALUATIONS]
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
kills=$1 checkpoint=$2 evaluations=${3:-12}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "repeat with: SEED=$seed bash tests/support/prune_kills.sh $kills $checkpoint $evaluations"
RANDOM=$seed
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill -9 $running 2>/dev/null || :; rm -rf "$work"' EXIT
any_child() { # PID: sets $child to one of its children
    local all=()
    { read -r -a all <"/proc/$1/task/$1/children"; } 2>/dev/null || :
    [ ${#all[@]} -gt 0 ] && child=${all[RANDOM % ${#all[@]}]}
}
fail() { echo "FAIL: $1"; tail -n 5 "$work"/*.err 2>/dev/null; exit 1; }

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

first=$((RANDOM % 3)) missed=0 done_kills=0 round=0 searches=0 workers=0 inner=0
while [ $done_kills -lt "$kills" ]; do
    round=$((round + 1))
    while :; do
        "$bitdial" prune "$work/search.yaml" --search-only --jobs 2 --resume --journal "$work/round$round.jsonl" >/dev/null 2>"$work/killed.err" &
        running=$!
        for wait in $([ $((RANDOM % 4)) = 0 ] || seq 500); do # in one life of four it may not have begun
            any_child $running || ! kill -0 $running 2>/dev/null && break
            sleep 0.02
        done
        while kill -0 $running 2>/dev/null && [ $done_kills -lt "$kills" ]; do
            sleep "$((RANDOM % 2)).$(printf %03d $((RANDOM % 1000)))"
            any_child "$running" && worker=$child || worker=
            any_child "$worker" && point=$child || point=
            missed=$((missed + 1))
            case $(((done_kills + first + missed / 4) % 3)) in
            0) kill -9 $running 2>/dev/null && searches=$((searches + 1)) done_kills=$((done_kills + 1)) && break ;;
            1) [ -n "$worker" ] && kill -9 "$worker" 2>/dev/null && workers=$((workers + 1)) done_kills=$((done_kills + 1)) missed=0 ;;
            2) [ -n "$point" ] && kill -9 "$point" 2>/dev/null && inner=$((inner + 1)) done_kills=$((done_kills + 1)) missed=0 ;;
            esac
        done
        code=0
        wait $running 2>/dev/null || code=$?
        running=
        [ $code != 137 ] && break
    done
    [ $code = 0 ] || fail "round $round ended with $code"
    cmp "$work/alone.jsonl" "$work/round$round.jsonl" || fail "round $round: another journal"
    once "round$round" || fail "round $round: an evaluation was lost or made twice"
done
echo "$done_kills kills ($searches searches, $workers workers, $inner evaluations) in $round searches of $evaluations evaluations: the same journal, each evaluation once"
