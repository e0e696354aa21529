#!/bin/sh
# Plants small faults into the C sources, one by one, and counts those that tests find: mutants.sh [OPTION...]; --help
# lists the options, README.md says how to read what it prints. Needs PyPI once, for universalmutator.
set -eu
here=$(dirname "$0")
peers=build/peers/mutants
sh "$here/../support/venv.sh" $peers "$here/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 exec $peers/bin/python "$here/mutants.py" "$@"
