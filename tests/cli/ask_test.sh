#!/bin/bash
# `bitdial ask` and `bitdial tell`: the example of the usage text as it stands there, bad messages, kills, two writers.
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
file=$PWD/sw/include/bitdial.h
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; cat "$work/err" 2>/dev/null; exit 1; }
cd "$work" || exit 3

# ---- the example, and every point of its grid by hand ----
"$bitdial" ask --help | sed -n '/^  cat >study.yaml/,/^  done/s/^  //p' >example.sh
[ "$(wc -l <example.sh)" -gt 10 ] || fail "the usage text has no example"
mkdir bin && ln -s "$bitdial" bin/bitdial
FILE=$file PATH=$work/bin:$PATH timeout 120 sh -e example.sh >example.out 2>err || fail "the example ends with $?"
"$bitdial" tell --journal study.jsonl --json </dev/null >best.json || fail "no results"
least=
for block in 1 2 4 8 16 32 64; do
    split -b ${block}k "$file" part.
    for level in 1 2 3 4 5 6 7 8 9; do
        value=$(($(gzip -c -$level part.a? | wc -c) + 500 * level + 20 * block))
        [ -z "$least" ] || [ $value -lt "$least" ] && least=$value
    done
    rm part.*
done
# Blocks that gzip names are a few bytes longer than nameless ones, so the least is a bound from below.
jq -e ".told == 20 and .pending == 0 and .best.value >= $least and .best.value <= 1.02 * $least" best.json >/dev/null ||
    fail "the best of the grid is $least, found $(cat best.json)"
[ "$(jq -r .point.level point)" -ge 1 ] || fail "no point"

# ---- messages that are refused change nothing, whatever stands beside them ----
"$bitdial" ask --journal study.jsonl --count 2 >asked || fail "no points"
cp study.jsonl before.jsonl
refused() { # CODE TEXT LINES: exit code and message
    printf '%b' "$3" | "$bitdial" tell --journal study.jsonl >out 2>err
    local code=$?
    [ $code = "$1" ] && grep -qF -- "$2" err || fail "'$3' ends with $code"
    cmp -s study.jsonl before.jsonl || fail "'$3' changed the journal"
}
refused 2 "standard input:2: 'id' must be" '{"id":21,"value":1}\n{"id":23,"value":1}\n'
refused 2 'point 1 was told already' '{"id":1,"value":1}\n'
refused 2 'point 21 is told twice' '{"id":21,"value":1}\n{"id":21,"value":2}\n'
refused 2 "'value' must be a finite number" '{"id":21,"value":null}\n'
refused 2 'the line is no JSON object' '{"id":21,"value":NaN}\n'
refused 2 'the line is no JSON object' '{"id":21,"value":1e999}\n'
refused 2 "not 'valeu'" '{"id":21,"valeu":1}\n'
refused 2 "'lost' is true, beside an 'id' alone" '{"id":21,"value":1,"lost":true}\n'
refused 2 "'level' cannot be 10" '{"point":{"level":10,"block":1},"value":1}\n'
refused 2 "'point' has no number for 'block'" '{"point":{"level":1,"blocks":1},"value":1}\n'
refused 2 "a message needs" '{"value":1}\n'
refused 2 "a message is a JSON object" '[1]\n'
jq -c '{point, value: 1}' asked | head -1 >one
refused 2 'tell it by its id, 21' "$(cat one)"
printf '{"id":21,"lost":true}\n{"id":22,"value":1}\n' | "$bitdial" tell --journal study.jsonl >out || fail "lost"
grep -q '21 told, 0 pending' out || fail "$(cat out)"

# ---- the study's file ----
describes() { # TEXT-OF-MESSAGE FILE
    printf '%b' "$2" >bad.yaml
    "$bitdial" ask bad.yaml --journal bad.jsonl >out 2>err
    [ $? = 2 ] && grep -qF -- "$1" err || fail "$2"
    [ ! -e bad.jsonl ] || fail "a journal of a study that is refused: $2"
}
describes "bad.yaml:1:7: 'axes' must be a list" 'axes: 3\n'
describes "bad.yaml:3:3: two axes are named 'a'" 'axes:\n- {name: a, from: 1, to: 2}\n- {name: a, from: 1, to: 2}\n'
describes "'from' to 'to' must be" 'axes: [{name: a, from: 3, to: 2}]\n'
describes "'low' of 2 is not below 'high' of 1" 'axes: [{name: a, low: 2, high: 1}]\n'
describes "must ascend" 'axes: [{name: a, values: [1, 3, 2]}]\n'
describes "logarithmic" 'axes: [{name: a, from: 0, to: 2, scale: log}]\n'
describes "a goal is" 'axes: [{name: a, from: 0, to: 2}]\ngoals: most\n'
describes "no axis is named 'b'" 'axes: [{name: a, from: 0, to: 2}]\nconstraints: [{weights: {b: 1}, most: 1}]\n'
describes "beside two goals" 'axes: [{name: a, from: 0, to: 2}]\nreference: [1, 2]\n'
sed 's/to: 9/to: 8/' study.yaml >other.yaml
"$bitdial" ask other.yaml --journal study.jsonl >out 2>err
[ $? = 2 ] && grep -q "is of another study: 'axes' was" err || fail "another study's journal"
"$bitdial" tell --journal none.jsonl </dev/null >out 2>err
[ $? = 2 ] && grep -q "there is no journal 'none.jsonl'" err || fail "no journal"

# ---- a grid that is used up; a constraint ----
printf 'axes: [{name: a, from: 1, to: 3}, {name: b, from: 1, to: 3}]\ngoals: [minimize, maximize]\nconstraints: [{weights: {a: 1, b: 1}, least: 3, most: 4}]\ninitial: 2\n' >small.yaml
"$bitdial" ask small.yaml --journal small.jsonl --count 9 >out 2>err
[ $? = 1 ] && grep -q 'no point is left' err && [ "$(jq -s 'length == 5 and all(.point.a + .point.b | . >= 3 and . <= 4)' out)" = true ] || fail "5 points meet the constraint"
jq -c '{id, values: [.point.a, .point.b]}' out | "$bitdial" tell --journal small.jsonl --json >front || fail "a front"
jq -e '[.front[].values] == [[1, 3]]' front >/dev/null || fail "the front, least a and most b, is (1, 3): $(cat front)"

# ---- two writers: the second is refused ----
flock small.jsonl sleep 30 &
holder=$!
for wait in $(seq 100); do flock -n small.jsonl true || break; sleep 0.05; done
"$bitdial" ask --journal small.jsonl >out 2>err
[ $? = 3 ] && grep -q 'in use' err || fail "two writers"
kill $holder; wait $holder 2>/dev/null

# ---- kills: what was printed is in the journal, no point twice, and it goes on ----
seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "repeat with: SEED=$seed tests/cli/ask_test.sh"
printf 'axes: [{name: x, low: 0, high: 1}, {name: n, from: 1, to: 50}]\ninitial: 3\n' >kill.yaml
for round in $(seq 15); do
    (exec "$bitdial" ask kill.yaml --journal kill.jsonl --count 3) >>printed 2>err &
    pid=$!
    sleep 0.0$((RANDOM % 9))
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    jq -c '{id, value: .point.x}' printed 2>/dev/null | tail -1 >message
    "$bitdial" tell --journal kill.jsonl <message >out 2>err
    case $? in
        0) ;;
        2) grep -q 'already\|no journal\|holds nothing' err || fail "round $round" ;;
        *) fail "round $round" ;;
    esac
done 2>/dev/null
"$bitdial" ask kill.yaml --journal kill.jsonl >>printed || fail "the study does not go on"
"$bitdial" ask --journal kill.jsonl --pending >pending || fail "no pending points"
jq -s 'map(.record | select(.asked != null) | .point) | length == (unique | length)' kill.jsonl | grep -qx true || fail "a point twice"
tail -1 printed | cmp -s - <(tail -1 pending) || fail "the last point is not pending"

# ---- the same bits, whatever BLAS was told ----
for threads in 1 2; do
    for round in $(seq 6); do
        OPENBLAS_NUM_THREADS=$threads "$bitdial" ask kill.yaml --journal t$threads.jsonl --count 2 |
            jq -c '{id, value: (.point.x - .point.n / 50)}' | "$bitdial" tell --journal t$threads.jsonl >out || fail "tell"
    done
done
cmp t1.jsonl t2.jsonl || fail "threads leave a trace"
echo "asked and told"
