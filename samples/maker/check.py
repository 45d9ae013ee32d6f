"""Read the samples back as a stranger would: nothing of what was written may be lost on the way."""

import re
import subprocess
import tempfile
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

import docx

import source

# Shares of the written words that must be read back: text as good as whole, pictures as OCR does on a fair scan.
TEXT, PICTURE = 0.99, 0.95
LIMIT = 3_000_000


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[\w']+", text.lower().replace("’", "'")))


def _share(written: str, read: str) -> float:
    wanted, found = _words(written), _words(read)
    return sum(min(count, found[word]) for word, count in wanted.items()) / wanted.total()


def _text(blocks: list[source.Block]) -> str:
    return " ".join(block.text() for block in blocks)


def _pdf_pages(path: Path) -> list[str]:
    return _run("pdftotext", path, "-").split("\f")[:-1]


def _ocr(path: Path, page: int | None = None) -> str:
    """What Tesseract reads in a picture, or in a page of a PDF at 200 dpi."""
    with tempfile.TemporaryDirectory() as scratch:
        picture = path
        if page is not None:
            stem = Path(scratch) / "page"
            _run("pdftoppm", "-r", "200", "-png", "-singlefile", "-f", str(page), "-l", str(page), path, stem)
            picture = stem.with_suffix(".png")
        return _run("tesseract", picture, "-", "-l", "eng")


def _docx(path: Path) -> str:
    document = docx.Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return " ".join([p.text for p in document.paragraphs] + cells)


def _mail(path: Path) -> tuple[str, str]:
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(next(mail.iter_attachments()).get_content())
        file.flush()
        return mail.get_body().get_content(), _run("pdftotext", file.name, "-")


def findings(here: Path) -> list[tuple[str, float, float]]:
    """What was checked, the share of words read, and the share that is asked for."""
    texts = here / "texts"
    found = []
    for stem in ("01-service-agreement", "05-study"):
        written = _text(source.read(texts / f"{stem}.txt"))
        found.append((f"{stem}.pdf", _share(written, " ".join(_pdf_pages(here / f"{stem}.pdf"))), TEXT))

    path = here / "02-incident-report.pdf"
    report = source.parts(source.read(texts / "02-incident-report.txt"))
    pages = _pdf_pages(path)
    picture = next(number for number, page in enumerate(pages, 1) if not page.strip())
    written = " ".join(_text(blocks) for kind, blocks in report if kind == "page")
    found.append((f"{path.name}, text", _share(written, " ".join(pages)), TEXT))
    written = " ".join(_text(blocks) for kind, blocks in report if kind == "scan")
    found.append((f"{path.name}, page {picture}", _share(written, _ocr(path, picture)), PICTURE))

    written = _text(source.read(texts / "03-minutes.txt"))
    found.append(("03-minutes.docx", _share(written, _docx(here / "03-minutes.docx")), TEXT))
    written = _text(source.read(texts / "04-insurer-letter.txt"))
    found.append(("04-insurer-letter.pdf", _share(written, _ocr(here / "04-insurer-letter.pdf", 1)), PICTURE))

    body, attachment = _mail(here / "07-supplier-email.eml")
    found.append(("07-supplier-email.eml", _share((texts / "07-supplier-email.txt").read_text(), body), TEXT))
    found.append(("07-…eml, attachment", _share(_text(source.read(texts / "07-attachment.txt")), attachment), TEXT))
    notice = (here / "08-notice.txt").read_bytes().decode("cp1252")
    found.append(("08-notice.txt", _share((texts / "08-notice.txt").read_text(), notice), TEXT))
    written = _text(source.read(texts / "09-school-letter.txt"))
    found.append(("09-school-letter.jpg", _share(written, _ocr(here / "09-school-letter.jpg")), PICTURE))
    return found


def main(here: Path) -> int:
    """Print every finding; 1 if one falls short or the samples weigh too much."""
    failed = False
    for name, share, wanted in findings(here):
        failed |= share < wanted
        print(f"{name:32}{share:7.1%} of the words{'' if share >= wanted else f'  TOO FEW, {wanted:.0%} wanted'}")
    weight = sum(path.stat().st_size for path in here.glob("[0-9]*.*"))
    failed |= weight > LIMIT
    print(f"{'all samples':32}{weight / 1e6:6.2f} MB{'' if weight <= LIMIT else '  TOO HEAVY'}")
    return int(failed)
