#!/usr/bin/env python3
"""Which of the facts that a reader must learn are in what Precis wrote about the samples?

    samples/score.py precis-data/outbox       e-mails (.eml), or summaries as text or Markdown
    samples/score.py --least 3 precis-data/outbox      fail if a sample has fewer, or has none

A file belongs to the sample whose file name it mentions; the newest counts. Needs Python alone.
"""

import argparse
import email
import json
import re
import sys
from email import policy
from pathlib import Path

HERE = Path(__file__).resolve().parent
TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "\u2011": "-", "−": "-", "\u00a0": " "})


def read(path: Path) -> str:
    """An e-mail's subject and text, or the whole file."""
    if path.suffix != ".eml":
        return path.read_text(encoding="utf-8", errors="replace")
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    body = mail.get_body(("plain", "html"))
    return f"{mail['Subject']}\n{body.get_content() if body else ''}".replace("\r\n", "\n")


def said(text: str) -> str:
    """What it says of the document, on one line.

    Not the pages, nor what an e-mail says of itself below: a fact is not told because its figure is that of a page, or
    of the minute in which the e-mail was sent.
    """
    text = re.sub(r"\[pp?\.[^\]]*\]", "", re.split(r"\n(?=Read: )", text)[0])
    text = re.sub(r"(?m)^(?:> ?)+", "", text.translate(TYPOGRAPHY))
    return re.sub(r"\s+", " ", re.sub(r"[*_`]", "", text))


def hit(patterns: list[list[str]], text: str) -> bool:
    """Does one of each list occur?"""
    return all(any(re.search(pattern, text, re.I) for pattern in one_of) for one_of in patterns)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path, help="where the e-mails or summaries lie")
    arguments.add_argument("--least", type=int, default=0, metavar="N", help="facts that each sample must have")
    asked = arguments.parse_args()
    files = [p for p in asked.folder.rglob("*") if p.suffix in (".eml", ".md", ".txt") and p.is_file()]
    texts = [read(path) for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)]

    found = traps = 0
    failed = False
    for file in sorted((HERE / "facts").glob("*.facts.json")):
        spec = json.loads(file.read_text(encoding="utf-8"))
        sample = next(HERE.glob(file.name.removesuffix(".facts.json") + ".*"))
        about = next((text for text in texts if sample.name in text), None)
        if about is None:
            print(f"{sample.name:28} nothing was written about it")
            failed = True
            continue
        text = said(about)
        missed = [fact["id"] for fact in spec["facts"] if not hit(fact["patterns"], text)]
        fell = [trap["must_not"] for trap in spec["trap"] if hit(trap["patterns"], text)]
        count = len(spec["facts"]) - len(missed)
        failed |= count < asked.least
        found, traps = found + count, traps + len(fell)
        notes = [f"missed: {', '.join(missed)}"] * bool(missed) + [f"TRAP: {trap}" for trap in fell]
        print(f"{sample.name:28} {count} of {len(spec['facts'])}  {len(text.split()):4} words  {'; '.join(notes)}")
    print(f"facts {found}, traps {traps}")
    return int(failed and asked.least > 0)


if __name__ == "__main__":
    sys.exit(main())
