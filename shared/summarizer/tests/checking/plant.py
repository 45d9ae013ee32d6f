#!/usr/bin/env python3
"""Makes the sets that the checker is measured on: true paraphrases, and sentences with one planted error.

    plant.py                          seeds.txt -> documents.json, seen.jsonl, unseen.jsonl beside this file
    plant.py --from FILE.jsonl DIR    the same over documents that are not here ({"document": Markdown} a line),
                                      with mechanical paraphrases only; nothing of it may be committed

It knows nothing of the checker: what it changes and how stands here and in seeds.txt. A third of the sentences, with
all that is made of them, goes to the unseen part; the seed decides which. Lines are
{"document": n, "sentence": its place there, "kind": ..., "error": true|false, "text": ...}.
"""
import json
import random
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
SEED = 20261129
MONTHS = "January February March April May June July August September October November December".split()
MONTH = "|".join(MONTHS)
DATE = re.compile(
    rf"\b(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)\b|\b(?P<d2>\d{{1,2}}) (?P<m2>{MONTH})(?: (?P<y2>\d{{4}}))?\b"
    rf"|\b(?P<m3>{MONTH}) (?P<d3>\d{{1,2}})\b(?:, (?P<y3>\d{{4}}))?|\b(?P<m4>{MONTH}) (?P<y4>\d{{4}})\b")
WORDS = ("two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
         "eighteen nineteen twenty thirty forty fifty sixty").split()
WORD = re.compile(r"\b(" + "|".join(WORDS) + r")\b")
DIGITS = re.compile(r"(?<![\w.,:'/-])\d[\d,']*(?:\.\d+)?(?![\w:/-]|[.,]\d)")
NAMES = ["Delacroix", "Wetherby", "Okafor", "Brandvold", "Castellan", "Yamanaka", "Pruett", "Ashgrove", "Zielinski",
         "Thackeray", "Montrose", "Silvestri"]
UNITS = {
    "per cent": ["euros", "per mille"], "%": [" euros"], "km": ["miles", "m"], "kilometres": ["metres"], "kg": ["g", "tonnes"],
    "kilograms": ["grams"], "minutes": ["hours", "seconds"], "hours": ["minutes", "days"], "days": ["weeks", "months"],
    "weeks": ["days", "months"], "weeks'": ["months'"], "months'": ["weeks'", "years'"], "months": ["weeks", "years"],
    "years": ["months", "weeks"], "years'": ["months'"], "a month": ["a year", "a week"], "per month": ["per year"],
    "an hour": ["a day"], "per hour": ["per day"], "degrees": ["per cent"], "mm Hg": ["cm Hg"], "mg": ["g", "ml"],
    "MB": ["GB", "kB"], "kB": ["MB"], "metres": ["feet", "kilometres"], "million": ["billion", "thousand"],
    "a year": ["a month", "a week"], "per year": ["per month"], "euros": ["pounds", "per cent"], "EUR": ["GBP", "USD"],
    "CHF": ["EUR"], "€": ["£", "$"], "£": ["€", "$"], "$": ["€", "£"], "pounds": ["euros", "dollars"], "dollars": ["euros"],
    "square metres": ["square feet", "hectares"], "a day": ["a week"], "per day": ["per week"], "daily": ["weekly"],
    "sentences": [],
}
UNIT = re.compile("|".join(
    rf"(?<![\w]){re.escape(u)}(?=\s?\d)" if u in "€£$EURCHF" else rf"(?<=\d){re.escape(u)}" if u == "%" else rf"\b{re.escape(u)}(?![\w'])"
    for u in sorted(UNITS, key=len, reverse=True)))


def dates_of(text):
    return [m for m in DATE.finditer(text)]


def outside_dates(pattern, text):
    taken = [m.span() for m in DATE.finditer(text)]
    return [m for m in pattern.finditer(text) if not any(a < m.end() and m.start() < b for a, b in taken)]


def put(text, match, new):
    return text[:match.start()] + new + text[match.end():]


def other_number(digits, rng):
    """Another number in the same dress."""
    places = [i for i, c in enumerate(digits) if c.isdigit()]
    for _ in range(50):
        new = list(digits)
        how = rng.randrange(3)
        if how == 0 or len(places) < 2:
            at = rng.choice(places)
            new[at] = rng.choice("123456789")
        elif how == 1:
            at = rng.randrange(len(places) - 1)
            a, b = places[at], places[at + 1]
            new[a], new[b] = new[b], new[a]
        else:
            new = list(digits + "0") if "." not in digits and "," not in digits and "'" not in digits else list(digits[::-1])
        new = "".join(new)
        if new != digits and new[0] not in "0,.'" and new[-1] not in ",.'":
            return new
    return None


def number(text, rng):
    spots = outside_dates(DIGITS, text) + outside_dates(WORD, text)
    rng.shuffle(spots)
    for spot in spots:
        old = spot.group()
        # "2 pm", "item 3" and years are numbers as well: any of them may be wrong.
        new = rng.choice([w for w in WORDS if w != old]) if old in WORDS else other_number(old, rng)
        if new:
            return put(text, spot, new)
    return None


def moved(text, rng):
    spots = dates_of(text)
    if not spots:
        return None
    spot = rng.choice(spots)
    got = {k[0]: (v, k) for k, v in spot.groupdict().items() if v}
    part = rng.choice(sorted(got))
    value, group = got[part]
    if part == "y":
        new = str(int(value) + rng.choice([-1, 1, 2]))
    elif part == "d":
        new = str(rng.choice([d for d in range(1, 29) if d != int(value)])).zfill(len(value) if value.startswith("0") else 1)
    elif value in MONTHS:
        new = rng.choice([m for m in MONTHS if m != value])
    else:
        new = f"{rng.choice([m for m in range(1, 13) if m != int(value)]):02}"
    a, b = spot.span(group)
    return text[:a] + new + text[b:]


def unit(text, rng):
    spots = [m for m in outside_dates(UNIT, text) if UNITS[m.group()]]
    # Only units that belong to a number.
    near = [m for m in spots if m.group() in "€£$EURCHF%" or re.search(
        r"(\d|\b(" + "|".join(WORDS) + r"))[\s-]*(\w+ )?$", text[:m.start()])]
    if not near:
        return None
    spot = rng.choice(near)
    return put(text, spot, rng.choice(UNITS[spot.group()]))


def change(old, new):
    def apply(text, _rng):
        at = text.find(old)
        if at < 0 and old[0].islower():
            at = 0 if text.startswith(old[0].upper() + old[1:]) else -1
        if at < 0:
            return None
        fresh = new[0].upper() + new[1:] if at == 0 else new
        return text[:at] + fresh + text[at + len(old):]
    return apply


def swap(a, b):
    """The two change places; where only one is named, it becomes the other."""
    def apply(text, _rng):
        found = [(m.start(), m.end(), b) for m in re.finditer(re.escape(a) + r"\b", text, re.I)]
        found += [(m.start(), m.end(), a) for m in re.finditer(re.escape(b) + r"\b", text, re.I)]
        if not found:
            return None
        for start, end, new in sorted(found, reverse=True):
            new = new[0].upper() + new[1:] if start == 0 else (new[0].lower() + new[1:] if new.lower().startswith("the ") else new)
            text = text[:start] + new + text[end:]
        return text
    return apply


def invented(name):
    def apply(text, rng):
        return text.replace(name, rng.choice(NAMES), 1) if name in text else None
    return apply


def read(path):
    documents = []
    for line in path.read_text().splitlines():
        if line.startswith("== "):
            documents.append([])
        elif line.startswith("> "):
            documents[-1].append({"text": line[2:], "true": [], "changes": []})
        elif line.startswith("~"):
            kind, text = line[1:].split(" ", 1)
            documents[-1][-1]["true"].append((kind, text))
        elif line.startswith(("drop ", "add ", "rev ")):
            kind, rest = line.split(" ", 1)
            old, new = rest.split(" => ")
            name = {"drop": "negation dropped", "add": "negation added", "rev": "comparison reversed"}[kind]
            documents[-1][-1]["changes"].append((name, change(old, new)))
        elif line.startswith("swap "):
            documents[-1][-1]["changes"].append(("party swapped", swap(*line[5:].split(" | "))))
        elif line.startswith("name "):
            documents[-1][-1]["changes"].append(("name invented", invented(line[5:])))
    return documents


def errors(seed, rng):
    bases = [seed["text"]] + [text for _, text in seed["true"]]
    kinds = {"number changed": [number], "date moved": [moved], "unit wrong": [unit]}
    for kind, make in seed["changes"]:
        kinds.setdefault(kind, []).append(make)
    for kind, makers in kinds.items():
        made = []
        for base in bases:
            made += [text for text in (make(base, rng) for make in makers) if text and text not in bases]
        made = sorted(set(made))
        for text in rng.sample(made, min(2, len(made))):
            yield kind, text


def merged(seed, following, rng):
    """Two neighbours as one sentence."""
    if not seed["true"] or not following["true"] or rng.random() < 0.35:
        return None
    first, second = rng.choice(seed["true"])[1], rng.choice(following["true"])[1]
    lower = re.match(r"(The|A|An|In|On|By|From|Your|No|All|This|It|We|For|At|There) ", second)
    second = second[0].lower() + second[1:] if lower else second
    return first.rstrip(".") + rng.choice([", and ", "; ", ", while "]) + second


def from_seeds():
    rng = random.Random(SEED)
    parts = {"seen": [], "unseen": []}
    documents = read(HERE / "seeds.txt")
    for n, document in enumerate(documents):
        unseen = [rng.random() < 1 / 3 for _ in document]
        for at, seed in enumerate(document):
            lines = [(kind, False, text) for kind, text in seed["true"]]
            lines += [(kind, True, text) for kind, text in errors(seed, rng)]
            if at + 1 < len(document) and unseen[at] == unseen[at + 1]:
                text = merged(seed, document[at + 1], rng)
                lines += [("merged", False, text)] if text else []
            part = "unseen" if unseen[at] else "seen"
            parts[part] += [{"document": n, "sentence": at, "kind": k, "error": e, "text": t} for k, e, t in lines]
    return [[seed["text"] for seed in document] for document in documents], parts


SYNONYMS = [("about ", "around "), ("must ", "has to "), ("such as", "like"), ("because", "since"), ("begin", "start"),
            ("large", "big"), ("often", "frequently"), ("allows", "permits"), ("need ", "require "), ("however, ", ""),
            ("in order to", "to"), ("also ", ""), ("show that", "demonstrate that"), ("a number of", "several")]
SPELLED = dict(zip("2 3 4 5 6 7 8 9 10 11 12".split(), WORDS))


def mechanical(text, rng):
    """Paraphrases that a script can make without a mistake."""
    tens = re.compile(r"(ty|hundred|thousand|point)[\s-]*(um |uh )?$", re.I)
    for spot in outside_dates(DIGITS, text):
        word = SPELLED.get(spot.group())
        if word:
            yield "numbers", put(text, spot, word)
            break
    for spot in outside_dates(WORD, text):
        digits = [d for d, w in SPELLED.items() if w == spot.group()]
        if digits and not tens.search(text[:spot.start()]) and not re.match(r"[\s-]*(hundred|thousand|million)", text[spot.end():]):
            yield "numbers", put(text, spot, digits[0])
            break
    for spot in DATE.finditer(text):
        if spot["d2"] and spot["y2"]:
            yield "dates", put(text, spot, f"{spot['m2']} {spot['d2']}, {spot['y2']}")
            yield "dates", put(text, spot, f"{spot['y2']}-{MONTHS.index(spot['m2']) + 1:02}-{int(spot['d2']):02}")
            break
    for old, new in SYNONYMS:
        if old in text:
            yield "synonym", text.replace(old, new)
            break
    opening = re.match(r"(In|On|For|After|Before|With) ([^,]{5,60}), (the|a|we|this|it) (.+)\.$", text)
    if opening and not text.startswith("For example"):
        first, inner, article, rest = opening.groups()
        yield "reorder", f"{article.capitalize()} {rest} {first.lower()} {inner}."


def sentences_of(markdown, rng):
    text = re.sub(r"```.*?```|^[|#>*+-][^\n]*|^ {4}[^\n]*|https?://\S+|[`*_]", "", markdown, flags=re.M | re.S)
    found = re.findall(r"(?:(?<=\n\n)|(?<=[.!?] ))[A-Z][^.!?\n]*(?:[.](?=\d)[^.!?\n]*)*[.](?=\s)", re.sub(r"(?<!\n)\n(?!\n)", " ", text))
    good = [s for s in dict.fromkeys(found) if 8 <= len(s.split()) <= 40 and "(" not in s]
    rng.shuffle(good)
    return good[:30]


def from_others(path, out):
    rng = random.Random(SEED)
    documents, lines = [], []
    for row in path.read_text().splitlines():
        texts = sentences_of(json.loads(row)["document"], rng)
        if len(texts) < 5:
            continue
        words = {w for t in texts for w in re.findall(r"(?<=\w )[A-Z][a-z]{3,}", t)}
        for at, text in enumerate(texts):
            changes = [("name invented", invented(w)) for w in words if re.search(rf"\w {w}\b", text)]
            changes += [("negation dropped", change(a, b)) for a, b in
                        [(" is not ", " is "), (" are not ", " are "), (" does not ", " does "), (" cannot ", " can "), ("n't ", " ")]]
            changes += [("negation added", change(a, b)) for a, b in
                        [(" will be ", " will not be "), (" is a ", " is not a "), (" can ", " cannot "), (" should ", " should not ")]
                        if "not" not in text]
            changes += [("comparison reversed", change(a, b)) for a, b in
                        [(" more than ", " less than "), (" less than ", " more than "), (" larger ", " smaller "),
                         (" increase", " decrease"), (" before ", " after "), (" after ", " before "), ("at least", "at most"),
                         (" higher ", " lower ")]]
            seed = {"text": text, "true": [], "changes": changes}
            n = len(documents)
            lines += [{"document": n, "sentence": at, "kind": k, "error": True, "text": t} for k, t in errors(seed, rng)]
            lines += [{"document": n, "sentence": at, "kind": k, "error": False, "text": t} for k, t in mechanical(text, rng)]
        documents.append(texts)
    out.mkdir(parents=True, exist_ok=True)
    write(out / "documents.json", documents)
    (out / f"{path.stem}.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def write(path, documents):
    path.write_text(json.dumps(documents, ensure_ascii=False, indent=1) + "\n")


def main():
    if sys.argv[1:2] == ["--from"]:
        return from_others(Path(sys.argv[2]), Path(sys.argv[3]))
    documents, parts = from_seeds()
    write(HERE / "documents.json", documents)
    for part, lines in parts.items():
        (HERE / f"{part}.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        print(part, sum(not line["error"] for line in lines), "true,", sum(line["error"] for line in lines), "with an error")


if __name__ == "__main__":
    main()
