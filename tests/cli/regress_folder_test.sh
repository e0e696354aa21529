# What `bitdial regress` makes of folders, filters, kills and failures, on a bench that is a few lines of shell: nothing is
# simulated. A run is told as it is: no failure of an earlier one, and none lost for what could not be found out about it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
bitdial=$tree/build/bitdial
mkdir -p "$tree/build" "$tree/sim/bench" "$tree/hw"
cp "${BITDIAL_BUILD:-build}/bitdial" "$tree/build/"
cp hw/coverage.yaml "$tree/hw/"
echo '{goals: {line: 100, branch: 100, port: 95}, filled_by: {}, waivers: []}' >"$tree/hw/coverage_waivers.yaml"
cp tests/small_hardware.yaml "$tree/my hardware.yaml"
: >"$tree/sim/build.sh"
cat >"$tree/sim/bench/run.sh" <<'END_OF_BENCH'
case " $* " in
*" --print "*) [ -e sim/bench/shrinks ] && echo "$PWD/sim/bench/tried" ;;
*" --hangs "*)
    [ ! -e healed ] || { echo '{"pass": true, "bins": {}}'; exit; }
    echo "{\"pass\": false, \"bins\": {}, \"first\": {\"kind\": \"value\", \"text\": \"wrong in $(cat number)\", \"name\": \"conv0\",
        \"repeat\": \"--hardware my hardware.yaml --random 1 --seed 3 --first 0 --hangs\"}}"
    exit 1 ;;
*) [ ! -e slow ] || sleep 60; echo '{"pass": true, "bins": {"error/none": 3}}' ;;
esac
END_OF_BENCH
cd "$tree"
fail() { echo "regress_folder_test: $*"; cat "$work/out" "$work/err"; exit 1; }
run() { # CODE ARGUMENTS...
    want=$1 code=0
    shift
    "$bitdial" regress "$@" --jobs 1 >"$work/out" 2>"$work/err" || code=$?
    [ $code = "$want" ] || fail "'$*' ends with $code, not $want"
}
cat >suite.yaml <<'END_OF_SUITE'
name: stub
tests:
  - {name: bus, kind: bus, hardware: my hardware.yaml, cases: [errors, hangs]}
  - {name: good, kind: directed, hardware: my hardware.yaml, cases: [switches]}
END_OF_SUITE
point=bus.my_hardware.hangs.0

# A filter that nothing matches makes no folder, and drops nothing.
run 2 suite.yaml --out "$work/none" -k nothing
[ ! -e "$work/none" ] || fail 'a folder is there'
echo one >number
run 0 suite.yaml --out "a run" -k errors
before=$(cat "a run/points/bus.my_hardware.errors.0/result.json")
run 2 suite.yaml --out "a run" --force -k nothing
grep -q "no point matches 'nothing'" "$work/err" || fail 'no word about the filter'
run 0 suite.yaml --out "a run" --resume -k errors
[ "$before" = "$(cat "a run/points/bus.my_hardware.errors.0/result.json")" ] || fail 'what had run was dropped'

# The bench cannot be built for smaller networks: the failure is told all the same, and the run's verdict is its own.
run 1 suite.yaml --out "a run" --resume --no-trace
grep -q "^failed  *$point: wrong in one" "$work/out" || fail 'the failure is not told'
jq -e '.text == "wrong in one" and (.shrink_error | test("did not build"))' "a run/failures/$point/failure.json" >/dev/null ||
    fail "$(cat "a run/failures/$point/failure.json")"

# Begun anew, or run again, a failure is that of now; the one of before is never told, even where it is not looked into.
echo two >number
run 1 suite.yaml --out "a run" --force --triage 0
! grep -q 'wrong in one' "$work/out" "a run/results.json" "a run/results.md" || fail 'the failure of an earlier run is told'
run 1 suite.yaml --out "a run" --resume --no-trace
grep -q 'wrong in two' "$work/out" || fail 'the failure is not looked into'
echo three >number
run 1 suite.yaml --out "a run" --resume --no-trace
grep -q 'wrong in two' "$work/out" || fail 'a failure that is known is looked into again'
run 1 suite.yaml --out "a run" --retry failed --no-trace
grep -q 'wrong in three' "$work/out" || fail 'what failed again is told as before'
: >healed
run 0 suite.yaml --out "a run" --retry failed
! grep -q failed "$work/out" || [ "$(grep -c ' 0 failed' "$work/out")" = 1 ] || fail 'a point that passed is told as failed'
rm healed

# Killed, parent and points, it can be reported as far as it came, and gone on with.
: >slow
"$bitdial" regress suite.yaml --out killed --jobs 1 -k good >/dev/null 2>&1 &
pid=$!
for _ in $(seq 200); do
    [ ! -e killed/points/good.my_hardware.switches.0/stdout ] || break
    sleep 0.05
done
kill -9 $pid
wait $pid 2>/dev/null || true
rm slow
"$bitdial" report killed --json >"$work/out" 2>"$work/err" || fail 'a killed run has no report'
jq -e '.counts.queued == 3 and .counts.done == 0' "$work/out" >/dev/null || fail 'the report of a killed run'
run 0 suite.yaml --out killed --resume -k good
xmllint --noout --schema "$OLDPWD/tests/support/junit.xsd" killed/junit.xml 2>"$work/err" || fail 'junit.xml'
[ "$(grep -c '<skipped/>' killed/junit.xml)" = 2 ] || fail 'points that did not run are not skipped'

# Nothing that counts places ran: that is not 100 %.
run 0 suite.yaml --out counted --coverage -k good
grep -q '^coverage: line: 0 of 0, 0 waived: 0.0 %' "$work/out" || fail 'nothing was counted'
# A target of make that fails is told by its own exit code and words.
cd "$OLDPWD"
code=0
sh tests/make.sh fuzz CLANG=/none SECONDS=1 TARGETS=idx >"$work/out" 2>"$work/err" || code=$?
[ $code = 3 ] && grep -q '^make fuzz needs clang' "$work/err" || fail "make without clang ends with $code"
echo "folders, filters, kills and failures of a suite's run"
