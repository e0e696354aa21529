"""Fits what a block takes of an ECP5 as a sum of terms of its parameters, and writes coefficients and residuals.

    fit_area.py [--grid area_grid.toml] [--out area.json]

Each entry of the grid names a module, the values of its parameters, and the terms. Every combination is mapped as
`make fpga-report` maps it (its cache is shared); then ordinary least squares for each kind of cell.
Exit codes: 0 written, 2 usage or a bad grid, 3 a tool is missing or failed.
"""
import argparse
import concurrent.futures
import itertools
import json
import os
import re
import shutil
import sys
import tomllib

import numpy

import fpga_report

HERE = os.path.dirname(os.path.abspath(__file__))
CELLS = {"LUT4": "LUT4", "CCU2C": "CCU2C", "DPR16X4": "TRELLIS_DPR16X4", "FF": "TRELLIS_FF", "DP16KD": "DP16KD",
         "MULT18X18D": "MULT18X18D"}


def value_of(term, parameters):
    """A term: 1, a parameter, or a product of parameters."""
    value = 1
    for factor in term.split("*"):
        if factor != "1" and factor not in parameters:
            raise fpga_report.Failure(f"term '{term}': no parameter '{factor}' in its grid", 2)
        value *= parameters.get(factor, 1)
    return value


def read_grid(path):
    try:
        with open(path, "rb") as file:
            fits = tomllib.load(file)["fit"]
        for fit in fits:
            if set(fit) != {"top", "flags", "terms", "grid"}:
                raise fpga_report.Failure(f"{path}: a fit has top, flags, terms and grid", 2)
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise fpga_report.Failure(f"{path}: {error}", 2) from error
    return fits


def points_of(fit):
    names = list(fit["grid"])
    return [dict(zip(names, values)) for values in itertools.product(*fit["grid"].values())]


def solve(fit, points, counts):
    """Coefficients, and at every point what was mapped and how far the formula is off."""
    matrix = numpy.array([[value_of(term, point) for term in fit["terms"]] for point in points], float)
    if numpy.linalg.matrix_rank(matrix) < len(fit["terms"]):
        raise fpga_report.Failure(f"fit of '{fit['top']}': its points do not tell its terms apart", 2)
    result = {"top": fit["top"], "flags": fit["flags"], "coefficients": {}, "residuals": {}, "points": []}
    for name, cell in CELLS.items():
        measured = numpy.array([count[cell] for count in counts], float)
        solution = numpy.linalg.lstsq(matrix, measured, rcond=None)[0]
        off = measured - matrix @ solution
        result["coefficients"][name] = {term: round(float(c), 4) + 0.0 for term, c in zip(fit["terms"], solution)}
        result["residuals"][name] = {"largest": round(float(abs(off).max()), 2),
                                     "root_mean_square": round(float((off ** 2).mean() ** 0.5), 2)}
    for point, count in zip(points, counts):
        result["points"].append({**point, **{name: count[cell] for name, cell in CELLS.items()}})
    return result


def main():
    parser = argparse.ArgumentParser(description="Fits the area of blocks; see hw/synth/README.md.")
    parser.add_argument("--grid", default=os.path.join(HERE, "area_grid.toml"))
    parser.add_argument("--sources", default="hw", help="folder of the SystemVerilog files")
    parser.add_argument("--cache", default="build/fpga/cache")
    parser.add_argument("--out", default=os.path.join(HERE, "area.json"))
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    options = parser.parse_args()
    fits = read_grid(options.grid)
    if shutil.which("yosys") is None:
        raise fpga_report.Failure("cannot find 'yosys' (make deps)", 3)
    tools = {"yosys": fpga_report.version(["yosys", "-V"])}
    os.makedirs(options.cache, exist_ok=True)
    index = fpga_report.source_index(options.sources)
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for fit in fits:
            points = points_of(fit)
            blocks = [{**fpga_report.DEFAULTS, "name": fit["top"], "top": fit["top"], "flags": fit["flags"],
                       "parameters": point} for point in points]
            mapped = pool.map(lambda block: fpga_report.synthesize(block, index, tools, options.cache)[0], blocks)
            result = solve(fit, points, list(mapped))
            results.append(result)
            print(f"{fit['top']}, {len(points)} points:")
            for name, coefficients in result["coefficients"].items():
                formula = " + ".join(f"{c:g} {term}" if term != "1" else f"{c:g}" for term, c in coefficients.items())
                print(f"  {name} = {formula}, off by at most {result['residuals'][name]['largest']:g}", flush=True)
    fpga_report.write(options.out, json.dumps({"yosys": re.sub(r" \(.*", "", tools["yosys"]), "fits": results}, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except fpga_report.Failure as failure:
        print(f"fit-area: {failure}", file=sys.stderr)
        sys.exit(failure.code)
