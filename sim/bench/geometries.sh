#!/bin/sh
# Random networks on the RTL of many geometries: every switch of each, with stalls on every channel of the bus (values)
# and without (values, clocks, queued frames); no network is drawn twice for a geometry.
#     sim/bench/geometries.sh [NAME...]      COUNT networks a geometry and kind (80), SEED (1)
# With the names of rows below only these run, as points of `bitdial runs` in build/geometries/runs, JOBS side by side (2), anew, or
# with RESUME=1 on from where they were stopped or killed. A line each, then the sum; exit code 1 where anything differs. With all
# of them Verilator takes most of the time; builds are kept under build/verilated/.
set -eu
cd "$(dirname "$0")/../.."
count=${COUNT:-80} seed=${SEED:-1} work=build/geometries
mkdir -p "$work"
bitdial=${BITDIAL_BUILD:-build}/bitdial
[ -x "$bitdial" ] || make -s build/bitdial >&2

geometries() {
    cat <<END
r8q2_streamed  8  2  both 2 2048 8192  512    16  400 0   28 24 12,1,2
r8q4           8  4  both 1 5120 8192  16384 10240 2048 176 28 24 20,1,4
r8q8_mac       8  8  mac  1 2048 4096  1024   64  96  6   28 24 60,4,1
r8q4_xnor      8  4  xnor 0 2048 8192  1024   512 256 16  32 18 7,3,2
r16q16         16 16 both 1 5120 2048  3072 10240 512 96  28 24 20,1,4
r16q4          16 4  both 2 5120 8192  8192 10240 2048 176 28 24 90,4,2
r16q2_streamed 16 2  both 1 2048 16384 512    32  400 0   28 24 20,2,4
r16q16_mac     16 16 mac  2 5120 2048  1024  256  512 16  28 24 20,1,4
r16q8_xnor     16 8  xnor 0 5120 4096  2048 10240 512 96  30 16 33,1,3
r32q32         32 32 both 1 5120 2048  2048 8192  256 96  28 24 20,1,4
r32q8_streamed 32 8  both 2 4096 8192  512    64  400 0   28 20 45,1,1
r32q16_xnor    32 16 xnor 0 5120 4096  1024 2048  256 32  28 24 10,2,4
r64q32         64 32 both 2 5120 4096  4096 8192  512 176 32 24 20,1,4
r64q16_mac     64 16 mac  1 5120 8192  512   128  256 0   28 24 20,1,2
END
}

{
    echo "title: random networks on the RTL of many geometries"
    echo "inputs: [$(find hw -name '*.sv' | sort | paste -sd ,)]"
    echo "points:"
} >"$work/plan.yaml"
geometries | while read -r name rows rq paths mc act z weights tables corrects descriptors acc mult memory; do
    [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    latency=${memory%%,*} outstanding=${memory##*,} rest=${memory#*,}
    printf '%s\n' "name: $name" "rows: $rows" "requant_units: $rq" "datapaths: $paths" "mac_channels: $mc" \
        "act_words: $act" "z_words: $z" "weight_words: $weights" "table_words: $tables" "correct_words: $corrects" \
        "descriptors: $descriptors" "acc_bits: $acc" "mult_bits: $mult" \
        "memory: {latency: $latency, beat_interval: ${rest%,*}, outstanding: $outstanding}" >"$work/$name.yaml"
    for stalls in 90 0; do
        echo "  - {name: $name.stalls$stalls, argv: [sh, sim/bench/run.sh, $work/$name.yaml, --random, $count, --first," \
            "$((stalls == 0 ? count : 0)), --seed, $seed, --stalls, $stalls]}"
    done
done >>"$work/plan.yaml"

begin=--force
[ -z "${RESUME:-}" ] || begin=--resume
code=0
"$bitdial" runs "$work/plan.yaml" --out "$work/runs" --jobs "${JOBS:-2}" $begin >&2 || code=$?
# A machine that failed, or a plan that cannot be, has nothing to sum up; a point that failed has.
[ $code -le 1 ] || exit $code
sed -n 's/^  - {name: \([^,]*\)\.stalls\([0-9]*\),.*/\1 \2/p' "$work/plan.yaml" | while read -r name stalls; do
    point=$work/runs/points/$name.stalls$stalls
    echo "$name, stalls $stalls: $count networks, $(tail -n 1 "$point/stdout") (exit code $(jq '.exit // .state' "$point/result.json"))"
done | tee "$work/lines.txt"
# "NAME, stalls N: COUNT networks, F frames, L layers compared (S streamed), M mismatches, C cycle differences, Q queue differences (exit code E)"
awk '/exit code [^0]/ { bad = 1 } / networks, / { split($0, at, ": "); split(at[2], n, "[ ,()]+"); networks += n[1]
        if (/stalls 90/) stalled += n[1]
        frames += n[3]; layers += n[5]; streamed += n[8]; mismatches += n[10]; clocks += n[12]; queue += n[15] }
    END { printf "%d networks (%d with stalls), %d frames, %d layers (%d streamed), %d mismatches, %d cycle differences, %d queue differences\n",
              networks, stalled, frames, layers, streamed, mismatches, clocks, queue; exit bad || networks == 0 }' "$work/lines.txt"
