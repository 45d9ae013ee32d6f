#!/usr/bin/env python3
"""Terms and choices of the reference rankers on small documents, for tests/reference.rs.

  make_reference.py …/eval/recipe_c.py …/office/rank_act.py > reference.json

Needs numpy, nltk and rouge-score. The references stem by the first Porter algorithm, we by the second
(Snowball); here they are given the second, so that what differs is a difference of ranking.
"""
import importlib.util
import json
import sys
from pathlib import Path

from nltk.stem.snowball import SnowballStemmer

PROPOSAL = """# Shared calendars for teams

Calendars are kept by persons today. A team that plans together copies entries by hand, and copies are forgotten when plans change.

## Motivation

This proposal introduces shared calendars, which every member of a team can read and write. Teams lose about an hour each week to copied entries that no longer agree. We propose to store one calendar for each team, and to show it beside the calendars of its members. Errors in copied entries were the second most frequent complaint in our survey of users.

## Rationale

A shared calendar could live on the device of one member, but then it is gone when that member is offline. Storing it on the server keeps it available, at the cost of one more table. The server already keeps the list of members for each team. However, it does not know which member may write.

## Details

Each entry has a title, a time, a place and an owner. The owner of an entry may delete it, and every member may change it. Changes are sent to all members of the team within a minute. Members who are offline receive the changes when they return. Conflicting changes are shown side by side until somebody chooses one of them. Old entries are kept for a year, then they are deleted.

## Alternatives

Some teams use a common account to share a calendar. A common account has one password, which leaks sooner or later. Sending invitations for every entry was tried, and members found the flood of messages worse than copying.

## Conclusion

Shared calendars remove the copying of entries. The cost is one table and a permission for each member of the team.
"""
STORY = """# Bees in the city

Bees find more to eat in a city than in fields of one crop. Gardens, parks and balconies flower from spring to autumn. A field flowers for two weeks and is empty for the rest of the year. Keepers in the city therefore harvest more honey from each hive.

The honey of the city is clean, since flowers filter little of the dust of the streets. Tests of honey from roofs found fewer pesticides than in honey from fields. Hives on roofs need water close by and shade at noon. A swarm in a street frightens people, so keepers check their hives every week in May.

More hives than flowers are a danger to wild bees. Wild bees fly short distances and lose to the bees of the hives. Some cities limit the number of hives in a park. Planting more flowers helps both kinds of bees.
"""
LETTER = """Aldport Water Company, 4 May 2026

Dear customer,

We write about the water meter at 12 Mill Road. Your meter was installed in 1998 and is no longer accurate. It will be replaced on 18 June 2026 between 9 and 12. Please make sure that an adult is at home. The replacement is free of charge.

From 1 July 2026 the standing charge rises from £8.40 to £9.10 a month. The price of water is not changed. Bills will be sent every quarter instead of every half year. If you pay by direct debit, you need not do anything. You may object in writing by 30 June 2026, and we will then decide within 14 days.

- Your customer number is 55-2041.
- The fee for a missed appointment is £35.
- Our office is open from Monday to Friday.

Yours sincerely, the metering team.
"""
TALK = """# Weekly meeting

Okay, I think we should start, you know, with the remote control. Yeah, I have the numbers from the survey here. Um, I mean, you said the case should be yellow. The battery lasts about two years with normal use of the remote. I would like my chip to be cheap. So you want me to do the drawing, okay. Users lose the remote control about once in a week. Yeah, you can say that again, I guess. The team agreed that the target price is twenty five euros. Okay, I will send you my notes, um, tomorrow.
"""


def load(path):
    path = Path(path).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def main():
    c, act = load(sys.argv[1]), load(sys.argv[2])
    stemmer = SnowballStemmer("english")
    c.STEM = act.C.STEM = stemmer
    out = {}
    for name, text in (("proposal", PROPOSAL), ("story", STORY), ("talk", TALK)):
        sentences, terms, score, cosine, _ = c.rank(text)
        chosen = c.select(sentences, score, cosine)
        rows = [
            {"text": s, "score": float(score[i]), "terms": {k: float(v[i]) for k, v in terms.items()}}
            for i, s in enumerate(sentences)
        ]
        out[name] = {"document": text, "candidates": rows, "chosen": [sentences[i] for i in chosen]}
    sentences = act.sentences(LETTER)
    raw = [sum(w * f(s) for w, f in act.TERMS.values()) for s in sentences]
    rows = [{"text": s, "act": float(x)} for s, x in zip(sentences, raw)]
    out["letter"] = {"document": LETTER, "office": act.office(sentences), "sentences": rows}
    print(json.dumps(out, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
