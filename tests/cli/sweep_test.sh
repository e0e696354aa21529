#!/bin/bash
# `bitdial sweep` from networks to a front that was confirmed on the RTL, with pruning; a search; what it refuses; the page;
# kills. BITDIAL_SWEEP_KILLS=50 kills more often, in a sweep of 200 designs.
set -eu
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $1"; tail -n 5 "$work"/*.err; exit 1; }
sweep() { # EXIT_CODE ARGUMENTS...
    local expected=$1 code=0
    shift
    "$bitdial" sweep "$@" >"$work/out" 2>"$work/out.err" || code=$?
    [ $code = "$expected" ] || fail "'sweep $*' ended with $code, not $expected"
}
"${bitdial%/*}/sample" tests/small_network.yaml 1 "$work/a.h5"

# The front is confirmed on the RTL of small_hardware.yaml, which other tests have built; what is wider is left out.
cat >"$work/tiny.yaml" <<'END'
name: tiny
title: two levels of pruning
networks: a.h5
pruning: [none, {bytes: 0.8}]
hardware:
  - tests/small_hardware.yaml
  - {file: tests/small_hardware.yaml, keys: {rows: [64], requant_units: [4, 64]}}
objectives: [clocks, energy]
constraints: [lut4 <= 25000, "accuracy >= 0"]
device: LFE5U-45F
frame_rate: 100
images: 100
prune: {evaluations: 2, initial: 2, images: 20, recalibrate: 1, least_ratio: 0.1}
confirm: 1
END
sweep 0 "$work/tiny.yaml" --list
grep -q '^queued  *prune.a.bytes80 ' "$work/out" && [ "$(grep -c '^queued  *price' "$work/out")" = 4 ] &&
    grep -q '^excluded  *a.w1a1.none.small-r64-q64  *[0-9]* sites, where an LFE5U-45F has 43848' "$work/out" || fail "--list"
sweep 0 "$work/tiny.yaml" --out "$work/tiny" --jobs 2 --json
jq -e '.pass and .counts.designs == 12 and .counts.excluded == 8 and .counts.done == 4 and .counts.front >= 1 and
       .counts.confirmed == .counts.front and .counts.unconfirmed == 0 and (.front | length) == .counts.front and
       ([.designs[] | select(.front)] | all(.confirmed and .confirmation.clocks == .metrics.clocks and
           .confirmation.mismatches == 0 and .clock == "assumed" and (.layers | length) > 3)) and
       ([.designs[] | select(.state == "done")] | all(.metrics.accuracy >= 0 and .metrics.power_mw > 0))' "$work/out" >/dev/null ||
    fail "the tiny sweep: $(jq -c '.counts, .verdict' "$work/out")"
# Its clocks, energy and bytes are those of the program that `bitdial compile` makes.
"$bitdial" compile "$work/a.h5" --hardware tests/small_hardware.yaml -o "$work/a.bdp" --max-moved 1000 >/dev/null 2>&1
"$bitdial" cost "$work/a.bdp" --hardware tests/small_hardware.yaml --json >"$work/cost"
jq -e --slurpfile cost "$work/cost" '.designs[] | select(.name == "a.w1a1.none.small") | .metrics |
       .clocks == $cost[0].switches.w1a1.cycles and .bytes == $cost[0].bytes.image and
       (.energy * 1000 - $cost[0].switches.w1a1.energy_nj | fabs) < 0.001 and
       (.fps - 1e8 / .clocks | fabs) < 0.001 and (.power_mw - .energy * 100 / 1000 | fabs) < 1e-6' "$work/tiny/results.json" >/dev/null ||
    fail "figures of a design are not those of bitdial cost"
[ "$(wc -l <"$work/tiny/results.csv")" = 13 ] && grep -q '^## The front' "$work/tiny/results.md" || fail "results as files"
# Other constraints need no new runs; none that nobody meets.
sed 's/lut4 <= 25000/fps >= 1e9/' "$work/tiny.yaml" >"$work/strong.yaml"
sweep 1 "$work/strong.yaml" --out "$work/tiny" --resume --json
jq -e '(.pass | not) and .counts.front == 0 and .runs.done == .runs.total and (.nearest | type) == "string" and
       (.verdict | test("no design of 4 that ran meets every constraint; the nearest is .*: fps .* where >= 1e\\+09 is asked"))' \
    "$work/out" >/dev/null || fail "a constraint that nobody meets: $(jq -c .verdict "$work/out")"
sweep 0 "$work/tiny.yaml" --out "$work/tiny" --resume -k w1a1
sweep 0 "$work/tiny.yaml" --out "$work/tiny" --resume --json
jq -e '.runs.total == .runs.done and .counts.done == 4' "$work/out" >/dev/null || fail "gone on with"
# A design that the RTL does not confirm, here for want of a simulator, must not pass.
name=$(jq -r '.front[0]' "$work/tiny/results.json")
mv "$work/tiny" "$work/wrong"
rm "$work/wrong/points/confirm.$name/result.json"
mkdir "$work/false" && printf '#!/bin/sh\nexit 3\n' >"$work/false/verilator" && chmod +x "$work/false/verilator"
sqlite3 "$work/wrong/runs.db" "DELETE FROM history WHERE point = 'confirm.$name'; UPDATE points SET state = 'queued', result = NULL WHERE name = 'confirm.$name'"
code=0
PATH=$work/false:$PATH "$bitdial" sweep "$work/tiny.yaml" --out "$work/wrong" --resume --json >"$work/out" 2>"$work/out.err" || code=$?
[ $code = 1 ] && jq -e '(.pass | not) and .counts.unconfirmed == 1 and (.verdict | test("THE OTHERS ARE NOT"))' "$work/out" >/dev/null ||
    fail "a front that was not confirmed passes: $code"

# The page.
"$bitdial" report "$work/wrong" >/dev/null
/usr/bin/python3 tests/support/check_page.py --script "$work/wrong/report.html" "two levels of pruning" a.w1a1 assumed "where an LFE5U-45F has" ||
    fail "the page"
! /usr/bin/python3 tests/support/check_page.py "$work/wrong/report.html" >/dev/null || fail "the check of pages takes any script"

# A search: the same designs whatever runs side by side, and when it is gone on with.
cat >"$work/search.yaml" <<'END'
name: search
kind: search
networks: a.h5
hardware: tests/small_hardware.yaml
keys: {rows: [8, 16, 32], requant_units: [4, 8, 16], act_words: [1024, 2048, 4096]}
objectives: [clocks, sites]
constraints: [block_ram <= 150]
search: {evaluations: 10, initial: 5, parallel: 2}
END
sweep 0 "$work/search.yaml" --out "$work/s1" --no-confirm --jobs 1
sweep 0 "$work/search.yaml" --out "$work/s2" --no-confirm --jobs 3
cmp "$work/s1/results.json" "$work/s2/results.json" || fail "a search depends on what runs side by side"
jq -e '.counts.done == 10 and .counts.excluded == 6 and
       ([.designs[] | select(.state == "done")] | all(.metrics.block_ram <= 150))' "$work/s1/results.json" >/dev/null || fail "the search"

# Refused before any work: with a place where the file is wrong, and nothing is written.
refused() { # EXIT_CODE TEXT SED-SCRIPT [OPTION...]
    local expected=$1 text=$2
    sed "$3" "$work/tiny.yaml" >"$work/bad.yaml"
    sweep "$expected" "$work/bad.yaml" --out "$work/none" "${@:4}"
    grep -q -- "$text" "$work/out.err" || fail "'$3' is not told as '$text'"
    [ ! -e "$work/none/points" ] || fail "'$3' has begun"
}
refused 2 "bad.yaml:3:11: 'networks' must be a value or a list" 's/^networks:.*/networks: []/'
refused 2 "bad.yaml:1:1: unknown key 'nome'" 's/^name:/nome:/'
refused 2 "bad.yaml:6:5: 'hardware' names 'no.yaml', which is neither beside" 's/^  - tests.small_hardware.yaml/  - no.yaml/'
refused 2 "bad.yaml:7:46: a hardware configuration has no key 'raws'" 's/{rows:/{raws:/'
refused 2 "bad.yaml:9:15: a constraint's bound must be a finite number, got 'lut4 <= nan'" 's/lut4 <= 25000/lut4 <= nan/'
refused 2 "bad.yaml:10:9: no design is left to run" 's/LFE5U-45F/LFE5U-25F/; s/^device/device/'
refused 2 "no images\|nothing\|images" 's|^images:.*|data: {folder: /none}|'
sweep 3 "$work/tiny.yaml" --out /proc/none
sweep 2 "$work/search.yaml" --out "$work/s1"
sweep 2 "$work/search.yaml" --out "$work/none" -k a
sweep 2 "$work/tiny.yaml" --out "$work/none" -k nothing
sweep 2 "$work/tiny.yaml"
[ ! -e "$work/none" ] || fail "a refused sweep leaves a folder"
code=0
PATH=$work/false "$bitdial" sweep "$work/search.yaml" --out "$work/none" --slurm '' >"$work/out" 2>"$work/out.err" || code=$?
[ $code = 3 ] && grep -q "'--slurm' needs Slurm: cannot start 'sbatch': No such file" "$work/out.err" && [ ! -e "$work/none" ] ||
    fail "a sweep without Slurm ends with $code"

bash tests/support/sweep_kills.sh "${BITDIAL_SWEEP_KILLS:-3}" ${BITDIAL_SWEEP_KILLS:+200} || fail "kills"
echo "a sweep to its confirmed front, a search, refusals, the page, kills"
