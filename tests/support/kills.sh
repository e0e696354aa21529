# For scripts that kill a command at random instants (sourced by bash): what is killed is the command itself, a worker that it
# started, or the process that a worker watches. $seed, $work and $kills are set, $done_kills counts them.
RANDOM=$seed
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill -9 $running 2>/dev/null || :; rm -rf "$work"' EXIT
first=$((RANDOM % 3)) missed=0 done_kills=0 parents=0 workers=0 inner=0

fail() { echo "FAIL: $1"; tail -n 5 "$work"/*.err 2>/dev/null; exit 1; }
any_child() { # PID: sets $child to one of its children
    local all=()
    { read -r -a all <"/proc/$1/task/$1/children"; } 2>/dev/null || :
    [ ${#all[@]} -gt 0 ] && child=${all[RANDOM % ${#all[@]}]}
}
run_and_kill() { # MILLISECONDS COMMAND...: one life of the command, with pauses up to that long; sets $code, 137: it was killed
    local most=$1 wait ms worker point
    shift
    "$@" >/dev/null 2>"$work/killed.err" &
    running=$!
    for wait in $([ $((RANDOM % 4)) = 0 ] || seq 500); do # in one life of four it may not have begun
        any_child $running || ! kill -0 $running 2>/dev/null && break
        sleep 0.02
    done
    while kill -0 $running 2>/dev/null && [ $done_kills -lt "$kills" ]; do
        ms=$((RANDOM % most))
        sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
        any_child "$running" && worker=$child || worker=
        any_child "$worker" && point=$child || point=
        missed=$((missed + 1))
        case $(((done_kills + first + missed / 4) % 3)) in
        0) kill -9 $running 2>/dev/null && parents=$((parents + 1)) done_kills=$((done_kills + 1)) && break ;;
        1) [ -n "$worker" ] && kill -9 "$worker" 2>/dev/null && workers=$((workers + 1)) done_kills=$((done_kills + 1)) missed=0 ;;
        2) [ -n "$point" ] && kill -9 "$point" 2>/dev/null && inner=$((inner + 1)) done_kills=$((done_kills + 1)) missed=0 ;;
        esac
    done
    code=0
    wait $running 2>/dev/null || code=$?
    running=
}
