#!/usr/bin/env python3
"""Longest paths of a mapped ECP5 netlist before anything is placed:

    paths.py NETLIST.json [--count N] [--trace] [--wires]

NETLIST.json is what `synth_ecp5 -json` writes, flat (of `make fpga-report`: build/fpga/cache/synth-*/harness.json). Cells
have delays near those of speed grade 6; a net costs more the more inputs it has, since where they will lie is not known.
So the figures are no clock: of `mid` the router's own estimate after placement was 1.4 to 1.7 times as long. They say which
paths stand out, in seconds instead of an hour. One line for each pair of modules that a path begins and ends in.

NETLIST.json may also be a placed one (`nextpnr-ecp5 ... --no-route --write NETLIST.json`): wires cost by their distance then, as
nextpnr estimates them before it routes. --wires lists which nets are long: half perimeters, in tiles, of all nets of a name; above
them how many registers share how many pairs of clock enable and reset, of which a tile has two each."""
import argparse
import collections
import json
import math
import re
import sys

CLOCK_TO_OUT = {"TRELLIS_FF": 0.52, "DP16KD": 5.7, "MULT18X18D": 0.8}  # ns; block RAM without, multiplier with its output register
PRODUCT = 2.5
LUT, SETUP = 0.24, 0.1
SUMMED = {"S0": 0.44, "S1": 0.46, "COUT": 0.07}  # from the carry


STATE = ("TRELLIS_FF", "DP16KD", "EHXPLLL", "TRELLIS_IO")
CLOCKS = ("CLK", "CLKA", "CLKB", "WCK", "RAD", "WCK0", "CLKI", "CLK0")


def distance_ns(one, other):
    """A wire between two tiles: the form is that of predictDelay in nextpnr's ecp5/arch.cc, with the factor at which its
    longest path of `mid` at speed grade 6 is what nextpnr 0.11.1 says after placement (22.5 ns)."""
    dx, dy = abs(one[0] - other[0]), abs(one[1] - other[1])
    return 0.076 * (6 + max(dx - 5, 0) + max(dy - 5, 0) + 2 * (min(dx, 5) + min(dy, 5)))


class Netlist:
    def __init__(self, document):
        top = [m for m in document["modules"].values() if int(m["attributes"].get("top", "0"), 2)]
        if len(top) != 1:
            raise ValueError(f"{len(top)} modules are marked as the top one, not 1")
        self.cells = top[0]["cells"]
        self.names, self.inputs, self.drivers, self.places = {}, collections.Counter(), {}, {}
        for name, cell in self.cells.items():
            found = re.match(r"X(\d+)/Y(\d+)", cell.get("attributes", {}).get("NEXTPNR_BEL", ""))
            if found:
                self.places[name] = (int(found[1]), int(found[2]))
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
        self.constants = {bit for bit, (name, port) in self.drivers.items() if self.cells[name]["type"] == "TRELLIS_COMB" and
                          not self.reach(self.cells[name], port)}

    def wire(self, bit, cell, port):
        """The delay of a net to a port of a cell."""
        if not self.places:
            return 0.45 + 0.19 * math.log2(1 + self.inputs[bit])
        driver = self.drivers.get(bit, (None, None))[0]
        if re.fullmatch(r"DI|FCI|FX[AB]|WA?D\d?", port) or bit in self.constants:
            return 0.0
        if driver not in self.places or cell not in self.places:
            return 0.0
        return distance_ns(self.places[driver], self.places[cell])

    @staticmethod
    def holds(cell):
        """Whether the cell's outputs come from its clock."""
        return cell["type"] in STATE or any(Netlist.registers(cell))

    @staticmethod
    def registers(cell):
        """Whether a multiplier registers its operands, and its product."""
        return [cell["type"] == "MULT18X18D" and cell["parameters"].get(f"REG_{what}_CLK", "NONE") != "NONE" for what in ("INPUTA", "OUTPUT")]

    @staticmethod
    def reach(cell, port):
        """Inputs that reach an output: bit, the cell's delay, and the port; none where it comes by the carry's own wire."""
        at = cell["connections"]
        if cell["type"] == "LUT4":
            return [(at[p][0], LUT, p) for p in "ABCD" if p in at]
        if cell["type"] == "TRELLIS_COMB":
            delays = {"F": (LUT, 0.44), "FCO": (0.45, 0.035), "OFX": (0.4, 0.2)}[port]
            return [(at[p][0], delays[p == "FCI"], p) for p in ("A", "B", "C", "D", "FCI", "FXA", "FXB", "M") if at.get(p)]
        if cell["type"] == "TRELLIS_DPR16X4":
            return [(bit, LUT, "RAD") for bit in at["RAD"]]
        if cell["type"] == "CCU2C":
            low, high = ([at[p + half][0] for p in "ABCD"] for half in "01")
            inner = {"S0": [(b, LUT, "A") for b in low], "S1": [(b, 0.7, "A") for b in low] + [(b, LUT, "A") for b in high],
                     "COUT": [(b, 0.45, "A") for b in low + high]}[port]
            return inner + [(at["CIN"][0], SUMMED[port], None)]
        if cell["type"] == "MULT18X18D":
            return [(at[p][0], PRODUCT, p) for p in at if re.match(r"[AB]\d+$", p) and at[p]]
        return [(bit, 0.2, p) for p, bits in at.items() if cell["port_directions"][p] == "input" for bit in bits]

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
                if cell and self.registers(cell) == [True, False]:
                    self.arrival[bit] += PRODUCT
                continue
            arcs = [arc for arc in self.reach(cell, port) if isinstance(arc[0], int)]
            missing = [arc[0] for arc in arcs if arc[0] not in self.arrival]
            if missing and bit not in open_bits:
                open_bits.add(bit)
                todo.extend(missing)
                continue
            if missing:
                raise ValueError(f"a loop without a register at {self.names.get(bit, bit)}")
            times = [(self.arrival[b] + delay + (self.wire(b, name, at) if at else 0), b) for b, delay, at in arcs]
            self.arrival[bit], self.before[bit] = max(times, default=(0.0, None))
        return self.arrival[wanted]

    def ends(self):
        for name, cell in self.cells.items():
            if not self.holds(cell) and cell["type"] not in ("MULT18X18D", "TRELLIS_DPR16X4", "TRELLIS_RAMW"):
                continue
            through = PRODUCT if self.registers(cell) == [False, True] else 0.0
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] != "input" or port in CLOCKS:
                    continue
                for bit in bits:
                    if isinstance(bit, int):
                        yield self.time(bit) + self.wire(bit, name, port) + through + SETUP, name, port, bit

    def lengths(self):
        """Name of nets, indices left out -> nets, inputs, sum of half perimeters in tiles."""
        corners = {}
        for name, place in self.places.items():
            for bits in self.cells[name]["connections"].values():
                for bit in bits:
                    x0, x1, y0, y1 = corners.get(bit, (place[0], place[0], place[1], place[1]))
                    corners[bit] = (min(x0, place[0]), max(x1, place[0]), min(y0, place[1]), max(y1, place[1]))
        table = {}
        for bit, (x0, x1, y0, y1) in corners.items():
            if bit in self.drivers:
                name = re.sub(r"\[\d+\]", "", re.sub(r"_(TRELLIS_FF|LUT4|CCU2C).*", "", self.names.get(bit, "?")))
                row = table.setdefault(name, [0, 0, 0])
                row[0] += 1
                row[1] += self.inputs[bit]
                row[2] += x1 - x0 + y1 - y0
        return table

    def path(self, bit):
        while bit is not None:
            yield bit
            bit = self.before.get(bit)


def place(name):
    """The module of a net or cell, and its own name if that is near the top."""
    parts = re.sub(r"_(TRELLIS_FF|LUT4|CCU2C).*", "", re.sub(r"\[\d+\]", "", name)).split(".")
    return tuple(parts[:-1]) + ((re.sub(r"\d+", "", parts[-1]),) if len(parts) < 3 else ())


def wires(netlist, count):
    if not netlist.places:
        raise ValueError("no cell has a place: --wires wants what nextpnr wrote with --write")
    registers = [cell for cell in netlist.cells.values() if cell["type"] == "TRELLIS_FF"]
    sets = {tuple(str(cell["connections"].get(port)) for port in ("CE", "LSR")) + tuple(cell["parameters"].get(mode) for mode in (
        "CEMUX", "LSRMUX", "SRMODE")) for cell in registers}
    print(f"{len(registers)} registers in {len(sets)} sets of clock enable and reset")
    table = sorted(netlist.lengths().items(), key=lambda row: -row[1][2])
    print(f"{sum(row[2] for _, row in table)} tiles of wire in {sum(row[0] for _, row in table)} nets")
    for name, (nets, inputs, tiles) in table[:count]:
        print(f"{tiles:7} tiles {nets:6} nets {tiles / nets:7.1f} tiles and {inputs / nets:6.1f} inputs a net  {name}")
    return 0


def main():
    parser = argparse.ArgumentParser(description="longest paths of a mapped ECP5 netlist")
    parser.add_argument("netlist")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--trace", action="store_true", help="every cell of each path")
    parser.add_argument("--wires", action="store_true", help="of a placed netlist: the longest groups of nets instead")
    options = parser.parse_args()
    try:
        with open(options.netlist) as file:
            netlist = Netlist(json.load(file))
        if options.wires:
            return wires(netlist, options.count)
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
        passed = [netlist.cells[netlist.drivers[b][0]] for b in path if b in netlist.drivers]
        kinds = collections.Counter("CCU2C" if c["parameters"].get("MODE") == "CCU2" else c["type"] for c in passed)
        print(f"{time:6.2f} ns  {kinds['LUT4'] + kinds['TRELLIS_COMB']:2} LUT4 {kinds['CCU2C']:2} CCU2C  {begin} -> {end} {port}")
        for b in reversed(path) if options.trace else ():
            where = "X{}/Y{} ".format(*netlist.places[netlist.drivers[b][0]]) if netlist.places and b in netlist.drivers else ""
            print(f"{netlist.arrival[b]:14.2f}  {where}{netlist.names.get(b, b)}, {netlist.inputs[b]} inputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
