#!/usr/bin/env python3
"""Real documents and the e-mails about them, as docs/examples.md. `make examples` runs it.

The program itself summarizes the files, one after the other in a new data folder, and what lies in its outbox is shown.
Samples are invented and ours; the others lie beside the repository (PRECIS_SHARED) and are in the public domain. What
the page says after the examples is written by hand and kept.
"""

import email
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from email import policy
from pathlib import Path

from evaluate import OUT, ROOT, shared

PAGE = ROOT / "docs/examples.md"
BY_HAND = "## What still reads badly"

#: Kind, file. Files without a folder are samples.
DOCUMENTS = (
    ("A contract", "01-service-agreement.pdf"),
    ("A report whose second page is a scan", "02-incident-report.pdf"),
    ("Minutes", "03-minutes.docx"),
    ("A letter, scanned crookedly", "04-insurer-letter.pdf"),
    ("A study in two columns", "05-study.pdf"),
    ("A price list on a web page", "06-price-list.html"),
    ("An e-mail with its history and an attachment", "07-supplier-email.eml"),
    ("A notice", "08-notice.txt"),
    ("A photographed letter", "09-school-letter.jpg"),
    ("A declaration in French", "documents/declaration-fra.pdf"),
    ("A book of a message", "documents/message-1946-long.pdf"),
    ("A document with a password", "documents/wrong/password.pdf"),
    ("A scan of empty pages", "documents/wrong/blank-pages.pdf"),
)

HEAD = """# What readers get

The e-mails about {count} documents, as `make examples` found them in the outbox (commit {commit}). The samples are invented; for
each, five facts that its reader must learn were set down before it was written, and the line above an e-mail says which of
them it tells. The other documents are in the public domain. Only the first e-mail is shown with its last lines, which are
alike in all.
"""


def scorer():
    """samples/score.py, which knows facts and how an e-mail is read."""
    spec = importlib.util.spec_from_file_location("score", ROOT / "samples/score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commit() -> str:
    ran = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or "unknown"


def mails(files: list[Path]) -> dict[str, Path]:
    """Summarizes them; the e-mail about each, by the file's name."""
    place, data = OUT / "examples", OUT / "examples/precis-data"
    shutil.rmtree(place, ignore_errors=True)
    (place / "documents").mkdir(parents=True)
    copies = [Path(shutil.copy(file, place / "documents")).relative_to(place) for file in files]
    program = [ROOT / "target/release/precis", "summarize", "--data", data, "--progress", "none", "--format", "json"]
    model = {"PRECIS_MODEL": os.environ.get("PRECIS_MODEL", str(ROOT / "models/all-MiniLM-L6-v2"))}
    ran = subprocess.run([*program, *copies], cwd=place, env=os.environ | model, capture_output=True, text=True, check=False)
    found = list((data / "outbox").glob("*.eml"))
    if len(found) != len(files):
        raise SystemExit(f"examples: {len(found)} e-mails about {len(files)} documents\n{ran.stderr}")
    texts = {path: path.read_bytes() for path in found}
    by_name = {}
    for file in files:
        body = [path for path, text in texts.items() if file.name in shown(text)[1]]
        if len(body) != 1:
            raise SystemExit(f"examples: {len(body)} e-mails name {file.name}")
        by_name[file.name] = body[0]
    return by_name


def shown(raw: bytes) -> tuple[str, str]:
    """Subject and text, without this machine's folders and this minute."""
    mail = email.message_from_bytes(raw, policy=policy.default)
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n").replace(f"{OUT / 'examples'}/", "")
    return mail["Subject"], re.sub(r"\d+ \w+ \d{4} \d\d:\d\d UTC", "…", text).rstrip()


def facts(score, file: Path, mail: Path) -> str:
    known = ROOT / "samples/facts" / f"{file.stem}.facts.json"
    if not known.exists():
        return ""
    spec, text = json.loads(known.read_text(encoding="utf-8")), score.said(score.read(mail))
    missed = [fact["must"] for fact in spec["facts"] if not score.hit(fact["patterns"], text)]
    traps = [trap["must_not"] for trap in spec["trap"] if score.hit(trap["patterns"], text)]
    told = f"{len(spec['facts']) - len(missed)} of {len(spec['facts'])} facts."
    told += "".join(f" Not told: {fact}" for fact in missed)
    return told + "".join(f" **Wrongly told**: {trap}" for trap in traps) + "\n\n"


def main() -> int:
    beside = shared()
    if beside is None:
        return 0
    named = [(kind, beside / name if "/" in name else ROOT / "samples" / name) for kind, name in DOCUMENTS]
    found = mails([file for _, file in named])
    score, parts = scorer(), [HEAD.format(count=len(named), commit=commit())]
    for number, (kind, file) in enumerate(named, 1):
        mail = found[file.name]
        subject, text = shown(mail.read_bytes())
        if number > 1:
            text = re.split(r"\n(?=Document: |Uploaded: )", text)[0].rstrip()
        parts.append(f"## {number}. {kind}: {file.name}\n\n{facts(score, file, mail)}```text\nSubject: {subject}\n\n{text}\n```\n")
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    parts.append(old[old.find(BY_HAND):] if BY_HAND in old else BY_HAND + "\n")
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
