"""Routes blocks of the accelerator, or whole configurations, for ECP5 and prints their area and clock.

    fpga_report.py --router NEXTPNR [--list blocks.toml] [--out FOLDER] [--jobs N] [--map] [BLOCK...]

README.md of this folder says what is measured and how. Python's standard library alone.
Exit codes: 0 every goal is met, 1 one is not, 2 usage or a bad list, 3 a tool is missing or failed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tomllib

import dsp_registers
import floorplan

PARTS = {"LFE5U-25F": "--25k", "LFE5U-45F": "--45k", "LFE5U-85F": "--85k"}
DEFAULTS = {"device": "LFE5U-85F", "speed": 6, "seeds": [1, 2, 3], "flags": "", "no_rw_check": False,
            "timeout_s": 900, "parameters": {}, "goal_mhz": 0, "target_mhz": 0, "on_request": False, "note": "",
            "operations": 0, "parts": 0, "multiplier_registers": False, "floorplan": False, "router_options": [],
            "router_settings": {}}
KEYS = {"name", "top", "configuration"} | set(DEFAULTS)
CELLS = ["LUT4", "CCU2C", "TRELLIS_DPR16X4", "TRELLIS_FF", "DP16KD", "MULT18X18D"]
HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """Message and exit code."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def digest(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def run(command, log, timeout_s):
    """Runs a tool; its output goes to the file `log`."""
    with open(log, "w") as output:
        try:
            return subprocess.run(command, stdout=output, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, timeout=timeout_s).returncode
        except subprocess.TimeoutExpired:
            return 124


def write(path, text):
    with open(path + ".tmp", "w") as file:
        file.write(text)
    os.rename(path + ".tmp", path)


def version(command):
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"cannot run '{command[0]}': {error}", 3) from error
    text = (result.stdout + result.stderr).strip()
    if result.returncode != 0 or not text:
        raise Failure(f"'{' '.join(command)}' failed", 3)
    return text.splitlines()[-1]


# --- the list ---------------------------------------------------------------------------------------------------------

def read_list(path, wanted):
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Failure(f"{path}: {error}", 2) from error
    common = {key: value for key, value in document.items() if key != "block"}
    blocks = []
    for entry in document.get("block", []):
        block = {**DEFAULTS, "top": entry.get("name"), **common, **entry}
        unknown = sorted(set(block) - KEYS)
        if unknown or not re.fullmatch(r"\w+", block.get("name") or ""):
            raise Failure(f"{path}: block '{block.get('name')}': " +
                          (f"unknown key '{unknown[0]}'" if unknown else "a name of letters, digits and _ expected"), 2)
        options = block["router_options"]
        if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
            raise Failure(f"{path}: block '{block['name']}': router_options: a list of texts expected", 2)
        settings = block["router_settings"]
        if not isinstance(settings, dict) or not all(type(value) in (int, float) for value in settings.values()):
            raise Failure(f"{path}: block '{block['name']}': router_settings: a table of numbers expected", 2)
        if block["device"] not in PARTS or block["speed"] not in (6, 7, 8) or not block["seeds"]:
            raise Failure(f"{path}: block '{block['name']}': device one of {', '.join(PARTS)}, speed 6 to 8 and at "
                          "least one seed expected", 2)
        blocks.append(block)
    names = [block["name"] for block in blocks]
    for name in wanted:
        if name not in names:
            raise Failure(f"{path}: no block '{name}'", 2)
    if len(set(names)) != len(names):
        raise Failure(f"{path}: two blocks have one name", 2)
    return [block for block in blocks if (block["name"] in wanted if wanted else not block["on_request"])]


# --- sources ----------------------------------------------------------------------------------------------------------

def source_index(root):
    """Name of a module or package -> (path, words of its text)."""
    index = {}
    for folder, _, files in sorted(os.walk(root)):
        for name in sorted(files):
            if name.endswith(".sv"):
                path = os.path.join(folder, name)
                with open(path) as file:
                    text = file.read()
                for found in re.findall(r"^\s*(?:module|package)\s+(\w+)", text, re.M):
                    index[found] = (path, set(re.findall(r"\w+", re.sub(r"//.*", "", text))))
    return index


def sources_of(top, index):
    """Files of `top` and of all that it names, packages first."""
    if top not in index:
        raise Failure(f"no module '{top}' among the sources", 2)
    seen, pending = set(), [top]
    while pending:
        name = pending.pop()
        seen.add(name)
        pending += [word for word in index[name][1] if word in index and word not in seen]
    order = {path: not name.endswith("_pkg") for name, (path, _) in index.items() if name in seen}
    packages = ["bitdial_regs_pkg", "bitdial_descriptor_pkg", "bitdial_pkg"] # each may use those before it
    first = [index[name][0] for name in packages if name in seen]
    return first + sorted(path for path in order if path not in first)


def parameters_of(block):
    """Of a configuration, what the command says (-GNAME=VALUE); then those of the list."""
    parameters = {}
    if "configuration" in block:
        try:
            text = subprocess.run(["build/bitdial", "hardware", block["configuration"], "--parameters"],
                                  capture_output=True, text=True, check=True, timeout=60).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise Failure(f"block '{block['name']}': no parameters of '{block['configuration']}': {error}", 3) from error
        parameters = dict(re.findall(r"-G(\w+)=(\S+)", text))
    return {**parameters, **{key: str(value) for key, value in block["parameters"].items()}}


def sites(counts):
    """Places of LUTs that cells take: a CCU2C two, a LUT RAM four and the two that decode its writes."""
    return counts.get("LUT4", 0) + 2 * counts.get("CCU2C", 0) + 6 * counts.get("TRELLIS_DPR16X4", 0)


# --- synthesis --------------------------------------------------------------------------------------------------------

def harness(ports, clock):
    """A wrapper with three pins: a register before every input and after every output, in chains."""
    inputs = [(name, port["bits"]) for name, port in ports.items() if port["direction"] == "input" and name != clock]
    outputs = [(name, port["bits"]) for name, port in ports.items() if port["direction"] == "output"]
    lines, at, connect = [], 0, [f".{clock}(clk)"]
    total_in = sum(width for _, width in inputs)
    total_out = sum(width for _, width in outputs)
    for name, width in inputs:
        connect.append(f".{name}(in_q[{at + width - 1}:{at}])")
        at += width
    at = 0
    for name, width in outputs:
        connect.append(f".{name}(out[{at + width - 1}:{at}])")
        at += width
    declare = ", ".join([f"input {clock}"] + [f"input [{w - 1}:0] {n}" for n, w in inputs] +
                        [f"output [{w - 1}:0] {n}" for n, w in outputs])
    lines.append(f"(* blackbox *) module block({declare}); endmodule")
    lines.append("module harness(input clk, input scan_i, output scan_o);")
    lines.append(f"  reg [{total_in}:0] in_q; reg [{total_out}:0] out_q; wire [{total_out}:0] out;")
    lines.append(f"  assign out[{total_out}] = in_q[{total_in}];")
    lines.append(f"  always @(posedge clk) begin in_q <= {{in_q, scan_i}}; out_q <= out ^ {{out_q, in_q[{total_in}]}}; end")
    lines.append(f"  assign scan_o = out_q[{total_out}];")
    lines.append(f"  block u ({', '.join(connect)});")
    return "\n".join(lines) + "\nendmodule\n"


def part_of(cell, depth):
    """The instance, `depth` levels down, that a cell of a flattened netlist comes from: names keep their way."""
    names = re.sub(r"\$flatten\\?|\[\d+\]", "", cell).replace("\\", "").split(".")[:-1]
    return ".".join(re.sub("^u_", "", name) for name in names[:depth])


def yosys(script, folder, name, timeout_s):
    path = os.path.join(folder, name)
    with open(path + ".ys", "w") as file:
        file.write(script)
    code = run(["yosys", "-q", "-l", path + ".log", path + ".ys"], path + ".out", timeout_s)
    if code != 0:
        with open(path + ".out") as file:
            lines = [line.strip() for line in file if "ERROR" in line] or [f"exit code {code}"]
        raise Failure(f"Yosys failed: {lines[0]} ({path}.log)", 3)
    with open(path + ".out") as file:
        # Yosys goes on with undefined bits, so that half a block would vanish.
        lost = [line.strip() for line in file if "out of bounds" in line]
    if lost:
        raise Failure(f"Yosys does not read this as meant: {lost[0]} ({path}.log)", 3)


def synthesize(block, index, tools, cache):
    """Maps a block alone and counts its cells. Returns the counts and the folder of the result."""
    files = sources_of(block["top"], index)
    parameters = parameters_of(block)
    texts = []
    for path in files + ["hw/bitdial_assert.svh"]:
        if os.path.exists(path):
            with open(path) as file:
                texts.append(file.read())
    if block["multiplier_registers"]:
        with open(dsp_registers.__file__) as file:
            texts.append(file.read())
    with open(os.path.abspath(__file__)) as file:
        texts += [part for part in re.split("^# --- ", file.read(), flags=re.M) if part.startswith("synthesis")]
    key = digest(tools["yosys"], block["top"], block["flags"], str(block["no_rw_check"]), str(block["parts"]), json.dumps(parameters, sort_keys=True), *texts)
    folder = os.path.join(cache, "synth-" + key)
    counts_path = os.path.join(folder, "counts.json")
    if not os.path.exists(counts_path):
        os.makedirs(folder, exist_ok=True)
        # Before hierarchy: its own -chparam asserts in Yosys 0.23 where a value is the default.
        sets = " ".join(f"-set {name} {value}" for name, value in parameters.items())
        sets = f"chparam {sets} {block['top']}\n" if sets else ""
        early = "proc; flatten; opt; memory_dff -no-rw-check; opt_clean\n" if block["no_rw_check"] else ""
        # One inverter of the reset, not one a register: they are merged before LUTs are made of them.
        yosys(f"read_verilog -sv -Ihw {' '.join(files)}\n{sets}hierarchy -check -top {block['top']}\n{early}"
              f"synth_ecp5 {block['flags']} -run :map_luts\nopt_merge\nopt_clean\nsynth_ecp5 {block['flags']} -run map_luts:\n"
              f"check -assert\nrename -top block\nselect block\n"
              f"json -o {folder}/block.json\n", folder, "block", block["timeout_s"])
        netlist = os.path.join(folder, "block.json")
        with open(netlist) as file:
            document = json.load(file)
        module = document["modules"]["block"]
        if block["multiplier_registers"]:
            dsp_registers.absorb(module)
            write(netlist, json.dumps(document))
        counts, parts = dict.fromkeys(CELLS, 0), {}
        for name, cell in module["cells"].items():
            counts[cell["type"]] = counts.get(cell["type"], 0) + 1
            part = parts.setdefault(part_of(name, block["parts"]), {})
            part[cell["type"]] = part.get(cell["type"], 0) + 1
        counts["parts"] = parts
        ports = {name: {"direction": port["direction"], "bits": len(port["bits"])} for name, port in module["ports"].items()}
        write(os.path.join(folder, "ports.json"), json.dumps(ports))
        write(counts_path, json.dumps(counts))
    with open(counts_path) as file:
        return json.load(file), folder


def wrap(block, folder):
    """Puts a mapped block into the harness; returns the netlist's path."""
    netlist = os.path.join(folder, "harness.json")
    if not os.path.exists(netlist):
        with open(os.path.join(folder, "ports.json")) as file:
            ports = json.load(file)
        clock = next((name for name in ("clk_i", "clk", "aclk") if name in ports), None)
        if clock is None:
            raise Failure(f"block '{block['name']}' has no port clk_i, clk or aclk", 2)
        write(os.path.join(folder, "harness.v"), harness(ports, clock))
        yosys(f"read_json {folder}/block.json\nwrite_rtlil {folder}/block.il\ndesign -reset\n"  # read_json replaces no black box
              f"read_verilog {folder}/harness.v\nsynth_ecp5 -top harness\nread_rtlil {folder}/block.il\nhierarchy -check -top harness\nflatten\n"
              f"attrmap -remove src\nattrmap -modattr -remove src\nwrite_json {netlist}.tmp\n", folder, "harness",
              block["timeout_s"])
        os.rename(netlist + ".tmp", netlist)
    return planned(block, netlist) if block["floorplan"] or block["router_settings"] else netlist


def setting(value):
    """A setting as nextpnr keeps it in a netlist: text, and whole numbers as bits."""
    return f"{value:032b}" if isinstance(value, int) else f"{value:f}"


def planned(block, netlist):
    """The harness with places of multipliers and block RAM, and with what has no option of nextpnr; returns the netlist's path."""
    settings = {name: setting(value) for name, value in block["router_settings"].items()}
    with open(floorplan.__file__) as file:
        key = digest(file.read() if block["floorplan"] else "", block["device"], json.dumps(settings, sort_keys=True))
    path = os.path.join(os.path.dirname(netlist), f"harness-{key}.json")
    if not os.path.exists(path):
        with open(netlist) as file:
            document = json.load(file)
        document["modules"]["harness"]["settings"] = settings
        if block["floorplan"]:
            parameters = parameters_of(block)
            try:
                floorplan.plan(document["modules"]["harness"], block["device"], int(parameters["ROWS"]), int(parameters["RQ"]))
            except (KeyError, floorplan.Unknown) as error:
                raise Failure(f"block '{block['name']}': no floorplan: {error}", 2) from error
        write(path, json.dumps(document))
    return path


# --- routing ----------------------------------------------------------------------------------------------------------

def path_end(end):
    """Cell and port of an end of a path, without the harness's prefix and the tools' suffixes."""
    cell = re.sub(r"_(TRELLIS_FF|LUT4|CCU2C|DPR16X4|PFUMX|L6MUX21|SLICE)_.*$|\$.*$", "", end.get("cell", "?"))
    return re.sub(r"^u\.", "", cell)


def route(block, netlist, seed, tools, cache):
    """MHz and the critical path of one seed; 0 MHz where the router failed or took too long."""
    with open(netlist, "rb") as file:
        content = hashlib.sha256(file.read()).hexdigest()
    target = block["target_mhz"] or block["goal_mhz"] or 100
    arguments = [PARTS[block["device"]], "--package", "CABGA381", "--speed", str(block["speed"]), "--freq", str(target),
                 "--seed", str(seed), "--lpf-allow-unconstrained", "--timing-allow-fail"] + block["router_options"]
    folder = os.path.join(cache, "route-" + digest(tools["nextpnr"], content, *arguments))
    result_path = os.path.join(folder, "result.json")
    if os.path.exists(result_path):
        with open(result_path) as file:
            return json.load(file)
    os.makedirs(folder, exist_ok=True)
    report, log = os.path.join(folder, "report.json"), os.path.join(folder, "log")
    code = run([tools["router"], "--json", netlist, "--report", report] + arguments, log, block["timeout_s"])
    if code != 0:
        return {"mhz": 0, "why": f"no result in {block['timeout_s']} s" if code == 124 else f"exit code {code} ({log})"}
    with open(report) as file:
        document = json.load(file)
    clocks = document["fmax"]
    clock = max(clocks, key=lambda name: clocks[name]["constraint"]) if clocks else None
    result = {"mhz": round(clocks[clock]["achieved"], 1) if clocks else 0, "from": "?", "to": "?"}
    for path in document.get("critical_paths", []):
        if clock in path["from"] and path["from"] == path["to"]:
            result["from"], result["to"] = path_end(path["path"][0]["from"]), path_end(path["path"][-1]["to"])
            result["path"] = [[round(step["delay"], 2), step["type"], path_end(step["to"])] for step in path["path"]]
    write(result_path, json.dumps(result))
    return result


# --- the table --------------------------------------------------------------------------------------------------------

def summary(block, counts, routes):
    figures = {"LUT4": counts["LUT4"], "CCU2C": counts["CCU2C"], "DPR16X4": counts["TRELLIS_DPR16X4"],
               "FF": counts["TRELLIS_FF"], "DP16KD": counts["DP16KD"], "MULT18X18D": counts["MULT18X18D"]}
    figures["sites"] = sites(counts)
    speeds = [result["mhz"] for result in routes]
    median = statistics.median(speeds) if speeds else 0
    typical = min(routes, key=lambda result: abs(result["mhz"] - median), default={})
    if block["parts"]:
        figures["parts"] = {name: {**part, "sites": sites(part)} for name, part in counts["parts"].items()}
    if block["operations"]:
        figures["sites_per_operation"] = round(figures["sites"] / block["operations"], 3)
    return {"name": block["name"], "top": block["top"], "parameters": block["parameters"], "device": block["device"],
            "speed_grade": block["speed"], "flags": block["flags"], **figures, "seeds": block["seeds"], "mhz": speeds,
            "median_mhz": median, "goal_mhz": block["goal_mhz"], "from": typical.get("from", "?"),
            "to": typical.get("to", "?"), "failures": [result["why"] for result in routes if "why" in result],
            "met": not routes or median >= block["goal_mhz"], "note": block["note"]}


def markdown(results, tools):
    columns = ["LUT4", "CCU2C", "DPR16X4", "FF", "DP16KD", "MULT18X18D", "sites"]
    head = ["block"] + columns + ["sites an operation", "MHz at each seed", "median", "goal", "critical path"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in results:
        goal = f"{r['goal_mhz']}{'' if r['met'] else ', missed'}" if r["goal_mhz"] else "–"
        speeds = ", ".join(f"{mhz:.1f}" if mhz else "failed" for mhz in r["mhz"]) or "not routed"
        row = [f"`{r['name']}`"] + [str(r[c]) for c in columns] + [str(r.get("sites_per_operation", "–")), speeds,
               f"{r['median_mhz']:.1f}" if r["mhz"] else "–", goal, f"`{r['from']}` to `{r['to']}`"]
        lines.append("| " + " | ".join(row) + " |")
    places = sorted({f"{r['device']}, speed grade {r['speed_grade']}" for r in results})
    lines.append("")
    lines.append(f"{'; '.join(places)}. sites = LUT4 + 2 CCU2C + 6 DPR16X4. {tools['yosys']}; {tools['nextpnr']}.")
    for r in results:
        if "parts" in r:
            lines += ["", f"`{r['name']}` by instance, those of 100 sites and more:", "",
                      "| instance | LUT4 | CCU2C | DPR16X4 | FF | DP16KD | MULT18X18D | sites |", "|" + "---|" * 8]
            for name, part in sorted(r["parts"].items(), key=lambda item: -item[1]["sites"]):
                if part["sites"] >= 100:
                    cells = [part.get(cell, 0) for cell in CELLS]
                    lines.append(f"| {name or '(top)'} | " + " | ".join(map(str, cells + [part["sites"]])) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Routes blocks for ECP5; see hw/synth/README.md.")
    parser.add_argument("--router", required=True, help="nextpnr-ecp5")
    parser.add_argument("--list", default=os.path.join(HERE, "blocks.toml"))
    parser.add_argument("--sources", default="hw", help="folder of the SystemVerilog files")
    parser.add_argument("--out", default="build/fpga")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--map", action="store_true", help="cells alone: nothing is routed, and no goal is missed")
    parser.add_argument("--nice", type=int, default=10, help="lowers the priority by so much")
    parser.add_argument("blocks", nargs="*", help="names from the list; none: all but those marked on_request")
    options = parser.parse_args()
    os.nice(options.nice)
    blocks = read_list(options.list, options.blocks)
    if shutil.which("yosys") is None:
        raise Failure("cannot find 'yosys' (make deps)", 3)
    tools = {"yosys": version(["yosys", "-V"]), "nextpnr": version([options.router, "--version"]), "router": options.router}
    tools["nextpnr"] = re.sub(r'^.*\((?:Version )?(.*)\)$', r"\1", tools["nextpnr"])
    cache = os.path.join(options.out, "cache")
    os.makedirs(cache, exist_ok=True)
    index = source_index(options.sources)
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        mapped = list(pool.map(lambda block: synthesize(block, index, tools, cache), blocks))
        netlists = pool.map(lambda pair: wrap(pair[0], pair[1][1]), zip(blocks, mapped))
        pending = [[] if options.map else [pool.submit(route, block, netlist, seed, tools, cache) for seed in block["seeds"]]
                   for block, netlist in zip(blocks, netlists)]
        for block, (counts, _), routes in zip(blocks, mapped, pending):
            r = summary(block, counts, [future.result() for future in routes])
            results.append(r)
            print(f"{r['name']}: {r['sites']} sites" + ("" if options.map else f", {r['median_mhz']:.1f} MHz") + (f", goal {r['goal_mhz']}" if r["goal_mhz"] else "") +
                  ("" if r["met"] else ": missed") + "".join(f"; a seed failed: {why}" for why in r["failures"]), flush=True)
    table = markdown(results, tools)
    write(os.path.join(options.out, "report.md"), table)
    del tools["router"]
    write(os.path.join(options.out, "report.json"), json.dumps({"tools": tools, "blocks": results}, indent=1) + "\n")
    print("\n" + table)
    missed = [r["name"] for r in results if not r["met"]]
    if missed:
        raise Failure(f"below the goal: {', '.join(missed)}", 1)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"fpga-report: {failure}", file=sys.stderr)
        sys.exit(failure.code)
