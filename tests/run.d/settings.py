#!/usr/bin/env python3
"""Prints the README with its table of settings made anew from the doc comments of the contract and the
defaults of the options that read them.

usage: settings.py README CONTRACT OPTIONS...
"""
import math
import re
import sys

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def settings(source):
    module = re.search(r"^pub mod env \{$(.*?)^\}$", source, re.MULTILINE | re.DOTALL).group(1)
    comment = []
    for line in map(str.strip, module.splitlines()):
        if line.startswith("///"):
            comment.append(line[3:].strip())
        elif constant := re.match(r'pub const (\w+): &str = "(\w+)";', line):
            yield *constant.groups(), " ".join(comment)
            comment = []


def defaults(sources):
    """By the setting's constant; two subcommands may differ."""
    found = {}
    for constant, value in re.findall(r"env = env::(\w+),(?: value_delimiter = ',',)? default_value(?:_t)? = (\"[^\"]*\"|[^,)]+)", sources):
        if re.fullmatch(r"[\d_ *]+", value):
            value = str(math.prod(int(factor) for factor in value.split("*")))
        found.setdefault(constant, []).append(f"`{value.strip(chr(34))}`".replace("``", ""))
    return {constant: " or ".join(dict.fromkeys(values)) for constant, values in found.items()}


def main():
    readme_path, contract_path, *option_paths = sys.argv[1:]
    known = defaults("".join(open(path, encoding="utf-8").read() for path in option_paths))
    with open(readme_path, encoding="utf-8") as file:
        readme = file.read()
    with open(contract_path, encoding="utf-8") as file:
        rows = [
            f"| `{name}` | {meaning.replace('|', chr(92) + '|')} | {known.get(constant, '')} |"
            for constant, name, meaning in settings(file.read())
        ]
    if not rows or readme.count(BEGIN) != 1 or readme.count(END) != 1:
        sys.exit("the contract has no settings, or the README no place for them")
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    print(before + "\n".join([BEGIN, "| variable | meaning | default |", "|---|---|---|", *rows, END]) + after, end="")


main()
