# What every subcommand promises: --help on stdout with exit code 0; an unknown option on stderr with exit code 2 and
# nothing on stdout; no arguments never a crash; one JSON object with --json; lost output noticed.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# runs CODE ARGUMENT...: demands the exit code; stdout and stderr stay in $work.
runs() {
    expected=$1
    shift
    code=0
    "$bitdial" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
    if [ "$code" != "$expected" ]; then
        echo "bitdial $*: exit code $code, expected $expected"
        cat "$work/stderr"
        exit 1
    fi
}
silent() { [ ! -s "$work/$1" ] || { echo "$2: unexpected text on $1: $(head -n 1 "$work/$1")"; exit 1; }; }

runs 0 --version && grep -Eqx 'bitdial [0-9]+\.[0-9]+\.[0-9]+' "$work/stdout"
runs 0 --help && silent stderr --help
commands=$(sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p' "$work/stdout")
[ "$(echo $commands | wc -w)" -ge 10 ] || { echo "too few commands in --help: $commands"; exit 1; }
runs 2 && silent stdout "no command"
runs 2 nonsense && silent stdout "an unknown command" && grep -q "unknown command 'nonsense'" "$work/stderr"

for command in $commands; do
    runs 0 "$command" --help
    silent stderr "$command --help"
    grep -qi "^usage: bitdial $command" "$work/stdout" || { echo "$command --help does not begin with its usage"; exit 1; }
    grep -q -- '--help' "$work/stdout" || { echo "$command --help does not name itself"; exit 1; }
    runs 2 "$command" --no-such-option
    silent stdout "$command --no-such-option"
    grep -q "^bitdial $command: .*no-such-option" "$work/stderr" || { echo "$command: $(cat "$work/stderr")"; exit 1; }
    runs 2 "$command" "$work/no-such-file" extra arguments here
    silent stdout "$command with a missing file"
    grep -q "^bitdial $command: " "$work/stderr"
    echo "ok $command"
done

runs 0 data --split test --json && silent stderr "data --json"
[ "$(jq -s length "$work/stdout")" = 1 ] && [ "$(jq .test.count "$work/stdout")" = 10000 ]
runs 0 data --split test && ! jq . "$work/stdout" >/dev/null 2>&1
# Idle OpenMP threads do not spin for long, unless the user wants them to.
spins() { env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT OMP_DISPLAY_ENV=verbose "$@" data --help 2>&1 >/dev/null | grep SPINCOUNT | tail -1; }
spins "$bitdial" | grep -q "'1000'" || { echo "idle threads: $(spins "$bitdial")"; exit 1; }
spins GOMP_SPINCOUNT=77 "$bitdial" | grep -q "'77'" && ! spins OMP_WAIT_POLICY=active "$bitdial" | grep -q "'1000'"
code=0
"$bitdial" --help >/dev/full 2>"$work/stderr" || code=$?
[ "$code" = 3 ] && grep -q 'cannot write standard output' "$work/stderr"
