"""The light markup of samples/texts/, as blocks.

    # title    ## heading    !centred line    *bold line    | a | table | row |
    === page   (a new page)  === scan (a new page that is drawn as a picture)

An empty line ends a paragraph. Consecutive lines belong to one paragraph, except in addresses, whose
lines are short and stay apart.
"""

from dataclasses import dataclass
from pathlib import Path

MARKS = {"# ": "title", "## ": "heading", "!": "centre", "*": "bold"}
SHORT = 45


@dataclass
class Block:
    """A piece of a document: `lines` for text, `rows` for a table, neither for a break."""

    kind: str
    lines: list[str]
    rows: list[list[str]]

    def text(self) -> str:
        """What a reader sees of it."""
        return " ".join(self.lines + [cell for row in self.rows for cell in row])


def _paragraph(lines: list[str]) -> list[Block]:
    blocks, plain = [], []
    for line in lines:
        mark = next((m for m in MARKS if line.startswith(m)), None)
        if mark:
            blocks.append(Block(MARKS[mark], [line.removeprefix(mark)], []))
        else:
            plain.append(line)
    if plain:
        # The lines of an address or a signature stand under each other.
        apart = all(len(line) < SHORT for line in plain)
        blocks.append(Block("para", plain if apart else [" ".join(plain)], []))
    return blocks


def read(path: Path) -> list[Block]:
    """The blocks of one text."""
    blocks = []
    for chunk in path.read_text(encoding="utf-8").strip().split("\n\n"):
        lines = chunk.split("\n")
        while lines and lines[0].startswith("=== "):
            blocks.append(Block(lines.pop(0).removeprefix("=== "), [], []))
        if lines and all(line.startswith("|") for line in lines):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            blocks.append(Block("table", [], rows))
        elif lines:
            blocks.extend(_paragraph(lines))
    return blocks


def parts(blocks: list[Block]) -> list[tuple[str, list[Block]]]:
    """The pages that are forced, each as `page` or `scan` with its blocks."""
    found: list[tuple[str, list[Block]]] = [("page", [])]
    for block in blocks:
        if block.kind in ("page", "scan"):
            found.append((block.kind, []))
        else:
            found[-1][1].append(block)
    return found
