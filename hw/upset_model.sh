#!/bin/sh
# Makes a Verilated model's state known and its memories watched, between Verilator and the compiler (hw/build.sh --upset):
#     hw/upset_model.sh FOLDER OPTION-OF-VERILATOR...
# FOLDER/upset_state.inc: BD_STATE(member, name, bits, class, watch) of everything that a clocked block assigns, from
# Verilator's own XML of the flattened design; what the model has no member for was removed as without effect. Memories are
# of a class of their own and have a number, `watch`: in the model's C++ each access to one is told to
# bd_watch::touched(watch, word, kind) (hw/upset_watch.h).
set -eu
folder=$1
shift
verilator --xml-only --flatten "$@" --xml-output "$folder/upset.xml"
header=$folder/Vbitdial_top___024root.h
case " $* " in
*" --trace-fst "*) # keeps more variables; the state is that of the model without a trace, so that injections are the same
    for word; do
        shift
        case $word in
        --trace-* | -DBITDIAL_FAULTS) ;;
        *) set -- "$@" "$word" ;;
        esac
    done
    verilator "$@" --Mdir "$folder/plain"
    header=$folder/plain/Vbitdial_top___024root.h
    ;;
esac
awk -f hw/upset_state.awk "$folder/upset.xml" "$header" >"$folder/upset_state.inc"
rm "$folder/upset.xml"
cp hw/upset_watch.h "$folder/"
# Accesses, in the forms that Verilator writes: a byte of a word kept while the other is written, the target of an
# assignment at the beginning of a statement, and everything else, which reads.
sed -n 's/^BD_STATE(\([^,]*\),.*, \([0-9][0-9]*\))$/\1 \2/p' "$folder/upset_state.inc" | while read -r member watch; do
    m="vlSelf->$member\>" w="bd_watch::Memory<$watch, bd_watch" v="(vlSelf->$member)"
    printf 's/(0xff00U & %s/(0xff00U \\& %s::LOW>%s/g\n' "$m" "$w" "$v"
    printf 's/(0xffU & %s/(0xffU \\& %s::HIGH>%s/g\n' "$m" "$w" "$v"
    printf 's/^\\( *\\)%s\\[/\\1%s::WRITE>%s[/\n' "$m" "$w" "$v"
    printf 's/\\([^(]\\)%s/\\1%s::READ>%s/g\n' "$m" "$w" "$v"
done >"$folder/upset.sed"
for file in "$folder"/Vbitdial_top___024root__DepSet_*.cpp; do
    case $file in
    *Slow.cpp) ;;
    *) sed -i -f "$folder/upset.sed" -e '1i #include "upset_watch.h"' "$file" ;;
    esac
done
