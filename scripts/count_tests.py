#!/usr/bin/env python3
"""Counts the cases in meson's testlog.json: prints `PASSED FAILED`.

A C program says `NN%: Checks: N, Failures: F, Errors: E`, a Python one `Ran N tests` and `FAILED (failures=F, errors=E)`. A
program that says neither has died: one failure.
Usage: count_tests.py TESTLOG.json
"""
import json
import re
import sys


def count(test):
    text = test.get("stdout", "") + test.get("stderr", "")
    checks = re.findall(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", text, re.M)
    if checks:
        run, bad = (sum(int(c[0]) for c in checks), sum(int(c[1]) + int(c[2]) for c in checks))
    elif ran := re.search(r"^Ran (\d+) tests?", text, re.M):
        run, bad = int(ran[1]), sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", text))
    else:
        run, bad = 1, 1
    if test["result"] != "OK" and bad == 0:  # the cases passed, but the program did not: a leak, a crash at the end
        run, bad = run + 1, 1
    return run - bad, bad


def main():
    with open(sys.argv[1], encoding="utf-8") as log:
        counts = [count(json.loads(line)) for line in log if line.strip()]
    print(sum(c[0] for c in counts), sum(c[1] for c in counts))


if __name__ == "__main__":
    main()
