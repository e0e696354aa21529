#!/bin/sh
# Makes a Python virtual environment with the packages of a list, unless it stands as the list says: venv.sh FOLDER
# REQUIREMENTS. A changed list makes it anew. For optional targets alone: what demo and test need comes from Debian.
# Another run that makes the same one is waited for. Exit code 3: it cannot be made.
set -eu
folder=$1 list=$2
{ mkdir -p "$(dirname "$folder")" && (: >>"$folder.lock"); } 2>/dev/null || { echo "$0: cannot write '$folder.lock'" >&2; exit 3; }
exec 9>>"$folder.lock"
flock -w "${BITDIAL_LOCK_SECONDS:-900}" 9 || { echo "$0: another run has been making '$folder' for too long" >&2; exit 3; }
if ! cmp -s "$list" "$folder/requirements.txt"; then
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        { echo "$0: Python's venv is missing: apt-get install python3-venv" >&2; exit 3; }
    echo "installing the packages of $list in $folder" >&2
    { rm -rf "$folder" && python3 -m venv "$folder" 9>&- && "$folder/bin/pip" install --quiet --requirement "$list" >&2 9>&-; } ||
        { echo "$0: the packages of $list could not be installed in $folder" >&2; exit 3; }
    cp "$list" "$folder/requirements.txt"
fi
