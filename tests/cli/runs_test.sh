#!/bin/bash
# `bitdial runs`: what it lists, refuses and reports; Ctrl-C once and twice; a full disk and a locked database, named; and
# kills at random instants.
set -eu
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
background=
trap '[ -z "$background" ] || kill -9 $background 2>/dev/null || :; rm -rf "$work"' EXIT
fail() { echo "FAIL: $1"; tail -n 5 "$work"/*.err; exit 1; }
runs() { # EXIT_CODE ARGUMENTS...
    local expected=$1 code=0
    shift
    "$bitdial" runs "$@" >"$work/out" 2>"$work/out.err" || code=$?
    [ $code = "$expected" ] || fail "'runs $*' ended with $code, not $expected"
}
cat >"$work/plan.yaml" <<END
title: small
time_limit: 20
points:
  - {name: 'say-{word}-{n}', for: {word: [yes, no], n: [1, 2]}, argv: [sh, -c, 'echo "{\"n\": {n}}"; test {word} = yes']}
END

# A database that another process holds; waited for beside the rest.
runs 1 "$work/plan.yaml" --out "$work/locked"
/usr/bin/python3 - "$work/locked/runs.db" "$work/holds" <<'PY' &
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[2], "w").close()
time.sleep(60)
PY
background=$!
for wait in $(seq 500); do [ -e "$work/holds" ] && break; sleep 0.02; done
(code=0; "$bitdial" runs "$work/plan.yaml" --out "$work/locked" --resume >/dev/null 2>"$work/locked.err" || code=$?; echo $code >"$work/locked.code") &
locked=$!

# Lists, filters, reports.
runs 0 "$work/plan.yaml" --list
[ "$(grep -c '^queued  *say-' "$work/out")" = 4 ] || fail "--list does not tell the points"
runs 0 "$work/plan.yaml" --list -k 'say-*-2' --json
jq -e '.points | map(.name) == ["say-yes-2", "say-no-2"]' "$work/out" >/dev/null || fail "a glob finds other points"
runs 0 "$work/plan.yaml" --out "$work/some" -k yes --json
jq -e '.pass and .counts.done == 2 and .counts.total == 2' "$work/out" >/dev/null || fail "the report of two points is wrong"
runs 1 "$work/plan.yaml" --out "$work/some" --resume --json
jq -e '(.pass | not) and .counts.done == 2 and .counts.failed == 2 and .found == 2 and .error.exit_code == 1 and
       (.points[2] | .name == "say-no-1" and .state == "failed" and (.repeat | test("^sh -c ")))' "$work/out" >/dev/null ||
    fail "the report of all points is wrong"
runs 0 --out "$work/some" --list -k no
[ "$(grep -c '^failed  *say-no' "$work/out")" = 2 ] || fail "--list of a folder does not tell its points"
runs 2 "$work/plan.yaml" --out "$work/some"
runs 2 "$work/plan.yaml" --out "$work/some" --resume -k nothing
runs 2 "$work/plan.yaml" --out "$work/some" --resume --force
runs 2 "$work/plan.yaml" --out "$work/some" --retry all
echo taken >"$work/file"
runs 3 "$work/plan.yaml" --out "$work/file"

# Ctrl-C once: what runs ends, and is kept; twice: it is ended.
cat >"$work/slow.yaml" <<END
title: slow
points:
  - {name: 'p{n}', for: {n: [1, 2, 3]}, argv: [sh, -c, 'touch "$work/began{n}"; sleep \$(test {n} = 1 && echo 0.6 || echo 30)']}
END
for times in 1 2; do
    out=$work/slow$times
    rm -f "$work"/began*
    # A shell's background job ignores SIGINT; python starts it with the default.
    /usr/bin/python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
        "$bitdial" runs "$work/slow.yaml" --out "$out" --jobs "$times" >/dev/null 2>"$work/slow.err" &
    pid=$!
    for wait in $(seq 500); do [ -e "$work/began$times" ] && break; sleep 0.02; done
    kill -INT $pid
    [ $times = 1 ] || { sleep 0.3; kill -INT $pid; }
    code=0
    wait $pid || code=$?
    [ $code = 3 ] && grep -q "stopped with $((times == 1)) of 3 points run: --resume goes on" "$work/slow.err" ||
        fail "Ctrl-C, $times times, ended with $code"
done

# Limits of the command in place of the plan's, which said none: another is kept to by what runs again.
cat >"$work/waits.yaml" <<'END'
title: waits
points:
  - {name: waits, argv: [sleep, 60]}
  - {name: holds, argv: [/usr/bin/python3, -c, 'x = bytearray(b"1" * (200 << 20)); import time; time.sleep(0.3)']}
END
runs 1 "$work/waits.yaml" --out "$work/waits" -k waits --time-limit 0.3
grep -q '^\[1/1\] waits timed_out, .* timed out after 0.3 s: ' "$work/out.err" || fail "a time limit of the command"
runs 1 "$work/waits.yaml" --out "$work/waits" -k holds --resume --memory-limit 64
grep -q '^\[1/1\] holds failed, .* over its limit of 64 MiB' "$work/out.err" || fail "a memory limit of the command"
runs 0 "$work/waits.yaml" --out "$work/waits" -k holds --retry failed --memory-limit 2000

# A disk that is full, where an unprivileged user may mount one.
mkdir "$work/disk"
cat >"$work/big.yaml" <<'END'
title: big
points:
  - {name: 'p{n}', for: {n: [1, 2, 3]}, argv: [sh, -c, 'printf "{\"x\": \"%0*d\"}" {n}0000 0']}
END
if unshare -rm true 2>/dev/null; then
    code=0
    unshare -rm sh -c 'mount -t tmpfs -o size=128k none "$1" && cp "$3" "$1" && "$2" runs "$3" --out "$1/out"' sh \
        "$work/disk" "$bitdial" "$work/big.yaml" >"$work/out" 2>"$work/out.err" || code=$?
    [ $code = 3 ] && grep -q 'No space left on device' "$work/out.err" || fail "a full disk ended with $code"
fi

bash tests/support/runs_kills.sh 4 12 || fail "kills"
wait $locked || :
[ "$(cat "$work/locked.code")" = 3 ] && grep -q "runs.db' has been locked by process $background for" "$work/locked.err" ||
    fail "a locked database is not told"
echo "lists, refusals, Ctrl-C, a full disk, a locked database, kills"
