//! Who does what to whom: parties that have changed places, or one in the place of another.
//!
//! No parser: a party's part in its clause follows from the preposition before it ("by the landlord"), from standing
//! first, and from whether the clause is passive. That is enough to see that "the tenant must give the landlord
//! notice" isn't "the landlord must give the tenant notice", while "the tenant must be given notice by the landlord" is.

use super::tokens::Token;
use std::collections::{BTreeMap, BTreeSet};

/// People and bodies that stand against each other in office documents.
const PARTIES: &[&str] = &[
    "landlord",
    "tenant",
    "lessor",
    "lessee",
    "lender",
    "borrower",
    "creditor",
    "debtor",
    "buyer",
    "seller",
    "purchaser",
    "vendor",
    "client",
    "contractor",
    "customer",
    "supplier",
    "provider",
    "employer",
    "employee",
    "claimant",
    "defendant",
    "plaintiff",
    "respondent",
    "appellant",
    "insurer",
    "insured",
    "policyholder",
    "licensor",
    "licensee",
    "franchisor",
    "franchisee",
    "assignor",
    "assignee",
    "donor",
    "recipient",
    "sender",
    "receiver",
    "server",
    "mayor",
    "treasurer",
    "chairman",
    "chairwoman",
    "chair",
    "secretary",
    "president",
    "minister",
    "director",
    "manager",
    "council",
    "committee",
    "board",
    "government",
    "parliament",
    "company",
    "owner",
    "agent",
    "principal",
    "guarantor",
    "trustee",
    "beneficiary",
    "teacher",
    "pupil",
    "student",
    "parent",
    "parents",
    "doctor",
    "patient",
    "author",
    "editor",
    "reviewer",
    "caller",
    "callee",
    "parser",
    "user",
    "administrator",
    "operator",
    "judge",
    "court",
    "authority",
    "applicant",
    "subcontractor",
    "architect",
    "auditor",
    "shareholder",
    "shareholders",
];
/// Verbs that say the same from the other side: the roles turn with the verb.
const CONVERSE: &[(&[&str], &[&str])] = &[
    (&["sell", "sells", "sold"], &["buy", "buys", "bought", "acquired", "purchased"]),
    (
        &[
            "give", "gives", "gave", "given", "handed", "hands", "sent", "sends", "send", "pays", "pay",
            "paid", "granted", "lent", "lend", "lends", "leased", "let", "lets",
        ],
        &["receive", "receives", "received", "get", "gets", "got", "borrowed", "borrows", "rents", "rented"],
    ),
    (&["beat", "defeated", "defeats", "won"], &["lost", "loses"]),
];
const BE: &[&str] = &["is", "are", "was", "were", "be", "been", "being"];
const AUXILIARIES: &[&str] = &[
    "is", "are", "was", "were", "be", "been", "has", "have", "had", "must", "shall", "will", "may", "can",
    "should", "could", "would", "does", "did", "do", "might", "need", "needs",
];
const IRREGULAR: &[&str] = &[
    "given",
    "sent",
    "sold",
    "bought",
    "paid",
    "made",
    "done",
    "held",
    "kept",
    "told",
    "led",
    "won",
    "built",
    "borne",
    "lent",
    "let",
    "set",
    "put",
    "taken",
    "shown",
    "known",
    "found",
    "left",
    "lost",
    "brought",
    "sublet",
    "cut",
    "written",
    "driven",
    "chosen",
    "broken",
    "spoken",
    "hurt",
    "met",
    "run",
    "read",
    "beaten",
    "withdrawn",
    "seen",
];

/// The part of a party in its clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Receives,
    Acts,
}

/// Who or what is spoken of; one name for all the words of a run.
fn party(tokens: &[Token], at: usize, named: &BTreeSet<usize>) -> Option<String> {
    let token = &tokens[at];
    let noun = PARTIES.contains(&token.lower.as_str());
    // Of a name's words the last stands for all.
    let name = named.contains(&at)
        && !(named.contains(&(at + 1)) && tokens.get(at + 1).is_some_and(|t| t.clause == token.clause));
    (noun || name).then(|| token.lower.clone())
}

/// The parts of each party, by name; `named` are the places of names.
fn parts(tokens: &[Token], named: &BTreeSet<usize>) -> BTreeMap<String, Vec<Part>> {
    let mut out: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    let mut offset = 0;
    for clause in tokens.chunk_by(|a, b| a.clause == b.clause) {
        let verb = clause.iter().position(|token| token.is(AUXILIARIES));
        let mut stood = false;
        for (at, token) in clause.iter().enumerate() {
            let Some(name) = party(tokens, offset + at, named).filter(|_| !token.owns) else { continue };
            let part = match preposition(clause, at) {
                Some("by") => Part::Acts,
                Some("to" | "for" | "from" | "against" | "on") => Part::Receives,
                Some(_) => continue,
                None => {
                    let subject = !stood && verb.is_none_or(|verb| at < verb);
                    stood = true;
                    if subject && !suffers(&clause[at + 1..]) { Part::Acts } else { Part::Receives }
                }
            };
            out.entry(name).or_default().push(part);
        }
        offset += clause.len();
    }
    out
}

/// Whether what follows a subject is a passive. "Is ordered to pay" is none: the subject pays.
fn suffers(rest: &[Token]) -> bool {
    const TO: &[&str] = &[
        "ordered",
        "required",
        "obliged",
        "asked",
        "entitled",
        "allowed",
        "permitted",
        "expected",
        "bound",
        "supposed",
    ];
    let first = rest.iter().take(5).position(|token| token.is(BE));
    first.is_some_and(|be| {
        let behind = &rest[be + 1..];
        let done = behind
            .iter()
            .take(3)
            .position(|next| next.lower.len() > 4 && next.lower.ends_with("ed") || next.is(IRREGULAR));
        done.is_some_and(|at| {
            !(behind[at].is(TO) && behind.get(at + 1).is_some_and(|next| next.lower == "to"))
        })
    })
}

fn is_passive(tokens: &[Token]) -> bool {
    (0..tokens.len()).any(|at| tokens[at].is(BE) && suffers(&tokens[at..]))
}

/// The preposition that governs a noun, looking back over its article and an adjective; "of" hands on what governs the
/// noun before it ("the army of").
fn preposition(clause: &[Token], at: usize) -> Option<&'static str> {
    const PREPOSITIONS: &[&str] = &[
        "by", "to", "for", "from", "with", "against", "on", "in", "at", "between", "among", "under", "than",
        "about", "near", "without", "through", "behind",
    ];
    const ARTICLES: &[&str] =
        &["the", "a", "an", "its", "his", "her", "their", "our", "your", "my", "this", "that", "any", "each"];
    let mut place = at;
    let mut steps = 0;
    while place > 0 && steps < 3 {
        place -= 1;
        let token = &clause[place];
        if let Some(found) = PREPOSITIONS.iter().find(|word| token.lower == **word) {
            return Some(found);
        }
        if token.lower == "of" {
            steps = 0;
            continue;
        }
        if token.is(ARTICLES) {
            // Before the article stands the preposition, or nothing that counts.
            let before = place.checked_sub(1).map(|place| &clause[place])?;
            if before.lower == "of" {
                place -= 1;
                steps = 0;
                continue;
            }
            return PREPOSITIONS.iter().find(|word| before.lower == **word).copied();
        }
        if token.is(AUXILIARIES) || token.is_figure() || token.lower.ends_with("ed") && !token.capital {
            return None;
        }
        steps += usize::from(!token.capital);
        if steps > 1 {
            return None;
        }
    }
    None
}

/// Whether the two texts tell the deed from different sides ("sold", "bought").
fn converse(said: &[Token], source: &[Token]) -> bool {
    let has = |tokens: &[Token], words: &[&str]| tokens.iter().any(|token| token.is(words));
    CONVERSE.iter().any(|(one, other)| {
        let turned =
            |a: &[&str], b: &[&str]| has(said, a) && !has(said, b) && has(source, b) && !has(source, a);
        turned(one, other) || turned(other, one)
    })
}

/// The party that stands in another's place, if one does. `said_names` and `source_names` are the places of names.
pub(super) fn swapped(
    said: (&[Token], &BTreeSet<usize>),
    source: (&[Token], &BTreeSet<usize>),
) -> Option<String> {
    let (own, told) = (parts(said.0, said.1), parts(source.0, source.1));
    if converse(said.0, source.0) {
        return None;
    }
    let only = |parts: &Vec<Part>, part: Part| parts.iter().all(|other| *other == part);
    let turned = |name: &str, from: Part| {
        let (own, told) = (own.get(name), told.get(name));
        own.is_some_and(|own| only(own, other(from))) && told.is_some_and(|told| only(told, from))
    };
    let mut names: Vec<&String> = own.keys().collect();
    names.sort_unstable();
    let acts: Vec<&&String> = names.iter().filter(|name| turned(name, Part::Acts)).collect();
    let receives: Vec<&&String> = names.iter().filter(|name| turned(name, Part::Receives)).collect();
    match (acts.first(), receives.first()) {
        (Some(name), Some(_)) => Some((**name).clone()),
        _ => replaced(said.0, source.0).or_else(|| reordered(said, source, &own, &told)),
    }
}

fn other(part: Part) -> Part {
    if part == Part::Acts { Part::Receives } else { Part::Acts }
}

/// A party of which the source (or the clause that says the same) doesn't speak, while one of the source's is missing.
fn replaced(said: &[Token], source: &[Token]) -> Option<String> {
    let nouns = |tokens: &[Token]| -> BTreeSet<String> {
        tokens
            .iter()
            .filter(|token| PARTIES.contains(&token.lower.as_str()))
            .map(|token| token.stem.clone())
            .collect()
    };
    let strange = |own: &[Token], told: &[Token]| {
        let (ours, theirs) = (nouns(own), nouns(told));
        let all: BTreeSet<&str> = told.iter().map(|token| token.stem.as_str()).collect();
        let mut strange: Vec<String> =
            ours.iter().filter(|stem| !all.contains(stem.as_str())).cloned().collect();
        strange.sort_unstable();
        let missing = theirs.iter().any(|stem| !ours.contains(stem));
        strange.into_iter().next().filter(|_| missing)
    };
    strange(said, source).or_else(|| {
        said.chunk_by(|a, b| a.clause == b.clause).find_map(|own| strange(own, alike(own, source)?))
    })
}

/// The one clause of the source that shares most with a clause: two words at least, and more than any other.
fn alike<'a>(own: &[Token], source: &'a [Token]) -> Option<&'a [Token]> {
    let carries =
        |token: &&Token| !crate::words::is_stop(&token.lower) && !PARTIES.contains(&token.lower.as_str());
    let stems: BTreeSet<&str> = own.iter().filter(carries).map(|token| token.stem.as_str()).collect();
    let shared = |clause: &[Token]| {
        clause
            .iter()
            .filter(carries)
            .map(|t| t.stem.as_str())
            .filter(|stem| stems.contains(stem))
            .collect::<BTreeSet<_>>()
            .len()
    };
    let mut all: Vec<(usize, &[Token])> =
        source.chunk_by(|a, b| a.clause == b.clause).map(|clause| (shared(clause), clause)).collect();
    all.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    match all.as_slice() {
        [(first, clause), rest @ ..]
            if *first >= 3 && rest.first().is_none_or(|(second, _)| first >= &(second + 2)) =>
        {
            Some(clause)
        }
        _ => None,
    }
}

/// Two that both receive (or both act), in the other order, without a word between that explains it.
fn reordered(
    said: (&[Token], &BTreeSet<usize>),
    source: (&[Token], &BTreeSet<usize>),
    own: &BTreeMap<String, Vec<Part>>,
    told: &BTreeMap<String, Vec<Part>>,
) -> Option<String> {
    let order = |(tokens, named): (&[Token], &BTreeSet<usize>)| -> Vec<String> {
        (0..tokens.len()).filter_map(|at| party(tokens, at, named)).collect()
    };
    let (first, second) = (order(said), order(source));
    let once = |list: &[String], name: &String| list.iter().filter(|other| *other == name).count() == 1;
    let shared: Vec<&String> =
        first.iter().filter(|name| once(&first, name) && once(&second, name)).collect();
    if shared.len() != 2 || is_passive(said.0) != is_passive(source.0) {
        return None;
    }
    let same = |name: &String| own.get(name) == told.get(name) && own.contains_key(name);
    let place = |name: &String| second.iter().position(|other| other == name);
    let turned = place(shared[0]) > place(shared[1]);
    let joined = said.0.iter().any(|token| token.is(&["and", "or"]));
    (turned && same(shared[0]) && same(shared[1]) && !joined && frame(said.0) == frame(source.0))
        .then(|| shared[0].clone())
}

/// The small words of a text in order: alike where only the parties have changed places.
fn frame(tokens: &[Token]) -> Vec<&str> {
    tokens
        .iter()
        .filter(|token| crate::words::is_stop(&token.lower))
        .map(|token| token.lower.as_str())
        .collect()
}
