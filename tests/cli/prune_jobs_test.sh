#!/bin/bash
# `bitdial prune --jobs`: killed at random instants, the same evaluations; what is refused, and when; the picture; what the
# pruned network says of its making.
set -eu
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $1"; cat "$work/err"; exit 1; }
cat >"$work/network.yaml" <<'END'
name: wide
input: {height: 28, width: 28, channels: 1}
classes: 10
switches: [w4a4, w1a1]
stem: {channels: 16, stride: 2}
stages:
  - {channels: 16, stride: 2, blocks: [{kind: basic, inner: 24}]}
  - {channels: 24, stride: 2, blocks: [{kind: basic, inner: 32}]}
head: {}
END
"${bitdial%/*}/sample" "$work/network.yaml" 1 "$work/base.h5"
bash tests/support/prune_kills.sh 3 "$work/base.h5" 8 || { : >"$work/err"; fail "kills"; }

cat >"$work/search.yaml" <<END
checkpoint: $work/base.h5
hardware: yaml-configs/hardware/demo.yaml
journal: $work/s.jsonl
output: $work/pruned.h5
budget: {switch: w1a1, ratio: 0.9}
search: {evaluations: 4, initial: 3}
evaluation: {switches: w1a1, images: 50, recalibrate: 1}
final: {epochs: 0, steps: 2, batch: 16}
END
prune() { # EXIT_CODE OPTIONS...
    local code=0
    "$bitdial" prune "$work/search.yaml" --images 20 "${@:2}" >"$work/out" 2>"$work/err" || code=$?
    [ $code = "$1" ] || fail "'${*:2}' ended with $code, not $1"
}
# What cannot be written in the end is refused before anything is measured.
: >"$work/file"
prune 3 --jobs 2 --output "$work/file/pruned.h5"
grep -q "cannot write '$work/file/pruned.h5'" "$work/err" && [ ! -e "$work/s.jsonl" ] || fail "an output that cannot be written was not refused first"
prune 3 --svg /proc/none/p.svg
grep -q "cannot write '/proc/none/p.svg'" "$work/err" && [ ! -e "$work/s.jsonl" ] || fail "a picture that cannot be written was not refused first"

prune 0 --jobs 2 --svg "$work/p.svg" --json
jq -e '.evaluations == 4 and .forecasts.count == 1 and (.channels | length) > 0' "$work/out" >/dev/null || fail "the report is wrong"
/usr/bin/python3 - "$work/p.svg" "$work/out" <<'PY' || fail "the picture is wrong"
import json, sys
import xml.etree.ElementTree as tree
svg = tree.parse(sys.argv[1]).getroot()
name = "{http://www.w3.org/2000/svg}"
widths = [t.text for t in svg.iter(name + "text") if t.text and "/" in t.text and t.text[0].isdigit()]
channels = json.load(open(sys.argv[2]))["channels"]
assert widths and {int(w.split("/")[0]) for w in widths} == set(channels), (widths, channels)
assert len(list(svg.iter(name + "circle"))) == 4 + 1
PY
"$bitdial" show "$work/pruned.h5" --json >"$work/shown"
jq -e '.metadata | .ranking == "fidelity" and .method == "bayes" and (.source_checksum | test("^[0-9a-f]{8}$")) and
       .budget.ratio == 0.9 and .budget.clocks > 0 and .search.jobs == 2' "$work/shown" >/dev/null || fail "the pruned network does not say how it was made"
# The number side by side belongs to the search; one after another is another search.
prune 2 --jobs 3 --resume --search-only
grep -q "'jobs' was 2 there and is 3 here" "$work/err" || fail "another number of jobs went on"
prune 2 --resume --search-only
grep -q "is of another search" "$work/err" || fail "a search without jobs went on"
prune 2 --slurm ''
grep -q "needs '--jobs'" "$work/err" || fail "--slurm without --jobs"
prune 0 --jobs 2 --resume
echo "evaluations side by side: kills, refusals, picture, metadata"
