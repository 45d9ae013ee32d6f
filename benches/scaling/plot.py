#!/usr/bin/env python3
"""Writes docs/scaling.md and its plots from what `scaling study` and `scaling sweep` printed.

  plot.py FOLDER_OF_JSON DOCS_FOLDER
"""
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "precis", "svg.fonttype": "none", "font.size": 9})
from matplotlib import pyplot  # noqa: E402

SERVICES = ("ingest", "ocr", "summarize", "notify")
COLOURS = ("#5b7fb4", "#c9a66b", "#1b6e53", "#b8b8b8")
OURS = "the template"


def time(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def cells(row):
    first = f"{time(row['first'][0])} / {time(row['first'][1])}"
    waits = " / ".join(time(wait) for wait in row["waits"])
    return [f"{row['loads']:,}", f"{row['cut_by_scale_in']:,} of {row['stopped']:,}", first, waits, time(row["ocr"][1]),
            f"{1000 * row['dollars'] / max(1, row['documents']):.3f}", f"{row['dollars'] / row['oracle']:.2f}"]


HEAD = ["loads", "jobs cut off, of tasks stopped", "first document, p50 / p95", "a message waits, p95 / p99 / longest",
        "longest wait for ocr", "$ per 1,000 documents", "cost ÷ oracle"]


def by_variant(study):
    """All loads together, each way to scale beside the same oracle: that which serves as well as the template."""
    bound = study["variants"][0]["rows"][-1]["oracle"]
    rows = []
    for variant in study["variants"]:
        row = dict(variant["rows"][-1], oracle=bound)
        rows.append([variant["name"], *cells(row)])
    return table(["way to scale", *HEAD], rows)


def by_shape(rows, name="load"):
    return table([name, *HEAD], [[row["shape"], *cells(row)] for row in rows])


def by_service(row):
    rows = [[name, f"{dollars:.2f}", f"{oracle:.2f}", f"{dollars / oracle:.2f}"] for name, (dollars, oracle) in zip(SERVICES, row["services"])]
    return table(["service", "cost, $", "oracle, $", "cost ÷ oracle"], rows)


def plot_traces(study, path):
    figure, places = pyplot.subplots(2, len(study["traces"]), figsize=(12, 5), sharex="col")
    for column, trace in enumerate(study["traces"]):
        minutes = trace["minutes"]
        start = minutes[0]["minute"]
        hours = [(minute["minute"] - start) / 60 for minute in minutes]
        for at, service in enumerate(SERVICES):
            waiting = [minute["waiting"][at] for minute in minutes]
            running = [minute["running"][at] for minute in minutes]
            places[0][column].plot(hours, waiting, color=COLOURS[at], label=service, linewidth=1)
            places[1][column].step(hours, running, color=COLOURS[at], where="post", linewidth=1)
        places[0][column].set_title(f"{trace['shape']} (seed {trace['seed']})", fontsize=9)
        places[0][column].set_yscale("symlog")
        places[1][column].set_xlabel("hours")
        for axes in places[:, column]:
            axes.spines[["top", "right"]].set_visible(False)
    places[0][0].set_ylabel("messages that wait")
    places[1][0].set_ylabel("tasks that run")
    figure.legend(*places[0][0].get_legend_handles_labels(), ncols=4, fontsize=8, frameon=False, loc="upper center")
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.savefig(path, metadata={"Date": None})


def plot_variants(study, path):
    figure, axes = pyplot.subplots(figsize=(7, 3.6))
    bound = study["variants"][0]["rows"][-1]["oracle"]
    # From right to left each label stands higher, with a line to its point: they are longer than the points are apart.
    from_right = sorted(study["variants"], key=lambda variant: -variant["rows"][-1]["dollars"])
    for number, variant in enumerate(from_right):
        row = variant["rows"][-1]
        colour = "#1b6e53" if variant["name"] == OURS else "#8a8a8a"
        axes.scatter(row["dollars"] / bound, row["waits"][1], color=colour, zorder=3)
        axes.annotate(variant["name"], (row["dollars"] / bound, row["waits"][1]), xytext=(0, 14 + 16 * number),
                      textcoords="offset points", fontsize=8, color=colour, ha="left",
                      arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "relpos": (0, 0)})
    axes.axvline(1.3, color="#c9a66b", linewidth=1, linestyle="--")
    axes.set_yscale("log")
    axes.set_xlabel("cost ÷ that of the oracle that serves as well as the template")
    axes.set_ylabel("p99 of a message's wait, seconds")
    axes.margins(x=0.25, y=0.35)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def swept(cell):
    """One set of values: cost beside its own oracle, and the waits."""
    row = cell["rows"][-1]
    values = ", ".join(f"{value:g}" for value in cell["values"])
    note = "; ".join(cell["broken"]) or ""
    return [values, f"{row['dollars'] / row['oracle']:.2f}", f"{1000 * row['dollars'] / row['documents']:.3f}",
            time(row["first"][1]), time(row["waits"][1]), time(row["waits"][2]), note]


def sweeps(sweep, study):
    parts, seen = [], []
    for cell in sweep["sweep"]:
        names = tuple(cell["names"])
        if names not in seen:
            seen.append(names)
    for names in seen:
        rows = []
        chosen = [float(study["parameters"][name]) for name in names]
        for cell in sweep["sweep"]:
            if tuple(cell["names"]) == names:
                row = swept(cell)
                rows.append([f"**{row[0]}**" if cell["values"] == chosen else row[0], *row[1:]])
        head = [", ".join(names), "cost ÷ oracle", "$ per 1,000", "first, p95", "wait, p99", "longest", "breaks a rule"]
        parts.append(table(head, rows))
    return "\n\n".join(parts)


def main():
    folder, docs = Path(sys.argv[1]), Path(sys.argv[2])
    study = json.loads((folder / "study.json").read_text())
    sweep = json.loads((folder / "sweep.json").read_text())
    plot_traces(study, docs / "scaling.svg")
    plot_variants(study, docs / "scaling-beside.svg")
    ours = study["ours"]
    single, every, shapes = ours[0], ours[-1], ours[:-1]
    bound_of = {row["shape"]: row["waits"][2] for row in shapes}
    numbers = study["parameters"]
    template = (Path(__file__).parent / "page.md").read_text()
    filled = {
        "loads": f"{every['loads']:,}", "documents": f"{every['documents'] / 1e6:,.0f} million", "cut": f"{every['cut_by_scale_in']:,}",
        "stopped": f"{every['stopped']:,}", "spot": f"{every['cut_by_spot']:,}", "untold": f"{every['untold']:,}", "emptied": f"{every['emptied']:,}",
        "gpu_ratio": f"{study['gpu'][-1]['dollars'] / study['gpu'][-1]['oracle']:.2f}",
        "longest": time(every["waits"][2]), "longest_where": max(bound_of, key=bound_of.get),
        "first95": f"{single['first'][1]:.0f} s", "first50": time(single["first"][0]),
        "first_twice": time(study["twice_starts"][0]["first"][1]),
        "gpu95": f"{study['gpu_single'][0]['first'][1]:.0f} s", "gpu50": time(study["gpu_single"][0]["first"][0]),
        "gpu_twice": time(study["gpu_twice_starts"][0]["first"][1]),
        "ratio": f"{every['dollars'] / every['oracle']:.2f}",
        "burst_ratio": f"{ours[1]['dollars'] / ours[1]['oracle']:.2f}", "day_ratio": f"{ours[2]['dollars'] / ours[2]['oracle']:.2f}",
        "not_asked": time(study["not_asked"][0]["first"][2]), "not_asked95": time(study["not_asked"][0]["first"][1]),
        "single_cost": f"{100 * single['dollars'] / single['loads']:.1f}",
        "slow_cut": f"{study['slow'][-1]['cut_by_scale_in']:,}", "slow_loads": f"{study['slow'][-1]['loads']:,}",
        "slow_stopped": f"{study['slow'][-1]['stopped']:,}",
        "unprotected_cut": f"{study['slow_unprotected'][-1]['cut_by_scale_in']:,}",
        "half_ratio": f"{study['half_as_fast'][-1]['dollars'] / study['half_as_fast'][-1]['oracle']:.2f}",
        "half_longest": time(study["half_as_fast"][-1]["waits"][2]),
        "rates": ", ".join(f"{name} {rate:.1f}" for name, rate in zip(SERVICES, study["rates"])),
        "prices": ", ".join(f"{name} {price:.4f}" for name, price in zip(SERVICES, study["dollars_an_hour"])),
        "by_service": by_service(every), "saw_ratio": f"{ours[3]['dollars'] / ours[3]['oracle']:.2f}",
        "heaps_share": f"{100 * sum(row['dollars'] for row in shapes if row['shape'] not in ('a day', 'burst of 100,000')) / every['dollars']:.0f}",
        "by_variant": by_variant(study), "by_shape": by_shape(ours), "gpu_table": by_shape(study["gpu"]),
        "sweeps": sweeps(sweep, study), "sweep_loads": f"{sweep['sweep'][0]['rows'][-1]['loads']:,}",
        "variant_loads": f"{study['variants'][0]['rows'][-1]['loads']:,}",
        "numbers": table(["parameter", "value"], [[f"`{name}`", f"{value}"] for name, value in numbers.items()
                                                  if isinstance(value, (int, float))]),
    }
    page = template
    for name, value in filled.items():
        page = page.replace("{{" + name + "}}", value)
    (docs / "scaling.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
