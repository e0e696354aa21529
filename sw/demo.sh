#!/bin/sh
# The whole chain on real images: train for a minute, then take the shipped networks through compile, evaluation,
# co-simulation, cost and a short pruning search, and print what was seen as one table. DEMO=short uses fewer images
# and evaluations. Every step is a command that can be run alone; results stay in build/demo.
# Exit code: 0 when every step passed, else that of the step that did not.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=yaml-configs/hardware/demo.yaml
out=build/demo
started=$(date +%s)
images=10000 frames=210 plain=500 evaluations=12
[ "${DEMO:-}" = short ] && images=2000 frames=21 plain=50 evaluations=4
# The schedule changes the switch at every frame.
schedule=w8a8,w1a1,w4a4,w1a2,w2a2,w1a8,w1a4

say() {
    printf '\n[%4d s] %s\n' $(($(date +%s) - started)) "$*"
}
run() { # run a step, showing the command that repeats it
    printf '    %s\n' "$*"
    "$@"
}
keep() { # keep a step's JSON: keep FILE COMMAND...
    file=$1
    shift
    printf '    %s\n' "$*"
    "$@" >"$file" || {
        code=$?
        cat "$file"
        exit $code
    }
}

mkdir -p $out
say "training: one network, seven switches, about a minute (the shipped one trained longer)"
run $bitdial train yaml-configs/training/resnet8_demo.yaml --output $out/trained.h5 --force ${DEMO:+--limit-seconds 20}

for net in resnet8 resnet8_pruned; do
    say "$net: fold to integers and pack for $hardware"
    run $bitdial compile model/zoo/$net.h5 --hardware $hardware -o $out/$net.bdp >$out/$net.compile.txt
    say "$net: float and integer accuracy on $images test images, $plain a switch by the plain executor too"
    keep $out/$net.eval.json $bitdial eval model/zoo/$net.h5 --hardware $hardware --images $images --compare $plain --json
    say "$net: $frames frames on the RTL, every layer compared with the reference, and again without storing"
    keep $out/$net.cosim.json $bitdial cosim $out/$net.bdp --hardware $hardware --images $frames \
        --schedule $schedule --jobs 2 --json
    keep $out/$net.cost.json $bitdial cost $out/$net.bdp --hardware $hardware --json
done

say "pruning: a short search of its own over the shipped network, priced exactly"
run $bitdial prune yaml-configs/searches/resnet8_demo.yaml --evaluations $evaluations --journal $out/search.journal \
    --search-only --force

say "done; what was seen ($images test images, $frames RTL frames a network):"
echo
sh sw/table.sh $out resnet8 resnet8_pruned
