"""Facts that a reader must know, and traps, in office documents: ours beside lead, LexRank, recipe C and *act*.

The rankers beside ours are those of the shared folder (`office/rank_act.py`), and so is the way that facts are told.
"""

import json
import re
from pathlib import Path

import numpy as np

import baselines
import intervals

WORDS = (90, 120, 180)
#: An e-mail is what people read, and no longer than this.
EMAIL = 200
PEERS = ("lead", "LexRank", baselines.REFERENCE, "act")


def said(row: dict) -> str:
    return " ".join(row.get("sentences", []))


def whole_email(row: dict) -> list[str]:
    """The words of the e-mail about the document: summary, key facts and their labels, but neither the pages that they
    cite, nor the dashes of points, nor what was read, where it lies and why it came."""
    return re.sub(r"\[pp?\.[^\]]*\]|(?m:^- )", "", row.get("email", "").split("\nRead: ")[0]).split()


def told(words: list[str]) -> str:
    """What a busy reader sees of it: the first 200 words."""
    return " ".join(words[:EMAIL])


def documents(folder: Path) -> list[tuple[str, dict, str]]:
    """Name, facts and text of each document of a folder."""
    found = []
    for facts in sorted(folder.glob("*.facts.json")):
        name = facts.name.removesuffix(".facts.json")
        text = next(path for path in (folder / f"{name}.md", folder / f"{name}.txt") if path.exists())
        found.append((name, json.loads(facts.read_text(encoding="utf-8")), text.read_text(encoding="utf-8")))
    return found


class Office:
    """Texts about the documents of folders, and what is in them."""

    def __init__(self, shared: Path, folders: list[Path]) -> None:
        self.act = baselines.office(shared)
        self.recipe = baselines.recipe(shared)
        self.documents = [document for folder in folders for document in documents(folder)]

    def score(self, texts: dict[str, str]) -> dict:
        """Facts and traps; what was missed, document by document."""
        found, missed, traps = {}, {}, {}
        for name, spec, _ in self.documents:
            text = self.act.norm(texts.get(name, ""))
            lost = [fact["must"] for fact in spec["facts"] if not self.act.hit(fact["patterns"], text)]
            found[name], missed[name] = len(spec["facts"]) - len(lost), lost
            traps[name] = [trap["must_not"] for trap in spec.get("trap", []) if self.act.hit(trap["patterns"], text)]
        return {
            "facts": intervals.total(list(found.values())),
            "of": sum(len(spec["facts"]) for _, spec, _ in self.documents),
            "traps": sum(map(len, traps.values())),
            "words": float(np.mean([len(texts.get(name, "").split()) for name in found])),
            "found": found,
            "missed": missed,
            "fell": {name: fell for name, fell in traps.items() if fell},
        }

    def peer(self, kind: str, words: int) -> dict[str, str]:
        """What another ranker takes under that budget."""
        texts = {}
        for name, _, text in self.documents:
            found = self.act.sentences(text)
            if kind == baselines.REFERENCE:
                found, _, score, cosine, _ = self.recipe.rank(text)
                chosen = [found[at] for at in self.recipe.select(found, score, cosine, words)]
            else:
                score = {"lead": self._lead, "LexRank": self.act.lexrank, "act": self.act.act}[kind](found)
                chosen = self.act.select(found, score, words)
            texts[name] = " ".join(chosen)
        return texts

    @staticmethod
    def _lead(found: list[str]) -> np.ndarray:
        return -np.arange(len(found), dtype=float)

    def measure(self, rows: list[dict]) -> dict:
        """Every text at every length; the e-mail at the length that a summary has unless asked otherwise."""
        scores = {}
        for words in WORDS:
            ours = {row["id"]: row for row in rows if row["budget"] == words}
            scores[f"ours {words}"] = self.score({name: said(row) for name, row in ours.items()})
            for kind in PEERS:
                scores[f"{kind} {words}"] = self.score(self.peer(kind, words))
            if words == 120:
                mails = {name: whole_email(row) for name, row in ours.items()}
                scores["e-mail"] = self.score({name: told(words) for name, words in mails.items()})
                lengths = [len(words) for words in mails.values()]
                scores["e-mail"] |= {
                    "words": float(np.mean(lengths)),
                    "long": sum(length > EMAIL for length in lengths),
                    "longest": max(lengths),
                }
        return scores


def difference(scores: dict, ours: str, theirs: str) -> list[float]:
    """Paired by document, as a sum with its interval."""
    mine, other = scores[ours]["found"], scores[theirs]["found"]
    return intervals.total([mine[name] - other[name] for name in mine])


def missed(scores: dict) -> str:
    """For whoever mends it: what is not told, in which document."""
    lines = []
    for text in ("ours 120", "e-mail"):
        for name, lost in scores[text]["missed"].items():
            lines += [f"{text:9} {name}: {fact}" for fact in lost]
            lines += [f"{text:9} {name}: TRAP {trap}" for trap in scores[text]["fell"].get(name, [])]
    return "\n".join(lines) + "\n"
