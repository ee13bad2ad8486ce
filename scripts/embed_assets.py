#!/usr/bin/python3
"""Turns files into one C source: the table that sim/assets.h declares.

Usage: embed_assets.py --root DIR --output OUT.c FILE...

A file's name in the table is its path below DIR. The output depends on names and contents alone.
"""
import argparse
import os
import sys


def c_array(content):
    lines = []
    for start in range(0, len(content), 24):
        lines.append("    " + ",".join(str(byte) for byte in content[start : start + 24]) + ",")
    lines.append("    0};")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Turns files into one C source.")
    parser.add_argument("--root", required=True, help="folder that names are relative to")
    parser.add_argument("--output", required=True, help="C source to write")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()

    names = sorted((os.path.relpath(path, options.root), path) for path in options.files)
    out = ['#include "sim/assets.h"']
    rows = []
    for number, (name, path) in enumerate(names):
        with open(path, "rb") as file:
            content = file.read()
        out.append(f"static const uint8_t asset_{number}[] = {{\n{c_array(content)}")
        rows.append(f'    {{"{name}", {{asset_{number}, {len(content)}}}}},')
    out.append("const struct asset assets[] = {\n" + "\n".join(rows) + "\n};")
    out.append(f"const size_t asset_count = {len(names)};")
    with open(options.output, "w", encoding="ascii") as file:
        file.write("\n\n".join(out) + "\n")


if __name__ == "__main__":
    sys.exit(main())
