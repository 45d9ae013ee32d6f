//! What a reader should know about a summary, said in our words: that a document is only a table or a list, that it is
//! shorter than what was asked for. Nothing is made up to fill the space.

use crate::structure::{Document, Kind};

/// Share of the words from which a document is nothing else.
const ONLY: f64 = 0.9;

/// What there is instead of running text.
#[expect(clippy::cast_precision_loss, reason = "counts of words are far below 2^52")]
pub(crate) fn shape(document: &Document) -> Option<String> {
    let of = |kind: Option<Kind>| {
        document.sentences.iter().filter(move |s| kind.is_none_or(|kind| s.kind == kind))
    };
    let words = |kind| of(kind).map(|s| s.words).sum::<usize>() as f64;
    let only = |kind| words(Some(kind)) >= ONLY * words(None);
    let rows = of(Some(Kind::Row)).count();
    let items = of(Some(Kind::Item)).count();
    if rows > 1 && only(Kind::Row) {
        return Some(format!("This is no running text but a table of {rows} rows; some of them are shown."));
    }
    (items > 2 && only(Kind::Item))
        .then(|| format!("This is no running text but a list; some of its {items} lines are shown."))
}

/// What a length comes to that no summary can have.
pub(crate) fn length(asked: usize, told: usize, all: bool) -> Option<String> {
    match asked {
        0 => Some("A summary of no words was asked for: this is the shortest sentence.".to_owned()),
        _ if told > asked => Some(format!(
            "No sentence is as short as the {asked} words that were asked for: this is the shortest."
        )),
        _ if all => Some(format!(
            "The document is shorter than the {asked} words that were asked for: this is all it says."
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::Sentence;

    fn document(kinds: &[Kind]) -> Document {
        let sentence = |&kind: &Kind| Sentence {
            text: "Roof, EUR 900".into(),
            kind,
            section: 0,
            place: 0,
            words: 3,
            parts: vec![],
            trimmed: false,
        };
        Document { sentences: kinds.iter().map(sentence).collect(), ..Document::default() }
    }

    #[test]
    fn a_table_and_a_list_are_told_from_a_text_that_has_some() {
        assert!(shape(&document(&[Kind::Row; 12])).unwrap().contains("a table of 12 rows"));
        assert!(shape(&document(&[Kind::Item; 5])).unwrap().contains("a list; some of its 5 lines"));
        assert_eq!(shape(&document(&[Kind::Row, Kind::Row, Kind::Body])), None);
        assert_eq!(shape(&document(&[Kind::Body; 4])), None);
    }

    #[test]
    fn a_length_that_cannot_be_kept_is_explained() {
        assert!(length(0, 5, false).unwrap().contains("no words"));
        assert!(length(3, 5, false).unwrap().contains("as short as the 3 words"));
        assert!(length(500, 80, true).unwrap().contains("this is all it says"));
        assert_eq!(length(120, 118, false), None);
    }
}
