//! Why a sentence was taken: each term of its score by name, with its weight and its value.
//!
//! The terms are those that the ranking itself computed, so that weight times value, summed, *is* the score (tested for
//! every candidate). What is standardised over the document as a whole has its mean as a term of its own.

use crate::rank::{self, Ranked, Term};
use crate::select::{self, Embedded};
use crate::structure::Document;
use crate::{Analysis, cues};

/// One term of a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// Its name, as in `docs/ranking.md`.
    pub name: &'static str,
    /// What it counts for, for this document.
    pub weight: f64,
    /// What it is for this sentence; standardised where RANKING says so.
    pub value: f64,
}

/// A candidate with the reasons of its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// As a summary would say it.
    pub text: String,
    /// The page that it begins on.
    pub page: u32,
    /// Its words.
    pub words: usize,
    /// What selection goes by.
    pub score: f64,
    /// What makes the score, the most important first; those that add nothing are left out.
    pub terms: Vec<Weighed>,
}

impl Analysis {
    /// Every candidate with the terms of its score, from the best to the worst. `vectors` are the embeddings of
    /// [`Analysis::texts`]; without them a head that weighs them adds nothing.
    #[must_use]
    pub fn explain(&mut self, mut vectors: Vec<Vec<f32>>) -> Vec<Explained> {
        vectors.truncate(self.places.len());
        self.learn(&Embedded { places: self.places.clone(), vectors });
        let terms = terms(&self.document, &self.ranked);
        let explained = |&place: &usize| {
            let sentence = &self.document.sentences[self.ranked.pool[place]];
            let mut terms: Vec<Weighed> = terms[place].clone();
            let known: f64 = terms.iter().map(|term| term.weight * term.value).sum();
            // What a learnt ranking adds has no terms here: a thousand small ones.
            terms.push(Weighed { name: "learnt", weight: 1.0, value: self.ranked.scores[place] - known });
            let leans = f64::from(u8::from(cues::dangles(&sentence.text)));
            terms.push(Weighed { name: "dangling", weight: -select::DANGLING, value: leans });
            terms.retain(|term| (term.weight * term.value).abs() > 1e-6);
            terms.sort_by(|a, b| (b.weight * b.value).abs().total_cmp(&(a.weight * a.value).abs()));
            Explained {
                text: sentence.text.clone(),
                page: sentence.parts.first().map_or(1, |part| part.page),
                words: sentence.words,
                score: self.merits[place],
                terms,
            }
        };
        self.order.iter().map(explained).collect()
    }
}

/// For each place of the pool the terms of its score.
fn terms(document: &Document, ranked: &Ranked) -> Vec<Vec<Weighed>> {
    let lambda = ranked.office;
    let about = About::new(ranked);
    let today = ranked.today.as_deref();
    let sentence = |place: usize| &document.sentences[ranked.pool[place]];
    let worth = |place: usize| rank::worth(sentence(place), rank::heading(document, sentence(place)), today);
    let (mean, deviation) = rank::spread(&(0..ranked.pool.len()).map(worth).collect::<Vec<_>>());
    let of = |place: usize| {
        let mut out = Vec::new();
        if lambda < 1.0 {
            about.terms(ranked.pool[place], 1.0 - lambda, &mut out);
        }
        if lambda > 0.0 {
            let (sentence, heading) = (sentence(place), rank::heading(document, sentence(place)));
            let scale = lambda * rank::brevity(sentence) / deviation;
            let own = rank::worth_terms(sentence, heading, today);
            out.extend(own.into_iter().map(|(name, weight, value)| Weighed {
                name,
                weight: scale * weight,
                value,
            }));
            out.push(Weighed { name: "mean of act", weight: -lambda / deviation, value: mean });
        }
        let own = f64::from(u8::from(cues::OWN_SUMMARY.is_match(rank::heading(document, sentence(place)))));
        out.push(Weighed { name: "own summary", weight: rank::OWN_SUMMARY, value: own });
        out
    };
    (0..ranked.pool.len()).map(of).collect()
}

/// Recipe C's part.
struct About<'a> {
    kept: &'a [usize],
    terms: &'a [Term],
    mean: f64,
    deviation: f64,
}

impl<'a> About<'a> {
    fn new(ranked: &'a Ranked) -> Self {
        let (kept, terms) = (&ranked.kept, &ranked.about);
        let total = |at: usize| terms.iter().map(|(_, weight, values)| weight * values[at]).sum::<f64>();
        // Where both questions have other candidates, recipe C's scores are standardised.
        let whole = ranked.kept == ranked.pool || terms.is_empty();
        let (mean, deviation) =
            if whole { (0.0, 1.0) } else { rank::spread(&(0..kept.len()).map(total).collect::<Vec<_>>()) };
        Self { kept, terms, mean, deviation }
    }

    fn terms(&self, sentence: usize, share: f64, out: &mut Vec<Weighed>) {
        let Ok(at) = self.kept.binary_search(&sentence) else {
            out.push(Weighed { name: "no candidate", weight: share, value: rank::NO_CANDIDATE });
            return;
        };
        let scale = share / self.deviation;
        let weighed =
            |(name, weight, values): &Term| Weighed { name, weight: scale * weight, value: values[at] };
        out.extend(self.terms.iter().map(weighed));
        out.push(Weighed { name: "mean of recipe C", weight: -scale, value: self.mean });
    }
}

#[cfg(test)]
mod tests {
    use crate::{Options, analyse};
    use domain::text::{Line, Origin, Page, Pages, Role};

    fn pages(paragraphs: &[&str]) -> Pages {
        let line = |(number, text): (u32, &&str)| {
            let (role, text) =
                text.strip_prefix("# ").map_or((Role::Body, *text), |text| (Role::Heading(2), text));
            Line { text: text.into(), role, paragraph: number, bbox: None, confidence: None }
        };
        let lines = (1_u32..).zip(paragraphs).map(line).collect();
        let page = Page { number: 1, origin: Origin::Text, lines, attachment: None, note: None };
        Pages { pages: vec![page], title: None }
    }

    fn recipe() -> Options {
        Options { head: None, ..Options::default() }
    }

    const PROSE: [&str; 8] = [
        "# Introduction",
        "This paper proposes a new way of painting the walls of an old house by the sea.",
        "However, the walls of such a house are wet in winter and crack in the summer heat.",
        "# Method",
        "We painted forty walls with lime, and forty other walls with the usual paint.",
        "The walls that were painted with lime stayed dry for as long as we looked at them.",
        "# Results",
        "Lime keeps the walls of a house dry, and the usual paint does not keep them dry.",
    ];

    #[test]
    fn the_terms_of_every_candidate_add_up_to_its_score() {
        let mut letter = PROSE.to_vec();
        letter.extend(["The tenant must paint the walls by 3 May 2027 for a sum of £400 at the most."]);
        let mut contract = letter.clone();
        contract
            .extend(["The rent of £900 is due on 1 June 2027.", "Notice: three months before 1 May 2028."]);
        for (name, paragraphs) in [("about", &PROSE[..]), ("between", &letter), ("office", &contract)] {
            let mut analysis = analyse(&pages(paragraphs), "x", &recipe()).unwrap();
            let explained = analysis.explain(Vec::new());
            assert!(explained.len() >= 5, "{name}");
            for one in &explained {
                let sum: f64 = one.terms.iter().map(|term| term.weight * term.value).sum();
                assert!((sum - one.score).abs() < 1e-4, "{name}: {sum} is not {}: {}", one.score, one.text);
                let learnt = one.terms.iter().find(|term| term.name == "learnt");
                assert!(learnt.is_none(), "{name}: {learnt:?} of {}", one.text);
            }
            assert!(explained.windows(2).all(|pair| pair[0].score >= pair[1].score));
        }
    }

    #[test]
    fn what_made_a_sentence_is_named() {
        let mut analysis = analyse(&pages(&PROSE), "x", &recipe()).unwrap();
        let explained = analysis.explain(Vec::new());
        let first = explained.iter().find(|one| one.text.starts_with("This paper")).unwrap();
        for name in ["lexrank", "doc", "we", "section_position", "intro"] {
            assert!(first.terms.iter().any(|term| term.name == name), "{name} in {:?}", first.terms);
        }
    }
}
