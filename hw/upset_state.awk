# The state of a Verilated model: awk -f hw/upset_state.awk DESIGN.xml ROOT.h
# DESIGN.xml is Verilator's, flattened: an element a line. A target of a clocked assignment is state; in an assignment
# that blocks only an array is (a memory), other variables are names for what is computed on the way. Inputs of the
# design are listed too, as what the memory beside it shows.
function class_of(member) {
    if (member ~ /u_arrays__DOT__u_memory__DOT__.*__DOT__(mem|rest)$/) return "WEIGHTS"
    if (member ~ /(u_table_memory|u_correct_memory)__DOT__mem$/) return "TABLES"
    if (member ~ /u_plane_memory__DOT__.*__DOT__(mem|rest)$/ || member ~ /u_z_memory__DOT__mem_(even|odd)$/) return "ACTIVATIONS"
    if (member ~ /u_descriptor_memory__DOT__mem$/) return "CONFIGURATION"
    return member ~ /__DOT__u_csr__DOT__/ ? "REGISTERS" : "STATE"
}
FNR == NR {
    if ($0 !~ /^ *</) next
    if ($0 ~ /^ *<\//) { depth--; next }
    element = $0
    sub(/^ *</, "", element)
    sub(/[ \/>].*$/, "", element)
    kind[++depth] = element
    children[depth] = 0
    place = ++children[depth - 1]
    parent = kind[depth - 1]
    target[depth] = 0
    if (element == "always") clocked = 0
    if (element == "senitem" && $0 ~ /edgeType/) clocked = 1
    if (parent == "assigndly" || (parent == "assign" && clocked)) target[depth] = place == 2 ? parent : 0
    else if (parent == "sel" || parent == "arraysel") target[depth] = place == 1 ? target[depth - 1] : 0
    else if (parent == "concat") target[depth] = target[depth - 1]
    if (element == "varref" && target[depth] && clocked) {
        name = $0
        sub(/.* name="/, "", name)
        sub(/".*/, "", name)
        if (name !~ /^bitdial_top\./) name = "bitdial_top." name
        gsub(/\./, "__DOT__", name)
        gsub(/\[/, "__BRA__", name)
        gsub(/\]/, "__KET__", name)
        if (state[name] != "assigndly") state[name] = target[depth]
    }
    if ($0 ~ /\/>$/ || $0 ~ /<\/[a-z_]+>$/) depth--
    next
}
/^ *VL_(IN|OUT)/ { # a port: VL_OUT8(name,msb,0), VL_OUTW(name,msb,0,words)
    split($0, part, /[(,)]/)
    member = part[2]
    name = "bitdial_top__DOT__" member
    bits = part[3] + 1
}
/^ *(CData|SData|IData|QData|VlWide|VlUnpacked)[<\/]/ {
    member = $NF
    sub(/;$/, "", member)
    name = member
    bits = $0
    sub(/:0\*\/.*/, "", bits)
    sub(/.*\/\*/, "", bits)
    bits++
}
/^ *(VL_IN|VL_OUT|CData|SData|IData|QData|VlWide|VlUnpacked)/ {
    input = $0 ~ /^ *VL_IN/ && member != "aclk"
    if (!input && (!(name in state) || (state[name] == "assign" && $0 !~ /VlUnpacked/))) next
    class = input ? "INPUT" : class_of(name)
    watch = class ~ /STATE|REGISTERS|INPUT/ ? -1 : watches++
    shown = name
    sub(/^bitdial_top__DOT__/, "", shown)
    gsub(/__DOT__/, ".", shown)
    gsub(/__BRA__/, "[", shown)
    gsub(/__KET__/, "]", shown)
    printf "BD_STATE(%s, \"%s\", %d, %s, %d)\n", member, shown, bits, class == "REGISTERS" ? "CONFIGURATION" : class, watch
}
