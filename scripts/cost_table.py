#!/usr/bin/python3
"""Turns the checked-in cost table into a C constant, so that the default costs need no parsing and no memory.

Usage: cost_table.py --output OUT.c COSTS.txt

The format is that of sim/costs.h; a name without a row in common/env.h does not compile.
"""
import argparse
import sys


def main():
    parser = argparse.ArgumentParser(description="Turns the cost table into a C constant.")
    parser.add_argument("--output", required=True, help="C source to write")
    parser.add_argument("table", metavar="COSTS.txt")
    options = parser.parse_args()

    rows = []
    with open(options.table, encoding="ascii") as file:
        for line in file:
            fields = line.split("#")[0].split()
            if fields:
                name, us, units = fields
                rows.append(f"    [COST_{name.upper()}] = {{{int(us)}, {int(units)}}},")
    with open(options.output, "w", encoding="ascii") as file:
        file.write('#include "sim/costs.h"\n#include "sim/costs_builtin.h"\n\n')
        file.write("const struct cost_table costs_builtin = {{\n" + "\n".join(rows) + "\n}};\n")


if __name__ == "__main__":
    sys.exit(main())
