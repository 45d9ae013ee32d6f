//! Words, stems and languages.
//!
//! Ranking compares sentences by stems: lower-case runs of letters and digits, reduced by the Snowball
//! stemmer of the document's language. Scripts written without spaces (Chinese, Japanese, Thai …) have no
//! such runs; there the words are those of ICU's dictionaries. A language without a stemmer keeps its words
//! as they are, one without a list of stop words lets every word link sentences.

use icu_segmenter::options::WordBreakInvariantOptions;
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};
use regex::Regex;
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::HashSet;
use std::sync::LazyLock;

/// First parts of words that keep their hyphen.
pub(crate) const PREFIXES: [&str; 11] =
    ["self", "well", "non", "ex", "half", "long", "short", "high", "low", "full", "part"];

/// English words that say nothing about a sentence's subject (RANKING.md's list).
static STOP: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "a about above after again against all am an and any are as at be because been before being below \
     between both but by can cannot could did do does doing down during each few for from further had has \
     have having he her here hers him his how i if in into is it its itself let me more most my no nor not \
     of off on once only or other our out over own same she should so some such than that the their them \
     then there these they this those through to too under until up very was we were what when where which \
     while who whom why will with would you your also may might must one two use used using e g s t via \
     just like make need new case way"
        .split_whitespace()
        .collect()
});

/// What belongs to a word without being a letter: vowel and tone signs, viramas, accents.
static MARK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{M}$").expect("a fixed pattern"));

/// A character of a word.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() && MARK.is_match(c.encode_utf8(&mut [0; 4]))
}

/// The words of a run that holds characters of a script without spaces, by ICU's dictionaries.
pub(crate) fn dictionary_words(run: &str) -> impl Iterator<Item = &str> {
    static WORDS: LazyLock<WordSegmenterBorrowed<'static>> =
        LazyLock::new(|| WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()));
    let ends: Vec<usize> = WORDS.segment_str(run).collect();
    let slices: Vec<&str> = ends.windows(2).map(|pair| &run[pair[0]..pair[1]]).collect();
    slices.into_iter().filter(|word| word.chars().any(char::is_alphanumeric))
}

/// True for a stem that carries no subject in English.
pub(crate) fn is_stop(stem: &str) -> bool {
    STOP.contains(stem)
}

/// A character of a script that is written without spaces between words.
pub(crate) fn unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// Words as a reader counts them: runs between white space; within a run of a script without spaces the
/// words of ICU's dictionaries.
#[must_use]
pub fn count_words(text: &str) -> usize {
    if text.is_ascii() {
        return text.split_ascii_whitespace().count();
    }
    text.split_whitespace()
        .map(|run| match run.chars().filter(|&c| unspaced(c)).count() {
            0 | 1 => 1,
            _ => dictionary_words(run).count().max(1),
        })
        .sum()
}

/// Turns text into stems.
pub(crate) struct Stems {
    stemmer: Option<Stemmer>,
    english: bool,
    /// Stems of the words that say nothing about a subject, where the language is not English.
    stop: HashSet<String>,
}

impl Stems {
    /// For a BCP-47 language; an unknown one is treated as English, since its stop words do no harm.
    pub(crate) fn new(language: Option<&str>) -> Self {
        let primary = language.unwrap_or("en").split(['-', '_']).next().unwrap_or("en").to_lowercase();
        let algorithm = match primary.as_str() {
            "ar" => Some(Algorithm::Arabic),
            "da" => Some(Algorithm::Danish),
            "de" => Some(Algorithm::German),
            "el" => Some(Algorithm::Greek),
            "en" => Some(Algorithm::English),
            "es" => Some(Algorithm::Spanish),
            "fi" => Some(Algorithm::Finnish),
            "fr" => Some(Algorithm::French),
            "hu" => Some(Algorithm::Hungarian),
            "it" => Some(Algorithm::Italian),
            "nb" | "nn" | "no" => Some(Algorithm::Norwegian),
            "nl" => Some(Algorithm::Dutch),
            "pt" => Some(Algorithm::Portuguese),
            "ro" => Some(Algorithm::Romanian),
            "ru" => Some(Algorithm::Russian),
            "sv" => Some(Algorithm::Swedish),
            "ta" => Some(Algorithm::Tamil),
            "tr" => Some(Algorithm::Turkish),
            _ => None,
        };
        let english = primary == "en";
        let mut stems = Self { stemmer: algorithm.map(Stemmer::create), english, stop: HashSet::new() };
        if !english {
            let code = if matches!(primary.as_str(), "nb" | "nn") { "no" } else { primary.as_str() };
            let words = stop_words::lookup(code).unwrap_or_default();
            stems.stop = words.iter().flat_map(|word| stems.of(word)).collect();
        }
        stems
    }

    /// Whether English cues and stop words apply.
    pub(crate) fn english(&self) -> bool {
        self.english
    }

    /// Every stem of a text in order, numbers and stop words included. Words of at most three letters
    /// stay as they are (as ROUGE's tokenizer does).
    pub(crate) fn of(&self, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let lower = text.to_lowercase();
        for run in lower.split(|c: char| !in_word(c)).filter(|run| !run.is_empty()) {
            if !run.is_ascii() && run.chars().any(unspaced) {
                out.extend(dictionary_words(run).map(str::to_owned));
                continue;
            }
            match &self.stemmer {
                Some(stemmer) if run.chars().nth(3).is_some() => out.push(stemmer.stem(run).into_owned()),
                _ => out.push(run.to_owned()),
            }
        }
        out
    }

    /// Whether a stem says nothing about a subject in the document's language.
    pub(crate) fn stops(&self, stem: &str) -> bool {
        if self.english { is_stop(stem) } else { self.stop.contains(stem) }
    }

    /// Whether a stem may link two sentences: neither a number nor a stop word.
    pub(crate) fn carries(&self, stem: &str) -> bool {
        !(stem.chars().all(char::is_numeric) || self.stops(stem))
    }
}

/// The language of a text as BCP-47, when it can be told with confidence.
pub(crate) fn detect_language(text: &str) -> Option<String> {
    let info = whatlang::detect(text)?;
    if !info.is_reliable() && info.confidence() < 0.5 {
        return None;
    }
    Some(bcp47(info.lang().code()).to_owned())
}

/// ISO 639-3 as whatlang gives it → the shortest code, which BCP-47 asks for.
fn bcp47(code: &str) -> &str {
    const SHORT: &[(&str, &str)] = &[
        ("afr", "af"),
        ("aka", "ak"),
        ("amh", "am"),
        ("ara", "ar"),
        ("aze", "az"),
        ("bel", "be"),
        ("ben", "bn"),
        ("bul", "bg"),
        ("cat", "ca"),
        ("ces", "cs"),
        ("cmn", "zh"),
        ("dan", "da"),
        ("deu", "de"),
        ("ell", "el"),
        ("eng", "en"),
        ("epo", "eo"),
        ("est", "et"),
        ("fin", "fi"),
        ("fra", "fr"),
        ("guj", "gu"),
        ("heb", "he"),
        ("hin", "hi"),
        ("hrv", "hr"),
        ("hun", "hu"),
        ("hye", "hy"),
        ("ind", "id"),
        ("ita", "it"),
        ("jav", "jv"),
        ("jpn", "ja"),
        ("kan", "kn"),
        ("kat", "ka"),
        ("khm", "km"),
        ("kor", "ko"),
        ("lat", "la"),
        ("lav", "lv"),
        ("lit", "lt"),
        ("mal", "ml"),
        ("mar", "mr"),
        ("mkd", "mk"),
        ("mya", "my"),
        ("nep", "ne"),
        ("nld", "nl"),
        ("nob", "nb"),
        ("ori", "or"),
        ("pan", "pa"),
        ("pes", "fa"),
        ("pol", "pl"),
        ("por", "pt"),
        ("ron", "ro"),
        ("rus", "ru"),
        ("sin", "si"),
        ("slk", "sk"),
        ("slv", "sl"),
        ("sna", "sn"),
        ("spa", "es"),
        ("srp", "sr"),
        ("swe", "sv"),
        ("tam", "ta"),
        ("tel", "te"),
        ("tgl", "tl"),
        ("tha", "th"),
        ("tuk", "tk"),
        ("tur", "tr"),
        ("ukr", "uk"),
        ("urd", "ur"),
        ("uzb", "uz"),
        ("vie", "vi"),
        ("yid", "yi"),
        ("zul", "zu"),
        ("cym", "cy"),
    ];
    SHORT.iter().find(|(long, _)| *long == code).map_or(code, |(_, short)| short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_between_spaces_and_those_of_a_dictionary_in_scripts_without_spaces() {
        assert_eq!(count_words("The rent  rises."), 3);
        assert_eq!(count_words("これは日本語の文です"), 6);
        assert_eq!(count_words("ผู้เช่าต้องชำระค่าเช่า"), 6);
        assert_eq!(count_words(""), 0);
    }

    #[test]
    fn stems_join_forms_of_a_word_and_keep_short_words() {
        let stems = Stems::new(Some("en"));
        assert_eq!(stems.of("Summaries, summary; the don't"), ["summari", "summari", "the", "don", "t"]);
        assert!(!stems.carries("the") && !stems.carries("2026") && stems.carries("rent"));
        assert_eq!(Stems::new(Some("de-DE")).of("Mieten"), Stems::new(Some("de")).of("Miete"));
    }

    #[test]
    fn the_language_is_told_as_bcp_47_and_left_out_when_unsure() {
        let german = "Die Miete steigt zum ersten März des kommenden Jahres um sechs Prozent, teilte der Vermieter mit.";
        assert_eq!(detect_language(german).as_deref(), Some("de"));
        let english =
            "The rent rises by six per cent on the first of March, the landlord has told all tenants today.";
        assert_eq!(detect_language(english).as_deref(), Some("en"));
        assert_eq!(detect_language("12 34"), None);
    }

    #[test]
    fn words_without_a_subject_are_told_in_each_language_and_its_own_words_are_kept() {
        for (language, stop, word) in [
            ("de", "und nicht wird", "Brücke"),
            ("fr", "dans pour avec", "rivière"),
            ("es", "para como esta", "puente"),
            ("ru", "что когда его", "мост"),
            ("zh", "我们 因为", "桥梁"),
            ("ja", "これ その", "計画"),
            ("th", "และ ของ ที่", "สะพาน"),
            ("ar", "هذا التي", "جسر"),
            ("nb", "ikke som", "bro"),
        ] {
            let stems = Stems::new(Some(language));
            let linking: Vec<_> = stems.of(stop).into_iter().filter(|stem| stems.carries(stem)).collect();
            assert!(linking.is_empty(), "{language}: {linking:?}");
            assert!(stems.of(word).iter().all(|stem| stems.carries(stem)), "{language}");
        }
    }

    #[test]
    fn forms_of_a_word_have_one_stem_where_there_is_a_stemmer_and_a_language_without_one_keeps_its_words() {
        for (language, forms) in [
            ("de", "Verträge Vertrags"),
            ("fr", "travailler travaille"),
            ("es", "contratos contrato"),
            ("ru", "мостами моста"),
            ("ar", "الكتاب كتاب"),
        ] {
            let stems = Stems::new(Some(language)).of(forms);
            assert_eq!(stems[0], stems[1], "{language}");
        }
        assert_eq!(Stems::new(Some("xx")).of("Two forms, form"), ["two", "forms", "form"]);
    }

    #[test]
    fn vowel_and_tone_signs_belong_to_their_word() {
        assert_eq!(Stems::new(Some("hi")).of("अनुबंध शुरू"), ["अनुबंध", "शुरू"]);
        assert!(Stems::new(Some("th")).of("ผู้เช่าต้องชำระ").contains(&"ต้อง".to_owned()));
    }
}
