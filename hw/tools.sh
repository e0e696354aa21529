#!/bin/sh
# What a Verilated build depends on outside this tree, in a tenth of the time that the tools take to say it: kept in
# build/verilated/tools beside the files that said it.
#     hw/tools.sh --version     what verilator and g++ say of their versions
#     hw/tools.sh --root        Verilator's folder, which holds include/
set -eu
cd -- "$(dirname -- "$0")/.."
kept=build/verilated/tools
verilator=$(command -v verilator) && gxx=$(command -v g++) || exit 3
[ -e "${verilator}_bin" ] && program=${verilator}_bin || program=$verilator
files="${VERILATOR_ROOT:-} $(stat -Lc '%n %s %Y %i' -- "$verilator" "$program" "$gxx")"
{ read -r _ && said=$(cat) && [ "${said%%
root *}" = "$files" ]; } 2>/dev/null <"$kept" || {
    version=$(verilator --version) && compiler=$(g++ --version) || exit 3
    root=$(verilator --getenv VERILATOR_ROOT) || root=
    said="$files
root $root
$version $compiler"
    if mkdir -p build/verilated 2>/dev/null && [ -w build/verilated ]; then
        printf 'kept by hw/tools.sh\n%s\n' "$said" >"$kept.$$" && mv "$kept.$$" "$kept"
    fi
}
said="${said#"$files"
root }"
case ${1:-} in
--version) printf '%s\n' "${said#*
}" ;;
--root) root=${said%%
*} && [ -n "$root" ] && echo "$root" ;;
*) echo "hw/tools.sh: asks for --version or --root" >&2; exit 2 ;;
esac
