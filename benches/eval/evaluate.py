#!/usr/bin/env python3
"""How good are the summaries? `make eval` runs it; CONTRIBUTING.md says what for.

    benches/eval/run                          all of it; writes docs/evaluation.md, .json and .svg
    benches/eval/run --no-model               without embeddings: seconds, for trying something out
    benches/eval/run --only peps,office       some of the sets (their names, `office`, `hands`, `speed`)
    benches/eval/run --against FILE           what changed since another run's figures (each leaves target/eval/last.json)

The sets are looked for in PRECIS_SHARED, else in ../shared beside the repository: eval/*.jsonl (documents with their
authors' abstracts) and office/ (documents with the facts that a reader must know). Without them it says that it was
skipped.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import baselines
import intervals
import office
import report
import rouge
import shape

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/evaluate"
OUT = ROOT / "target/eval"
#: Office documents of our own.
HANDS = [ROOT / "benches/office/first", ROOT / "benches/office/second"]
BUDGET = 90
#: One document in so many is timed.
TIMED = 8


def arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--no-model", action="store_true", help="summarize without embeddings")
    asked.add_argument("--only", default="", metavar="NAMES", help="sets by name, with commas between them")
    asked.add_argument("--against", type=Path, metavar="FILE", help="compare with these figures, not the last landing's")
    asked.add_argument("--program", type=Path, default=PROGRAM, help="another build of `evaluate`")
    asked.add_argument("--dry", action="store_true", help="print only, write nothing into docs/")
    return asked.parse_args()


def shared() -> Path | None:
    """The folder of the sets; a visible skip without it."""
    folder = Path(os.environ.get("PRECIS_SHARED") or ROOT.parent / "shared")
    if (folder / "eval").is_dir() or (folder / "office").is_dir():
        return folder.resolve()
    print(f"skipped: no evaluation sets in {folder} (PRECIS_SHARED names their folder)")
    return None


class Ours:
    """The program under test."""

    def __init__(self, program: Path, model: bool) -> None:
        self.program, self.model = program, model

    def rows(self, path: Path, *words: int, bare: bool = False, model: bool | None = None) -> list[dict]:
        model = self.model if model is None else model
        options = ["--no-model"] * (not model) + ["--bare"] * bare
        lengths = [part for length in words for part in ("--words", str(length))]
        ran = subprocess.run([self.program, *options, *lengths, path], check=True, stdout=subprocess.PIPE)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def words_per_second(self, path: Path, model: bool) -> float:
        """Words of the documents for each second of processor time, start of the program and reading included."""
        before = processor_seconds()
        rows = self.rows(path, BUDGET, bare=True, model=model)
        return sum(row["words"] for row in rows) / (processor_seconds() - before)


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def abstracts(path: Path, folder: Path, ours: Ours, pool: ProcessPoolExecutor) -> dict:
    """One set: ROUGE of everybody, and the shape of ours."""
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    made = {row["id"]: row for row in ours.rows(path, BUDGET)}
    texts = {"ours": [" ".join(made[row["id"]].get("sentences", [])) for row in rows]}
    for name in baselines.NAMES:
        texts[name] = baselines.summaries(name, path, rows, folder, BUDGET, OUT / "cache", pool)
    rouge.check(rows[0]["reference"], texts["ours"][0])
    wanted = [rouge.Reference(row["reference"]) for row in rows]
    scores = {name: [reference.scores(rouge.tokens(text)) for reference, text in zip(wanted, said, strict=True)]
              for name, said in texts.items()}
    averages = {name: [rouge.mean(each) for each in of] for name, of in scores.items()}
    systems = {}
    for name, of in scores.items():
        systems[name] = {kind: sum(each[at] for each in of) / len(of) for at, kind in enumerate(rouge.KINDS)}
        systems[name]["avg"] = intervals.interval(averages[name])
        systems[name]["words"] = sum(len(text.split()) for text in texts[name]) / len(rows)
    return {
        "documents": len(rows),
        "systems": systems,
        "minus": {name: intervals.interval(intervals.differences(averages["ours"], averages[name]))
                  for name in ("LexRank", baselines.REFERENCE)},
        "shape": shape.of(list(made.values())),
        "averages": {row["id"]: each for row, each in zip(rows, averages["ours"], strict=True)},
    }


def speed(sets: list[Path], folder: Path, ours: Ours) -> dict:
    """Ours with and without embeddings beside LexRank of sumy, on the same documents, in processor time."""
    rows = [json.loads(line) for path in sets for line in path.open(encoding="utf-8")][::TIMED]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as sample:
        for row in rows:
            print(json.dumps(row), file=sample)
        sample.flush()
        path = Path(sample.name)
        made = {"without": ours.words_per_second(path, model=False)}
        if ours.model:
            made["with"] = ours.words_per_second(path, model=True)
    words = sum(len(row["document"].split()) for row in rows)
    start = time.process_time()
    for row in rows:
        baselines.one(("LexRank of sumy", str(folder), row, BUDGET))
    return made | {"sumy": words / (time.process_time() - start), "documents": len(rows)}


def measure(asked: argparse.Namespace, folder: Path) -> dict:
    wanted = set(filter(None, asked.only.split(",")))
    sets = sorted((folder / "eval").glob("*.jsonl"))
    known = {path.stem for path in sets} | {"office", "hands", "speed"}
    if not wanted <= known:
        raise SystemExit(f"eval: no set is called {', '.join(wanted - known)}; there are {', '.join(sorted(known))}")
    ours = Ours(asked.program, not asked.no_model)
    figures = {"budget": BUDGET, "model": ours.model, "sets": {}}
    with ProcessPoolExecutor() as pool:
        for path in sets:
            if not wanted or path.stem in wanted:
                print(f"eval: {path.stem}", file=sys.stderr, flush=True)
                figures["sets"][path.stem] = abstracts(path, folder, ours, pool)
    if (folder / "office").is_dir() and (not wanted or "office" in wanted):
        figures["office"] = office.Office(folder, [folder / "office"]).measure(ours.rows(folder / "office", *office.WORDS))
        (OUT / "missed.txt").write_text(office.missed(figures["office"]), encoding="utf-8")
    # Nobody has looked at these to set a weight; the rankers to compare with are in the shared folder.
    if (folder / "office").is_dir() and (not wanted or "hands" in wanted):
        rows = [row for own in HANDS for row in ours.rows(own, *office.WORDS)]
        figures["hands"] = office.Office(folder, HANDS).measure(rows)
    if sets and (not wanted or "speed" in wanted):
        figures["speed"] = speed(sets, folder, ours)
    return figures


def main() -> int:
    asked = arguments()
    folder = shared()
    if folder is None:
        return 0
    if not asked.program.is_file():
        raise SystemExit(f"eval: {asked.program} is missing: run `make eval`, which builds it")
    OUT.mkdir(parents=True, exist_ok=True)
    before = report.landed(ROOT, asked.against)
    figures = report.stamped(measure(asked, folder), ROOT)
    (OUT / "last.json").write_text(report.as_json(figures), encoding="utf-8")
    print(report.tables(figures))
    print(report.changes(before, figures))
    if not (asked.dry or asked.only or asked.no_model):
        report.land(figures, ROOT / "docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
