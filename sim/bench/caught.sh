#!/bin/sh
# A planted fault that the bench must catch: sim/bench/caught.sh HARDWARE.yaml KEY=VALUE... -- OPTION of the bench...
# Passes (0) where the bench fails and its first failure (--json) has every KEY with that VALUE, and prints what it found.
set -eu
hardware=$1
shift
wanted=
while [ "$1" != -- ]; do
    wanted="$wanted $1"
    shift
done
shift
code=0
found=$(sh "$(dirname "$0")/run.sh" "$hardware" --json --first-failure "$@") || code=$?
[ $code != 3 ] || exit 3
# shellcheck disable=SC2086 # words
echo "${found:-{\}}" | jq -ec '. as $run
    | if .pass != false or .first.kind == "input" then error("the fault was not found: \(.first.text)") else . end
    | [$ARGS.positional[] | split("=") | select(($run.first[.[0]] | tostring) != .[1])]
    | if . == [] then {caught: true, first: $run.first}
      else error("found, but not with \(.[0] | join("=")): \($run.first.text)") end' --args $wanted || exit 1
