"""The figures as tables, beside those of the last landing, and the page that shows them."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import baselines
import intervals
import office
import plot

#: The study's marks for this issue of the summarizer (RANKING.md), as shares so that other sets have them too.
MEAN, FACTS, EMAIL, TRAPS, DANGLING = 22.1, 45 / 90, 63 / 90, 3 / 18, 5.0

PAGE = """# How good the summaries are

Written by `make eval`; commit {commit}, {when}, {machine}. Read the differences, not the figures: they are paired by
document, and an interval that holds 0 says that nothing was shown. [evaluation.json](evaluation.json) has every document's
score, so that the next run can say what changed. What summaries look like: [examples.md](examples.md).

![Scores beside the baselines, and facts found by length](evaluation.svg)

{tables}
## How it is measured

- **Abstracts**: documents whose author wrote an abstract, which was taken out. ROUGE F1 with stemming at {budget} words of whole
  sentences; brackets are 95 % bootstrap intervals over documents. All choose from
  the sentences that the reference recipe (*recipe C*) takes for candidates; *LexRank* is the study's, stronger than sumy's. The oracle adds the sentence that raises the score
  most: it knows the abstract, and nothing that takes whole sentences does much better.
- **Office**: invented documents with facts that the reader must know, decided before the documents were written, and traps: an
  old figure given as the present one. *act* is the study's reference ranker for them. The e-mail is what notify renders, its
  first {email} words; the pages that it cites and the lines about what was read are not counted. The documents *of other
  hands* are our own (benches/office): what was missed in them showed that refusals and causes are facts; these two terms,
  and two weights of the facts' order, were set with a look at all sets of office documents.
- **Shape**: a dangling opening leans on a sentence that is not there ("However," "It", "This" without its noun); a duplicate
  shares most of its words with a sentence before it; the length error is the mean distance from the words asked for (or the
  document's, if it has fewer). A citation is exact when its words stand on the page that it names. The rules that measure
  are not those of the summarizer.
- **Speed**: words of the documents for each second of processor time, the program's start and reading included.
"""


def commit(root: Path) -> str:
    def git(*words: str) -> str:
        ran = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        return ran.stdout.strip()

    changed = git("status", "--porcelain", "--", ".", ":!docs/evaluation.*", ":!docs/examples.md")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" and what was not committed" if changed else "")


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores"


def stamped(figures: dict, root: Path) -> dict:
    """With the commit, the day and the machine; without what only helps whoever mends something."""
    for scores in [*figures.get("office", {}).values(), *figures.get("hands", {}).values()]:
        scores.pop("missed"), scores.pop("fell")
    made = {"commit": commit(root), "when": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine()}
    return {"made": made, **figures}


def rounded(value):
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def as_json(figures: dict) -> str:
    """A line for each set and each office text, so that a difference can be read."""
    def lines(value: dict, indent: str, deep: bool) -> str:
        inner = (f"{indent} {json.dumps(key)}: " + (lines(each, indent + " ", False)
                 if deep and key in ("sets", "office", "hands") and each else json.dumps(each)) for key, each in value.items())
        return "{\n" + ",\n".join(inner) + f"\n{indent}}}"

    return lines(rounded(figures), "", True) + "\n"


def landed(root: Path, against: Path | None) -> dict | None:
    """The figures to compare with: a file's, else those that the last commit has."""
    if against:
        return json.loads(against.read_text(encoding="utf-8"))
    ran = subprocess.run(["git", "show", "HEAD:docs/evaluation.json"], cwd=root, capture_output=True, check=False)
    return json.loads(ran.stdout) if ran.returncode == 0 else None


def bounds(triple: list[float], digits: int = 1, sign: str = "") -> str:
    middle, low, high = triple
    return f"{middle:{sign}.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) + "\n"


def mean_over(sets: dict, value) -> float:
    return sum(map(value, sets.values())) / len(sets)


def abstracts(figures: dict) -> str:
    sets, budget = figures["sets"], figures["budget"]
    head = [f"{budget} words, mean of R1, R2, RL", *(f"{name} ({of['documents']})" for name, of in sets.items()), "mean"]
    rows, parts = [], []
    for name in ("ours", *baselines.NAMES):
        scores = [of["systems"][name] for of in sets.values()]
        average = mean_over(sets, lambda of: of["systems"][name]["avg"][0])
        cells = [bounds(each["avg"]) if name == "ours" else f"{each['avg'][0]:.1f}" for each in scores]
        rows.append([name, *cells, f"{average:.2f}"])
        parts.append([name, *(f"{each['R1']:.1f} / {each['R2']:.1f} / {each['RL']:.1f}" for each in scores),
                      f"{sum(each['words'] for each in scores) / len(scores):.0f}"])
    for name in ("LexRank", baselines.REFERENCE):
        cells = [bounds(of["minus"][name], sign="+") for of in sets.values()]
        average = mean_over(sets, lambda of: of["minus"][name][0])
        rows.append([f"ours − {name}", *cells, f"{average:+.2f}"])
    parts_head = ["R1 / R2 / RL", *sets, "words"]
    return f"## Abstracts\n\n{table(head, rows)}\n{table(parts_head, parts)}"


def offices(scores: dict, title: str) -> str:
    head = ["facts", *(f"{words} words" for words in office.WORDS), "traps", "mean words"]
    rows = []
    for kind in ("ours", *office.PEERS):
        each = [scores[f"{kind} {words}"] for words in office.WORDS]
        cells = [bounds(one["facts"], 0) if kind == "ours" else f"{one['facts'][0]:.0f}" for one in each]
        rows.append([kind, *cells, " / ".join(str(one["traps"]) for one in each),
                     " / ".join(f"{one['words']:.0f}" for one in each)])
    for kind in ("act", "LexRank"):
        each = (office.difference(scores, f"ours {words}", f"{kind} {words}") for words in office.WORDS)
        rows.append([f"ours − {kind}", *(bounds(one, 0, "+") for one in each), "", ""])
    mail, of = scores["e-mail"], scores["e-mail"]["of"]
    return (
        f"## {title}: facts of {of}\n\n{table(head, rows)}\n"
        f"The whole e-mail, {office.EMAIL} words of it at most: **{bounds(mail['facts'], 0)}** facts, {mail['traps']} traps, "
        f"{mail['words']:.0f} words on the mean; {mail['long']} e-mails are longer, the longest has {mail['longest']} words.\n"
    )


def shapes(figures: dict) -> str:
    head = ["", "sentences", "dangling", "duplicates", "length error", "over length", "no summary", "citations exact"]
    rows = []
    for name, of in figures["sets"].items():
        s = of["shape"]
        rows.append([name, str(s["sentences"]), f"{s['dangling']:.1f} %", f"{s['duplicate']:.1f} %",
                     f"{s['length_error']:.1f} %", str(s["over"]), str(s["none"]), f"{s['exact']} of {s['cited']}"])
    return f"## Shape\n\n{table(head, rows)}"


def speeds(speed: dict) -> str:
    names = {"without": "without embeddings", "with": "with embeddings", "sumy": "LexRank of sumy"}
    rows = [[names[key], f"{speed[key]:,.0f}", f"{speed[key] / speed['sumy']:.1f}"] for key in names if key in speed]
    head = [f"{speed['documents']} documents", "words/s of processor time", "times sumy"]
    return f"## Speed\n\n{table(head, rows)}"


def bars(figures: dict) -> str:
    """The study's marks, each met or not."""
    marks = []
    sets = figures["sets"]
    if sets:
        mean = mean_over(sets, lambda of: of["systems"]["ours"]["avg"][0])
        below = [name for name, of in sets.items() if of["minus"]["LexRank"][0] <= 0]
        worst = max(of["shape"]["dangling"] for of in sets.values())
        marks += [(f"mean {mean:.2f}, wanted {MEAN}", mean >= MEAN),
                  (f"sets not above LexRank: {', '.join(below) or 'none'}", not below),
                  (f"dangling at most {worst:.1f} %, wanted {DANGLING:.0f} %", worst <= DANGLING)]
    if scores := figures.get("office"):
        ours, mail = scores["ours 120"], scores["e-mail"]
        documents = len(ours["found"])
        for what, found, share in (("in 120 words", ours, FACTS), ("in the e-mail", mail, EMAIL)):
            facts, wanted = found["facts"][0], share * found["of"]
            marks.append((f"{facts:.0f} facts {what}, wanted {wanted:.0f}", facts >= wanted))
        traps = max(ours["traps"], mail["traps"])
        marks.append((f"{traps} traps, at most {TRAPS * documents:.0f}", traps <= TRAPS * documents))
    return "## The study's marks\n\n" + "".join(f"- {'met' if met else '**missed**'}: {what}\n" for what, met in marks)


def tables(figures: dict) -> str:
    parts = [abstracts(figures), shapes(figures)] if figures["sets"] else []
    parts += [offices(figures["office"], "Office documents")] if "office" in figures else []
    parts += [offices(figures["hands"], "Office documents of other hands")] if "hands" in figures else []
    parts += [speeds(figures["speed"])] if "speed" in figures else []
    return "\n".join([*parts, bars(figures)])


def change(what: str, triple: list[float], digits: int = 2) -> str:
    shown = "" if triple[1] <= 0 <= triple[2] else "  ← shown"
    return f"  {what:24} {bounds(triple, digits, '+')}{shown}"


def changes(before: dict | None, now: dict) -> str:
    """What is better or worse than then, where both were measured."""
    if before is None:
        return "Nothing has landed yet to compare with."
    lines = [f"Changed since {before['made']['commit']} ({before['made']['when']}); 95 % intervals, paired by document:"]
    if before["model"] != now["model"]:
        lines.append(f"  (that was {'with' if before['model'] else 'without'} the model, this is not)")
    strata = []
    for name in sorted(now["sets"].keys() & before["sets"].keys()):
        old, new = before["sets"][name]["averages"], now["sets"][name]["averages"]
        strata.append([new[key] - old[key] for key in sorted(new.keys() & old.keys())])
        lines.append(change(name, intervals.interval(strata[-1])))
        for kind in ("dangling", "duplicate", "length_error"):
            was, is_now = (of["sets"][name]["shape"][kind] for of in (before, now))
            if abs(was - is_now) >= 0.05:
                lines.append(f"  {name:24} {kind.replace('_', ' ')} {was:.1f} % → {is_now:.1f} %")
    lines += [change("mean", intervals.interval(*strata))] if len(strata) > 1 else []
    for kind, text in ((kind, text) for kind in ("office", "hands") for text in now.get(kind, {})):
        old, new = before.get(kind, {}).get(text), now[kind][text]
        if old and text.startswith(("ours", "e-mail")):
            steps = [new["found"][name] - old["found"][name] for name in new["found"].keys() & old["found"].keys()]
            what = f"facts, {text}" if kind == "office" else f"facts of other hands, {text}"
            lines.append(change(what, intervals.total(steps), 0) + f"  traps {old['traps']} → {new['traps']}")
    return "\n".join(lines) + "\n"


def land(figures: dict, docs: Path) -> None:
    """Writes the page, its plot and its figures."""
    page = PAGE.format(**figures["made"], budget=figures["budget"], email=office.EMAIL, tables=tables(figures))
    (docs / "evaluation.md").write_text(page, encoding="utf-8")
    (docs / "evaluation.json").write_text(as_json(figures), encoding="utf-8")
    plot.write(figures, docs / "evaluation.svg")
    print(f"wrote {docs / 'evaluation.md'}, .json and .svg")
