# A module with monitors of its ports, for models that count coverage (hw/build.sh --coverage): every bit that rose and
# every bit that fell between two clocks is kept, a vector a port, and told to bitdial_port (sim/bench/places.h) at the end.
# Verilator's own counters, one a bit and an instance, make a model of five times the C++. Lines keep their numbers.
# Inside three loops of genvars nothing is counted: hundreds of copies of a line.
/for \(genvar/ {
    match($0, /^ */)
    indent[++depth] = RLENGTH
    if (depth == 3)
        before = "/*verilator coverage_off*/"
}
/^ *end/ && depth {
    match($0, /^ */)
    if (RLENGTH == indent[depth] && depth-- == 3)
        after = "/*verilator coverage_on*/"
}
/^module / { header = 1; ports = 0; clock = "bitdial_top.aclk" }
header {
    code = $0
    sub(/\/\/.*/, "", code)
    if (code ~ /^ *(input|output) /) {
        sub(/[ ,]*$/, "", code)
        name = code
        sub(/.*[^a-z0-9_]/, "", name)
        names[ports] = name
        lines[ports++] = NR
        if (name == "clk_i" || name == "aclk")
            clock = name
    }
    if (code ~ /\);/)
        header = 0
}
/^endmodule/ && ports {
    printf "/*verilator coverage_off*/ bit cov_live; initial cov_live = 0; always_ff @(posedge %s) cov_live <= 1;", clock
    printf " import \"DPI-C\" function void bitdial_port(input string file, input int line, input string name, input string rose, input string fell);"
    for (p = 0; p < ports; p++)
        printf " logic [$bits(%s)-1:0] cov_%s_q, cov_%s_r, cov_%s_f; initial {cov_%s_r, cov_%s_f} = '0;", names[p], names[p], names[p],
            names[p], names[p], names[p]
    printf " always_ff @(posedge %s) begin", clock
    for (p = 0; p < ports; p++) {
        n = names[p]
        printf " cov_%s_q <= %s; if (cov_live) begin cov_%s_r <= cov_%s_r | (%s & ~cov_%s_q); cov_%s_f <= cov_%s_f | (~%s & cov_%s_q); end", n,
            n, n, n, n, n, n, n, n, n
    }
    printf " end final begin"
    for (p = 0; p < ports; p++)
        printf " bitdial_port(\"%s\", %d, \"%s\", $sformatf(\"%%b\", cov_%s_r), $sformatf(\"%%b\", cov_%s_f));", FILENAME, lines[p], names[p],
            names[p], names[p]
    printf " end /*verilator coverage_on*/ "
}
{
    print before $0 after
    before = after = ""
}
