"""The figures as a picture: every system on every set, and facts found by length."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

import baselines
import office

COLOURS = {"ours": "#1b6e53", "lead": "#b8b8b8", "LexRank": "#5b7fb4", "LexRank of sumy": "#7f9cc8",
           "TextRank of sumy": "#a3badb", "LSA of sumy": "#c9d6ea", "recipe C": "#d08a3e", "oracle": "#222222", "act": "#8c5a9e"}


def scores(axes, sets: dict) -> None:
    names = ("ours", *baselines.NAMES)
    width = 0.8 / len(names)
    for at, name in enumerate(names):
        averages = [of["systems"][name]["avg"] for of in sets.values()]
        places = [place + (at - (len(names) - 1) / 2) * width for place in range(len(sets))]
        middles = [middle for middle, _, _ in averages]
        spread = [[m - low for m, low, _ in averages], [high - m for m, _, high in averages]]
        axes.bar(places, middles, width, yerr=spread, label=name, color=COLOURS[name], error_kw={"lw": 0.7})
    axes.set_xticks(range(len(sets)), [f"{name} ({of['documents']})" for name, of in sets.items()])
    axes.set_ylabel("mean of R1, R2, RL at 90 words")
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])
    axes.legend(ncols=4, fontsize=7, frameon=False, loc="upper left")


def facts(axes, found: dict) -> None:
    for kind in ("ours", *office.PEERS):
        triples = [found[f"{kind} {words}"]["facts"] for words in office.WORDS]
        axes.plot(office.WORDS, [middle for middle, _, _ in triples], "o-", label=kind, color=COLOURS[kind])
        if kind == "ours":
            axes.fill_between(office.WORDS, [t[1] for t in triples], [t[2] for t in triples], alpha=0.15, lw=0,
                              color=COLOURS[kind])
    mail = found["e-mail"]
    axes.plot([mail["words"]], [mail["facts"][0]], "*", ms=12, color=COLOURS["ours"], label="whole e-mail")
    axes.set_ylim(0, mail["of"])
    axes.set_xlabel("words")
    axes.set_ylabel(f"facts found of {mail['of']}")
    axes.legend(fontsize=7, frameon=False)


def write(figures: dict, file: Path) -> None:
    """The same figures give the same bytes."""
    matplotlib.rcParams |= {"svg.hashsalt": "precis", "svg.fonttype": "none", "font.size": 9}
    drawn, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), width_ratios=(3, 2))
    scores(left, figures["sets"])
    facts(right, figures["office"])
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    drawn.tight_layout()
    drawn.savefig(file, metadata={"Date": None})
