#!/usr/bin/env python3
"""Checks every dependency against deny.toml: its licence, its source, and that it is not banned.

cargo-deny does the same and more, but takes longer to build than all else in this group takes to run.
"""
import json
import re
import subprocess
import sys
import tomllib

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def allowed(expression, licences):
    """Evaluates an SPDX expression; the older form `A/B` means `A OR B`."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    position = 0

    def term():
        nonlocal position
        token = tokens[position]
        position += 1
        if token == "(":
            value = either()
            position += 1
            return value
        if position < len(tokens) and tokens[position] == "WITH":
            token = f"{token} WITH {tokens[position + 1]}"
            position += 2
        return token in licences

    def both():
        nonlocal position
        value = term()
        while position < len(tokens) and tokens[position] == "AND":
            position += 1
            value = term() and value
        return value

    def either():
        nonlocal position
        value = both()
        while position < len(tokens) and tokens[position] == "OR":
            position += 1
            value = both() or value
        return value

    return either()


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments, "--locked"], check=True, capture_output=True, text=True).stdout


def problems(package, rules):
    name = f"{package['name']} {package['version']}"
    licence = package["license"] or ""
    if not licence or not allowed(licence, set(rules["licenses"]["allow"])):
        yield f"{name}: licence {licence or 'not stated'} is not allowed"
    if package["source"] not in (None, CRATES_IO):
        yield f"{name}: source {package['source']} is not allowed"
    if package["name"] in {banned["name"] for banned in rules["bans"]["deny"]}:
        yield f"{name}: is banned"


def main():
    with open("deny.toml", "rb") as file:
        rules = tomllib.load(file)
    packages = {}
    for target in rules["graph"]["targets"]:
        # Metadata lists what some feature could bring in; the tree lists what the features in use do bring in.
        tree = cargo("tree", "--workspace", "--target", target, "--prefix", "none", "--format", "{p}")
        used = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
        metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target))
        packages.update(
            (package["id"], package)
            for package in metadata["packages"]
            if (package["name"], "v" + package["version"]) in used
        )
    found = [problem for package in packages.values() for problem in problems(package, rules)]
    print(*sorted(found), f"{len(packages)} packages, {len(found)} problems", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
