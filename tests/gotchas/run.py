#!/usr/bin/env python3
"""Proves that the test of each gotcha fails without its handling: `tests/run gotchas [WORD…]`.

Takes the changes of undone.toml (only those whose platform or fact holds one of the words, where words are given) and
builds the tests of the library once, in a copy of the working tree, with all of the changes in place and each behind a
switch of its own. With every switch off each named test must pass: that is the control. Then each change's test runs by
itself with that one switch on, and must fail; one that has not ended after two minutes would stand in a whole run's way
too, and counts as failing. So what fails fails for its one change, also in code that several platforms share.

Ends with 1 where a test passes although its handling is gone, or fails although nothing is. Tests against the real Bluesky
network meet one that is started for this. Standard library only.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "target" / "gotchas" / "tree"
TABLES = ["src/connector/contract/gotchas.rs", "src/connector/contract/gotchas/smaller.rs"]
SECONDS = 120

# What the copy's library has beside its own: the switch, and silence about what the changes leave unused.
HEAD = "#![allow(warnings)]\n"
SWITCH = """
pub(crate) fn undone(number: u32) -> bool {
    static ON: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();
    *ON.get_or_init(|| std::env::var("UPPSIKT_UNDONE").ok()?.parse().ok()) == Some(number)
}
"""


def git_files():
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    return [name for name in told.stdout.decode().split("\0") if name]


def changed(undone):
    """The sources with every change in place, by name; and what cannot be put in place."""
    sources, wrong, switches = {}, [], {}
    for undo in undone:
        place = (undo["file"], undo["stands"], undo["instead"])
        switches.setdefault(place, []).append(f"crate::undone({undo['number']})")
    for (name, stands, instead), switch in switches.items():
        text = sources.get(name) or (ROOT / name).read_text()
        if text.count(stands) != 1 or "UNDONE" not in instead:
            wrong.append(f"{name}: {stands}: does not stand there once, or has no switch")
            continue
        sources[name] = text.replace(stands, instead.replace("UNDONE", f"({' || '.join(switch)})"))
    return sources, wrong


def copy_tree(sources):
    """Copies what git knows, and only what differs: what has not changed is not built again."""
    files = git_files()
    library = "src/lib.rs"
    text = sources.get(library) or (ROOT / library).read_text()
    # An attribute of the whole crate stands after the words about it.
    about, rest = re.match(r"((?:\s*//!.*\n)*)([\s\S]*)", text).groups()
    sources = {**sources, library: about + HEAD + rest + SWITCH}
    for name in files:
        source, target = ROOT / name, COPY / name
        if not source.is_file() or source.is_symlink():
            continue
        content = sources[name].encode() if name in sources else source.read_bytes()
        if target.is_file() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(source.stat().st_mode)
    kept = set(files)
    for path in COPY.rglob("*"):
        if path.is_file() and str(path.relative_to(COPY)) not in kept:
            path.unlink()


def key(undo):
    return f"{undo['platform']}: {undo['fact']}"


def tests():
    """Platform and fact -> file and name of the test, as the tables in the sources have them."""
    found = {}
    for name in TABLES:
        text = (ROOT / name).read_text()
        parts = re.split(r"const ([A-Z]+): &\[Row\] = &\[", text)
        for platform, body in zip(parts[1::2], parts[2::2]):
            body = body.split("\n];")[0]
            for row in re.finditer(r'\(\s*"((?:[^"\\]|\\.)*)",\s*Test\(\s*"([^"]*)",\s*"([^"]*)"', body):
                found[f"{platform.lower()}: {row[1]}"] = (row[2], row[3])
    return found


def build():
    """The binary of the library's tests, in the folder that holds the dependencies already."""
    environment = {"CARGO_TARGET_DIR": str(ROOT / "target"), **os.environ, "CARGO_PROFILE_DEV_DEBUG": "0"}
    command = ["nice", "-n", "10", "cargo", "test", "--lib", "--no-run", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=COPY, env=environment, text=True, stdout=subprocess.PIPE)
    if built.returncode != 0:
        sys.exit("the changes cannot be built")
    for line in built.stdout.splitlines():
        told = json.loads(line)
        if told.get("executable") and told.get("target", {}).get("name") == "uppsikt":
            return told["executable"]
    sys.exit("cargo names no binary")


def full_names(binary):
    told = subprocess.run([binary, "--list", "--format=terse"], cwd=COPY, check=True, text=True, capture_output=True)
    return [line.removesuffix(": test") for line in told.stdout.splitlines() if line.endswith(": test")]


def full_name(names, file, name):
    path = "::".join(pathlib.PurePath(file).with_suffix("").parts).removesuffix("::mod")
    found = [full for full in names if full.startswith(f"{path}::") and full.endswith(f"::{name}")]
    return found[0] if len(found) == 1 else None


def run(binary, name, network, switch=None):
    """Whether the test passes: True, False, or None where it was not run."""
    environment = {word: value for word, value in os.environ.items() if not word.startswith("UPPSIKT_")}
    if switch is not None:
        environment["UPPSIKT_UNDONE"] = str(switch)
    if network:
        environment["UPPSIKT_BLUESKY_CONTROL"] = network
    try:
        ran = subprocess.run(
            ["nice", "-n", "10", binary, "--exact", name], cwd=COPY, env=environment, text=True, timeout=SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired:
        return False
    outcome = re.search(r"test result: \w+\. (\d+) passed; (\d+) failed", ran.stdout)
    if not outcome or int(outcome[1]) + int(outcome[2]) != 1:
        return None
    return outcome[2] == "0"


def start_network():
    """The real Bluesky network, and the address of its control port."""
    network = subprocess.Popen(
        [ROOT / "tests/bluesky/start.sh", "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for line in network.stdout:
        if line.startswith("READY "):
            return network, json.loads(line.removeprefix("READY "))["control"]
    sys.exit("the Bluesky network does not start: has tests/bluesky/setup.sh run?")


def main():
    words = sys.argv[1:]
    undone = tomllib.loads((ROOT / "tests/gotchas/undone.toml").read_text())["undo"]
    for number, undo in enumerate(undone, 1):
        undo["number"] = number
    named = tests()
    # All of them are built, so that choosing some by words builds nothing anew.
    sources, wrong = changed(undone)
    copy_tree(sources)
    binary = build()
    names = full_names(binary)
    wanted = []
    for undo in undone:
        if words and not any(word in key(undo) for word in words):
            continue
        undo["test"] = full_name(names, *named[key(undo)]) if key(undo) in named else None
        if undo["test"]:
            wanted.append(undo)
        else:
            wrong.append(f"{key(undo)}: no row of this name has a test that is there once")
    network, control = None, None
    if any("::real::" in undo["test"] for undo in wanted):
        network, control = start_network()
    try:
        beside = lambda test: control if "::real::" in test else None
        broken = set()
        for test in sorted({undo["test"] for undo in wanted}):
            if run(binary, test, beside(test)) is not True:
                broken.add(test)
                wrong.append(f"control: {test} does not pass although nothing is undone")
                print(wrong[-1], flush=True)
        failed = 0
        for place, undo in enumerate(wanted, 1):
            if undo["test"] in broken:
                continue
            start = time.monotonic()
            passes = run(binary, undo["test"], beside(undo["test"]), undo["number"])
            if passes is False:
                failed += 1
                told = "ok, the test fails"
            else:
                told = "WRONG, the test passes although the handling is gone" if passes else "WRONG, no test was run"
                wrong.append(f"{key(undo)}: {undo['test']}: {told}")
            print(f"{place}/{len(wanted)} {key(undo)}: {told} ({time.monotonic() - start:.0f} s)", flush=True)
    finally:
        if network:
            network.stdin.close()
            network.wait()
    print("\n".join(["", *wrong, f"{failed} of {len(wanted)} tests fail without the handling that they are for"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
