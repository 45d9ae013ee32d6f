"""ROUGE F1 with stemming, as the package rouge-score gives it, and fast enough to look for an oracle.

The package walks a table of words × words for every pair; here the longest common subsequence is found a row at a
time in the bits of one integer (Hyyrö 2004). `check` holds both to the same figures, and every run calls it.
"""

from collections import Counter

from nltk.stem import porter
from rouge_score import rouge_scorer, tokenize

STEMMER = porter.PorterStemmer()
KINDS = ("R1", "R2", "RL")


def tokens(text: str) -> list[str]:
    """Words as ROUGE counts them: lower case, stemmed from four letters on."""
    return tokenize.tokenize(text, STEMMER)


def f1(hits: int, said: int, wanted: int) -> float:
    return 200.0 * hits / (said + wanted) if said and wanted else 0.0


class Reference:
    """What an author wrote, made ready to hold many summaries against."""

    def __init__(self, text: str) -> None:
        self.words = tokens(text)
        self.ones = Counter(self.words)
        self.twos = Counter(zip(self.words, self.words[1:]))
        self.places: dict[str, int] = {}
        for at, word in enumerate(self.words):
            self.places[word] = self.places.get(word, 0) | 1 << at

    def _common(self, said: list[str]) -> int:
        """Length of the longest common subsequence."""
        every = (1 << len(self.words)) - 1
        row = every
        for word in said:
            met = row & self.places.get(word, 0)
            row = ((row + met) | (row - met)) & every
        return len(self.words) - row.bit_count()

    def scores(self, said: list[str]) -> tuple[float, float, float]:
        """R1, R2 and RL of a summary's tokens, 0–100."""
        pairs = Counter(zip(said, said[1:]))
        ones = (self.ones & Counter(said)).total()
        twos = (self.twos & pairs).total()
        lengths = len(said), len(self.words)
        bigrams = pairs.total(), self.twos.total()
        return f1(ones, *lengths), f1(twos, *bigrams), f1(self._common(said), *lengths)


def mean(scores: tuple[float, ...]) -> float:
    return sum(scores) / len(scores)


def check(reference: str, summary: str) -> None:
    """Fails where ours and the package's figures differ."""
    theirs = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True).score(reference, summary)
    ours = Reference(reference).scores(tokens(summary))
    for kind, mine in zip(theirs, ours):
        if abs(100 * theirs[kind].fmeasure - mine) > 1e-6:
            raise SystemExit(f"eval: {kind} is {100 * theirs[kind].fmeasure} by rouge-score and {mine} by rouge.py")
