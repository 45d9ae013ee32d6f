#!/usr/bin/env python3
"""Runs `length` on documents of growing size, each in a process of its own; writes the table and the plot.

  plot.py LENGTH_BINARY DOCS_FOLDER [PAGES…]
"""
import json
import math
import subprocess
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "precis", "svg.fonttype": "none", "font.size": 9})
from matplotlib import pyplot  # noqa: E402

PAGES = (10, 30, 60, 100, 200, 300, 500, 750, 1000, 1500, 2000, 2500, 3000)
# From here on the similarity graph is sparse; the fit is over these.
SPARSE = 200
RUNS = 3


def measure(binary, pages):
    rows = [json.loads(subprocess.run([binary, str(pages)], check=True, capture_output=True).stdout) for _ in range(RUNS)]
    return min(rows, key=lambda row: row["seconds"])


def exponent(rows, key):
    points = [(math.log(row["words"]), math.log(row[key])) for row in rows if row["pages"] >= SPARSE]
    x, y = (sum(p[i] for p in points) / len(points) for i in (0, 1))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, b in points)


def plot(rows, path):
    figure, left = pyplot.subplots(figsize=(7, 3.6))
    pages = [row["pages"] for row in rows]
    left.plot(pages, [row["seconds"] for row in rows], "o-", color="#1f5fa8", label="seconds on one core")
    left.set_xlabel("pages of 500 words")
    left.set_ylabel("seconds", color="#1f5fa8")
    right = left.twinx()
    right.plot(pages, [row["peak_mib"] for row in rows], "s--", color="#b3541e", label="peak memory, MiB")
    right.plot(pages, [row["text_mib"] for row in rows], ":", color="#b3541e", label="of which the text itself, MiB")
    right.set_ylabel("MiB", color="#b3541e")
    for axis in (left, right):
        axis.set_ylim(bottom=0)
    lines = left.get_lines() + right.get_lines()
    left.legend(lines, [line.get_label() for line in lines], loc="upper left", frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    binary, docs = sys.argv[1], Path(sys.argv[2])
    rows = [measure(binary, pages) for pages in [int(p) for p in sys.argv[3:]] or PAGES]
    table = ["| pages | words | sentences | words read | seconds | words a second | text, MiB | peak, MiB |", "|---" * 8 + "|"]
    for row in rows:
        cells = (row["pages"], row["words"], row["sentences"], f"{100 * row['words_read'] / row['words']:.0f} %",
                 f"{row['seconds']:.2f}", f"{row['words'] / row['seconds']:,.0f}", row["text_mib"], row["peak_mib"])
        table.append("| " + " | ".join(map(str, cells)) + " |")
    if sum(row["pages"] >= SPARSE for row in rows) > 2:
        fit = f"time grows as words^{exponent(rows, 'seconds'):.2f}, peak memory as words^{exponent(rows, 'peak_mib'):.2f}"
    else:
        fit = "too few sizes for a fit"
    plot(rows, docs / "long-documents.svg")
    page = f"""# Long documents

Written by `benches/length/run.sh`: made text (500 words a page, words as rare as in real text), the whole summarizer
without a model, seconds on one core (best of {RUNS}), each size in a process of its own.

From {SPARSE} pages on {fit}.

![seconds and memory by pages](long-documents.svg)

""" + "\n".join(table) + "\n"
    (docs / "long-documents.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
