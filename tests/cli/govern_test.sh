# Days of budgets on the shipped network: nothing is exceeded, little is lost, the picture is whole; the confidence mode
# keeps its accuracy at less than half of the energy; and what is refused.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
mid=yaml-configs/hardware/mid.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err"; exit 1; }
"$bitdial" compile model/zoo/resnet20_w1.h5 --hardware $mid -o "$work/net.bdp" >/dev/null
for day in solar_day thermal_limit bursts; do
    "$bitdial" govern sw/govern/traces/$day.csv --program "$work/net.bdp" --hardware $mid --images 1000 -o "$work/$day.svg" --json \
        >"$work/out" 2>"$work/err" || fail "$day"
    jq -e '.pass and .requests > 1e6 and .change_clocks == 0 and .lost_points <= 1 and .lost_points >= 0 and
        all(.overdrawn_frames[]; . <= 1) and .changes > 100' "$work/out" >/dev/null || fail "$day"
    tail -n 1 "$work/$day.svg" | grep -q '^</svg>$' || fail "the picture of $day"
done
"$bitdial" govern --confidence --program "$work/net.bdp" --hardware $mid --images 1000 --loss 1 --json >"$work/out" 2>"$work/err" ||
    fail 'confidence'
jq -e '.pass and .energy_part < 0.5 and .clocks_part < 0.5 and .chosen.low != .highest.low' "$work/out" >/dev/null || fail 'confidence'

refuses() { # CODE WORDS ARGUMENTS...
    code=0
    "$bitdial" govern "${@:3}" --program "$work/net.bdp" --hardware $mid >"$work/out" 2>"$work/err" || code=$?
    [ $code = "$1" ] && grep -q -e "$2" "$work/err" || fail "'${*:3}' ends with $code and does not say '$2'"
}
printf 'seconds,requests,energy_uj,energy_room_uj\n10,100,1,1\n' >"$work/dark.csv"

printf 'seconds,requests,power\n10,100,1\n' >"$work/bad.csv"
refuses 1 "points are lost" sw/govern/traces/solar_day.csv --images 1000 --loss 0
refuses 2 'bad.csv:1:18: there is no column .power.' "$work/bad.csv"
refuses 2 'expected one trace'
refuses 2 'expected one trace' --confidence "$work/bad.csv"
refuses 2 'draws nothing' --confidence -o "$work/no.svg"
refuses 2 'no-such' "$work/no-such.csv"
