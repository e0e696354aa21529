# Kills a sweep of many prices at random instants, the parent, a worker or a point each time, and goes on until it ends:
# the results must be those of a sweep that was left alone, to the byte, and every point ran once.
#     SEED=N bash tests/support/sweep_kills.sh KILLS [DESIGNS]
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
kills=$1 designs=${2:-24}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "repeat with: SEED=$seed bash tests/support/sweep_kills.sh $kills $designs"
. tests/support/kills.sh

"${BITDIAL_BUILD:-build}/sample" tests/small_network.yaml 1 "$work/a.h5"
timings=
for n in $(seq $((designs / 4))); do timings="$timings${timings:+, }'$((10 + n)),1,2'"; done
cat >"$work/sweep.yaml" <<END
name: kills
networks: a.h5
hardware: {file: tests/small_hardware.yaml, name: h, keys: {rows: [8, 16]}}
memory: [$timings]
objectives: [clocks, lut4]
END
sweep() { # FOLDER OPTIONS...
    "$bitdial" sweep "$work/sweep.yaml" --out "$work/$1" --no-confirm "${@:2}" >/dev/null 2>"$work/$1.err"
}
once() { # FOLDER: every design has one result, and one line in the history
    /usr/bin/python3 - "$work/$1/runs.db" "$((designs / 4 * 4))" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
n = int(sys.argv[2])
assert db.execute("SELECT COUNT(*) FROM points WHERE state = 'done'").fetchone()[0] == n
assert db.execute("SELECT COUNT(*), COUNT(DISTINCT point) FROM history").fetchone() == (n, n)
PY
}
sweep alone --jobs 2 || fail "the sweep that was left alone ended with $?"
once alone || fail "the sweep that was left alone counts wrongly"

round=0
while [ $done_kills -lt "$kills" ]; do
    round=$((round + 1))
    while :; do
        run_and_kill 250 "$bitdial" sweep "$work/sweep.yaml" --out "$work/round$round" --no-confirm --resume --jobs $((1 + RANDOM % 4))
        [ $code != 137 ] && break
    done
    [ $code = 0 ] || fail "round $round ended with $code"
    for file in results.json results.csv results.md; do
        cmp "$work/alone/$file" "$work/round$round/$file" || fail "round $round: another $file"
    done
    once "round$round" || fail "round $round: a point was lost or ran twice"
done
echo "$done_kills kills ($parents parents, $workers workers, $inner points) in $round sweeps of $((designs / 4 * 4)) designs: the same results"
