#!/bin/bash
# A small comparison runs to its table; one that is killed again and again with SIGKILL and started again gives the same
# bytes; a comparison that says something wrong is refused before anything is trained.
# `SEED=N tests/cli/compare_test.sh` repeats the instants of a run.
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "repeat with: SEED=$seed tests/cli/compare_test.sh"
RANDOM=$seed
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
fail() { echo "FAIL: $1"; cat "$folder"/*.err 2>/dev/null | tail -20; exit 1; }

cat >"$folder/tiny.yaml" <<END
name: tiny
network: tests/small_network.yaml
folder: $folder/whole
data: {validation: 100}
switches: w4a4,w1a1
images: 256
test_images: 200
seeds: 2
jobs: 2
rates: 0.002,0.01
pilot: {steps: 1}
train: {steps: 4, batch: 16, save_every: 1, batch_norm: {recalibrate: 1}}
END
"$bitdial" compare "$folder/tiny.yaml" --plan --json >"$folder/plan.json" || fail "no plan"
[ "$(jq '.runs | length' "$folder/plan.json")" = 16 ] || fail "the plan has not 16 runs"
jq -e '.data.set == "fashion-mnist" and (.data.folder | length > 0) and .data.training_images == 256 and
       .data.validation_images == 100 and .data.test_images == 200 and .epochs == 0.25 and .pilot_epochs == 0.0625 and
       (.arithmetic == "float32" or .arithmetic == "bfloat16")' "$folder/plan.json" >/dev/null ||
    fail "the plan does not say on what and how long"
"$bitdial" compare "$folder/tiny.yaml" --plan >"$folder/plan" || fail "no plan in words"
grep -q "^data .*fashion-mnist in .*: 256 training, 100 validation and 200 test images" "$folder/plan" &&
    grep -q "^length .*0.25 epochs" "$folder/plan" && grep -q "^arithmetic .*\(bfloat16\|float32\)" "$folder/plan" ||
    fail "the plan in words does not say on what and how long"
[ ! -e "$folder/whole" ] || fail "the plan wrote something"
"$bitdial" compare "$folder/tiny.yaml" --json >"$folder/whole.json" 2>"$folder/whole.err" || fail "it did not end"
jq -e '.rows | length == 2 and all(.[]; .shared != null and .independent != null and .independent_taught != null and
       .interval[0] <= .difference and .difference <= .interval[1] and .seeds == 2)' "$folder/whole.json" >/dev/null ||
    fail "rows are missing"
jq -se 'length == 2 and .[0].switch == "w4a4" and .[1].switch == "w1a1"' "$folder/whole/rows.jsonl" >/dev/null ||
    fail "rows.jsonl is not the rows"
# The difference is that of the means, which are of the bits in the results.
jq -e 'all(.rows[]; (.shared - .independent - .difference) | fabs < 0.002)' "$folder/whole.json" >/dev/null ||
    fail "a difference is not that of its arms"

# The workers die with the process that is killed; what was finished or saved is not done again.
lines() { ls "$folder/killed/points"/*/result.json 2>/dev/null | wc -l; }
for kills in 1 2 3 4; do
    before=$(lines)
    "$bitdial" compare "$folder/tiny.yaml" --folder "$folder/killed" --jobs $((1 + RANDOM % 3)) \
        >"$folder/out" 2>"$folder/killed.err" &
    pid=$!
    for wait in $(seq 2000); do
        [ "$(lines)" -gt $((before + 1)) ] && break
        sleep 0.02
    done
    sleep "$(printf '0.%03d' $((RANDOM % 300)))"
    kill -9 $pid 2>/dev/null || fail "it ended before kill $kills"
    wait $pid 2>/dev/null
    for wait in $(seq 100); do
        pgrep -f "$folder/killed" >/dev/null || break
        sleep 0.02
    done
    [ -z "$(pgrep -f "$folder/killed")" ] || fail "a worker outlived its parent"
done
"$bitdial" compare "$folder/tiny.yaml" --folder "$folder/killed" >/dev/null 2>"$folder/killed.err" || fail "not resumed"
for file in table.md rows.jsonl; do
    cmp "$folder/whole/$file" "$folder/killed/$file" || fail "killed $kills times, $file differs"
done
"$bitdial" compare "$folder/tiny.yaml" --table >"$folder/table" 2>/dev/null || fail "no table of what is finished"
cmp "$folder/table" "$folder/whole/table.md" || fail "--table tells another table"

refused() { # TEXT SED: the configuration changed by SED is refused with a message that holds TEXT
    sed "$2" "$folder/tiny.yaml" >"$folder/bad.yaml"
    "$bitdial" compare "$folder/bad.yaml" --folder "$folder/${3:-bad}" >/dev/null 2>"$folder/bad.err"
    [ $? = 2 ] || fail "'$2' was not refused"
    grep -q -- "$1" "$folder/bad.err" || fail "'$2' gives another message"
    [ -n "$3" ] || [ ! -e "$folder/bad" ] || fail "'$2' wrote something"
}
refused "bad.yaml:10:8: 'rates' does not take '11'" 's/^rates:.*/rates: 0.002,11/'
refused "bad.yaml:12:15: 'seed' belongs to the comparison" 's/^train: {/train: {seed: 3, /'
refused "bad.yaml:13:11: 'teachers' does not take 'nobody'" '$a teachers: nobody'
refused "needs 'independent'" '$a arms: shared,independent_taught'
refused "has no\|switch" 's/^switches:.*/switches: w9a9/'
refused "is of another comparison: 'images' was 256 there and is 240 here" 's/^images: 256/images: 240/' whole

# Another build may compute other bits: it tells the table, and goes on only when told to.
{ cat "$bitdial"; echo; } >"$folder/bitdial" && chmod +x "$folder/bitdial"
"$folder/bitdial" compare "$folder/tiny.yaml" >/dev/null 2>"$folder/bad.err"
[ $? = 2 ] && grep -q "begun by another build" "$folder/bad.err" || fail "another build went on"
"$folder/bitdial" compare "$folder/tiny.yaml" --any-build >/dev/null 2>"$folder/bad.err" || fail "--any-build was refused"
"$folder/bitdial" compare "$folder/tiny.yaml" --table 2>/dev/null | cmp - "$folder/table" || fail "another build has no table"
echo "16 runs, killed $kills times: the same table"
