#!/bin/sh
# Runs a Python program with PyTorch beside it: torch.sh FILE.py [ARGUMENT...]
# The first call makes the virtual environment build/peers/torch from requirements.txt; a changed list makes it anew.
set -eu
here=$(dirname "$0")
peers=build/peers/torch # shared by every form of the build
if ! cmp -s "$here/requirements.txt" $peers/requirements.txt; then
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        { echo "torch.sh: Python's venv is missing: apt-get install python3-venv" >&2; exit 3; }
    echo "installing PyTorch in $peers: about 6 GB, some minutes" >&2
    rm -rf $peers
    python3 -m venv $peers
    $peers/bin/pip install --quiet --requirement "$here/requirements.txt" >&2 ||
        { echo "torch.sh: the packages of $here/requirements.txt could not be installed" >&2; exit 3; }
    cp "$here/requirements.txt" $peers/
fi
PYTHONDONTWRITEBYTECODE=1 exec $peers/bin/python "$@"
