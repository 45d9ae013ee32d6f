#!/usr/bin/env python3
"""Writes rouge.json beside it: figures of PyPI `rouge-score` (and the stems of its NLTK stemmer) for our own to be held to.

The sentences are written for this purpose; the words cover every rule of the stemmer and its exceptions.
"""
import json
from pathlib import Path

from nltk.stem import porter
from rouge_score import rouge_scorer

PAIRS = [
    ("The council decided to raise the parking fees by ten per cent from May.",
     "From May, parking fees rise by ten percent, the council has decided."),
    ("The council decided.", "The council decided."),
    ("Nothing in common here.", "Ein ganz anderer Satz."),
    ("", "Words without a counterpart."),
    ("One", "one"),
    ("Relational operators are generalizations of conditional rationality; 3.5 million skies.",
     "The sky's conditions relate operations to rational generalization in 3 to 5 million cases."),
    ("a b a b a b c", "b a b a c c c"),
    ("Naïve café résumés and Größe", "naive cafe resumes and grosse"),
    ("We propose a new syntax for annotations. It replaces the old one. Tools need not change.",
     "A new annotation syntax is proposed, replacing the older syntax; no tool needs changing, and we propose a tool."),
]
WORDS = """caresses ponies ties cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling
hissing fizzed failing filing happy sky relational conditional rational valenci hesitanci digitizer conformabli radically
differentli vileli analogousli vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti
sensitiviti sensibiliti triplicate formative formalize electriciti electrical hopeful goodness revival allowance inference
airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption homologou communism activate
angulariti homologous effective bowdlerize probate rate cease controll roll skies dying lying tying news innings outings
cannings howe proceed exceed succeed flies dies died spied tied enjoy enjoys by say cry crying analogies geology apology
biologically hopefully possibly generally usually totally naturally toy toying yes yelled eyed oed aing be ion union
communion abc 2026 3rd ab12cd using used agreement meetings summaries summarize summarization policies controlling
controlled travelling traveller universal university eeds eed feeds breed owed sued ceed alli calli""".split()

stem = porter.PorterStemmer()
scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
pairs = []
for reference, summary in PAIRS:
    s = scorer.score(reference, summary)
    pairs.append({"reference": reference, "summary": summary,
                  "f1": [s[k].fmeasure for k in ("rouge1", "rouge2", "rougeL")]})
out = {"pairs": pairs, "stems": {w: stem.stem(w) if len(w) > 3 else w for w in WORDS}}
Path(__file__).with_name("rouge.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")
