"""Which document is made of which text, and how."""

from pathlib import Path

import office
import paper
import pdf
import source


def _agreement(texts: Path) -> bytes:
    parts = source.parts(source.read(texts / "01-service-agreement.txt"))
    footer = "Service agreement Brackley & Dunmore / Larkspur Facility Services"
    return pdf.make(parts, "Service agreement", footer, ("Times-Roman", "Times-Bold"), 12)


def _incident(texts: Path) -> bytes:
    parts = source.parts(source.read(texts / "02-incident-report.txt"))

    def sheet(blocks: list[source.Block]) -> bytes:
        return paper.scanned(paper.draw(blocks, "DejaVuSansMono", 9), seed=44817, degrees=-0.6)

    return pdf.make(parts, "Incident report 2027-003", "Merrowdale Wholesale Foods, internal", picture=sheet)


def _minutes(texts: Path) -> bytes:
    blocks = source.read(texts / "03-minutes.txt")
    return office.make_docx(blocks, "Minutes, 26 January 2027", "Wilf Ansty", "Thornby Magna Village Hall · minutes")


def _claim(texts: Path) -> bytes:
    parts = [("scan", source.read(texts / "04-insurer-letter.txt"))]

    def sheet(blocks: list[source.Block]) -> bytes:
        return paper.scanned(paper.draw(blocks, points=9.3, margin=170), seed=70914, degrees=0.9)

    return pdf.make(parts, "", "", picture=sheet)


def _study(texts: Path) -> bytes:
    pdf.embed_fonts()
    parts = source.parts(source.read(texts / "05-study.txt"))
    footer = "Institute for Urban Logistics, working paper 19"
    fonts = ("DejaVuSerif", "DejaVuSerif-Bold")
    return pdf.make(parts, "By Bicycle or by Van?", footer, fonts, 9, columns=2)


def _mail(texts: Path) -> bytes:
    parts = source.parts(source.read(texts / "07-attachment.txt"))
    confirmation = pdf.make(parts, "Order confirmation 26-4471", "Sundby Workspace Ltd")
    text = (texts / "07-supplier-email.txt").read_text(encoding="utf-8")
    return office.make_mail(text, confirmation, "Order_confirmation_26-4471_corrected.pdf")


def _notice(texts: Path) -> bytes:
    text = (texts / "08-notice.txt").read_text(encoding="utf-8")
    # As an older Windows editor saves it.
    return text.replace("\n", "\r\n").encode("cp1252")


def _school(texts: Path) -> bytes:
    page = paper.draw(source.read(texts / "09-school-letter.txt"), "DejaVuSans", 11, 190)
    return paper.photographed(page, seed=8)


DOCUMENTS = {
    "01-service-agreement.pdf": _agreement,
    "02-incident-report.pdf": _incident,
    "03-minutes.docx": _minutes,
    "04-insurer-letter.pdf": _claim,
    "05-study.pdf": _study,
    "07-supplier-email.eml": _mail,
    "08-notice.txt": _notice,
    "09-school-letter.jpg": _school,
}


def write_all(folder: Path) -> None:
    """Write every document into that folder, and say what each weighs."""
    for name, make in DOCUMENTS.items():
        data = make(folder / "texts")
        same = (folder / name).exists() and (folder / name).read_bytes() == data
        (folder / name).write_bytes(data)
        print(f"{name:28}{len(data):9,} bytes{'' if same else '  (changed)'}")
