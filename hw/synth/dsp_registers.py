"""Moves registers into the multipliers of a netlist that Yosys has mapped for ECP5.

    dsp_registers.py IN.json OUT.json

A MULT18X18D can register its operands and its product; Yosys 0.23 uses neither. Here a multiplier takes
- the registers of its product, where every bit of it that is used goes to one register and nowhere else, and
- those of its operands, where every bit of both that is no constant 0 comes from one; a register that others read too stays for them.
All of an operand, or of a product, must share clock, enable and reset, the reset synchronous, to 0, and not beside an enable: which of both
wins inside the multiplier is not relied upon. An enable that counts where it is 0 gets an inverter, one for all multipliers. What the netlist computes stays the same, clock for clock: tests/netlist/models.sh, `make netlist`.
Python's standard library alone.
"""
import collections
import json
import re
import sys


def users_of(module):
    """Net -> (cell, port, index) of the inputs that it drives; ports of the module count too."""
    users = collections.defaultdict(list)
    for name, cell in module["cells"].items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for index, bit in enumerate(bits):
                    users[bit].append((name, port, index))
    for name, port in module["ports"].items():
        for index, bit in enumerate(port["bits"]):
            users[bit].append((None, name, index))
    return users


def control(cell):
    """Clock, enable, whether it is inverted, and reset of a register (enable "1": always; reset "0": never), or None where a multiplier
    has no such register."""
    parameters, at = cell["parameters"], cell["connections"]

    def net(port, otherwise):
        return (at.get(port) or [otherwise])[0]

    mux = parameters.get("CEMUX", "1").strip()
    enable, reset = {"1": "1", "CE": net("CE", "1"), "INV": net("CE", "0")}.get(mux), net("LSR", "0")
    if parameters.get("CLKMUX", "CLK").strip() != "CLK" or enable is None or parameters.get("LSRMUX", "LSR").strip() != "LSR" or \
            parameters.get("REGSET", "RESET").strip() != "RESET" or net("M", "0") not in ("0", "x"):
        return None
    if reset != "0" and (enable != "1" or parameters.get("SRMODE", "LSR_OVER_CE").strip() == "ASYNC"):
        return None
    return net("CLK", "0"), enable, mux == "INV", reset


def group_of(module, names):
    """What registers share, or None where they do not."""
    found = {control(module["cells"][name]) for name in names}
    return found.pop() if len(found) == 1 else None


def inverse(module, bit):
    """The net that is the inverse of another."""
    name = f"dsp_enable_{bit}"
    if name not in module["cells"]:
        fresh = 1 + max(b for cell in module["cells"].values() for bits in cell["connections"].values() for b in bits if isinstance(b, int))
        module["cells"][name] = {
            "hide_name": 0, "type": "LUT4", "parameters": {"INIT": "01" * 8}, "attributes": {},
            "port_directions": {"A": "input", "B": "input", "C": "input", "D": "input", "Z": "output"},
            "connections": {"A": [bit], "B": ["0"], "C": ["0"], "D": ["0"], "Z": [fresh]}}
    return module["cells"][name]["connections"]["Z"][0]


def connect(module, cell, register, number, group):
    """Gives a multiplier's register (INPUTA, INPUTB, OUTPUT) its clock, and the enable and reset of that number."""
    clock, enable, inverted, reset = group
    if inverted:
        enable = inverse(module, enable)
    for port, bit in (("CLK0", clock), (f"CE{number}", enable), (f"RST{number}", reset)):
        cell["connections"][port] = [bit]
        cell["port_directions"][port] = "input"
    cell["parameters"].update({f"REG_{register}_CLK": "CLK0", f"REG_{register}_CE": f"CE{number}", f"REG_{register}_RST": f"RST{number}",
                               "RESETMODE": "SYNC"})


def take_product(module, cell, users):
    """The registers behind a multiplier; returns their names."""
    ports = [f"P{i}" for i in range(36) if cell["connections"].get(f"P{i}")]
    behind = {}
    for port in ports:
        readers = users[cell["connections"][port][0]]
        if not readers:
            continue
        name, at, _ = readers[0]
        if len(readers) != 1 or name is None or module["cells"][name]["type"] != "TRELLIS_FF" or at != "DI":
            return []
        behind[port] = name
    group = group_of(module, behind.values()) if behind else None
    if group is None:
        return []
    connect(module, cell, "OUTPUT", 2, group)
    for port, name in behind.items():
        cell["connections"][port] = module["cells"][name]["connections"]["Q"]
    return list(behind.values())


def take_operands(module, cell, drivers):
    """The registers before a multiplier; returns their names."""
    before, groups = {}, {}
    for letter in "AB":
        names = []
        for port in (f"{letter}{i}" for i in range(18)):
            bit = (cell["connections"].get(port) or ["0"])[0]
            if bit in ("0", "x"):
                continue
            name = drivers.get(bit)
            if name is None:
                return []
            before[port] = name
            names.append(name)
        groups[letter] = group_of(module, names) if names else None
        if groups[letter] is None:
            return []
    if groups["A"][0] != groups["B"][0] or cell["connections"].get("CLK0", [groups["A"][0]]) != [groups["A"][0]]:
        return []
    connect(module, cell, "INPUTA", 0, groups["A"])
    connect(module, cell, "INPUTB", 1, groups["B"])
    for port, name in before.items():
        cell["connections"][port] = module["cells"][name]["connections"]["DI"]
    return list(before.values())


def absorb(module):
    """Changes a module of a netlist; returns how many registers it has fewer."""
    cells, users = module["cells"], users_of(module)
    multipliers = [cell for cell in cells.values() if cell["type"] == "MULT18X18D"]
    if any(cell["parameters"].get(f"REG_{register}_CLK", "NONE") != "NONE" for cell in multipliers for register in ("INPUTA", "INPUTB", "OUTPUT")):
        return 0  # done before
    gone = set()
    for cell in multipliers:
        gone.update(take_product(module, cell, users))
    drivers = {cell["connections"]["Q"][0]: name for name, cell in cells.items() if cell["type"] == "TRELLIS_FF" and name not in gone}
    taken = set()
    for cell in multipliers:
        taken.update(take_operands(module, cell, drivers))
    for name in gone:
        del cells[name]
    users = users_of(module)
    for name in sorted(taken):
        if not users[cells[name]["connections"]["Q"][0]]:
            gone.add(name)
            del cells[name]
    return len(gone)


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        netlist = json.load(source)
    count = sum(absorb(module) for module in netlist["modules"].values() if re.search("[^0]", module["attributes"].get("top", "1")))
    with open(sys.argv[2], "w") as target:
        json.dump(netlist, target)
    print(f"{count} registers moved into multipliers")
