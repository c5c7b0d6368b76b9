"""The mutants: mutants/*.toml read, checked and applied.

SPDX-License-Identifier: Apache-2.0
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "mutants"
FILE_KEYS = {"first", "mutant"}
KEYS = {"name", "bug", "file", "find", "replace"}
OPTIONAL_KEYS = {"times", "also", "first"}
EDIT_KEYS = {"find", "replace", "times"}


class MutantError(Exception):
    """A row that cannot be used; the message names it."""


@dataclass(frozen=True)
class Edit:
    find: str
    replace: str
    times: int  # how often `find` occurs in the file; all of them are replaced


@dataclass(frozen=True)
class Mutant:
    name: str
    bug: str  # which mistake it stands for
    file: str  # from the root
    edits: tuple[Edit, ...]
    first: tuple[str, ...]  # entries that probably notice it, tried before all others; as in suite.py
    area: str  # the TOML file's name without its ending

    def apply(self, text: str) -> str:
        """The file's text with the bug in it."""
        for edit in self.edits:
            found = text.count(edit.find)
            if found != edit.times:
                raise MutantError(
                    f"{self.name}: {self.file} has the text {edit.find!r} {found} times, expected {edit.times}: "
                    f"the file has changed, update the row in mutants/{self.area}.toml"
                )
            text = text.replace(edit.find, edit.replace)
        return text


def load() -> list[Mutant]:
    mutants = [mutant for path in sorted(FOLDER.glob("*.toml")) for mutant in load_area(path)]
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise MutantError(f"{name}: two mutants have this name")
    return mutants


def load_area(path: Path) -> list[Mutant]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise MutantError(f"mutants/{path.name}: {error}") from error
    require_keys(f"mutants/{path.name}", data, FILE_KEYS, set())
    return [read_mutant(row, path.stem, data["first"]) for row in data["mutant"]]


def read_mutant(row: dict, area: str, first: list[str]) -> Mutant:
    name = row.get("name", f"a row of mutants/{area}.toml without a name")
    require_keys(name, row, KEYS, OPTIONAL_KEYS)
    edits = [{key: row[key] for key in EDIT_KEYS if key in row}, *row.get("also", [])]
    for edit in edits:
        require_keys(name, edit, EDIT_KEYS - {"times"}, EDIT_KEYS)
    return Mutant(
        name, row["bug"], row["file"], tuple(Edit(e["find"], e["replace"], e.get("times", 1)) for e in edits),
        tuple(row.get("first", first)), area,
    )  # fmt: skip


def require_keys(name: str, row: dict, needed: set[str], optional: set[str]) -> None:
    if unknown := set(row) - needed - optional:
        raise MutantError(f"{name}: unknown keys {sorted(unknown)}; there are {sorted(needed | optional)}")
    if missing := needed - set(row):
        raise MutantError(f"{name}: no {', '.join(sorted(missing))}")


def check(mutants: list[Mutant], root: Path) -> None:
    """Raises MutantError with one line for each mutant whose text is not in its file, or that changes nothing."""
    stale = []
    for mutant in mutants:
        path = root / mutant.file
        try:
            text = path.read_text(encoding="utf-8")
            if mutant.apply(text) == text:
                stale.append(f"{mutant.name}: changes nothing")
        except FileNotFoundError:
            stale.append(f"{mutant.name}: no file {mutant.file}")
        except MutantError as error:
            stale.append(str(error))
    if stale:
        raise MutantError("\n".join(stale))


def noticed(root: Path) -> dict[str, list[str]]:
    """By mutant, the entries for the test that noticed it last: of the table in docs/mutation.md."""
    rows = re.findall(r"^\| (\w+) \| .* \| ([\w.]+): ([^\s|]+)[^|]* \|$", (root / "docs/mutation.md").read_text(), re.M)
    return {name: [f"{entry} {test}"] for name, entry, test in rows}
