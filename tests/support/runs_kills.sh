# Kills a run of many points at random instants, the parent, a worker or a point each time, and goes on until it ends:
# the results must be those of a run that was left alone, and a result that was there stays to the byte.
#     SEED=N bash tests/support/runs_kills.sh KILLS [POINTS]
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
kills=$1 points=${2:-24}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "repeat with: SEED=$seed bash tests/support/runs_kills.sh $kills $points"
. tests/support/kills.sh

{
    echo 'title: kills'
    echo 'points:'
    for n in $(seq "$points"); do
        echo "  - {name: p$n, argv: [sh, -c, 'sleep 0.$((RANDOM % 4)); seq $n 3000 | cksum >a; sleep 0.$((RANDOM % 4)); echo \"{\\\"n\\\": $n}\"; exit $((n % 7 == 0))']}"
    done
} | sed "s|>a;|>/dev/null;|" >"$work/plan.yaml"

results() { # FOLDER: what counts of each result
    jq -c '[input_filename | split("/")[-2]] + [.identity, .state, .exit, .signal, .output]' "$1"/points/*/result.json | sort
}
once() { # FOLDER: every point has one result in the database and one line in its history
    /usr/bin/python3 - "$1" "$points" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/runs.db")
n = int(sys.argv[2])
assert db.execute("SELECT COUNT(*) FROM points WHERE state IN ('done', 'failed')").fetchone()[0] == n
assert db.execute("SELECT COUNT(*), COUNT(DISTINCT point) FROM history").fetchone() == (n, n)
PY
}

code=0
"$bitdial" runs "$work/plan.yaml" --out "$work/alone" >/dev/null 2>"$work/alone.err" || code=$?
[ $code = 1 ] || fail "the run that was left alone ended with $code"
results "$work/alone" >"$work/expected"
[ "$(wc -l <"$work/expected")" = "$points" ] || fail "not every point has a result"
once "$work/alone" || fail "the run that was left alone counts wrongly"

round=0
while [ $done_kills -lt "$kills" ]; do
    round=$((round + 1))
    folder=$work/round$round
    mkdir "$work/kept"
    while :; do
        run_and_kill 250 "$bitdial" runs "$work/plan.yaml" --out "$folder" --resume --jobs $((1 + RANDOM % 4))
        [ $code != 137 ] && break
        for result in "$folder"/points/*/result.json; do
            name=$(basename "$(dirname "$result")")
            [ ! -f "$result" ] || cp -n "$result" "$work/kept/$name"
        done
    done
    [ $code = 1 ] || fail "round $round ended with $code"
    results "$folder" | cmp "$work/expected" - || fail "round $round: other results"
    once "$folder" || fail "round $round: a point was lost or counted twice"
    for kept in "$work"/kept/*; do
        [ ! -f "$kept" ] || cmp "$kept" "$folder/points/$(basename "$kept")/result.json" || fail "a point with a result ran again"
    done
    rm -rf "$work/kept"
done
echo "$done_kills kills ($parents parents, $workers workers, $inner points) in $round runs of $points points: the same results"
