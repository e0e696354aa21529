#!/bin/sh
# The campaigns behind the tables of README.md, and those tables as Markdown on stdout, with the processor time:
#     sw/upset/tables.sh DIR [small] [resnet8]      INJECTIONS (9604) of each class and switch, JOBS (2) side by side
# Killed and started again it goes on where it was.
set -eu
dir=${1:?DIR, the folder of the campaigns} bitdial=${BITDIAL_BUILD:-build}/bitdial
shift
[ $# -gt 0 ] || set -- small resnet8
mkdir -p "$dir"

campaign() { # NAME HARDWARE
    [ -d "$dir/$1" ] && resume=--resume || resume=
    "$bitdial" upset "$dir/$1.bdp" --hardware "$2" --out "$dir/$1" --switches w8a8,w1a1 --classes weights,tables,activations,state \
        --injections "${INJECTIONS:-9604}" --jobs "${JOBS:-2}" $resume --json >"$dir/$1.json"
    jq -r 'def percent: . * 10000 | round / 100;
        "\n| switch | class | bits | masked % | late % | wrong logits % | wrong class % (95 %) | detected % | hang % | next frame bad % |",
        "|---|---|---|---|---|---|---|---|---|---|",
        (.switches[] | .switch as $switch | .classes[] | .counts.outcomes as $o | ([$o[].persistent] | add) as $bad |
            [$switch, .class, .bits, ($o["masked", "late", "wrong logits"].share | percent),
             "\($o["wrong class"].share | percent) (\($o["wrong class"].low | percent)..\($o["wrong class"].high | percent))",
             ($o["detected", "hang"].share | percent), ($bad / .counts.injections | percent)] | "| \(map(tostring) | join(" | ")) |"),
        "",
        (.switches[] | "\(.switch): frames of \(.clocks) clocks; \(.bits_wrong_class | round) bits decide the class, \(.rates.wrong_class_per_1e9_frames) wrong classes in 10^9 frames of \(.rates.frame_seconds) s"),
        "the reference decided \([.switches[].classes[].work.by_reference] | add), of which \([.switches[].classes[].work.checked] | add) ran on the RTL too and \([.switches[].classes[].work.different] | add) came to something else"' "$dir/$1.json"
    /usr/bin/python3 -c 'import sqlite3, sys
n, s = sqlite3.connect(sys.argv[1]).execute("SELECT COUNT(*), SUM(cpu_s) FROM points").fetchone()
print(f"{n} points, {s:.0f} s of processor time")' "$dir/$1/runs.db"
}

for name; do
    case $name in
    small)
        hardware=tests/small_hardware.yaml
        if [ ! -e "$dir/small.bdp" ]; then
            sed 's/w4a4/w8a8/' tests/small_network.yaml >"$dir/network.yaml"
            cat >"$dir/training.yaml" <<-YAML
		network: $dir/network.yaml
		output: $dir/small.h5
		steps: 600
		batch: 128
		seed: 1
		validate_images: 1000
		optimizer: {kind: adam, rate: 0.005, warm_up: 0.1}
		teacher: {from: top, label_weight: 0.5, weight: 0.5, temperature: 2}
		batch_norm: {recalibrate: 30}
		YAML
            "$bitdial" train "$dir/training.yaml" --force >"$dir/training.txt" 2>&1
            "$bitdial" compile "$dir/small.h5" --hardware $hardware -o "$dir/small.bdp" >"$dir/compile.txt"
        fi
        ;;
    resnet8)
        hardware=yaml-configs/hardware/mid.yaml
        "$bitdial" compile model/zoo/resnet8.h5 --hardware $hardware -o "$dir/resnet8.bdp" >"$dir/compile.txt"
        ;;
    *) echo "tables.sh: 'small' or 'resnet8', got '$name'" >&2 && exit 2 ;;
    esac
    campaign "$name" $hardware
done
