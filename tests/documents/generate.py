#!/usr/bin/env python3
"""Makes the documents of the golden tests with their expected results.

    python3 generate.py                 write every document and NAME.expected.json into invoice/ and receipt/
    python3 generate.py --only NAME     write one
    python3 generate.py --check         write nothing; fail when an expected value is not printed, when sums do not
                                        agree, or when a committed NAME.expected.json differs from what would be written

Companies, numbers and addresses are made up. The same input gives the same bytes: nothing here reads the clock or an
unseeded random number. Packages are installed into the cache folder on first use, see requirements.txt.
"""
import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent


def enter_environment(script=Path(__file__).resolve()):
    """Continues `script` inside a virtual environment with the pinned packages, making it when it is missing."""
    pins = (HERE / "requirements.txt").read_bytes()
    cache = Path(os.environ.get("EXTRACTION_CACHE") or Path.home() / ".cache" / "extraction-operator")
    home = cache / f"documents-{hashlib.sha256(pins).hexdigest()[:12]}"
    python = home / "bin" / "python"
    if Path(sys.prefix) == home:
        return
    if not (home / "complete").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "-r", HERE / "requirements.txt"], check=True)
        (home / "complete").touch()
    os.execv(python, [str(python), str(script), *sys.argv[1:]])


def expected_text(case):
    return json.dumps(case.expected(), ensure_ascii=False, indent=1) + "\n"


def main():
    enter_environment()
    from camera import render
    from cases import CASES
    from check import problems

    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else None
    found = []
    for case in CASES:
        if only and case.name != only:
            continue
        pdf = case.draw()
        found += [f"{case.name}: {problem}" for problem in problems(case, pdf)]
        folder = HERE / case.kind
        beside = folder / f"{case.name}.expected.json"
        if "--check" in sys.argv:
            if not beside.exists() or beside.read_text() != expected_text(case):
                found.append(f"{case.name}: {beside.name} is not what generate.py would write")
            continue
        folder.mkdir(exist_ok=True)
        file = folder / f"{case.name}.{case.suffix}"
        file.write_bytes(render(pdf, case.suffix, case.look, seed=case.name))
        beside.write_text(expected_text(case))
        print(f"{file.relative_to(HERE)}  {file.stat().st_size:,} bytes")
    sys.exit("\n".join(found) if found else 0)


if __name__ == "__main__":
    main()
