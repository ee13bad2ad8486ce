#!/usr/bin/env python3
"""Checks what STYLE says about layers: include directions, one door per library, no clock or entropy outside sim/, no
mutable globals.

Prints each breach as FILE:LINE: what and why; exit 1 if there is any. Usage: check_layers.py
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A folder may include itself and these.
MAY_INCLUDE = {
    "common": set(),
    "proto": {"common"},
    "node": {"common", "proto"},
    "client": {"common", "proto"},
    "sim": {"common", "proto", "node", "client"},
    "tests": {"common", "proto", "node", "client", "sim"},
}

# Header -> the only files (or folders, with a slash) that may include it.
DOORS = {
    r"uv\.h": ["sim/loop.c", "sim/workers.c", "sim/terminal.c", "sim/http/"],
    r"sodium.*": ["common/"],
    r"openssl/sha\.h": ["common/pow.c", "common/loki_key.c"],
    r"openssl/(?!sha\.h).*": ["common/aes.c", "sim/http/tls.c"],
    r"cjson/.*|cJSON\.h": ["common/json.c"],
    r"protobuf-c/.*": ["proto/"],
    r"proto/.*\.pb-c\.h": ["proto/"],
    r"omemo/.*": ["client/session.c", "client/session_library."],
    r"lua.*\.h|lauxlib\.h": ["sim/scenario.c", "sim/scenario_"],
    r"llhttp\.h": ["sim/http/"],
    r"sqlite3\.h": ["sim/disk_sqlite.c"],
    r"pthread\.h|stdatomic\.h": ["sim/", "common/aes.c"],
}

# Calls that bring the real world into a run: nowhere but in sim/ (and there only where the loop, progress and reports are).
WORLD_CALLS = re.compile(
    r"\b(time|gettimeofday|clock_gettime|timespec_get|clock|rand|rand_r|srand|random|[dlm]rand48|arc4random\w*|getrandom|getentropy|"
    r"getenv|randombytes\w*|crypto_\w+(?<!_seed)_keypair|crypto_\w+_keygen|RAND_bytes|sleep|usleep|nanosleep)\s*\("
)
# Written once, before there are threads, and the same for all worlds.
MUTABLE_GLOBALS = {"common/aes.c: static struct {"}

# A call through the env or a member is not the C library's.
MEMBER = re.compile(r"(->|\.)\s*$")


def strip_comments(text):
    """Blanks comments and strings, keeping lines."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]) if m[0][0] == "/" else '""', text)


def is_mutable_global(line):
    """Whether an object of static storage begins here that is not const: at the margin, or `static` anywhere."""
    if not re.match(r"\s*(static|extern)\b|[A-Za-z_]", line) or re.match(r"(\s*|__extension__ )(typedef|static\s+inline)\b|(else|return|goto)\b", line):
        return False
    # Up to the value, or the members of a type without a name; a label, or a type alone, is no object.
    declaration = re.split(r"[=;{]", line, maxsplit=1)[0].strip()
    if declaration == line.strip() or re.fullmatch(r"(struct|union|enum)(\s+\w+)?", declaration):
        return False
    if "(" in declaration and not re.match(r"[\w\s*]*\(\s*\*", declaration):
        return False  # a function; but a pointer to one is an object
    return "const" not in declaration.rsplit("*", 1)[-1].split("[")[0].split()


def check(path, text):
    folder = path.split("/")[0]
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not include:
            continue
        target = include[2]
        owner = target.split("/")[0]
        if ".." in target.split("/"):
            yield f"{path}:{number}: {target}: includes name files from the root of the tree"
        if include[1] == '"' and owner in MAY_INCLUDE and owner != folder and owner not in MAY_INCLUDE[folder]:
            yield f"{path}:{number}: {folder}/ may not include {target}: includes point down only"
        for header, doors in DOORS.items():
            if re.fullmatch(header, target) and folder != "tests" and not any(path.startswith(d) for d in doors):
                yield f"{path}:{number}: <{target}> belongs to {', '.join(doors)}: one door per library"
    if folder in ("common", "proto", "node", "client"):
        for number, line in enumerate(strip_comments(text).splitlines(), 1):
            for call in WORLD_CALLS.finditer(line):
                before = line[: call.start()]
                if not MEMBER.search(before) and not re.search(r"\(\s*\*\s*$", before):
                    yield f"{path}:{number}: {call[1]}(): time and chance come through the env only"
    if folder != "tests":
        for number, line in enumerate(strip_comments(text).splitlines(), 1):
            if is_mutable_global(line) and f"{path}: {line.strip()}" not in MUTABLE_GLOBALS:
                yield f"{path}:{number}: a mutable global: two worlds must fit in one process"


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h"], cwd=ROOT, capture_output=True,
                           text=True, check=True).stdout.split()
    files = [f for f in files if f.split("/")[0] in MAY_INCLUDE and (ROOT / f).exists()]
    breaches = [b for f in sorted(files) for b in check(f, (ROOT / f).read_text(encoding="utf-8"))]
    for breach in breaches:
        print(breach, file=sys.stderr)
    print(f"check_layers: {len(files)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
