"""DOCX and mail, with fixed dates and ids so that they come out the same every time."""

import datetime
import io
import zipfile
from email.message import EmailMessage
from email.policy import SMTP

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH

from source import Block

STAMP = datetime.datetime(2027, 1, 28, 9, 0)


def make_docx(blocks: list[Block], title: str, author: str, header: str) -> bytes:
    """A Word document with real headings, tables and a running header."""
    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.author, properties.comments = title, author, ""
    properties.created = properties.modified = STAMP
    document.sections[0].header.paragraphs[0].text = header
    for block in blocks:
        if block.kind == "table":
            _table(document, block.rows)
        elif block.kind in ("title", "heading"):
            document.add_heading(block.text(), level=0 if block.kind == "title" else 1)
        else:
            paragraph = document.add_paragraph("\n".join(block.lines))
            if block.kind == "centre":
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    out = io.BytesIO()
    document.save(out)
    return _undated(out.getvalue())


def _table(document, rows: list[list[str]]) -> None:
    table = document.add_table(rows=0, cols=max(map(len, rows)), style="Table Grid")
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=False):
            cell.text = text
    document.add_paragraph()


def _undated(archive: bytes) -> bytes:
    """The same archive without the time at which it was packed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            entry = zipfile.ZipInfo(member.filename, (2027, 1, 28, 9, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(member))
    return out.getvalue()


def make_mail(text: str, attachment: bytes, name: str) -> bytes:
    """A reply as a mail program sends it: quoted-printable text and a PDF beside it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Annika Thorsen <annika.thorsen@sundby-workspace.example>"
    mail["To"] = "Rafael Sandoval <r.sandoval@ellery-translation.example>"
    mail["Cc"] = "Accounts <accounts@sundby-workspace.example>"
    mail["Subject"] = "AW: Re: Order 26-4471 – delivery date, chairs, and one question"
    mail["Date"] = "Mon, 08 Feb 2027 17:20:41 +0000"
    mail["Message-ID"] = "<20270208172041.26-4471@sundby-workspace.example>"
    mail["In-Reply-To"] = "<6f31c0@ellery-translation.example>"
    mail.set_content(text, charset="utf-8", cte="quoted-printable")
    mail.add_attachment(attachment, maintype="application", subtype="pdf", filename=name)
    mail.set_boundary("=_order_26-4471_=")
    return mail.as_bytes()
