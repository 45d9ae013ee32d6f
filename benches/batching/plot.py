#!/usr/bin/env python3
"""Runs `batching` and writes docs/batching.md and docs/batching.svg.

  plot.py BATCHING_BINARY DOCS_FOLDER [A B C]
"""
import json
import subprocess
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "precis", "svg.fonttype": "none", "font.size": 9})
from matplotlib import pyplot  # noqa: E402

OURS, FIXED, ROUNDS, PACKED = "the planner", "8 as they come, padded", "rounds of 512, sorted, padded", "packed, as they come"
COLOURS = {FIXED: "#b8b8b8", ROUNDS: "#c9a66b", PACKED: "#5b7fb4", OURS: "#1b6e53"}
GROUPS = {"letters": "letters", "quiet": "quiet tenants", "all": "all", "books": "books"}


def time(seconds):
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def find(rows, **wanted):
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def table(rows):
    head = ["load", "batches", "documents/s", *(f"{name}, p50 / p99" for name in GROUPS.values()), "padding"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        waits = (" / ".join(map(time, row[group])) for group in GROUPS)
        cells = (f"{row['load']:g}×", row["policy"], f"{row['rate']:.3g}", *waits, f"{100 * row['padding']:.0f} %")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(workloads, rows, path):
    figure, places = pyplot.subplots(1, 2 * len(workloads), figsize=(12, 3.8))
    for at, workload in enumerate(workloads):
        for axes, group in zip(places[2 * at:], ("letters", "all")):
            mine = find(rows, workload=workload["name"])
            loads = sorted({row["load"] for row in mine})
            for number, policy in enumerate(COLOURS):
                heights = [find(mine, load=load, policy=policy)[0][group][1] for load in loads]
                left = [place + (number - 1.5) * 0.2 for place in range(len(loads))]
                axes.bar(left, heights, 0.2, label=policy, color=COLOURS[policy])
            axes.set_yscale("log")
            axes.set_xticks(range(len(loads)), [f"{load:g}×" for load in loads])
            axes.set_title(f"{workload['name']}: {GROUPS[group]}", fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
    places[0].set_ylabel("p99 of the wait, seconds")
    figure.supxlabel("load, beside what full batches without padding get through", fontsize=9)
    figure.legend(*places[0].get_legend_handles_labels(), ncols=4, fontsize=8, frameon=False, loc="upper center")
    figure.tight_layout(rect=(0, 0, 1, 0.94))
    figure.savefig(path, metadata={"Date": None})


def summary(rows, name):
    """What the figures say, the unfavourable with the rest."""
    lines = []
    for load in sorted({row["load"] for row in rows}):
        ours, fixed, packed = (find(rows, workload=name, load=load, policy=policy)[0] for policy in (OURS, FIXED, PACKED))
        lines.append(
            f"- At {load:g}× capacity: {ours['rate'] / fixed['rate']:.2f} times the documents a second of fixed batches of 8; "
            f"p99 of letters {time(ours['letters'][1])}, beside {time(fixed['letters'][1])} and, packed without fairness, "
            f"{time(packed['letters'][1])}; p99 of books {time(ours['books'][1])}, beside {time(fixed['books'][1])} and "
            f"{time(packed['books'][1])}."
        )
    return "\n".join(lines)


def described(workload, rows):
    fixed = max(row["rate"] for row in find(rows, workload=workload["name"], policy=FIXED))
    each = workload["documents"]
    return (f"{each:,} documents, {workload['letters']:,} of them letters of one page and {workload['books']:,} books of "
            f"more than 100; {workload['pages'] / each:.1f} pages, {workload['sequences'] / each:.0f} sequences and "
            f"{workload['tokens'] / each:,.0f} tokens a document; capacity {workload['capacity']:.3g} documents/s, of which fixed batches of 8 get "
            f"through {100 * fixed / workload['capacity']:.0f} %.")


def main():
    binary, docs = sys.argv[1], Path(sys.argv[2])
    run = json.loads(subprocess.run([binary, *sys.argv[3:]], check=True, capture_output=True).stdout)
    workloads, rows, (a, b, c) = run["workloads"], run["rows"], run["cost"]
    plot(workloads, rows, docs / "batching.svg")
    parts = []
    for workload in workloads:
        name = workload["name"]
        parts.append(f"## {name[0].upper()}{name[1:]} of a document\n\n{described(workload, rows)}\n\n{summary(rows, name)}\n\n"
                     + table(find(rows, workload=name)))
    page = f"""# Batching

Written by `benches/batching/run.sh`: how long documents wait for the encoder, from their coming to their last vector, by
the way its batches are made. It is a simulation, the same at every run: documents of 1 to 300 pages come as in a Poisson
process (seed {run['seed']}), seven in ten from one busy tenant and the rest from three quiet ones, and a batch takes
{1000 * a:.2f} ms + {1e6 * b:.0f} µs × tokens + {1e9 * c:.0f} ns × sum of squared lengths, padding included. Without arguments these
are the costs of MiniLM in f32 on one core of an AMD EPYC with AVX-512 (about {1 / b:,.0f} tokens/s at
best), measured by `batch_cost` through the model's public interface, the fastest of 15 tries of each of 23 shapes, within 11 %
of every one. `--measure` measures them anew.

Capacity is what full batches without padding get through. Nothing limits the queue here, so at 2× everybody's wait grows
for as long as documents come; the figures are for a trace of this length, and what they say is who waits.

- *{FIXED}*: eight sequences in the order of arrival. Half of what they run is padding, so half the load is too much already.
- *{ROUNDS}*: up to 1,024 padded tokens; a document has its vectors at the end of its round.
- *{PACKED}*: up to {run['budget']:,} of work in the order of arrival. What it lacks beside the planner is fairness.
- *{OURS}*: `summarizer::batch`, a budget of {run['budget']:,} and turns of as much.

![p99 of the wait by load](batching.svg)

""" + "\n\n".join(parts) + """

## What fairness costs

Fairness moves waiting from letters to books and from quiet tenants to the busy one; it makes no work go away, so
documents a second are those of packing alone. Books pay already below capacity: they share the device with each other,
where first come, first served finishes one after the other. Beyond capacity somebody must wait, and it is whoever brings
most: p99 of *all* is then that of the books, or of the busy tenant's documents, and higher than where all wait alike. Where
all documents bring about the same, as in the second table, letters gain nothing over first come, first served, and in an
overload the median loses; the quiet tenants gain.
"""
    (docs / "batching.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
