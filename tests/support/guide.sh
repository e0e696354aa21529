# For tests of guides: every command of a guide is run and prints what the guide shows. Sourced; the caller has $bitdial, $work, `fail`
# and $line, the device that stands in for serial:/dev/ttyUSB0.
#
#     follow_guide GUIDE     runs `$ bitdial ...` lines between ``` lines and compares what follows each; sets $count
# Speeds, clocks that are as predicted or not compared, the sources' checksum and the name of the line may differ. $guide_files, a script of sed, may put the test's own files
# in the place of the guide's, and $guide_files_back the other way in what is printed.
plain() { sed -E "s#/dev/(ttyUSB0|pts/[0-9]+)#LINE#g; s/ +[0-9]+\.[0-9]+ s / S /; s/\([0-9.]+ frames\/s on this machine\)/(F)/; s/RTL 0x[0-9a-f]+/RTL H/; s/^bitdial [0-9.]+ /bitdial V /; /as predicted$/s/ [0-9]+(,|$)/ N\1/g; /varies: not compared\)$/s/ (s[0-9]) [0-9]+/ \1 N/g"; }
follow_guide() {
    count=0
    : >"$work/should"
    awk '/^```/ { inside = !inside; print ""; next } inside' "$1" >"$work/blocks"
    while IFS= read -r text; do
        case $text in
        '$ '*)
            [ ! -s "$work/should" ] || compare_guide
            read -r -a words <<<"$(echo "${text#??bitdial }" | sed "s#serial:/dev/ttyUSB0#$line#; ${guide_files:-}")"
            timeout 250 "$bitdial" "${words[@]}" >"$work/out" 2>"$work/err" </dev/null || fail "the guide's '$text' ends with $?"
            : >"$work/should"
            count=$((count + 1)) ;;
        '') [ ! -s "$work/should" ] || compare_guide ;;
        *) echo "$text" >>"$work/should" ;;
        esac
    done <"$work/blocks"
}
compare_guide() {
    plain <"$work/should" >"$work/a"
    head -n "$(wc -l <"$work/should")" "$work/out" | sed "${guide_files_back:-}" | plain >"$work/b"
    diff "$work/a" "$work/b" || fail 'the guide shows something else'
    : >"$work/should"
}
