"""g++ that compiles a text once per machine: ``python remembering_compiler.py FOLDER SALT ARGUMENTS...``.

What is tested is what our builder makes of compilers, caches and locks, and not again that g++ understands the headers
of NEST, which is most of the time of compiling a small model. The salt stands for everything that is included.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path


def main(folder: str, salt: str, *arguments: str) -> int:
    """Return the exit code of g++, or 0 if the object is there already."""
    command = ["g++", *arguments]
    if "-c" not in arguments:
        return subprocess.run(command, check=False).returncode
    source, output = (Path(arguments[arguments.index(option) + 1]) for option in ("-c", "-o"))
    texts = [source, *sorted(source.parent.glob("*.h"))]
    parts = [salt, *(word for word in arguments if word not in (str(source), str(output)))]
    for text in texts:
        # NESTML writes the time into a comment
        parts += [text.name, *(line for line in text.read_text().splitlines() if "Generated from NESTML" not in line)]
    known = Path(folder, hashlib.sha256("\0".join(parts).encode()).hexdigest() + ".o")
    if known.is_file():
        shutil.copyfile(known, output)
        return 0
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        half = known.with_suffix(f".{os.getpid()}")
        shutil.copyfile(output, half)
        half.rename(known)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
