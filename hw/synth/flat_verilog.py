"""Writes a netlist that Yosys has mapped for ECP5 as one flat module that simulators compile fast.

    flat_verilog.py MODULE IN.json OUT.v

IN.json is Yosys' write_json. LUT4, CCU2C and TRELLIS_FF become expressions and registers, by what Yosys' cells_sim.v says of them;
registers that share clock, reset and enable stand in one block, and every net is a single bit, so that no bit seems to depend on
itself. All other cells stay instances, whose models the simulator is given. tests/netlist/models.sh compares the two forms.
"""
import json
import sys

CONSTANT = {"0": "1'b0", "1": "1'b1", "x": "1'bx", "z": "1'bz"}


def net(bit):
    return CONSTANT[bit] if isinstance(bit, str) else f"n{bit}"


def shannon(table, inputs):
    """An expression of a truth table over nets, the first being the lowest bit of its index."""
    if all(value == table[0] for value in table):
        return f"1'b{table[0]}"
    top, rest = inputs[-1], inputs[:-1]
    low, high = table[:len(table) // 2], table[len(table) // 2:]
    if low == high or top == "1'b0":
        return shannon(low, rest)
    if top == "1'b1":
        return shannon(high, rest)
    zeros, ones = all(value == 0 for value in low), all(value == 1 for value in low)
    if all(value == 0 for value in high):
        return f"~{top}" if ones else f"(~{top} & {shannon(low, rest)})"
    if all(value == 1 for value in high):
        return top if zeros else f"({top} | {shannon(low, rest)})"
    if zeros:
        return f"({top} & {shannon(high, rest)})"
    if ones:
        return f"(~{top} | {shannon(high, rest)})"
    if all(a != b for a, b in zip(low, high)):
        return f"({top} ^ {shannon(low, rest)})"
    return f"({top} ? {shannon(high, rest)} : {shannon(low, rest)})"


def table_of(text):
    return [int(digit == "1") for digit in reversed(text)]


class Cell:
    """A cell of the netlist: parameters as text, the nets of its ports."""

    def __init__(self, name, cell):
        self.name, self.type, self.parameters = name, cell["type"], cell["parameters"]
        self.bits = cell["connections"]

    def port(self, name):
        bits = self.bits.get(name, ["0"])
        return net(bits[0])

    def parameter(self, name, default):
        return self.parameters.get(name, default).strip()


def carry(cell, number):
    """Two bits of a carry chain."""
    lines, before = [], cell.port("CIN")
    for half in "01":
        inputs = [cell.port(letter + half) for letter in "ABCD"]
        table = table_of(cell.parameters["INIT" + half])
        injected = cell.parameter("INJECT1_" + half, "YES") == "YES"
        sum_in, generate = ("1'b0", "1'b0") if injected else (before, shannon(table[:4], inputs[:2]))
        after = f"c{number}_{half}"
        lines.append(f"  wire l{number}_{half} = {shannon(table, inputs)};")
        lines.append(f"  wire {after} = l{number}_{half} ? {before} : {generate};")
        if cell.bits.get("S" + half):
            lines.append(f"  assign {cell.port('S' + half)} = l{number}_{half} ^ {sum_in};")
        before = after
    if cell.bits.get("COUT"):
        lines.append(f"  assign {cell.port('COUT')} = {before};")
    return lines


def register_group(cell):
    """What registers share that stand in one block: edge, reset, enable."""
    clock = ("negedge " if cell.parameter("CLKMUX", "CLK") == "INV" else "posedge ") + cell.port("CLK")
    reset, enable = cell.port("LSR"), cell.port("CE")
    if cell.parameter("LSRMUX", "LSR") == "INV":
        reset = f"~{reset}"
    mux = cell.parameter("CEMUX", "1")
    enable = {"1": "1'b1", "0": "1'b0", "INV": f"~{enable}"}.get(mux, enable)
    if cell.parameter("LSRMODE", "LSR") != "LSR":
        sys.exit(f"flat_verilog: cell '{cell.name}': a register that loads at its reset is not modelled")
    return clock, reset, enable, cell.parameter("SRMODE", "LSR_OVER_CE") == "ASYNC"


def registers(group, cells):
    clock, reset, enable, is_async = group
    sensitive = clock
    if is_async and reset != "1'b0":
        sensitive += f" or {'negedge' if reset[0] == '~' else 'posedge'} {reset.lstrip('~')}"
    lines = [f"  always @({sensitive})"]
    if reset != "1'b0":
        lines.append(f"    if ({reset}) begin")
        lines += [f"      {cell.port('Q')} <= {set_value(cell)};" for cell in cells]
        lines.append("    end else")
    lines.append(f"    if ({enable}) begin")
    lines += [f"      {cell.port('Q')} <= {cell.port('DI')};" for cell in cells]
    return lines + ["    end"]


def set_value(cell):
    return "1'b1" if cell.parameter("REGSET", "RESET") == "SET" else "1'b0"


def instance(cell, number):
    parameters = []
    for name, value in cell.parameters.items():
        is_number = value and not value.strip("01xz")
        parameters.append(f".{name}({len(value)}'b{value})" if is_number else f'.{name}("{value.rstrip()}")')
    ports = [f".{name}({{{', '.join(net(bit) for bit in reversed(bits))}}})" for name, bits in cell.bits.items() if bits]
    head = f" #({', '.join(parameters)})" if parameters else ""
    return [f"  {cell.type}{head} u{number} ({', '.join(ports)});"]


def flat(name, module, broken=()):
    """The text of a module. LUT4 of the names `broken` become BROKEN_LUT4, numbered from 1 (models/broken_lut4.sv)."""
    head, body, nets, state, groups = [], [], set(), {}, {}
    for port, description in module["ports"].items():
        bits = description["bits"]
        head.append(f"  {description['direction']} wire [{len(bits) - 1}:0] {port}")
        for i, bit in enumerate(bits):
            if description["direction"] == "output":
                body.append(f"  assign {port}[{i}] = {net(bit)};")
            elif not isinstance(bit, str):
                body.append(f"  assign n{bit} = {port}[{i}];")
                nets.add(bit)
    for number, (cell_name, description) in enumerate(module["cells"].items()):
        cell = Cell(cell_name, description)
        for bits in cell.bits.values():
            nets.update(bit for bit in bits if not isinstance(bit, str))
        if cell_name in broken:
            cell.type = "BROKEN_LUT4"
            cell.parameters = {"INIT": cell.parameters["INIT"], "NUMBER": f"{broken.index(cell_name) + 1:032b}"}
            body += instance(cell, number)
        elif cell.type == "LUT4":
            body.append(f"  assign {cell.port('Z')} = {shannon(table_of(cell.parameters['INIT']), [cell.port(p) for p in 'ABCD'])};")
        elif cell.type == "CCU2C":
            body += carry(cell, number)
        elif cell.type == "TRELLIS_FF":
            groups.setdefault(register_group(cell), []).append(cell)
            state[cell.bits["Q"][0]] = set_value(cell)
        else:
            body += instance(cell, number)
    for group, cells in groups.items():
        body += registers(group, cells)
    declare = [f"  reg n{bit} = {state[bit]};" if bit in state else f"  wire n{bit};" for bit in sorted(nets)]
    return f"module {name} (\n" + ",\n".join(head) + "\n);\n" + "\n".join(declare + body) + "\nendmodule\n"


if __name__ == "__main__":
    with open(sys.argv[2]) as source:
        found = json.load(source)["modules"][sys.argv[1]]
    with open(sys.argv[3], "w") as target:
        target.write(flat(sys.argv[1], found))
