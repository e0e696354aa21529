#!/bin/sh
# The smoke suite on the RTL passes; suites with planted faults fail, and each failure is repeated, traced and made small.
# What is written about it: the junit file against a schema, the page by a strict check, both of which must fail on bad ones.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
smoke=yaml-configs/suites/smoke.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "regress_test: $*"; exit 1; }
"$bitdial" regress $smoke --out "$work/smoke" --jobs 2 --json >"$work/smoke.json" 2>"$work/err" ||
    fail "the smoke suite fails: $(cat "$work/err")"
jq -e '.pass and .counts.total == .counts.done and .counts.total >= 8 and ([.tests[].state] | all(. == "passed")) and
    .coverage.unknown == [] and ([.coverage.groups[].filled] | add) >= 197' "$work/smoke.json" >/dev/null ||
    fail "the smoke suite's results: $(jq -c '[.counts, .coverage]' "$work/smoke.json")"
rtl=$(cat hw/*.sv hw/control/*.sv hw/memory/*.sv hw/datapath/*.sv hw/*.svh hw/build.sh | gzip -c | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')
[ "$(jq -r .rtl "$work/smoke.json")" = "$rtl" ] || fail "the smoke suite's RTL is $(jq .rtl "$work/smoke.json"), not $rtl"
"$bitdial" regress $smoke --list >"$work/first"
"$bitdial" regress $smoke --list --seed 1 | cmp - "$work/first"
! "$bitdial" regress $smoke --list --seed 2 | cmp -s - "$work/first" || fail "another seed, the same points"

# Refused: before anything is written, or over another run.
printf 'name: a\ntests: [{name: x, kind: random, hardware: %s, networks: 1}]\n' "$work/none.yaml" >"$work/bad.yaml"
code=0
"$bitdial" regress "$work/bad.yaml" --out "$work/bad" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q "bad.yaml:2:43: 'hardware' names" "$work/err" && [ ! -e "$work/bad" ] || fail "bad suite: $code $(cat "$work/err")"
code=0
"$bitdial" regress $smoke --out "$work/smoke" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q 'holds runs already' "$work/err" || fail "over another run: $code $(cat "$work/err")"
code=0
"$bitdial" regress $smoke --out /proc/none 2>"$work/err" || code=$?
[ $code = 2 ] || [ $code = 3 ] || fail "an unwritable folder: $code"
code=0
"$bitdial" report "$work" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q 'holds no run of a suite' "$work/err" || fail "a report of nothing: $code $(cat "$work/err")"

# Faults in the requantizer and in the MAC array: found, repeated alone, made small; those of the table by their layers.
cat >"$work/faulty.yaml" <<'END'
name: faulty
title: <b>all & sundry</b>
tests:
  - {name: rounding, kind: random, hardware: tests/small_hardware.yaml, networks: 3, fault: 1}
  - {name: mac, kind: random, hardware: tests/small_hardware.yaml, networks: 4, fault: 8}
  - {name: faults, kind: faults, table: tests/faults/faults.yaml}
END
code=0
"$bitdial" regress "$work/faulty.yaml" --out "$work/faulty" --no-trace --jobs 2 --json >"$work/faulty.json" 2>"$work/err" || code=$?
[ $code = 1 ] || fail "faults give $code: $(cat "$work/err")"
jq -e '[.tests[].state] == ["failed", "failed", "passed"]' "$work/faulty.json" >/dev/null ||
    fail "$(jq -c '[.tests[] | .name, .state]' "$work/faulty.json") $(cat "$work/err")"
"$bitdial" report "$work/faulty" >/dev/null
for name in rounding mac; do
    found=$(echo "$work/faulty/failures/$name"*/failure.json)
    jq -e '.layers <= 3 and .height <= 4 and .width <= 4 and .whole and .kind == "value"' "$found" >/dev/null ||
        fail "$name is not made small: $(cat "$found" "$work/err")"
    code=0
    sh -c "$(jq -r .repeat "$found")" >"$work/again" 2>&1 || code=$?
    [ $code = 1 ] && grep -q 'got .* want' "$work/again" || fail "the repeat line of $name gives $code: $(cat "$work/again")"
    code=0
    "$bitdial" regress --case "$(jq -r .case "$found")" >"$work/again" 2>&1 || code=$?
    [ $code = 1 ] && grep -q 'got .* want' "$work/again" || fail "the case of $name gives $code: $(cat "$work/again")"
done

# Waves: the save file opens the trace at the first wrong clock (two steps of time each), on the unit's signals.
code=0
sh sim/bench/run.sh tests/small_hardware.yaml --fault 15 --case tests/faults/network.yaml --json --first-failure \
    --trace "$work/wave.fst" >"$work/wave.json" 2>/dev/null || code=$?
clock=$(jq .first.clock "$work/wave.json") begin=$(jq .first.begin "$work/wave.json")
[ $code = 1 ] && [ -s "$work/wave.fst" ] && [ "$clock" -gt "$begin" ] || fail "no trace of a fault: $code $(cat "$work/wave.json")"
for line in '[dumpfile] "wave.fst"' "*-3.000000 $((2 * clock)) $((2 * begin)) -1" '-TOP.bitdial_top.u_compute.u_back.u_pool' \
    'TOP.bitdial_top.u_compute.u_back.u_pool.setup_i'; do
    grep -qF -e "$line" "$work/wave.gtkw" || fail "no '$line' in the save file"
done

for folder in smoke faulty; do
    xmllint --noout --schema tests/support/junit.xsd "$work/$folder/junit.xml" 2>"$work/err" || fail "$(cat "$work/err")"
done
sed 's/time="[0-9.]*"/time="soon"/' "$work/smoke/junit.xml" >"$work/wrong.xml"
! xmllint --noout --schema tests/support/junit.xsd "$work/wrong.xml" 2>/dev/null || fail "the schema takes anything"
"$bitdial" report "$work/smoke" >/dev/null
/usr/bin/python3 tests/support/check_page.py "$work/smoke/report.html" smoke slow-memory "filled by"
/usr/bin/python3 tests/support/check_page.py "$work/faulty/report.html" "bitdial regress --case" "layer conv" '<b>all & sundry</b>'
sed 's|</table>||; s|<h2>Time|<img src="x"><h2>Time|' "$work/smoke/report.html" >"$work/wrong.html"
[ "$(/usr/bin/python3 tests/support/check_page.py "$work/wrong.html" | wc -l)" -ge 3 ] || fail "the check of pages takes anything"

# Where a browser is there, and asked for, it must draw something.
if [ -n "${BITDIAL_BROWSER:-}" ]; then
    timeout 60 "$BITDIAL_BROWSER" --headless --no-sandbox --disable-gpu --window-size=1200,1600 \
        --screenshot="$work/page.png" "file://$work/faulty/report.html" >/dev/null 2>&1 || fail "$BITDIAL_BROWSER draws no page"
    [ "$(wc -c <"$work/page.png")" -gt 30000 ] || fail "the page is nearly empty"
fi
