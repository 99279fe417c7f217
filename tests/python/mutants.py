"""The mutants: small mistakes that somebody could make in a model or a macro, written by hand.

Each stands in a list of `tests/mutation`, one list a folder of models:

    [[mutant]]
    in = "stg_pos__returns"                        # a model or a macro
    kind = "window"                                # one of KINDS
    mistake = "the oldest version of a return holds"
    before = "order by load_seq desc"              # stands there exactly once
    after = "order by load_seq asc"
    survives = "why no test sees it"               # only where that is known

A change that no data can tell from the original is no mutant and has no place here.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

LISTS = Path("tests", "mutation")
ROOMS = (Path("models"), Path("macros"))
LAWS = Path("tests", "singular")
KINDS = (
    "aggregate",
    "boundary",
    "case",
    "column",
    "date",
    "distinct",
    "filter",
    "grouping",
    "join",
    "null",
    "sign",
    "text",
    "union",
    "window",
)
LAYERS = (
    "staging",
    "intermediate",
    "core",
    "customers",
    "quality",
    "sales",
    "stock",
    "macros",
)
_WORDS = {"in", "kind", "mistake", "before", "after"}


class ListError(Exception):
    """A list is written wrongly; the message says where."""


@dataclass(frozen=True)
class Mutant:
    """One mistake; `path` is that of the file it is made in, below the project."""

    name: str
    path: Path
    kind: str
    mistake: str
    before: str
    after: str
    survives: str = ""

    @property
    def layer(self) -> str:
        """Return the room of the file: staging, intermediate, a folder of marts, macros."""
        parts = self.path.parts
        if parts[0] == "macros":
            return "macros"
        return parts[2] if parts[1] == "marts" else parts[1]

    def applied(self, text: str) -> str:
        """Return the text with the mistake in it."""
        if text.count(self.before) != 1:
            raise ListError(
                f"{self.name}, {self.mistake}: {self.before!r} stands {text.count(self.before)} "
                "times in the file, not once."
            )
        return text.replace(self.before, self.after)


def read_mutants(root: Path, lists: Path) -> list[Mutant]:
    """Read every list of a folder, and find the file of each mutant."""
    files = {path.stem: path for room in ROOMS for path in sorted((root / room).rglob("*.sql"))}
    found = []
    for path in sorted(lists.glob("*.toml")):
        for entry in tomllib.loads(path.read_text("utf-8"))["mutant"]:
            if not set(entry) - {"survives"} == _WORDS:
                raise ListError(f"{path.name}: {entry} must have {', '.join(sorted(_WORDS))}.")
            name = entry.pop("in")
            if name not in files:
                raise ListError(f"{path.name}: there is no model or macro {name}.")
            mutant = Mutant(name=name, path=files[name].relative_to(root), **entry)
            if mutant.kind not in KINDS or mutant.layer not in LAYERS:
                raise ListError(f"{path.name}: {mutant.kind} in {mutant.layer} is not known.")
            mutant.applied(files[name].read_text("utf-8"))
            found.append(mutant)
    return found


def changed_by(mutant: Mutant, root: Path) -> list[str]:
    """Return what the mutant changes: the model, or all models and tests that call the macro."""
    if mutant.layer != "macros":
        return [mutant.name]
    texts = {
        path: path.read_text("utf-8")
        for room in (*ROOMS, LAWS)
        for path in (root / room).rglob("*.sql")
    }
    calling: set[Path] = set()
    names = {mutant.name}
    while names:
        called = tuple(f"{name}(" for name in names)
        new = {path for path, text in texts.items() if any(c in text for c in called)} - calling
        calling |= new
        names = {path.stem for path in new if "macros" in path.relative_to(root).parts}
    return sorted(p.stem for p in calling if p.relative_to(root).parts[0] != "macros")
