"""Pictures of pages: drawn clean, then aged by a scanner or a camera. All noise is seeded."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from source import Block

DPI = 200
SIZE = (1654, 2339)  # A4 at 200 dpi
FONTS = "/usr/share/fonts/truetype/dejavu/"


def _font(name: str, points: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS + name, round(points * DPI / 72), layout_engine=ImageFont.Layout.BASIC)


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if font.getlength(longer) > width and line:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def draw(blocks: list[Block], face: str = "DejaVuSerif", points: float = 9.5, margin: int = 190) -> Image.Image:
    """A page as it leaves the printer: grey, A4, 200 dpi. Fails if the text doesn't fit on it."""
    page = Image.new("L", SIZE, 255)
    pen = ImageDraw.Draw(page)
    plain, bold = _font(f"{face}.ttf", points), _font(f"{face}-Bold.ttf", points)
    large = _font(f"{face}-Bold.ttf", points * 1.45)
    y, width = margin, SIZE[0] - 2 * margin
    for block in blocks:
        font = {"title": large, "heading": bold, "bold": bold}.get(block.kind, plain)
        step = round(font.size * 1.42)
        for line in (part for text in block.lines for part in _wrap(text, font, width)):
            x = margin + (width - font.getlength(line)) / 2 if block.kind == "centre" else margin
            pen.text((x, y), line, font=font, fill=25)
            y += step
        y += round(plain.size * (0.15 if block.kind == "centre" else 0.75))
    if y > SIZE[1] - margin / 2:
        raise ValueError(f"the page ends at {y} of {SIZE[1]} pixels; shorten the text or the type")
    return page


def scanned(page: Image.Image, seed: int, degrees: float) -> bytes:
    """The page out of a used office scanner: a little crooked, grey, specked, with a dark edge. JPEG."""
    rng = np.random.default_rng(seed)
    turned = page.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor=250)
    grey = np.asarray(turned.filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float32)
    grey = 28 + grey * (236 - 28) / 255
    height, width = grey.shape
    # The lid doesn't close well: darker towards one side.
    grey -= np.linspace(0, 14, width, dtype=np.float32)[None, :] ** 1.1
    grey[:, :14] -= np.linspace(120, 0, 14, dtype=np.float32)[None, :]
    grey += rng.normal(0, 7, grey.shape).astype(np.float32)
    for _ in range(260):
        x, y, r = rng.integers(0, width - 4), rng.integers(0, height - 4), rng.integers(1, 4)
        grey[y : y + r, x : x + r] = rng.integers(60, 200)
    return _jpeg(Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)), 42)


def photographed(page: Image.Image, seed: int) -> bytes:
    """The page on a table, held at by a hand with a telephone: perspective, lamp, shadow, blur. JPEG, colour."""
    rng = np.random.default_rng(seed)
    size = (1800, 2500)
    corners = [(112, 100), (1694, 124), (1744, 2420), (60, 2394)]
    paper = page.transform(size, Image.Transform.PERSPECTIVE, _perspective(corners), Image.Resampling.BICUBIC)
    inside = Image.new("L", page.size, 255).transform(
        size, Image.Transform.PERSPECTIVE, _perspective(corners), Image.Resampling.BICUBIC
    )
    ink = np.asarray(paper.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32)[:, :, None] / 255
    mask = np.asarray(inside.filter(ImageFilter.GaussianBlur(1.2)), dtype=np.float32)[:, :, None] / 255
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    wood = 1 + 0.08 * np.sin(y / 31 + 3 * np.sin(x / 410)) + 0.03 * np.sin(y / 7 + x / 190)
    table = np.stack([112 * wood, 78 * wood, 52 * wood], axis=2)
    sheet = ink * np.array([244, 240, 230], dtype=np.float32)
    scene = sheet * mask + table * (1 - mask)
    # A lamp on the upper left, and the shadow of whoever takes the picture along the lower right.
    lamp = 1.04 - 0.28 * np.hypot(x - 420, y - 380) / 2600
    shadow = 1 - 0.14 / (1 + np.exp(-(x + 0.9 * y - 2950) / 130))
    scene = scene * (lamp * shadow)[:, :, None] + rng.normal(0, 4.5, (*y.shape, 1)).astype(np.float32)
    return _jpeg(Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)), 62)


def _perspective(corners: list[tuple[int, int]]) -> list[float]:
    """The eight numbers by which PIL finds, for a point of the picture, its place on the page."""
    w, h = SIZE
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, [(0, 0), (w, 0), (w, h), (0, h)], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows, dtype=float), np.array(values, dtype=float)).tolist()


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, dpi=(DPI, DPI))
    return out.getvalue()
