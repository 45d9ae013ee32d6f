"""How much the checks catch: every mutant of every template (mutants.py) against every rule, cfn-guard and cfn-lint.

    mutate.py            fails on a survivor that survivors.txt does not explain, on an explanation that is not needed
                         any more, below 95 % caught, and unless docs/infra-mutations.md says what was found
    mutate.py --write    writes that page
    mutate.py --list     prints the survivors that nobody has explained

The rules come first, in this process, since they take milliseconds (of autoscaling.yml those of its simulator, benches/scaling,
which take less); what they let through is given to the rules of cfn-guard all at once, and what those let through to cfn-lint.
"""

import json
import multiprocessing
import os
import re
import sys
from collections import Counter

import guard
from check import findings
from mutants import GONE, together
from named import NAMED
from rules import HERE, REPOSITORY
from templates import Refused, read_all

PAGE = REPOSITORY / "docs/infra-mutations.md"


def put(tree, path, value):
    """Changes one place, and gives a function that changes it back."""
    holder = tree
    for part in path[:-1]:
        holder = holder[part]
    last, former = path[-1], holder[path[-1]]
    if value is GONE:
        order = list(holder.items()) if isinstance(holder, dict) else list(holder)
        del holder[last]

        def undo():
            if isinstance(holder, dict):
                holder.clear()
                holder.update(order)
            else:
                holder[:] = order
    else:
        holder[last] = value

        def undo():
            holder[last] = former
    return undo


def judged(templates):
    """By whom a mutant is caught; empty if by none of the rules."""
    try:
        said = findings(templates, first=True)
    except Refused:
        return "cannot be worked out"
    except Exception as error:  # a policy that is not understood, a number that is none
        return f"cannot be understood ({type(error).__name__})"
    return said[0][0] if said else ""


def explained():
    for line in (HERE / "survivors.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, _, reason = line.partition("  # ")
            yield pattern.strip(), reason


def kind(what):
    return re.sub(r"line \d+ deleted", "line deleted", re.sub(r'".*" misspelt', "name misspelt", what))


def changed(template, change):
    """Makes a mutant, and gives a function that makes the template of it again."""
    undone = [put(template, path, value) for path, value in change]

    def undo():
        for one in reversed(undone):
            one()
    return undo


def by_simulator(templates):
    """The mutants of the scaling that its simulator's rules refuse: thousands in a second, so these come first."""
    template, every = templates["autoscaling.yml"], {}
    for at, (*_, change) in enumerate(together(template, "autoscaling.yml")):
        undo = changed(template, change)
        every[at] = json.dumps(template, default=str)
        undo()
    return guard.refused_by_simulator(every)


def part(which: int, of: int, simulated: set):
    """Every `of`-th mutant: (caught, left)."""
    templates, caught, left = read_all(), [], []
    every = [(file, at, *mutant) for file in templates for at, mutant in enumerate(together(templates[file], file))]
    for file, at, place, what, change in every[which::of]:
        if file == "autoscaling.yml" and at in simulated:
            caught.append((place, kind(what), what, "the simulator"))
            continue
        undo = changed(templates[file], change)
        by = judged(templates)
        if by:
            caught.append((place, kind(what), what, by))
        else:
            left.append((place, kind(what), what, json.dumps(templates[file], default=str)))
        undo()
    return caught, left


def run():
    workers, simulated = os.cpu_count() or 1, by_simulator(read_all())
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        parts = pool.starmap(part, [(which, workers, simulated) for which in range(workers)])
        caught, left = ([mutant for one in parts for mutant in one[at]] for at in (0, 1))
        left, by_guard = guard.sieve(left, "cfn-guard")
        flags = pool.map(guard.refused_by_lint, [mutant[-1] for mutant in left], chunksize=4)
    by_lint = [(*mutant[:3], "cfn-lint") for mutant, refused in zip(left, flags) if refused]
    return caught + by_guard + by_lint, sorted(mutant for mutant, refused in zip(left, flags) if not refused)


def named():
    """The mistakes that must never pass, each made on purpose."""
    for name, file, change in NAMED:
        templates = read_all()
        change(templates[file])
        by = judged(templates)
        yield name, by


def table(caught, left):
    kinds = Counter(what for _, what, *_ in caught)
    alive = Counter(what for _, what, *_ in left)
    total = len(caught) + len(left)
    lines = ["# What the checks of the templates catch", "",
             "Written by `infra/tests/mutate.py --write`; `infra/check` fails when it is not true any more. Each mutant is a template with one",
             "thing deleted, widened, swapped, turned over, or ten times as large or small; everything in the templates that has a meaning for",
             "safety, flow or cost is changed in every such way (`infra/tests/mutants.py`; words for people, tags of names and names inside of",
             "policies have none). Where `autoscaling.yml` says the same of four services, all four are changed at once.", "",
             f"**{len(caught)} of {total} caught, {100 * len(caught) / total:.1f} %.**", "",
             "| change | mutants | caught |", "|---|--:|--:|"]
    for what in sorted(set(kinds) | set(alive)):
        lines.append(f"| {what} | {kinds[what] + alive[what]} | {kinds[what]} |")
    lines += ["", "| template | mutants | caught |", "|---|--:|--:|"]
    files = Counter(place.split("/")[0] for place, *_ in caught + left)
    dead = Counter(place.split("/")[0] for place, *_ in caught)
    lines += [f"| {file} | {files[file]} | {dead[file]} |" for file in sorted(files)]
    lines += ["", "## Mistakes that must never pass", "", "| mistake | caught by |", "|---|---|"]
    lines += [f"| {name} | {by.replace('_', ' ')} |" for name, by in named()]
    lines += ["", "## Who catches", "", "| | mutants |", "|---|--:|"]
    who = Counter("a rule of `infra/tests`" if "cannot" not in by and by not in ("cfn-guard", "cfn-lint", "the simulator") else
                  {"cfn-guard": "`infra/rules`, by cfn-guard", "cfn-lint": "cfn-lint", "the simulator": "the simulator's rules, `benches/scaling`"}.get(by, "it cannot be worked out: a name, a parameter or a policy that is none") for *_, by in caught)
    lines += [f"| {one} | {count} |" for one, count in who.most_common()]
    lines += ["", "## What survives, and why that is well", "", "| where | mutants | why |", "|---|--:|---|"]
    for pattern, reason in explained():
        count = sum(re.search(pattern, f"{place} {what}") is not None for place, what, *_ in left)
        lines.append(f"| `{pattern.replace('|', chr(92) + '|')}` | {count} | {reason} |")
    return "\n".join(lines) + "\n"


def main():
    caught, left = run()
    patterns = [pattern for pattern, _ in explained()]
    unexplained = [(place, what) for place, what, *_ in left if not any(re.search(pattern, f"{place} {what}") for pattern in patterns)]
    needless = [pattern for pattern in patterns if not any(re.search(pattern, f"{place} {what}") for place, what, *_ in left)]
    share = 100 * len(caught) / (len(caught) + len(left))
    print(f"infra: {len(caught)} of {len(caught) + len(left)} mutants caught, {share:.1f} %")
    if "--list" in sys.argv:
        print("\n".join(f"{place} {what}" for place, what in unexplained))
        return 0
    wrong = [f"survives, and nobody said why: {place} {what}" for place, what in unexplained]
    wrong += [f"survivors.txt explains what does not survive: {pattern}" for pattern in needless]
    wrong += [f"passes: {name}" for name, by in named() if not by]
    wrong += [f"only {share:.1f} % are caught"] if share < 95 else []
    text = table(caught, left)
    if "--write" in sys.argv:
        PAGE.write_text(text)
    elif not PAGE.is_file() or PAGE.read_text() != text:
        wrong.append("docs/infra-mutations.md is not what was found: infra/check --write")
    print("\n".join(wrong[:60]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
