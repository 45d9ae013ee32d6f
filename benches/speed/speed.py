#!/usr/bin/env python3
"""Words a CPU-second of ours, of sumy's LexRank, and of MiniLM with LexRank where sentence-transformers is there.

  speed.py SPEED_BINARY MODEL_FOLDER PAGE MOST SET.jsonl…

Every system gets the same documents and gives sentences of 120 words. CPU-seconds are of all threads; loading
programs, models and files is left out on both sides.
"""
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer

END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9`])")


class Words:
    """sumy's tokenizer without downloads: words are runs of letters."""

    def to_words(self, text):
        return tuple(re.findall(r"[^\W\d_]+", text))


def sentences(document):
    blocks = (block.strip() for block in document.split("\n\n"))
    return [s for block in blocks if block and not block.startswith("#") for s in END.split(block) if s.strip()]


def choose(found, scores):
    left, chosen = 120, []
    for i in sorted(range(len(found)), key=lambda i: -scores[i]):
        words = len(found[i].split())
        if words <= left:
            chosen.append(i)
            left -= words
    return [found[i] for i in sorted(chosen)]


def sumy(document):
    found = sentences(document)
    tokenizer = Words()
    rows = [Sentence(text, tokenizer) for text in found]
    summarizer = LexRankSummarizer(Stemmer("english"))
    every = [summarizer._to_words_set(row) for row in ObjectDocumentModel([Paragraph(rows)]).sentences]
    tf, idf = summarizer._compute_tf(every), summarizer._compute_idf(every)
    matrix = summarizer._create_matrix(every, summarizer.threshold, tf, idf)
    return choose(found, summarizer.power_method(matrix, summarizer.epsilon))


def transformers(folder):
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        print(f"skipped: MiniLM with LexRank ({error})", file=sys.stderr)
        return None
    model = SentenceTransformer(folder, device="cpu")

    def run(document):
        found = sentences(document)
        vectors = model.encode(found, normalize_embeddings=True, show_progress_bar=False)
        matrix = numpy.clip(vectors @ vectors.T, 0, None)
        matrix /= matrix.sum(axis=1, keepdims=True)
        rank = numpy.full(len(found), 1 / len(found))
        for _ in range(50):
            rank = 0.15 / len(found) + 0.85 * matrix.T @ rank
        return choose(found, rank)

    return run


def timed(run, documents):
    run(documents[0])
    start = time.process_time()
    for document in documents:
        run(document)
    return time.process_time() - start


def main():
    binary, folder, page, most, sets = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4], sys.argv[5:]
    ours = json.loads(subprocess.run([binary, folder, most, *sets], check=True, capture_output=True).stdout)
    documents = [json.loads(line)["document"] for path in sets for line in list(Path(path).open())[: int(most)]]
    words = ours["words"]
    rate = lambda seconds: words / seconds
    theirs = rate(timed(sumy, documents))
    rows = [("ours, without a model", rate(ours["without"]), theirs), ("sumy, LexRank", theirs, theirs)]
    embedded = transformers(folder)
    beside = rate(timed(embedded, documents)) if embedded else None
    rows.append(("ours, with MiniLM", rate(ours["with"]), theirs))
    if beside:
        rows.append(("sentence-transformers, MiniLM on every sentence with LexRank", beside, theirs))
    table = ["| system | words a CPU-second | beside sumy |", "|---|---|---|"]
    table += [f"| {name} | {figure:,.0f} | {figure / base:.1f} times |" for name, figure, base in rows]
    note = f"With the model ours is {rate(ours['with']) / beside:.1f} times as fast as the last line.\n" if beside else \
        "sentence-transformers was not installed in this run, so there is no line for it.\n"
    text = f"""# Speed

Written by `benches/speed/run.sh`: {len(documents)} documents ({words:,} words) of the evaluation sets, the whole way
from lines to a cited summary of 120 words; CPU-seconds of all threads, both sides in this run.

LexRank compares every sentence with every other, so sumy's rate falls as documents grow: here it has whole documents. `make
eval` measures it on every eighth document and on the reference recipe's candidate sentences alone, start of our program
included ([evaluation.md](evaluation.md)); there it is several times faster, and the ratio that counts is the smaller one.

""" + "\n".join(table) + "\n\n" + note
    page.write_text(text)
    print(text)
    met = rate(ours["without"]) >= 20 * theirs
    print(f"bar (without a model at least 20 times sumy): {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
