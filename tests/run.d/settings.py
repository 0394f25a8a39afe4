#!/usr/bin/env python3
"""Prints the README with its table of settings made anew from the doc comments of the contract.

usage: settings.py README CONTRACT
"""
import re
import sys

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def settings(source):
    module = re.search(r"^pub mod env \{$(.*?)^\}$", source, re.MULTILINE | re.DOTALL).group(1)
    comment = []
    for line in map(str.strip, module.splitlines()):
        if line.startswith("///"):
            comment.append(line[3:].strip())
        elif constant := re.match(r'pub const \w+: &str = "(\w+)";', line):
            yield constant.group(1), " ".join(comment)
            comment = []


def main():
    readme_path, contract_path = sys.argv[1:]
    with open(readme_path, encoding="utf-8") as file:
        readme = file.read()
    with open(contract_path, encoding="utf-8") as file:
        rows = [f"| `{name}` | {meaning.replace('|', chr(92) + '|')} |" for name, meaning in settings(file.read())]
    if not rows or readme.count(BEGIN) != 1 or readme.count(END) != 1:
        sys.exit("the contract has no settings, or the README no place for them")
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    print(before + "\n".join([BEGIN, "| variable | meaning |", "|---|---|", *rows, END]) + after, end="")


main()
