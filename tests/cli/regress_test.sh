#!/bin/sh
# A suite on the RTL: what passes, what fails under a planted fault, how a failure is repeated, traced and made small, and
# what is written about it. The junit file against a schema, the page by a strict check; both checks must fail on bad ones.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "regress_test: $*"; exit 1; }
cat >"$work/good.yaml" <<'END'
name: good
title: <b>all & sundry</b>
tests:
  - {name: random, kind: random, hardware: tests/small_hardware.yaml, networks: 2, per_point: 1, stalls: [0, 90]}
  - {name: registers, kind: directed, hardware: tests/small_hardware.yaml, cases: registers}
END
"$bitdial" regress "$work/good.yaml" --out "$work/good" --jobs 2 --json >"$work/good.json" 2>"$work/err" || fail "a good suite fails: $(cat "$work/err")"
jq -e '.counts.total == 5 and .counts.done == 5 and ([.tests[].state] | all(. == "passed"))' "$work/good.json" >/dev/null
"$bitdial" regress "$work/good.yaml" --list >"$work/first"
"$bitdial" regress "$work/good.yaml" --list --seed 1 | cmp - "$work/first"
! "$bitdial" regress "$work/good.yaml" --list --seed 2 | cmp -s - "$work/first" || fail "another seed, the same points"

# Refused: before anything is written, or over another run.
printf 'name: a\ntests: [{name: x, kind: random, hardware: %s, networks: 1}]\n' "$work/none.yaml" >"$work/bad.yaml"
code=0
"$bitdial" regress "$work/bad.yaml" --out "$work/bad" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q "bad.yaml:2:43: 'hardware' names" "$work/err" && [ ! -e "$work/bad" ] || fail "bad suite: $code $(cat "$work/err")"
code=0
"$bitdial" regress "$work/good.yaml" --out "$work/good" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q 'holds runs already' "$work/err" || fail "over another run: $code $(cat "$work/err")"
code=0
"$bitdial" regress "$work/good.yaml" --out /proc/none 2>"$work/err" || code=$?
[ $code != 0 ] && [ $code != 1 ] || fail "an unwritable folder: $code"
code=0
"$bitdial" report "$work" 2>"$work/err" || code=$?
[ $code = 2 ] && grep -q 'holds no run of a suite' "$work/err" || fail "a report of nothing: $code $(cat "$work/err")"

# A fault in the requantizer and one in the pooling unit: found, repeated alone, made small.
cat >"$work/faulty.yaml" <<'END'
name: faulty
tests:
  - {name: rounding, kind: random, hardware: tests/small_hardware.yaml, networks: 3, fault: 1}
  - {name: mac, kind: random, hardware: tests/small_hardware.yaml, networks: 4, fault: 8}
  - {name: well, kind: random, hardware: tests/small_hardware.yaml, networks: 1}
END
code=0
"$bitdial" regress "$work/faulty.yaml" --out "$work/faulty" --no-trace >"$work/out" 2>"$work/err" || code=$?
[ $code = 1 ] || fail "faults give $code: $(cat "$work/err")"
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

for folder in good faulty; do
    xmllint --noout --schema tests/support/junit.xsd "$work/$folder/junit.xml" 2>"$work/err" || fail "$(cat "$work/err")"
done
sed 's/time="[0-9.]*"/time="soon"/' "$work/good/junit.xml" >"$work/wrong.xml"
! xmllint --noout --schema tests/support/junit.xsd "$work/wrong.xml" 2>/dev/null || fail "the schema takes anything"
"$bitdial" report "$work/good" >/dev/null
/usr/bin/python3 tests/support/check_page.py "$work/good/report.html" '<b>all & sundry</b>' registers
/usr/bin/python3 tests/support/check_page.py "$work/faulty/report.html" "bitdial regress --case" "layer conv"
sed 's|</table>||; s|<h2>Time|<img src="x"><h2>Time|' "$work/good/report.html" >"$work/wrong.html"
[ "$(/usr/bin/python3 tests/support/check_page.py "$work/wrong.html" | wc -l)" -ge 3 ] || fail "the check of pages takes anything"
