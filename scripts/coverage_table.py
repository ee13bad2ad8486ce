#!/usr/bin/env python3
"""Prints gcovr's summary as a table per folder and file; exit 1 if a folder is below its bounds.

Usage: coverage_table.py SUMMARY.json
"""
import json
import sys

# Folder -> least coverage of lines and branches, in percent. What sim/ has beside is the machine's: files, sockets, signals.
BOUNDS = {"common": (90, 80), "proto": (90, 80), "node": (90, 80), "client": (90, 80)}
WHAT = ("line", "branch")


def percent(counts):
    return [100 * counts[f"{what}_covered"] / counts[f"{what}_total"] if counts[f"{what}_total"] else 100 for what in WHAT]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        files = json.load(file)["files"]
    below = 0
    for folder in sorted({f["filename"].split("/")[0] for f in files}):
        inside = [f for f in files if f["filename"].startswith(folder + "/")]
        total = {key: sum(f[key] for f in inside) for key in (f"{what}_{part}" for what in WHAT for part in ("covered", "total"))}
        lines, branches = percent(total)
        bounds = BOUNDS.get(folder, (0, 0))
        verdict = "" if lines >= bounds[0] and branches >= bounds[1] else f"  below {bounds[0]} and {bounds[1]}"
        below += verdict != ""
        print(f"{folder + '/':36}{lines:7.1f} % lines{branches:7.1f} % branches{verdict}")
        for f in sorted(inside, key=lambda f: f["filename"]):
            lines, branches = percent(f)
            print(f"  {f['filename']:34}{lines:7.1f} %      {branches:7.1f} %")
    print(f"coverage: {below} folders below their bounds")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
