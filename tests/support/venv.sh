#!/bin/sh
# Makes a Python virtual environment with the packages of a list, unless it stands as the list says: venv.sh FOLDER
# REQUIREMENTS. A changed list makes it anew. For optional targets alone: what demo and test need comes from Debian.
set -eu
folder=$1 list=$2
if ! cmp -s "$list" "$folder/requirements.txt"; then
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        { echo "$0: Python's venv is missing: apt-get install python3-venv" >&2; exit 3; }
    echo "installing the packages of $list in $folder" >&2
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --requirement "$list" >&2 ||
        { echo "$0: the packages of $list could not be installed" >&2; exit 3; }
    cp "$list" "$folder/requirements.txt"
fi
