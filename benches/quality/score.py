#!/usr/bin/env python3
"""Scores ours, lead, LexRank and TextRank (sumy) on eval/*.jsonl and the facts found in office/; prints one table.

  score.py SHARED QUALITY_BINARY OUT_FOLDER

ROUGE F1 with stemming at 90 words, whole sentences, every system under the same budget and the same
sentence splitting for the baselines. avg = mean of R1, R2, RL.
"""
import json
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rouge_score import rouge_scorer
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.summarizers.text_rank import TextRankSummarizer

BUDGET = 90
OFFICE = (90, 120, 180)
END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9`])")


class Words:
    """sumy's tokenizer without downloads: words are runs of letters."""

    def to_words(self, text):
        return tuple(re.findall(r"[^\W\d_]+", text))

    def to_sentences(self, text):
        return tuple(END.split(text))


def sentences(document):
    out = []
    for block in document.split("\n\n"):
        block = block.strip()
        if block and not block.startswith("#"):
            out += [s for s in END.split(block[2:] if block.startswith("- ") else block) if s.strip()]
    return out


def lead(found):
    return list(range(len(found)))


def ranked(kind):
    def order(found):
        words = Words()
        rows = [Sentence(text, words) for text in found]
        summarizer = kind(Stemmer("english"))
        document = ObjectDocumentModel([Paragraph(rows)])
        if kind is LexRankSummarizer:
            every = [summarizer._to_words_set(row) for row in rows]
            tf, idf = summarizer._compute_tf(every), summarizer._compute_idf(every)
            matrix = summarizer._create_matrix(every, summarizer.threshold, tf, idf)
            scores = summarizer.power_method(matrix, summarizer.epsilon)
        else:
            rated = summarizer.rate_sentences(document)
            scores = [rated[row] for row in document.sentences]
        return sorted(range(len(found)), key=lambda i: -scores[i])

    return order


def choose(found, order):
    left, chosen = BUDGET, []
    for i in order:
        words = len(found[i].split())
        if words <= left:
            chosen.append(i)
            left -= words
        if left < 6:
            break
    return " ".join(found[i] for i in sorted(chosen))


def baseline(job):
    name, document = job
    order = {"lead": lead, "LexRank": ranked(LexRankSummarizer), "TextRank": ranked(TextRankSummarizer)}[name]
    found = [s for s in sentences(document) if 4 <= len(s.split()) <= BUDGET]
    return choose(found, order(found)) if found else ""


def rouge(pair):
    reference, summary = pair
    scores = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True).score(reference, summary)
    return [100 * scores[k].fmeasure for k in ("rouge1", "rouge2", "rougeL")]


def mean(rows):
    return sum(rows) / len(rows)


def eval_sets(shared, binary, out, pool):
    table = {}
    for path in sorted((shared / "eval").glob("*.jsonl")):
        ours = out / path.name
        subprocess.run([binary, "eval", path, ours, str(BUDGET)], check=True)
        rows = [json.loads(line) for line in path.open()]
        got = {r["id"]: r["summary"] for r in map(json.loads, ours.open())}
        systems = {"ours": [got[r["id"]] for r in rows]}
        for name in ("lead", "LexRank", "TextRank"):
            systems[name] = list(pool.map(baseline, [(name, r["document"]) for r in rows], chunksize=4))
        for name, texts in systems.items():
            scores = list(pool.map(rouge, [(r["reference"], t) for r, t in zip(rows, texts)], chunksize=8))
            r1, r2, rl = (mean([s[i] for s in scores]) for i in range(3))
            table[path.stem, name] = ((r1 + r2 + rl) / 3, r1, r2, rl)
    return table


def office(shared, binary, out):
    rows = []
    for words in OFFICE:
        folder = out / f"office-{words}"
        subprocess.run([binary, "office", shared / "office", folder, str(words)], check=True)
        for kind in ("summary", "email"):
            scorer = [sys.executable, shared / "office" / "rank_act.py", "--score", folder / kind]
            last = subprocess.run(scorer, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
            facts, traps = map(int, re.findall(r"\d+", last))
            texts = [path.read_text() for path in (folder / kind).glob("*.txt")]
            length = mean([len(text.split()) for text in texts])
            rows.append((words, kind, facts, traps, length))
    return rows


def main():
    shared, binary, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        table = eval_sets(shared, binary, out, pool)
    sets = sorted({key[0] for key in table})
    names = ("ours", "lead", "LexRank", "TextRank")
    print(f"\nROUGE at {BUDGET} words: avg (R1/R2/RL)")
    print("| | " + " | ".join(sets) + " | mean |")
    print("|---" * (len(sets) + 2) + "|")
    for name in names:
        cells = ["{:.1f} ({:.1f}/{:.1f}/{:.1f})".format(*table[s, name]) for s in sets]
        print(f"| {name} | " + " | ".join(cells) + f" | {mean([table[s, name][0] for s in sets]):.2f} |")
    print("\nOffice documents: facts found of 90 (traps)")
    print("| words | text | facts | traps | mean length |\n|---|---|---|---|---|")
    rows = office(shared, binary, out)
    for words, kind, facts, traps, length in rows:
        print(f"| {words} | {kind} | {facts} | {traps} | {length:.0f} |")
    ours = mean([table[s, "ours"][0] for s in sets])
    above = all(table[s, "ours"][0] > table[s, "LexRank"][0] for s in sets)
    facts = next(f for words, kind, f, _, _ in rows if (words, kind) == (120, "summary"))
    ok = above and ours >= 20.4 and facts >= 31
    print(f"\nbars (above LexRank on every set, mean ≥ 20.4, facts ≥ 31 of 90 at 120 words): {'met' if ok else 'MISSED'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
