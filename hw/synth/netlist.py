"""Builds the plain bench (sim/bench) on the netlist that Yosys maps for ECP5, in place of the RTL, and prints the folder: `bench`, and
`done`, which lists the LUTs that can be broken.

    netlist.py BLOCK

BLOCK names a whole configuration in blocks.toml; it is mapped as `make fpga-report` maps it, with the same cache, and written by
flat_verilog.py. DP16KD and MULT18X18D, of which Yosys has no models, have those of models/, LUT RAM that of Yosys. Some LUT4, one
in each part of BROKEN, have a wrong bit in their INIT where the environment variable BROKEN_LUT holds their number, from 1 on.
Python's standard library alone.
Exit codes: 0 built, 2 usage, 3 a tool is missing or failed.
"""
import argparse
import json
import os
import re
import subprocess
import sys

import flat_verilog
import fpga_report

Failure = fpga_report.Failure
# --- build ----------------------------------------------------------------------------------------------------------

MODELS = ["hw/synth/models/dp16kd.v", "hw/synth/models/mult18x18d.v", "hw/synth/models/broken_lut4.sv"]
BROKEN_C = "hw/synth/models/broken_lut4.c"
BROKEN = ["g_xnor.u_array.g_row", "g_mac.u_array.g_row", "u_walker.", "u_window_reader.", "u_drain.", "g_requantizer", "u_packer.",
          "u_sequencer."]
BENCH_LIBRARIES = "-fopenmp -Wl,--as-needed -lyaml -ljansson -ljpeg -lpng -lz -lm -lpthread".split()
CELLS = "/usr/share/yosys/ecp5/cells_sim.v"
# One module of some ten thousand cells: C++ in files of a size that compiles fast.
VERILATOR = ["verilator", "--cc", "--prefix", "Vbitdial_top", "--top-module", "bitdial_top", "-O3", "-DNO_INCLUDES", "-Wno-fatal", "-Wno-lint",
             "-Wno-MODDUP", "--x-initial", "unique", "--output-split", "20000", "--output-split-cfuncs", "2000"]


def call(command, log, timeout_s, what):
    code = fpga_report.run(command, log, timeout_s)
    if code != 0:
        with open(log) as file:
            lines = [line.rstrip() for line in file if re.search("error", line, re.I)][:5]
        raise Failure(f"{what} failed ({'no end in %d s' % timeout_s if code == 124 else 'exit code %d' % code}): "
                      f"{' / '.join(lines)} ({log})", 3)


def choose(cells):
    """Of each part of BROKEN, the first LUT4."""
    names = [name for name, cell in cells.items() if cell["type"] == "LUT4"]
    chosen = []
    for part in BROKEN:
        chosen += [name for name in names if part in name and name not in chosen][:1]
    if len(chosen) != len(BROKEN):
        raise Failure(f"no LUT4 for one of {', '.join(BROKEN)}", 3)
    return chosen


def write_verilog(mapped, folder):
    """The mapped block as Verilog of one module; returns its path and the names of the LUTs that can be broken."""
    netlist = os.path.join(folder, "netlist.v")
    with open(os.path.join(mapped, "block.json")) as file:
        module = json.load(file)["modules"]["block"]
    names = choose(module["cells"])
    fpga_report.write(netlist, flat_verilog.flat("bitdial_top", module, names))
    return netlist, names


def build(netlist, folder, jobs):
    model = os.path.join(folder, "model")
    call(VERILATOR + ["--Mdir", model, netlist] + MODELS + [CELLS], os.path.join(folder, "verilator.log"), 1800, "Verilator")
    call(["make", "-C", model, "CURDIR=.", "-f", "Vbitdial_top.mk", f"-j{jobs}", "OPT_FAST=-O1", "OPT_SLOW=-O0", "VM_PARALLEL_BUILDS=1",
          f"OBJCACHE={'ccache' if subprocess.run(['which', 'ccache'], capture_output=True).returncode == 0 else ''}",
          "Vbitdial_top__ALL.a"], os.path.join(folder, "compile.log"), 3600, "g++")
    with open(os.path.join(model, "Vbitdial_top.mk")) as file:
        include = re.search("^VERILATOR_ROOT = (.*)$", file.read(), re.M)[1] + "/include"
    runtime = subprocess.run(["sh", "hw/verilated_runtime.sh"], capture_output=True, text=True, check=True).stdout.split()
    bench = os.path.join(folder, "bench")
    call(["gcc", "-O1", "-c", "-o", bench + ".o", BROKEN_C], os.path.join(folder, "bench.log"), 60, "gcc")
    call(["g++", "-std=gnu++17", "-O1", "-I.", f"-I{model}", "-isystem", include, "-isystem", include + "/vltstd", "-DVM_TRACE=0",
          "-DVM_TRACE_FST=0", "-o", bench, "sim/bench/bench.cpp", bench + ".o", f"{model}/Vbitdial_top__ALL.a"] + runtime +
         ["build/libbitdial.a"] + BENCH_LIBRARIES, os.path.join(folder, "bench.log"), 900, "g++ of the bench")
    return bench


# --- command --------------------------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(description="Builds sim/bench on a mapped netlist; see hw/synth/README.md.")
    parser.add_argument("--jobs", type=int, default=2, help="compilations at a time")
    parser.add_argument("block")
    options = parser.parse_args()
    block = fpga_report.read_list("hw/synth/blocks.toml", [options.block])[0]
    if block["top"] != "bitdial_top":
        raise Failure(f"block '{options.block}' is no whole configuration", 2)
    tools = {"yosys": fpga_report.version(["yosys", "-V"]), "verilator": fpga_report.version(["verilator", "--version"])}
    os.makedirs("build/fpga/cache", exist_ok=True)
    counts, mapped = fpga_report.synthesize(block, fpga_report.source_index("hw"), tools, "build/fpga/cache")
    with open(os.path.abspath(__file__)) as file:
        texts = [part for part in re.split("^# --- ", file.read(), flags=re.M) if part.startswith("build")]
    for path in MODELS + [BROKEN_C, flat_verilog.__file__]:
        with open(path) as file:
            texts.append(file.read())
    folder = os.path.join("build/netlist", fpga_report.digest(mapped, json.dumps(tools), *texts))
    os.makedirs(folder, exist_ok=True)
    done = os.path.join(folder, "done")
    if not os.path.exists(done):
        netlist, names = write_verilog(mapped, folder)
        build(netlist, folder, options.jobs)
        fpga_report.write(done, "".join(f"{number} {name.lstrip(chr(92))}\n" for number, name in enumerate(names, 1)))
    cells = ", ".join(f"{name} {counts[name]}" for name in fpga_report.CELLS)
    print(f"netlist of {options.block}: {cells}", file=sys.stderr)
    print(folder)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"netlist: {failure}", file=sys.stderr)
        sys.exit(failure.code)
