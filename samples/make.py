#!/usr/bin/env python3
"""Write the sample documents from samples/texts/, the same to the byte every time.

    make samples                   writes them (and makes the environment that this needs)
    samples/make.py --check        reads them back, by pdftotext and Tesseract, and fails where words are lost

Needs samples/requirements.txt, Debian's fonts-dejavu-core, and for the check poppler-utils and tesseract-ocr.
`06-price-list.html` has no text of its own: it is written by hand as it stands.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"


def enter_environment() -> None:
    """Go on in an environment with the pinned packages, making it when it is not there."""
    python = ENVIRONMENT / "bin/python"
    if Path(sys.prefix) == ENVIRONMENT:
        return
    if not python.exists():
        print("samples: installing from PyPI:", *(HERE / "requirements.txt").read_text().split(), flush=True)
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        wanted = ["install", "--quiet", "--requirement", HERE / "requirements.txt"]
        subprocess.run([python, "-m", "pip", *wanted], check=True)
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]]).returncode)


if __name__ == "__main__":
    enter_environment()
    sys.path.insert(0, str(HERE / "maker"))
    import check
    import documents

    if "--check" in sys.argv[1:]:
        sys.exit(check.main(HERE))
    documents.write_all(HERE)
