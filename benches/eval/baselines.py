"""What ours is held against: lead, LexRank in the study's form, three rankers of sumy, the study's reference recipe, and
the greedy oracle.

All of them choose whole sentences under the same budget, from the same sentences: those that the reference recipe
takes for candidates, so that no baseline loses by quoting a heading or a URL. They cost minutes and never change, so
what they chose is kept under a hash of the set, of this file and of the settings. Ours is never kept.
"""

import hashlib
import importlib.util
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.summarizers.lsa import LsaSummarizer
from sumy.summarizers.text_rank import TextRankSummarizer
from sumy.utils import get_stop_words

import rouge

REFERENCE = "recipe C"
ORACLE = "oracle"
#: A summary with less room left than this takes no further sentence.
LEAST = 6


def load(path: Path):
    """A program of the shared folder as a module: it is their reference, so it is called and not copied."""
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


def recipe(shared: Path):
    return load(shared / "eval" / "recipe_c.py")


def office(shared: Path):
    return load(shared / "office" / "rank_act.py")


class Words:
    """sumy's tokenizer without its downloads: a word is a run of letters."""

    def to_words(self, text):
        runs = "".join(c if c.isalpha() else " " for c in text)
        return tuple(runs.split())


class Rated:
    """Lets a summarizer of sumy give the worth of every sentence instead of the best few."""

    def _get_best_sentences(self, sentences, count, rating, *args, **kwargs):
        rate = rating if callable(rating) else rating.__getitem__
        return [float(rate(sentence, *args, **kwargs)) for sentence in sentences]


class LexRank(Rated, LexRankSummarizer):
    pass


class TextRank(Rated, TextRankSummarizer):
    pass


class Lsa(Rated, LsaSummarizer):
    pass


SUMY = {"LexRank of sumy": LexRank, "TextRank of sumy": TextRank, "LSA of sumy": Lsa}
NAMES = ("lead", "LexRank", *SUMY, REFERENCE, ORACLE)


def sumy_worth(kind: str, found: list[str]) -> list[float]:
    words = Words()
    summarizer = SUMY[kind](Stemmer("english"))
    summarizer.stop_words = get_stop_words("english")
    return summarizer(ObjectDocumentModel([Paragraph([Sentence(text, words) for text in found])]), len(found))


def candidates(c, document: str, budget: int) -> list[str]:
    rows = [text for text, _ in c.parse(document)[2]]
    kept = [text for text in rows if c.candidate(text)]
    return kept if len(kept) >= 5 else [text for text in rows if len(text.split()) <= budget]


def under(budget: int, found: list[str], worth: list[float]) -> list[int]:
    """The best that fit, in document order."""
    left, chosen = budget, []
    for at in sorted(range(len(found)), key=lambda at: -worth[at]):
        words = len(found[at].split())
        if words <= left:
            chosen.append(at)
            left -= words
        if left < LEAST:
            break
    return sorted(chosen)


def oracle(budget: int, found: list[str], reference: str) -> list[int]:
    """Adds the sentence that raises the mean of R1, R2 and RL most, until none does."""
    wanted = rouge.Reference(reference)
    spoken = [rouge.tokens(text) for text in found]
    lengths = [len(text.split()) for text in found]
    chosen, left, best = [], budget, 0.0
    while True:
        tries = []
        for at in range(len(found)):
            if at not in chosen and lengths[at] <= left:
                said = [word for place in sorted([*chosen, at]) for word in spoken[place]]
                tries.append((rouge.mean(wanted.scores(said)), -at))
        if not tries or max(tries)[0] <= best:
            return sorted(chosen)
        best, at = max(tries)
        chosen.append(-at)
        left -= lengths[-at]


def one(job) -> str:
    name, shared, row, budget = job
    c = recipe(Path(shared))
    if name == REFERENCE:
        sentences, _, score, cosine, _ = c.rank(row["document"])
        return " ".join(sentences[at] for at in c.select(sentences, score, cosine, budget))
    found = candidates(c, row["document"], budget)
    if not found:
        return ""
    if name == ORACLE:
        chosen = oracle(budget, found, row["reference"])
    elif name == "lead":
        chosen = under(budget, found, [-at for at in range(len(found))])
    elif name in SUMY:
        chosen = under(budget, found, sumy_worth(name, found))
    else:
        chosen = under(budget, found, list(office(Path(shared)).lexrank(found)))
    return " ".join(found[at] for at in chosen)


def key(name: str, path: Path, shared: Path, budget: int) -> str:
    digest = hashlib.sha256(f"{name} {budget} numpy {np.__version__}".encode())
    here = Path(__file__).parent
    ours = (Path(__file__), here / "rouge.py", here / "requirements.txt")
    for file in (path, *ours, shared / "eval/recipe_c.py", shared / "office/rank_act.py"):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:20]


def summaries(name: str, path: Path, rows: list[dict], shared: Path, budget: int, cache: Path,
              pool: ProcessPoolExecutor) -> list[str]:
    """One for each row; kept ones where set and settings are the same."""
    kept = cache / f"{path.stem}-{name.replace(' ', '-')}-{key(name, path, shared, budget)}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    print(f"eval: {name} on {path.stem}, for the first time …", file=sys.stderr, flush=True)
    made = list(pool.map(one, [(name, str(shared), row, budget) for row in rows], chunksize=2))
    cache.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    part.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
    part.replace(kept)
    return made
