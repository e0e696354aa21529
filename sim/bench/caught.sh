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
echo "$found" | jq -e '.pass == false and .first.kind != "input"' >/dev/null || {
    echo "caught.sh: the fault was not found: $found" >&2
    exit 1
}
for pair in $wanted; do
    echo "$found" | jq -e --arg key "${pair%%=*}" --arg value "${pair#*=}" '.first[$key] | tostring == $value' >/dev/null || {
        echo "caught.sh: found, but not with $pair: $(echo "$found" | jq -r .first.text)" >&2
        exit 1
    }
done
echo "$found" | jq -c '{caught: true, first: .first}'
