# For tests that source it, with $bitdial and a folder $work: what a command refuses.
failed=0
fail() { echo "FAIL: $*"; failed=1; }
refuses() { # TEXT ARGUMENTS...: rc 2, that text on stderr, nothing on stdout
    text=$1
    shift
    "$bitdial" "$@" >"$work/out" 2>"$work/err"
    [ $? = 2 ] || fail "$* did not end with 2"
    grep -q -- "$text" "$work/err" || { fail "$*: no '$text' in"; cat "$work/err"; }
    [ ! -s "$work/out" ] || fail "$* printed something"
}
