"""Whether a summary reads as one: dangling openings, sentences that say the same twice, length.

On purpose not the summarizer's own rules: a measure that shares its code with what it measures finds nothing.
"""

import re

import rouge

#: Openings that lean on the sentence before.
LEANING = re.compile(
    r"""^\W*(?:
    however|therefore|thus|hence|moreover|furthermore|also|then|but|and|or|so|yet|nevertheless|nonetheless|instead|
    otherwise|similarly|likewise|consequently|accordingly|additionally|besides|conversely|meanwhile|alternatively|
    in\ addition|in\ contrast|in\ turn|as\ a\ result|for\ example|for\ instance|on\ the\ other\ hand|
    it|they|he|she|its|their|his|her|them|such|both|neither|the\ former|the\ latter
    )\b""",
    re.I | re.X,
)
#: "This" leans too, unless the word behind it names what is meant.
POINTING = re.compile(r"^\W*(?:this|that|these|those)\b\W*(\w*)", re.I)
UNNAMED = set("""is are was were will would can could may might must shall should has have had does do did not also in
    to of for on at by means makes made allows gives leads way approach case one ones type kind reason""".split())
FEW = set("""a about after all also an and are as at be been but by can do for from had has have if in into is it its may
    must no not of on or our out over shall should so some such than that the their them then there these they
    this those to up was we were what when which who will with would you your""".split())
#: Sentences share this much of the shorter one's words: they say the same.
SAME = 0.6


def dangles(sentence: str) -> bool:
    pointing = POINTING.match(sentence)
    return bool(LEANING.match(sentence) or (pointing and (not pointing[1] or pointing[1].lower() in UNNAMED)))


def repeated(sentences: list[str]) -> int:
    """Sentences that say what one before them said."""
    told, count = [], 0
    for words in ({word for word in rouge.tokens(text) if word not in FEW} for text in sentences):
        shared = (len(words & other) / max(1, min(len(words), len(other))) for other in told)
        count += len(words) >= 4 and any(share > SAME for share in shared)
        told.append(words)
    return count


def of(rows: list[dict]) -> dict:
    """Shares over all summaries; `rows` as `evaluate` writes them."""
    sentences = [text for row in rows for text in row.get("sentences", [])]
    errors, over = [], 0
    for row in rows:
        length = sum(len(text.split()) for text in row.get("sentences", []))
        wanted = min(row["budget"], row["words"])
        errors.append(abs(length - wanted) / max(1, wanted))
        over += length > row["budget"]
    return {
        "sentences": len(sentences),
        "dangling": 100 * sum(map(dangles, sentences)) / max(1, len(sentences)),
        "duplicate": 100 * sum(repeated(row.get("sentences", [])) for row in rows) / max(1, len(sentences)),
        "length_error": 100 * sum(errors) / max(1, len(errors)),
        "over": over,
        "none": sum("none" in row for row in rows),
        "cited": sum(row.get("cited", 0) for row in rows),
        "exact": sum(row.get("exact", 0) for row in rows),
    }
