#!/usr/bin/env python3
"""F-scores of sentence ends: ours and pysbd's, kind by kind.

  score.py SEGMENT_BINARY ROWS.jsonl…

A row: {"kind", "lang", "between", "sentences"}; the text is the sentences with `between` between them. Counted are
the ends inside a text (its last one is given away), by the letters before them. pysbd is asked in the row's
language where it knows it, else in English.
"""
import collections
import json
import subprocess
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore", category=SyntaxWarning)
import pysbd  # noqa: E402


def ends(sentences):
    at, out = 0, set()
    for sentence in sentences:
        at += sum(not c.isspace() for c in sentence)
        out.add(at)
    out.discard(at)
    return out


def ours(binary, texts):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    run = subprocess.run([binary], input=lines, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def theirs(rows, texts):
    known = pysbd.languages.LANGUAGE_CODES
    by_language = {}
    for row, text in zip(rows, texts):
        language = row["lang"] if row["lang"] in known else "en"
        segmenter = by_language.setdefault(language, pysbd.Segmenter(language=language, clean=False))
        yield [s for s in segmenter.segment(text) if s.strip()]


def f_score(right, found, true):
    return 2 * right / (found + true) if found + true else 1.0


def main():
    binary, files = sys.argv[1], sys.argv[2:]
    print("| texts | kind | sentences | ours F | pysbd F |\n|---|---|---|---|---|")
    for file in files:
        rows = [json.loads(line) for line in Path(file).open()]
        texts = [row["between"].join(row["sentences"]) for row in rows]
        systems = {"ours": ours(binary, texts), "pysbd": list(theirs(rows, texts))}
        sums = collections.defaultdict(lambda: [0, 0, 0])
        for name, got in systems.items():
            for row, sentences in zip(rows, got):
                a, b = ends(sentences), ends(row["sentences"])
                for kind in (row["kind"], "all"):
                    for at, count in enumerate((len(a & b), len(a), len(b))):
                        sums[name, kind][at] += count
        for kind in sorted({row["kind"] for row in rows}) + ["all"]:
            count = sum(len(row["sentences"]) for row in rows if kind in (row["kind"], "all"))
            scores = [f_score(*sums[name, kind]) for name in systems]
            print(f"| {Path(file).stem} | {kind} | {count} | " + " | ".join(f"{s:.3f}" for s in scores) + " |")


if __name__ == "__main__":
    main()
