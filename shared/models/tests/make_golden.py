#!/usr/bin/env python3
"""Embeddings by the reference library, for tests/golden.rs to hold ours against.

  make_golden.py MODEL_FOLDER > golden.json

Needs PyPI's sentence-transformers (with a CPU build of torch), in an environment of its own:
  python3 -m venv /tmp/golden && /tmp/golden/bin/pip install sentence-transformers
Written: {"made_with", "texts", "embeddings"}; numbers with seven digits, which is what a float32 holds.
"""
import json
import sys

import sentence_transformers
from sentence_transformers import SentenceTransformer

LONG = "The tenant shall keep the roof, the gutters and the drains in good repair at the tenant's own cost. "
TEXTS = [
    "The rent rises by 6% on 1 March 2027.",
    "Rent",
    "",
    " ",
    ".",
    "?!…",
    "THE RENT RISES BY 6% ON 1 MARCH 2027.",
    "Either party may end this agreement with three months' written notice.",
    "Die Miete steigt zum 1. März 2027 um sechs Prozent.",
    "Le loyer augmente de 6 % à compter du 1er mars 2027.",
    "家賃は2027年3月1日から6%上がります。",
    "Арендная плата повышается на 6 % с 1 марта 2027 года.",
    "يرتفع الإيجار بنسبة 6٪ اعتبارًا من 1 مارس 2027.",
    "Caf\u00e9 vs cafe\u0301: na\u00efve co\u00f6peration \u2014 \u201cquoted\u201d \ufb01n",
    "🏠 rent ↑ 6% 👍🏽",
    "a\tb\nc\r\nd\u00a0e\u200bf\u00adg",
    "\x00\x07control\x1b[31m characters\x7f",
    "x" * 400,
    "e-mail: someone@example.org; see https://example.org/a?b=c&d=e#f",
    "def f(x): return {k: v for k, v in x.items() if v is not None}",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    "1,234.56 + 7.890,12 = 9,124.68 EUR (approx.)",
    LONG * 7,
    LONG * 20,
    "word " * 3000,
]


def main():
    model = SentenceTransformer(sys.argv[1], device="cpu")
    model.max_seq_length = 256
    vectors = [model.encode([text], normalize_embeddings=True)[0] for text in TEXTS]
    made = f"sentence-transformers {sentence_transformers.__version__}"
    rows = [[float(f"{x:.7g}") for x in vector] for vector in vectors]
    print(json.dumps({"made_with": made, "texts": TEXTS, "embeddings": rows}))


if __name__ == "__main__":
    main()
