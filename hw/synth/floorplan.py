"""Gives the multipliers and block RAMs of a whole configuration places on the chip: the attribute BEL, which nextpnr obeys.

    floorplan.py IN.json OUT.json --device LFE5U-85F --rows N --requantizers N

Sites of multipliers and block RAM lie in a few rows of the chip, far apart. nextpnr's static placer spreads logic first and then looks for
free sites: of `mid` the six multipliers of one requantizer came to lie up to 110 tiles from its adders, and everything after them with
them. Here requantizers stand side by side along two rows of multipliers, half of them in each, channel by channel; a memory's block RAM goes
as near as it can to the rows of the arrays, or the requantizers, whose bits it holds: a least-cost assignment of all of them to all sites.
What else there is follows its nets. README.md of this folder has what it gains.
Python's standard library alone. Exit codes: 0 done, 2 usage or a netlist that it does not know.
"""
import argparse
import json
import re
import sys

# First columns of the groups of four sites, of multipliers (MULT18_0, 1, 4, 5 in columns 0, 1, 4, 5) and of block RAM (EBR0 to 3 in columns 0, 2, 4, 6).
COLUMNS = {"LFE5U-85F": [4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114]}
MULTIPLIER_ROWS = {"LFE5U-85F": (34, 58)}     # the two nearest the middle, of three
MEMORY_ROWS = {"LFE5U-85F": (22, 46, 70, 82)}
MULTIPLIERS = 6  # of a requantizer: four of M acc, two of S z


class Unknown(Exception):
    """A netlist that is no whole configuration with the memories that it should have."""


def requantizer_sites(device, requantizers):
    """For each requantizer the sites of its multipliers, and its column: half of them along each of the two rows."""
    half = (requantizers + 1) // 2
    found = []
    for number in range(requantizers):
        y = MULTIPLIER_ROWS[device][number // half]
        sites = [(x + part, f"X{x + part}/Y{y}/MULT18_{part}") for x in COLUMNS[device] for part in (0, 1, 4, 5)]
        if half * MULTIPLIERS > len(sites):
            raise Unknown(f"{requantizers} requantizers have no place in two rows of {len(sites)} multipliers")
        first = round(number % half * (len(sites) - MULTIPLIERS) / max(1, half - 1))
        mine = sites[first:first + MULTIPLIERS]
        found.append(([bel for _, bel in mine], sum(x for x, _ in mine) / MULTIPLIERS))
    return found


def wanted(name, device, columns, rows):
    """Where a block RAM would best be: column, row, and what a tile of distance in either costs."""
    slice_number = int(name.rsplit(".", 1)[1])
    requantizers = len(columns)
    low, middle, high, top = MEMORY_ROWS[device]

    def column(share):  # 0 .. 1 along the channels
        return columns[min(requantizers - 1, int(share * requantizers))]

    lane = re.search(r"u_memory\.g_lane\[(\d+)\]\.(g_two\.rest|mem)", name)
    if lane:  # 32 bits of the weights of all rows, 18 bits a row; 2,048 words of 9 bits and 1,024 of 18
        width = 18 if "rest" in lane[2] else 9
        share = min(1.0, (32 * int(lane[1]) + width * (slice_number + 0.5)) / (18 * rows))
        return column(share), low if share < 0.5 else top, 1.0, 1.0
    if "u_z_memory" in name:  # 16 bits a requantizer in each bank, 18 a block RAM
        return column((18 * slice_number + 9) / (16 * requantizers)), middle, 2.0, 2.0
    if "u_correct_memory" in name:  # 24 bits a requantizer, 36 a block RAM
        return column((36 * slice_number + 18) / (24 * requantizers)), middle, 1.0, 1.0
    if "u_table_memory" in name:  # 9 bits of an entry, which all requantizers read: what is stacked lies side by side
        return 16 + 11 * (slice_number % 9), high, 0.5, 0.3
    bank = re.search(r"u_plane_memory\.g_bank\[(\d+)\]", name)
    if bank:
        return 40 + 4 * int(bank[1]), middle - 6, 0.8, 0.8
    return 90, low, 0.5, 0.5  # descriptors, and what is new


def assign(costs):
    """The assignment of rows to different columns of least cost (Hungarian method, shortest augmenting paths)."""
    count, sites = len(costs), len(costs[0])
    row_price, site_price, owner, way = [0.0] * (count + 1), [0.0] * (sites + 1), [0] * (sites + 1), [0] * (sites + 1)
    for row in range(1, count + 1):
        owner[0], site = row, 0
        least, used = [float("inf")] * (sites + 1), [False] * (sites + 1)
        while owner[site]:
            used[site] = True
            here, delta, following = owner[site], float("inf"), 0
            for other in range(1, sites + 1):
                if used[other]:
                    continue
                reduced = costs[here - 1][other - 1] - row_price[here] - site_price[other]
                if reduced < least[other]:
                    least[other], way[other] = reduced, site
                if least[other] < delta:
                    delta, following = least[other], other
            for other in range(sites + 1):
                if used[other]:
                    row_price[owner[other]] += delta
                    site_price[other] -= delta
                else:
                    least[other] -= delta
            site = following
        while site:
            owner[site] = owner[way[site]]
            site = way[site]
    found = [0] * count
    for site in range(1, sites + 1):
        if owner[site]:
            found[owner[site] - 1] = site - 1
    return found


def plan(module, device, rows, requantizers):
    """Sets BEL of multipliers and block RAMs in a module of a netlist; returns how many of each."""
    if device not in COLUMNS:
        raise Unknown(f"no sites are known of '{device}', but of {', '.join(COLUMNS)}")
    cells = module["cells"]
    columns, placed = [], 0
    for number, (sites, column) in enumerate(requantizer_sites(device, requantizers)):
        columns.append(column)
        mine = sorted(name for name, cell in cells.items() if cell["type"] == "MULT18X18D" and f"g_requantizer[{number}]." in name)
        if len(mine) > MULTIPLIERS or not mine:
            raise Unknown(f"requantizer {number} has {len(mine)} multipliers, not 1 to {MULTIPLIERS}")
        for name, site in zip(mine, sites):
            cells[name]["attributes"]["BEL"] = site
        placed += len(mine)
    memories = [name for name, cell in cells.items() if cell["type"] == "DP16KD"]
    sites = [(x + 2 * part, y, f"X{x + 2 * part}/Y{y}/EBR{part}") for y in MEMORY_ROWS[device] for x in COLUMNS[device] for part in range(4)]
    if len(memories) > len(sites):
        raise Unknown(f"{len(memories)} block RAMs, and {len(sites)} sites")
    costs = []
    for name in memories:
        if not re.search(r"\.\d+\.\d+$", name):
            raise Unknown(f"block RAM '{name}' has no number")
        at_x, at_y, by_x, by_y = wanted(name, device, columns, rows)
        costs.append([by_x * abs(x - at_x) + by_y * abs(y - at_y) for x, y, _ in sites])
    for name, site in zip(memories, assign(costs) if memories else []):
        cells[name]["attributes"]["BEL"] = sites[site][2]
    return placed, len(memories)


def main():
    parser = argparse.ArgumentParser(description="Places multipliers and block RAM of a mapped configuration; see the head of this file.")
    parser.add_argument("netlist")
    parser.add_argument("out")
    parser.add_argument("--device", default="LFE5U-85F")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--requantizers", type=int, required=True)
    options = parser.parse_args()
    try:
        with open(options.netlist) as file:
            document = json.load(file)
        top = [m for m in document["modules"].values() if int(m["attributes"].get("top", "0"), 2)]
        if len(top) != 1:
            raise Unknown(f"{len(top)} modules are marked as the top one, not 1")
        placed = plan(top[0], options.device, options.rows, options.requantizers)
        with open(options.out, "w") as file:
            json.dump(document, file)
    except (OSError, ValueError, KeyError, Unknown) as error:
        print(f"floorplan: {options.netlist}: {error}", file=sys.stderr)
        return 2
    print(f"{placed[0]} multipliers and {placed[1]} block RAMs placed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
