//! What may be set, and where each value came from.
//!
//! Settings are resolved once for each run, from layers: defaults, then the file (or table), then the longest
//! matching prefix, then the object's tags, then what an operator asked for when he started the run. A later
//! layer wins, with one exception: tags come with the document, so they may lower a cap but never raise it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much of a document an e-mail may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmailContent {
    /// Headline, summary, key facts.
    #[default]
    Full,
    /// The headline only.
    Headline,
    /// Nothing of the document: its name and where to read the result.
    Link,
}

/// Whose words a summary is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// The document's own sentences.
    #[default]
    Extract,
    /// A model's, each held against the document; the document's own where there is no such model or it fails.
    Generate,
}

impl Write {
    /// Then a job is stored as it was before there was a choice.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Pages that OCR may be asked for in a month, or as many as come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PagesGiven", into = "PagesGiven")]
pub struct MonthlyPages(pub u32);

impl MonthlyPages {
    /// As many as come.
    pub const UNLIMITED: Self = Self(u32::MAX);

    fn is_unlimited(&self) -> bool {
        *self == Self::UNLIMITED
    }

    fn unlimited() -> Self {
        Self::UNLIMITED
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum PagesGiven {
    Number(u32),
    Word(Unlimited),
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum Unlimited {
    #[serde(rename = "unlimited")]
    Unlimited,
}

impl From<PagesGiven> for MonthlyPages {
    fn from(given: PagesGiven) -> Self {
        match given {
            PagesGiven::Number(pages) => Self(pages),
            PagesGiven::Word(Unlimited::Unlimited) => Self::UNLIMITED,
        }
    }
}

impl From<MonthlyPages> for PagesGiven {
    fn from(pages: MonthlyPages) -> Self {
        if pages.is_unlimited() { Self::Word(Unlimited::Unlimited) } else { Self::Number(pages.0) }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Built in.
    Default,
    /// The settings file or table.
    File,
    /// A prefix of the key in that file or table.
    Prefix(String),
    /// A tag on the object.
    Tag,
    /// Asked for when this run was started.
    Run,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Prefix(prefix) => write!(f, "prefix {prefix}"),
            Self::Tag => f.write_str("tag"),
            Self::Run => f.write_str("this run"),
        }
    }
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])* $(#[serde($($serde:tt)*)])? $name:ident: $ty:ty = $default:expr, $rule:ident
        $(, read $read:literal)?;)*) => {
        /// The values that hold for one run.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct Settings {
            $( $(#[doc = $doc])* $(#[serde($($serde)*)])? pub $name: $ty, )*
            /// Where each value comes from, by name; a name that is missing has its default.
            #[serde(default)]
            pub sources: BTreeMap<String, Source>,
        }

        /// Some of the values: one layer.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Layer {
            $( $(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none" $(, deserialize_with = $read)?)]
                pub $name: Option<$ty>, )*
        }

        impl Default for Settings {
            fn default() -> Self { Self { $($name: $default,)* sources: BTreeMap::new() } }
        }

        impl Settings {
            fn apply(&mut self, source: &Source, layer: &Layer) {
                $( if let Some(value) = &layer.$name && settings!(@may $rule, source, value, &self.$name) {
                    self.$name = value.clone();
                    self.sources.insert(stringify!($name).to_owned(), source.clone());
                } )*
            }

            /// Each name with its value (as JSON) and source, for people.
            #[must_use]
            pub fn rows(&self) -> Vec<(&'static str, serde_json::Value, Source)> {
                vec![$((stringify!($name), serde_json::json!(self.$name),
                    self.sources.get(stringify!($name)).cloned().unwrap_or(Source::Default)),)*]
            }
        }

        impl Layer {
            /// The names that may be set.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];
        }
    };
    (@may free, $source:ident, $new:expr, $old:expr) => { true };
    (@may cap, $source:ident, $new:expr, $old:expr) => { *$source != Source::Tag || $new <= $old };
    (@may place, $source:ident, $new:expr, $old:expr) => { !matches!($source, Source::Tag | Source::Run) };
    (@may fixed, $source:ident, $new:expr, $old:expr) => { *$source != Source::Tag };
}

settings! {
    /// Length of the summary: words, or `brief` (60), `standard` (120), `detailed` (240).
    words: u32 = 120, free, read "words";
    /// Language of the document (BCP 47, for example `fr`); empty: found out.
    language: String = String::new(), free;
    /// What the reader asks of the document, in its language ("termination and liability"); empty: nothing special.
    #[serde(default)]
    focus: String = String::new(), free;
    /// Whose words the summary is in.
    #[serde(default, skip_serializing_if = "Write::is_default")]
    write: Write = Write::Extract, free;
    /// Largest file that is read, in bytes.
    max_bytes: u64 = 500 * 1024 * 1024, cap;
    /// Most pages that are read.
    max_pages: u32 = 3000, cap;
    /// Longest that reading one file may take, in seconds.
    reader_seconds: u32 = 120, cap;
    /// Most memory that reading one file may take, in MiB.
    reader_memory_mib: u32 = 2048, cap;
    /// Most pages that OCR is asked for in a calendar month (UTC), for all documents of the place where this is set
    /// together; `unlimited`: as many as come.
    #[serde(default = "MonthlyPages::unlimited", skip_serializing_if = "MonthlyPages::is_unlimited")]
    ocr_monthly_pages: MonthlyPages = MonthlyPages::UNLIMITED, place;
    /// What an e-mail may contain.
    email: EmailContent = EmailContent::Full, fixed;
}

impl Settings {
    /// Applies the layers in order over the defaults.
    #[must_use]
    pub fn resolve(layers: &[(Source, Layer)]) -> Self {
        let mut settings = Self::default();
        for (source, layer) in layers {
            settings.apply(source, layer);
        }
        settings
    }

    /// The values that change what a summary says, as a text that is equal exactly when they are.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text =
            format!("words={} language={} max_pages={}", self.words, self.language, self.max_pages);
        // What was reused before there were these settings still is.
        if !self.focus.is_empty() {
            text.push_str(&format!(" focus={:?}", self.focus));
        }
        if self.write == Write::Generate {
            text.push_str(" write=generate");
        }
        text
    }
}

/// The lengths that have a name, with their words.
pub const LENGTHS: [(&str, u32); 3] = [("brief", 60), ("standard", 120), ("detailed", 240)];

/// A length as people give it: words, or the name of a length.
///
/// # Errors
/// Says which names there are.
pub fn length(text: &str) -> Result<u32, String> {
    let named = LENGTHS.iter().find(|(name, _)| *name == text).map(|(_, words)| *words);
    named.or_else(|| text.parse().ok()).ok_or_else(|| {
        let names = LENGTHS.map(|(name, words)| format!("{name} ({words})")).join(", ");
        format!("{text:?} is no length; give a number of words, or one of {names}")
    })
}

/// The words of a layer: a number or a name.
fn words<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Words(u32),
        Name(String),
    }
    Ok(match Option::<Given>::deserialize(input)? {
        None => None,
        Some(Given::Words(words)) => Some(words),
        Some(Given::Name(name)) => Some(length(&name).map_err(serde::de::Error::custom)?),
    })
}

impl Layer {
    /// Settings that are a text, also where it looks like a number.
    const TEXTS: [&str; 2] = ["language", "focus"];

    /// A layer from `name=value` texts, as tags and command lines have them.
    ///
    /// # Errors
    /// Says which name is unknown, with those that exist, or which value does not fit.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut map = serde_json::Map::new();
        for (name, value) in pairs {
            if !Self::NAMES.contains(&name) {
                return Err(format!("there is no setting {name:?}; there are {}", Self::NAMES.join(", ")));
            }
            let number = value.parse::<u64>().ok().filter(|_| !Self::TEXTS.contains(&name));
            map.insert(name.to_owned(), number.map_or_else(|| value.into(), serde_json::Value::from));
        }
        serde_json::from_value(map.into())
            .map_err(|error| format!("a setting has a value that does not fit: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(pairs: &[(&str, &str)]) -> Layer {
        Layer::from_pairs(pairs.iter().copied()).unwrap()
    }

    #[test]
    fn a_later_layer_wins_and_says_so() {
        let prefix = Source::Prefix("contracts/".into());
        let settings = Settings::resolve(&[
            (Source::File, layer(&[("words", "90"), ("max_pages", "10")])),
            (prefix.clone(), layer(&[("words", "60")])),
        ]);
        assert_eq!((settings.words, settings.max_pages), (60, 10));
        assert_eq!(settings.sources["words"], prefix);
        assert_eq!(settings.rows()[3].2, Source::Default);
    }

    #[test]
    fn tags_lower_caps_and_never_raise_them_nor_widen_the_email() {
        let lower = Settings::resolve(&[(Source::Tag, layer(&[("max_pages", "5")]))]);
        assert_eq!(lower.max_pages, 5);
        let raise = Settings::resolve(&[
            (Source::File, layer(&[("max_pages", "5"), ("email", "link")])),
            (Source::Tag, layer(&[("max_pages", "50"), ("email", "full")])),
        ]);
        assert_eq!((raise.max_pages, raise.email), (5, EmailContent::Link));
        assert_eq!(raise.sources["max_pages"], Source::File);
    }

    #[test]
    fn settings_from_before_there_were_written_summaries_still_open_and_name_the_same_work() {
        let mut old = serde_json::to_value(Settings::default()).unwrap();
        old.as_object_mut().unwrap().remove("write");
        let old: Settings = serde_json::from_value(old).unwrap();
        assert_eq!(old.write, Write::Extract);
        assert_eq!(old.fingerprint(), "words=120 language= max_pages=3000");
        let new = Settings::resolve(&[(Source::Tag, layer(&[("write", "generate")]))]);
        assert_eq!(new.fingerprint(), "words=120 language= max_pages=3000 write=generate");
        assert!(Layer::from_pairs([("write", "poetry")]).is_err());
    }

    #[test]
    fn an_unknown_setting_is_named_with_those_that_exist() {
        let error = Layer::from_pairs([("wrods", "9")]).unwrap_err();
        assert!(error.contains("wrods") && error.contains("words"), "{error}");
        let error = Layer::from_pairs([("words", "many")]).unwrap_err();
        assert!(error.contains("many") && error.contains("detailed (240)"), "{error}");
    }

    #[test]
    fn a_monthly_cap_is_of_a_place_and_no_tag_or_run_moves_it() {
        let place = Source::Prefix("scans/".into());
        let low = layer(&[("ocr_monthly_pages", "100")]);
        let settings = Settings::resolve(&[
            (place.clone(), low.clone()),
            (Source::Tag, layer(&[("ocr_monthly_pages", "1")])),
            (Source::Run, layer(&[("ocr_monthly_pages", "unlimited")])),
        ]);
        assert_eq!(settings.ocr_monthly_pages, MonthlyPages(100));
        assert_eq!(settings.sources["ocr_monthly_pages"], place);
        let again = layer(&[("ocr_monthly_pages", "unlimited")]);
        let settings = Settings::resolve(&[(Source::File, low), (place, again)]);
        assert_eq!(settings.ocr_monthly_pages, MonthlyPages::UNLIMITED);
        assert!(Layer::from_pairs([("ocr_monthly_pages", "many")]).is_err());
        // A job that says nothing of it is as it was before there was such a cap.
        let text = serde_json::to_string(&Settings::default()).unwrap();
        assert!(!text.contains("ocr_monthly_pages"), "{text}");
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), Settings::default());
    }

    #[test]
    fn a_length_has_a_name_or_is_a_number_of_words() {
        for (text, want) in [("brief", 60), ("standard", 120), ("detailed", 240), ("90", 90), ("0", 0)] {
            assert_eq!(layer(&[("words", text)]).words, Some(want));
        }
    }

    #[test]
    fn a_focus_is_a_text_and_changes_what_is_reused_only_where_there_is_one() {
        let asked = Settings::resolve(&[(Source::Tag, layer(&[("focus", "2027")]))]);
        assert_eq!((asked.focus.as_str(), &asked.sources["focus"]), ("2027", &Source::Tag));
        assert_ne!(asked.fingerprint(), Settings::default().fingerprint());
        assert!(!Settings::default().fingerprint().contains("focus"));
        let mut old = serde_json::to_value(Settings::default()).unwrap();
        old.as_object_mut().unwrap().remove("focus");
        assert_eq!(serde_json::from_value::<Settings>(old).unwrap(), Settings::default());
    }
}
