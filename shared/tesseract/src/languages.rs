//! Names of languages: documents and people say `fr`, Tesseract says `fra`.

/// Language tags (ISO 639-1) and Tesseract's names for them.
const NAMES: &[(&str, &str)] = &[
    ("af", "afr"),
    ("ar", "ara"),
    ("be", "bel"),
    ("bg", "bul"),
    ("bn", "ben"),
    ("ca", "cat"),
    ("cs", "ces"),
    ("cy", "cym"),
    ("da", "dan"),
    ("de", "deu"),
    ("el", "ell"),
    ("en", "eng"),
    ("eo", "epo"),
    ("es", "spa"),
    ("et", "est"),
    ("eu", "eus"),
    ("fa", "fas"),
    ("fi", "fin"),
    ("fr", "fra"),
    ("ga", "gle"),
    ("gl", "glg"),
    ("he", "heb"),
    ("hi", "hin"),
    ("hr", "hrv"),
    ("hu", "hun"),
    ("hy", "hye"),
    ("id", "ind"),
    ("is", "isl"),
    ("it", "ita"),
    ("ja", "jpn"),
    ("ka", "kat"),
    ("ko", "kor"),
    ("la", "lat"),
    ("lt", "lit"),
    ("lv", "lav"),
    ("mk", "mkd"),
    ("ms", "msa"),
    ("mt", "mlt"),
    ("nb", "nor"),
    ("nl", "nld"),
    ("nn", "nor"),
    ("no", "nor"),
    ("pl", "pol"),
    ("pt", "por"),
    ("ro", "ron"),
    ("ru", "rus"),
    ("sk", "slk"),
    ("sl", "slv"),
    ("sq", "sqi"),
    ("sr", "srp"),
    ("sv", "swe"),
    ("sw", "swa"),
    ("ta", "tam"),
    ("te", "tel"),
    ("th", "tha"),
    ("tr", "tur"),
    ("uk", "ukr"),
    ("ur", "urd"),
    ("vi", "vie"),
    ("yi", "yid"),
    ("zh", "chi_sim"),
    ("zh-hans", "chi_sim"),
    ("zh-hant", "chi_tra"),
    ("zh-tw", "chi_tra"),
];

/// Tesseract's name for a language tag (`de`, `de-AT`, `DE`) or for one of its own names (`deu`).
#[must_use]
pub fn to_tesseract(tag: &str) -> String {
    let tag = tag.trim().to_ascii_lowercase().replace('_', "-");
    let known = |tag: &str| NAMES.iter().find(|(name, _)| *name == tag).map(|(_, name)| (*name).to_owned());
    known(&tag)
        .or_else(|| tag.split_once('-').and_then(|(language, _)| known(language)))
        .unwrap_or_else(|| tag.replace('-', "_"))
}

/// The Debian package with Tesseract's data for a language by Tesseract's name.
#[must_use]
pub fn installed_name(language: &str) -> String {
    format!("tesseract-ocr-{}", language.to_ascii_lowercase().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_regions_and_own_names_are_understood() {
        for (tag, name) in [
            ("fr", "fra"),
            ("de-AT", "deu"),
            ("EN", "eng"),
            ("zh_Hant", "chi_tra"),
            ("fra", "fra"),
            ("chi_sim", "chi_sim"),
        ] {
            assert_eq!(to_tesseract(tag), name);
        }
        assert_eq!(installed_name("chi_sim"), "tesseract-ocr-chi-sim");
    }
}
