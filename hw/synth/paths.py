#!/usr/bin/env python3
"""Longest paths of a mapped ECP5 netlist before anything is placed:

    paths.py NETLIST.json [--count N] [--trace]

NETLIST.json is what `synth_ecp5 -json` writes, flat (of `make fpga-report`: build/fpga/cache/synth-*/harness.json). Cells
have delays near those of speed grade 6; a net costs more the more inputs it has, since where they will lie is not known.
So the figures are no clock: of `mid` the router's own estimate after placement was 1.4 to 1.7 times as long. They say which
paths stand out, in seconds instead of an hour. One line for each pair of modules that a path begins and ends in."""
import argparse
import collections
import json
import math
import re
import sys

CLOCK_TO_OUT = {"TRELLIS_FF": 0.52, "DP16KD": 5.7, "MULT18X18D": 0.8}  # ns; a block RAM without its output register
LUT, SETUP = 0.24, 0.1
SUMMED = {"S0": 0.44, "S1": 0.46, "COUT": 0.07}  # from the carry


class Netlist:
    def __init__(self, document):
        top = [m for m in document["modules"].values() if int(m["attributes"].get("top", "0"), 2)]
        if len(top) != 1:
            raise ValueError(f"{len(top)} modules are marked as the top one, not 1")
        self.cells = top[0]["cells"]
        self.names, self.inputs, self.drivers = {}, collections.Counter(), {}
        nets = top[0]["netnames"].items()
        for name, net in sorted(nets, key=lambda item: (item[1].get("hide_name", 0), len(item[0]))):
            for i, bit in enumerate(net["bits"]):
                self.names.setdefault(bit, f"{name}[{i}]" if len(net["bits"]) > 1 else name)
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "input":
                    self.inputs.update(bit for bit in bits if isinstance(bit, int))
                else:
                    self.drivers.update((bit, (name, port)) for bit in bits if isinstance(bit, int))
        self.arrival, self.before = {}, {}

    def wire(self, bit):
        return 0.45 + 0.19 * math.log2(1 + self.inputs[bit])

    @staticmethod
    def holds(cell):
        """Whether the cell's outputs come from its clock."""
        return cell["type"] in ("TRELLIS_FF", "DP16KD", "EHXPLLL") or (
            cell["type"] == "MULT18X18D" and cell["parameters"].get("REG_OUTPUT_CLK", "NONE") != "NONE")

    @staticmethod
    def reach(cell, port):
        """Inputs that reach an output, each with the cell's delay, and whether it comes by the carry's own wire."""
        at = cell["connections"]
        if cell["type"] == "LUT4":
            return [(at[p][0], LUT, False) for p in "ABCD" if p in at]
        if cell["type"] == "TRELLIS_DPR16X4":
            return [(bit, LUT, False) for bit in at["RAD"]]
        if cell["type"] == "CCU2C":
            low, high = ([at[p + half][0] for p in "ABCD"] for half in "01")
            inner = {"S0": [(b, LUT, False) for b in low], "S1": [(b, 0.7, False) for b in low] + [(b, LUT, False) for b in high],
                     "COUT": [(b, 0.45, False) for b in low + high]}[port]
            return inner + [(at["CIN"][0], SUMMED[port], True)]
        if cell["type"] == "MULT18X18D":
            return [(at[p][0], 2.5, False) for p in at if re.match(r"[AB]\d+$", p)]
        return [(bit, 0.2, False) for p, bits in at.items() if cell["port_directions"][p] == "input" for bit in bits]

    def time(self, wanted):
        """When a bit stands, in ns after the clock."""
        todo, open_bits = [wanted], set()
        while todo:
            bit = todo[-1]
            if bit in self.arrival:
                todo.pop()
                continue
            name, port = self.drivers.get(bit, (None, None))
            cell = self.cells.get(name)
            if cell is None or self.holds(cell):
                self.arrival[bit] = CLOCK_TO_OUT.get(cell["type"], 0.5) if cell else 0.0
                continue
            arcs = [arc for arc in self.reach(cell, port) if isinstance(arc[0], int)]
            missing = [arc[0] for arc in arcs if arc[0] not in self.arrival]
            if missing and bit not in open_bits:
                open_bits.add(bit)
                todo.extend(missing)
                continue
            if missing:
                raise ValueError(f"a loop without a register at {self.names.get(bit, bit)}")
            times = [(self.arrival[b] + delay + (0 if carry else self.wire(b)), b) for b, delay, carry in arcs]
            self.arrival[bit], self.before[bit] = max(times, default=(0.0, None))
        return self.arrival[wanted]

    def ends(self):
        for name, cell in self.cells.items():
            if not self.holds(cell) and cell["type"] not in ("MULT18X18D", "TRELLIS_DPR16X4"):
                continue
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] != "input" or port in ("CLK", "CLKA", "CLKB", "WCK", "RAD"):
                    continue
                for bit in bits:
                    if isinstance(bit, int):
                        yield self.time(bit) + self.wire(bit) + SETUP, name, port, bit

    def path(self, bit):
        while bit is not None:
            yield bit
            bit = self.before.get(bit)


def place(name):
    """The module of a net or cell, and its own name if that is near the top."""
    parts = re.sub(r"_(TRELLIS_FF|LUT4|CCU2C).*", "", re.sub(r"\[\d+\]", "", name)).split(".")
    return tuple(parts[:-1]) + ((re.sub(r"\d+", "", parts[-1]),) if len(parts) < 3 else ())


def main():
    parser = argparse.ArgumentParser(description="longest paths of a mapped ECP5 netlist")
    parser.add_argument("netlist")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--trace", action="store_true", help="every cell of each path")
    options = parser.parse_args()
    try:
        with open(options.netlist) as file:
            netlist = Netlist(json.load(file))
        ends = sorted(netlist.ends(), key=lambda end: -end[0])
    except (OSError, ValueError, KeyError) as error:
        print(f"paths.py: {options.netlist}: {error}", file=sys.stderr)
        return 2
    seen = set()
    for time, cell, port, bit in ends:
        if len(seen) >= options.count:
            break
        path = list(netlist.path(bit))
        end = netlist.names.get(netlist.cells[cell]["connections"].get("Q", [None])[0], cell)
        begin = netlist.names.get(path[-1], "?")
        pair = (place(begin), place(end))
        if pair in seen:
            continue
        seen.add(pair)
        kinds = collections.Counter(netlist.cells[netlist.drivers[b][0]]["type"] for b in path if b in netlist.drivers)
        print(f"{time:6.2f} ns  {kinds['LUT4']:2} LUT4 {kinds['CCU2C']:2} CCU2C  {begin} -> {end} {port}")
        for b in reversed(path) if options.trace else ():
            print(f"{netlist.arrival[b]:14.2f}  {netlist.names.get(b, b)}, {netlist.inputs[b]} inputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
