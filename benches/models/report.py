#!/usr/bin/env python3
"""What the parts of `make bench-models` measured, as tables and a drawing, between the marks of docs/benchmarks.md.

  report.py FOLDER DOCS        FOLDER has {encoder,decoder,service}.json and roofline.json; a part that was not measured is left out

A part's file:
  {"title": "Sentences into vectors",
   "text": "what was run on what, in Markdown",
   "made": {"commit": "abc1234", "machine": "AMD EPYC, 2 cores", "when": "2026-01-31"},       # see stamp()
   "groups": [                              # a table and a drawing each; the rows of a group were measured in one run
     {"title": "One core", "unit": "sentences/s", "text": "…",
      "rows": [
        {"name": "ours, f32",
         "ours": true,                      # drawn in our colour
         "rounds": [201.5, 199.8, …],       # a figure for each round; rounds are interleaved: the same place, the same minute
         "beside": ["onnxruntime f32"],     # names of rows of this group; the ratio is the median of the rounds' ratios
         "exact": "cosine 0.99998",         # how near the reference its results are, in a few words
         "work": {"flop": {"f32": 4.5e8, "int8": 0}, "bytes": 0},       # of one unit; its share of the roofline is told
         "cores": 1,                        # which roofline counts
         "note": ""}]}],
   "figures": [{"what": "loading", "figure": "31 ms", "beside": "106 ms before"}],            # what is no rate
   "bars": [{"bar": "f32 beside onnxruntime f32", "figure": 1.31, "wanted": 1.2, "why": "where it is missed: why"}]}
Only "title", "made", "groups" and a row's "name" and "rounds" must be there. A higher figure is better everywhere.

roofline.json, written by the example `roofline` of shared/models: {"1": {"f32": GFLOP/s, "bf16": …, "int8": …,
"read": GB/s}, "2": …} by the number of cores; what the processor has no instruction for is not there. An operation is one
multiplication or one addition, whatever its width.
"""

import json
import os
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

BEGIN, END = "<!-- models: written by make bench-models -->", "<!-- end of models -->"
PARTS = ("encoder", "decoder", "service")


def stamp(root: Path) -> dict:
    """The commit, the machine and the day, for a part's "made"."""
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    changed = git("status", "--porcelain", "--", ".", ":!docs/*")
    commit = (git("rev-parse", "--short", "HEAD") or "unknown") + (" and what was not committed" if changed else "")
    return {"commit": commit, "machine": f"{model}, {os.cpu_count()} cores", "when": f"{datetime.now(UTC):%Y-%m-%d}"}


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def figure(rounds: list[float]) -> str:
    """The median with the lowest and the highest."""
    return f"{number(statistics.median(rounds))} ({number(min(rounds))}–{number(max(rounds))})"


def ratio(row: dict, other: dict) -> float:
    """Of rounds that were measured beside each other."""
    return statistics.median(a / b for a, b in zip(row["rounds"], other["rounds"], strict=True))


def share(row: dict, roofline: dict) -> float | None:
    """The time that the row's work takes at the machine's measured best, as a share of the time that it took."""
    best, work = roofline.get(str(row.get("cores", 1))), row.get("work")
    if not best or not work or any(kind not in best for kind in work.get("flop", {})):
        return None
    products = sum(flop / best[kind] for kind, flop in work.get("flop", {}).items())
    least = max(products, work.get("bytes", 0) / best["read"]) / 1e9
    return statistics.median(row["rounds"]) * least


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) + "\n"


def group_table(group: dict, roofline: dict) -> str:
    rows = {row["name"]: row for row in group["rows"]}
    shares = {name: share(row, roofline) for name, row in rows.items()}
    shown = {"beside": any(row.get("beside") for row in rows.values()),
             "exact": any(row.get("exact") for row in rows.values()),
             "roofline": any(shares.values()), "note": any(row.get("note") for row in rows.values())}
    lines = []
    for name, row in rows.items():
        cells = {"beside": "<br>".join(f"{ratio(row, rows[other]):.2f} × {other}" for other in row.get("beside", [])),
                 "exact": row.get("exact", ""), "note": row.get("note", ""),
                 "roofline": f"{100 * shares[name]:.0f} %" if shares[name] else ""}
        lines.append([f"**{name}**" if row.get("ours") else name, figure(row["rounds"]),
                      *(cells[column] for column in shown if shown[column])])
    head = ["", f"{group['unit']}: median (range)", *(column for column in shown if shown[column])]
    return f"### {group['title']}\n\n" + (f"{group['text']}\n\n" if group.get("text") else "") + table(head, lines)


def bars(part: dict) -> str:
    """What was wanted of it, and whether it is so."""
    lines = []
    for bar in part.get("bars", []):
        met = bar["figure"] >= bar["wanted"]
        why = f" {bar['why']}" if bar.get("why") and not met else ""
        lines.append(f"- {'met' if met else '**missed**'}: {bar['bar']}: {bar['figure']:.4g}, wanted {bar['wanted']:.4g}.{why}\n")
    return "".join(lines)


def rooflines(roofline: dict) -> str:
    kinds = ("f32", "bf16", "int8", "read")
    names = {"f32": "f32 GFLOP/s", "bf16": "bf16 GFLOP/s", "int8": "int8 GOP/s", "read": "memory read GB/s"}
    rows = [[cores, *(number(best[kind]) if kind in best else "–" for kind in kinds)] for cores, best in roofline.items()]
    return ("### What this machine can do\n\nMeasured in the same run by the example `roofline` of `shared/models`: products "
            "that never leave the registers, and a sum over more memory than the caches hold. *Roofline* in the tables below "
            "is the time in which a row's matrix products would be done at these rates (or its weights read, where that "
            "takes longer), as a share of the time that it took: what is left are activations, norms, tokens, and room.\n\n"
            + table(["cores", *(names[kind] for kind in kinds)], rows))


def drawing(parts: list[dict]) -> str:
    """Bars, as SVG by hand: a name, a bar and its figure do not need a library."""
    groups = [group for part in parts for group in part["groups"]]
    height, lines = 8, []
    def text(x: int, y: int, words: str, more: str = "") -> None:
        words = words.replace("&", "&amp;").replace("<", "&lt;")
        lines.append(f'<text x="{x}" y="{y}" {more}>{words}</text>')

    for group in groups:
        text(8, height + 14, f"{group['title']}, {group['unit']}", 'font-weight="bold"')
        height += 22
        most = max(statistics.median(row["rounds"]) for row in group["rows"])
        for row in group["rows"]:
            middle = statistics.median(row["rounds"])
            colour = "#1b6e53" if row.get("ours") else "#b8b8b8"
            width = max(1, round(360 * middle / most))
            text(292, height + 12, row["name"], 'text-anchor="end"')
            lines.append(f'<rect x="300" y="{height + 1}" width="{width}" height="14" fill="{colour}"/>')
            text(306 + width, height + 12, number(middle))
            height += 18
        height += 12
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 730 {height}" width="730" height="{height}" '
            'font-family="sans-serif" font-size="11">')
    return "\n".join([head, f'<rect width="730" height="{height}" fill="#ffffff"/>', *lines, "</svg>"]) + "\n"


def section(parts: list[dict], roofline: dict) -> str:
    texts = ["## Models\n", "Written by `make bench-models`. The rows of a table were measured in one run, in turns round by "
             "round, each pinned to the same cores; ratios are medians over the rounds. A higher figure is better.\n",
             "![The tables' medians](models.svg)\n"]
    if roofline:
        texts.append(rooflines(roofline))
    for part in parts:
        made = part["made"]
        texts.append(f"## Models: {part['title'][0].lower()}{part['title'][1:]}\n")
        texts.append(f"{part.get('text', '')}\n\nMachine: {made['machine']}. Commit: {made['commit']}, {made['when']}.\n".lstrip())
        texts += [group_table(group, roofline) for group in part["groups"]]
        if part.get("figures"):
            texts.append(table(["what", "figure", "beside"],
                               [[each["what"], each["figure"], each.get("beside", "")] for each in part["figures"]]))
        texts.append(bars(part))
    return "\n".join(text for text in texts if text)


def land(text: str, page: Path) -> None:
    """Between the marks, at the page's end where there are none yet; the rest of the page is another's."""
    old = page.read_text(encoding="utf-8")
    before, _, rest = old.partition(BEGIN)
    after = rest.partition(END)[2].lstrip("\n")
    page.write_text(f"{before.rstrip()}\n\n{BEGIN}\n\n{text.rstrip()}\n\n{END}\n{after}", encoding="utf-8")


def main() -> None:
    folder, docs = Path(sys.argv[1]), Path(sys.argv[2])
    read = lambda name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    parts = [read(name) for name in PARTS if (folder / f"{name}.json").is_file()]
    if not parts:
        sys.exit(f"report: nothing was measured: no part's .json in {folder}")
    roofline = read("roofline") if (folder / "roofline.json").is_file() else {}
    text = section(parts, roofline)
    print(text)
    land(text, docs / "benchmarks.md")
    (docs / "models.svg").write_text(drawing(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
