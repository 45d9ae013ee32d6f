"""PDF by reportlab: text pages in one or two columns, and pages that are only a picture."""

import io
from collections.abc import Callable
from html import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate, Flowable, Frame, FrameBreak, NextPageTemplate, PageBreak, PageTemplate, Paragraph, Spacer, Table,
)

from source import Block

GREY = HexColor("#888888")
Picture = Callable[[list[Block]], bytes]


def embed_fonts() -> None:
    """DejaVu, as a subset inside the file; the other samples use the fonts every reader must have."""
    for name in ("DejaVuSerif", "DejaVuSerif-Bold"):
        pdfmetrics.registerFont(TTFont(name, f"/usr/share/fonts/truetype/dejavu/{name}.ttf"))


def _styles(regular: str, bold: str, points: float) -> dict[str, ParagraphStyle]:
    base = ParagraphStyle("para", fontName=regular, fontSize=points, leading=points * 1.38, spaceAfter=points * 0.6)
    tight = {"spaceAfter": points * 0.35}
    return {
        "para": base,
        "centre": ParagraphStyle("centre", base, alignment=1, **tight),
        "bold": ParagraphStyle("bold", base, fontName=bold),
        "cell": ParagraphStyle("cell", base, fontSize=points * 0.92, leading=points * 1.2, spaceAfter=0),
        "heading": ParagraphStyle(
            "heading", base, fontName=bold, fontSize=points * 1.12, spaceBefore=points * 0.7, keepWithNext=1, **tight
        ),
        "title": ParagraphStyle(
            "title", base, fontName=bold, fontSize=points * 1.6, leading=points * 2, alignment=1, spaceAfter=points
        ),
    }


def _table(rows: list[list[str]], style: ParagraphStyle, width: float) -> Table:
    longest = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    share = [max(8, min(44, length)) for length in longest]
    cells = [[Paragraph(escape(cell), style) for cell in row] for row in rows]
    lines = [("GRID", (0, 0), (-1, -1), 0.4, GREY), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    padding = [(f"{side}PADDING", (0, 0), (-1, -1), 3) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]
    return Table(cells, colWidths=[width * part / sum(share) for part in share], style=lines + padding)


def flow(blocks: list[Block], styles: dict[str, ParagraphStyle], width: float) -> list[Flowable]:
    """The blocks as reportlab sets them."""
    found: list[Flowable] = []
    for block in blocks:
        if block.kind == "table":
            found += [_table(block.rows, styles["cell"], width), Spacer(1, styles["para"].spaceAfter)]
        else:
            found.append(Paragraph("<br/>".join(map(escape, block.lines)), styles[block.kind]))
    return found


def make(
    parts: list[tuple[str, list[Block]]],
    title: str,
    footer: str,
    fonts: tuple[str, str] = ("Helvetica", "Helvetica-Bold"),
    points: float = 10.5,
    columns: int = 1,
    picture: Picture | None = None,
) -> bytes:
    """A PDF of those parts; `picture` draws the parts that are scans. No dates and no random ids in it."""
    out = io.BytesIO()
    document = BaseDocTemplate(out, pagesize=A4, title=title, author="", invariant=1)
    left, top, gap = 24 * mm, 22 * mm, 7 * mm
    inner = A4[0] - 2 * left
    width = (inner - gap * (columns - 1)) / columns
    head = 42 * mm if columns > 1 else 0

    def foot(canvas, _document):
        canvas.setFont(fonts[0], 8)
        canvas.setFillColor(GREY)
        canvas.drawString(left, 12 * mm, footer)
        canvas.drawRightString(A4[0] - left, 12 * mm, f"Page {canvas.getPageNumber()}")

    def frames(height: float) -> list[Frame]:
        return [
            Frame(left + i * (width + gap), top, width, height, leftPadding=0, rightPadding=0, topPadding=0)
            for i in range(columns)
        ]

    full = A4[1] - 2 * top
    across = Frame(left, top + full - head, inner, head, leftPadding=0, rightPadding=0, topPadding=0)
    first = [across, *frames(full - head)] if head else frames(full)
    templates = [PageTemplate("first", first, onPage=foot), PageTemplate("later", frames(full), onPage=foot)]
    styles = _styles(*fonts, points)
    story: list[Flowable] = [NextPageTemplate("later")]
    for number, (kind, blocks) in enumerate(parts):
        if kind == "scan":
            name = f"scan{number}"
            templates.append(_scan_template(name, picture(blocks)))
            story += [NextPageTemplate(name), PageBreak(), Spacer(1, 1), NextPageTemplate("later")]
            continue
        if number:
            story.append(PageBreak())
        if head and not number:
            cut = next(i for i, block in enumerate(blocks) if block.kind == "heading")
            story += [*flow(blocks[:cut], styles, inner), FrameBreak()]
            blocks = blocks[cut:]
        story += flow(blocks, styles, width)
    if parts[0][0] == "scan":
        # Nothing stands before the picture, so its page is the first.
        templates = [templates[-1]]
        story = [Spacer(1, 1)]
    document.addPageTemplates(templates)
    document.build(story)
    return out.getvalue()


def _scan_template(name: str, jpeg: bytes) -> PageTemplate:
    def paint(canvas, _document):
        canvas.drawImage(ImageReader(io.BytesIO(jpeg)), 0, 0, *A4)

    return PageTemplate(name, [Frame(0, 0, *A4)], onPage=paint)
