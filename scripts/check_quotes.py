#!/usr/bin/env python3
"""Checks that every section of proto/PROTOCOL.md that a comment cites ("PROTOCOL 4.2", "TIM 3": table 8.3) exists.

Prints each dead citation as FILE:LINE; exit 1 if there is any. Usage: check_quotes.py
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = re.compile(r"\bTIM (\d+)")
CITE = re.compile(r"PROTOCOL ((?:\d+(?:\.\d+)*)(?:(?:, | and )\d+(?:\.\d+)*)*)")


def main():
    protocol = (ROOT / "proto/PROTOCOL.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^#+ (\d+(?:\.\d+)*)\.? ", protocol, re.M))
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h", "*.lua"], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split()
    dead = count = 0
    for name in sorted(files):
        if not (ROOT / name).exists():
            continue
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
            cited = [section for cite in CITE.finditer(line) for section in re.findall(r"\d+(?:\.\d+)*", cite[1])]
            for section in cited + ["8." + table[1] for table in TABLE.finditer(line)]:
                count += 1
                if section not in sections:
                    dead += 1
                    print(f"{name}:{number}: PROTOCOL.md has no section {section}", file=sys.stderr)
    print(f"check_quotes: {count} citations, {dead} dead")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
