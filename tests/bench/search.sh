#!/bin/sh
# The same search by the Gaussian process and by each baseline, over the shipped network and budget: best objective
# (mean validation accuracy of w1a8 and w1a1, after surgery and recalibration, no fine-tuning) of EVALUATIONS points.
# Then the same search with each ranking of filters.
bitdial=${BITDIAL_BUILD:-build}/bitdial
out=${BITDIAL_BUILD:-build}/bench/search
evaluations=${EVALUATIONS:-12}
config=yaml-configs/searches/resnet8_demo.yaml
[ -f model/zoo/resnet8.h5 ] || { echo "search: model/zoo/resnet8.h5 is missing"; exit 0; }
mkdir -p "$out"
echo "== search: $evaluations evaluations each"
search() { # NAME METHOD RANKING
    sed "s/method: [a-z]*/method: $2/; s/^ranking: .*/ranking: $3/" $config >"$out/$1.yaml"
    rm -f "$out/$1.jsonl"
    start=$(date +%s)
    "$bitdial" prune "$out/$1.yaml" --journal "$out/$1.jsonl" --evaluations "$evaluations" --search-only --json \
        >"$out/$1.json" 2>"$out/$1.log" || { cat "$out/$1.log"; exit 1; }
    echo "$1: $(jq -r '"best \(.objective * 100 | round / 100) % of \(.evaluations) at \(.cycles / .cycles_whole * 1000 | round / 1000) of the clocks, channels \(.channels | map(tostring) | join(","))"' "$out/$1.json"), $(($(date +%s) - start)) s"
}
for method in bayes random uniform sobol; do search "$method" "$method" fidelity || exit; done
for ranking in redundancy l1-norm fpgm gamma code-variance random; do search "bayes+$ranking" bayes "$ranking" || exit; done
