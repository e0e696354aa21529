#!/bin/sh
# Runs the Criterion tests and every tests/cli/*_test.sh, prints each failure, and closes with "N passed, N failed".
# A Criterion test passes when its report says so and it ran to its end (tests/support/completion.c); one that is listed but
# not reported has failed, and so has a skipped one. `tests/run.sh NAME...` runs only those shell tests,
# `tests/run.sh --unit` only the Criterion tests.
# `tests/run.sh --costs` prints the processor seconds of each test of the last run, the dearest first.
# Exit codes: 0 all passed, 1 not, 3 nothing to run.
B=${BITDIAL_BUILD:-build}
export BITDIAL_BUILD="$B"
logs=$B/test-logs
slow=$([ -n "$SAN" ] && echo 4 || echo 1) # the sanitizers cost about that factor
export BITDIAL_TEST_SECONDS="${BITDIAL_TEST_SECONDS:-$((120 * slow))}"
shell_seconds=${BITDIAL_SHELL_SECONDS:-$((300 * slow))}
export LC_ALL=C
export OMP_WAIT_POLICY=passive # more threads than processors wait for each other, and would spin
# Images of a data set lie in two allocations, made a hundred times: in large pages they cost a fifth of the system's time.
export GLIBC_TUNABLES="glibc.malloc.hugetlb=1${GLIBC_TUNABLES:+:$GLIBC_TUNABLES}"
unset MAKEFLAGS MFLAGS MAKELEVEL # tests that call make are not parts of the make that calls this
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$PWD/tests/support/lsan.supp:print_suppressions=0:${LSAN_OPTIONS:-}"

# Seconds by user and system: of a shell test with all that it waited for (models that it built too), of a Criterion test.
if [ "$1" = --costs ]; then
    [ -s "$logs/results" ] || [ -s "$logs/completed" ] || { echo "tests/run.sh: $logs has no run" >&2; exit 3; }
    { awk 'NF == 4 { print $4, $1 }' "$logs/results"; awk 'NF == 2 { print $2, $1 }' "$logs/completed"; } |
        awk '{ sum += $1; $1 = sprintf("%.1f", $1); print } END { printf "%.1f sum\n", sum }' | sort -rn
    exit
fi

# One shell test; its result is a line in $logs/results.
if [ "$1" = --one ]; then
    name=$(basename "$2")
    start=$(date +%s)
    timeout -k 5 "$shell_seconds" bash "$2" >"$logs/$name.log" 2>&1 </dev/null
    code=$?
    [ $code = 124 ] && echo "timed out after $shell_seconds s" >>"$logs/$name.log"
    end=$(date +%s)
    times >"$logs/$name.times" # minutes and seconds: a line of this shell, one of what it waited for
    seconds=$(tr 'ms' '  ' <"$logs/$name.times" | awk '{ sum += 60 * ($1 + $3) + $2 + $4 } END { printf "%.2f", sum }')
    echo "$name $code $((end - start)) $seconds" >>"$logs/results"
    exit 0
fi

units=1 shells=1
if [ "$1" = --unit ]; then
    shells=
    shift
elif [ $# -gt 0 ]; then
    units=
fi
rm -rf "$logs" && mkdir -p "$logs" && : >"$logs/results" && : >"$logs/completed" || exit 3
passed=0
failed=0

# What is asked for is what runs: a plain build under SAN=1 would pass for the wrong reason.
if [ -n "$SAN" ] && ! nm "$B/tests" 2>/dev/null | grep -q __asan_init; then
    echo "tests/run.sh: $B/tests was not built with the sanitizers" >&2
    exit 3
fi

if [ -n "$units" ] && [ -x "$B/tests" ]; then
    "$B/tests" --list >"$logs/list" 2>"$logs/criterion.log" || { cat "$logs/criterion.log"; exit 3; }
    start=$(date +%s)
    BITDIAL_COMPLETED=$PWD/$logs/completed timeout -k 5 540 \
        "$B/tests" --tap="$logs/criterion.tap" >"$logs/criterion.log" 2>&1 </dev/null
    code=$?
    grep -v '^\[====\]' "$logs/criterion.log" # failing assertions, crashes and sanitizer reports
    # Listed, then completed, then reported: joined by name.
    awk -v list="$logs/list" -v done="$logs/completed" -v tap="$logs/criterion.tap" '
        BEGIN {
            while ((getline line < list) > 0)
                if (match(line, /^[A-Za-z0-9_]+: [0-9]+ test/)) { suite = line; sub(/:.*/, "", suite) }
                else { sub(/^[^A-Za-z0-9_]*/, "", line); sub(/ .*/, "", line); if (line != "") listed[suite "::" line] = 1 }
            while ((getline line < done) > 0) { sub(/ .*/, "", line); completed[line]++ }
            while ((getline line < tap) > 0)
                if (line ~ /^ok - / && line !~ /# SKIP/) { sub(/^ok - /, "", line); sub(/ .*/, "", line); ok[line] = 1 }
                else if (line ~ /^not ok - /) { sub(/^not ok - /, "", line); sub(/ .*/, "", line); bad[line] = 1 }
                else if (line ~ /# SKIP/) { sub(/^ok - /, "", line); sub(/ .*/, "", line); skipped[line] = 1 }
            for (name in listed)
                if (ok[name] && completed[name]) passed++
                else {
                    failed++
                    why = bad[name] ? "see above" : skipped[name] ? "skipped" : \
                          ok[name] ? "left before its end" : "not reported"
                    print "FAIL " name ": " why
                }
            print passed + 0, failed + 0
        }' >"$logs/joined"
    sed '$d' "$logs/joined" | sort
    read -r passed failed <<EOF
$(tail -n 1 "$logs/joined")
EOF
    if [ $code != 0 ] && [ "$failed" = 0 ]; then
        echo "FAIL $B/tests: exit code $code with no failing test"
        failed=1
    fi
    echo "criterion: $passed passed, $failed failed in $(($(date +%s) - start)) s"
elif [ -n "$units" ] && ls tests/unit/test_*.c >/dev/null 2>&1; then
    echo "FAIL $B/tests: not built"
    failed=1
fi

# One shell test more than there are cores: some wait for processes that they have stopped. The longest begin first, so
# that none of them is left alone at the end.
if [ -n "$shells" ] && [ $# = 0 ]; then
    for name in regress cosim serial fault rtl_bench prune_kill resume train_kill session mpi arrays synth_read compare malformed front; do
        set -- "$@" "tests/cli/${name}_test.sh"
    done
    set -- "$@" tests/cli/*_test.sh
fi
for test in "$@"; do
    [ -f "$test" ] && echo "$test"
done | awk '!seen[$0]++' | xargs -r -n 1 -P "$(($(nproc) + 1))" sh "$0" --one
while read -r name code seconds _; do
    if [ -z "$name" ]; then
        continue
    elif [ "$code" = 0 ]; then
        passed=$((passed + 1))
        echo "ok   $name ($seconds s)"
    else
        failed=$((failed + 1))
        echo "FAIL $name: exit code $code after $seconds s; its last lines:"
        tail -n 20 "$logs/$name.log" | sed 's/^/    /'
    fi
done <<EOF
$(sort "$logs/results")
EOF
# One that left no result was ended from outside, or never begun.
for test in "$@"; do
    name=${test##*/}
    [ ! -f "$test" ] || grep -q "^$name " "$logs/results" || echo "$name"
done | sort -u >"$logs/missing"
sed 's/^/FAIL /; s/$/: not reported/' "$logs/missing"
failed=$((failed + $(wc -l <"$logs/missing")))
echo "$passed passed, $failed failed"
[ $((passed + failed)) = 0 ] && exit 3
[ "$failed" = 0 ]
