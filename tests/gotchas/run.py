#!/usr/bin/env python3
"""Proves that the test of each gotcha fails without its handling: `tests/run gotchas [WORD…]`.

For each change in undone.toml (only those whose platform or fact holds one of the words, where words are given), in a copy
of the working tree of its own: puts it in place, builds the tests of the library, runs the test that the gotcha's row names,
demands that it fails, and takes the change back. Ends with 1 where a test passes although its handling is gone, or where a
change cannot be built.

The copy and its build lie in target/gotchas; the build of the whole is paid for once. Standard library only.
"""

import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "target" / "gotchas" / "tree"
BUILD = ROOT / "target" / "gotchas" / "build"
TABLES = ["src/connector/contract/gotchas.rs", "src/connector/contract/gotchas/smaller.rs"]


def git_files():
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    return [name for name in told.stdout.decode().split("\0") if name]


def copy_tree():
    """Copies what git knows, and only what differs: what has not changed is not built again."""
    files = git_files()
    for name in files:
        source, target = ROOT / name, COPY / name
        if not source.is_file() or source.is_symlink():
            continue
        content = source.read_bytes()
        if target.is_file() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(source.stat().st_mode)
    kept = set(files)
    for path in COPY.rglob("*"):
        if path.is_file() and str(path.relative_to(COPY)) not in kept:
            path.unlink()


def tests():
    """Fact -> name of the test, by platform, as the tables in the sources have them."""
    found = {}
    platform = None
    for name in TABLES:
        text = (ROOT / name).read_text()
        parts = re.split(r"const ([A-Z]+): &\[Row\] = &\[", text)
        for platform, body in zip(parts[1::2], parts[2::2]):
            body = body.split("\n];")[0]
            for row in re.finditer(r'\(\s*"((?:[^"\\]|\\.)*)",\s*Test\(\s*"[^"]*",\s*"([^"]*)"', body):
                found[(platform.lower(), row.group(1))] = row.group(2)
    return found


def cargo(*arguments):
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILD), "CARGO_INCREMENTAL": "1", "RUSTFLAGS": ""}
    return subprocess.run(
        ["cargo", *arguments], cwd=COPY, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def judge(undo, test):
    """Nothing where the test fails as it should, else what is wrong."""
    path = COPY / undo["file"]
    whole = path.read_text()
    if whole.count(undo["stands"]) != 1:
        return "the text does not stand there once"
    path.write_text(whole.replace(undo["stands"], undo["instead"]))
    try:
        built = cargo("test", "--lib", "--no-run")
        if built.returncode != 0:
            return "cannot be built:\n" + "\n".join(built.stdout.splitlines()[-25:])
        ran = cargo("test", "--lib", "--", test)
        outcome = re.search(r"test result: (\w+)\. (\d+) passed; (\d+) failed", ran.stdout)
        if not outcome or int(outcome[2]) + int(outcome[3]) == 0:
            return f"no test {test} was run"
        if outcome[3] == "0":
            return f"{test} passes although the handling is gone"
        return None
    finally:
        path.write_text(whole)


def main():
    words = sys.argv[1:]
    undone = tomllib.loads((ROOT / "tests/gotchas/undone.toml").read_text())["undo"]
    wanted = [u for u in undone if not words or any(w in f"{u['platform']}: {u['fact']}" for w in words)]
    copy_tree()
    named = tests()
    wrong = []
    for number, undo in enumerate(wanted, 1):
        start = time.monotonic()
        key = (undo["platform"], undo["fact"])
        fault = judge(undo, named[key]) if key in named else "no row of this name has a test"
        told = "ok, the test fails" if fault is None else f"WRONG: {fault}"
        print(f"{number}/{len(wanted)} {key[0]}: {key[1]}: {told} ({time.monotonic() - start:.0f} s)", flush=True)
        if fault:
            wrong.append(key)
    print(f"{len(wanted) - len(wrong)} of {len(wanted)} tests fail without the handling that they are for")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
