#!/bin/sh
# Runs a Python program with PyTorch beside it: torch.sh FILE.py [ARGUMENT...]
# The first call makes the virtual environment build/peers/torch (about 6 GB, some minutes).
set -eu
here=$(dirname "$0")
peers=build/peers/torch # shared by every form of the build
sh "$here/../support/venv.sh" $peers "$here/requirements.txt"
PYTHONDONTWRITEBYTECODE=1 exec $peers/bin/python "$@"
