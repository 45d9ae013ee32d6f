//! From bytes to characters, and from characters to text that is safe to carry.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Text, and what it was written in.
pub(crate) struct Decoded {
    pub text: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests ask which encoding was found"))]
    pub encoding: &'static str,
}

/// Decodes text of unknown encoding: by its byte order mark, else as UTF-8, else by what the sender
/// declared, else by what it looks like.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> Decoded {
    let encoding = Encoding::for_bom(bytes)
        .map(|(encoding, _)| encoding)
        .or_else(|| wide_without_mark(bytes))
        .or_else(|| valid_utf8_head(bytes).then_some(UTF_8))
        .or_else(|| {
            declared.and_then(|label| Encoding::for_label(label.as_bytes())).filter(|it| *it != UTF_8)
        })
        .unwrap_or_else(|| guess(bytes));
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    Decoded { text: text.into_owned(), encoding: encoding.name() }
}

/// Whether the bytes are UTF-8, but for a character cut at the end.
fn valid_utf8_head(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && bytes.len() - error.valid_up_to() < 4,
    }
}

/// UTF-16 without a mark shows itself by a zero in every other byte.
fn wide_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(4096) & !1];
    if head.len() < 8 {
        return None;
    }
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count() * 2;
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 > head.len() * 7 && even * 10 < head.len() {
        Some(UTF_16LE)
    } else if even * 10 > head.len() * 7 && odd * 10 < head.len() {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guessed = detector.guess(None, Utf8Detection::Deny);
    // A letter in English has a pound sign or curly quotes and nothing else beyond ASCII: too little for the
    // detector, which may take £ for Ł. No other language gets by with these signs alone.
    let signs_only = bytes.iter().filter(|byte| !byte.is_ascii()).all(|byte| LATIN_SIGNS.contains(byte));
    if guessed == UTF_8 || signs_only { WINDOWS_1252 } else { guessed }
}

/// Signs of Windows-1252 that texts without accented letters have: € … – — quotes • ™, and no-break space
/// £ § © « ® ° ± · » ¼ ½ ¾.
const LATIN_SIGNS: &[u8] = &[
    0x80, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99, 0xA0, 0xA3, 0xA7, 0xA9, 0xAB, 0xAE, 0xB0,
    0xB1, 0xB7, 0xBB, 0xBC, 0xBD, 0xBE,
];

/// Whether bytes are text: decodable, and next to no control characters.
pub(crate) fn looks_like_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64 << 10)];
    let Decoded { text, .. } = decode(head, None);
    let (mut all, mut bad) = (0_usize, 0_usize);
    for character in text.chars() {
        all += 1;
        let control = character.is_control()
            && !matches!(character, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}' | '\u{85}');
        bad += usize::from(control || character == '\u{fffd}' || is_private(character));
    }
    all > 0 && bad * 50 <= all && !(all < 50 && bad > 0)
}

/// Whether a character belongs to a private use area: it means nothing outside its font.
pub(crate) fn is_private(character: char) -> bool {
    matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{fffff}' | '\u{100000}'..='\u{10ffff}')
}

/// Whether a character is invisible and says nothing: it is dropped.
fn is_noise(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(character, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// One line of text: invisible characters dropped, ligatures spelled out, runs of white space made one
/// space, none at the ends.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for character in text.chars() {
        if character.is_whitespace() {
            space = !out.is_empty();
        } else if !is_noise(character) {
            if space {
                out.push(' ');
                space = false;
            }
            push_spelled(&mut out, character);
        }
    }
    out
}

/// One line of preformatted text: its inner spaces kept.
pub(crate) fn clean_code(text: &str) -> String {
    let kept: String =
        text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !is_noise(*c)).collect();
    kept.trim_end().to_owned()
}

/// Appends a character, Latin ligatures as the letters that they stand for.
pub(crate) fn push_spelled(out: &mut String, character: char) {
    match character {
        '\u{fb00}' => out.push_str("ff"),
        '\u{fb01}' => out.push_str("fi"),
        '\u{fb02}' => out.push_str("fl"),
        '\u{fb03}' => out.push_str("ffi"),
        '\u{fb04}' => out.push_str("ffl"),
        '\u{fb05}' | '\u{fb06}' => out.push_str("st"),
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin1_and_windows_1252_keep_their_accents() {
        let text =
            "Le caf\u{e9} \u{e9}tait d\u{e9}j\u{e0} ferm\u{e9}, \u{201c}na\u{ef}vement\u{201d} dit-il.";
        let (bytes, _, _) = WINDOWS_1252.encode(text);
        assert_eq!(decode(&bytes, None).text, text);
    }

    #[test]
    fn a_pound_sign_alone_stays_a_pound_sign() {
        let (bytes, _, _) = WINDOWS_1252.encode("getting one back costs \u{a3}40, a card \u{a3}15");
        assert_eq!(decode(&bytes, None).text, "getting one back costs \u{a3}40, a card \u{a3}15");
        let polish = "Zażółć gęślą jaźń, Łódź";
        let (bytes, _, _) = encoding_rs::WINDOWS_1250.encode(polish);
        assert_eq!(decode(&bytes, None).text, polish);
    }

    #[test]
    fn byte_order_marks_and_bare_utf16_are_understood() {
        assert_eq!(decode(b"\xef\xbb\xbfhello", None).text, "hello");
        let wide: Vec<u8> = "plain words".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide, None).text, "plain words");
        let mut marked = vec![0xFE, 0xFF];
        marked.extend("Gr\u{fc}\u{df}e".encode_utf16().flat_map(u16::to_be_bytes));
        assert_eq!(decode(&marked, None).text, "Gr\u{fc}\u{df}e");
    }

    #[test]
    fn a_declared_encoding_is_used_where_the_bytes_allow_it() {
        let (bytes, _, _) = encoding_rs::KOI8_R.encode("\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}");
        let decoded = decode(&bytes, Some("koi8-r"));
        assert_eq!(
            (decoded.text.as_str(), decoded.encoding),
            ("\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}", "KOI8-R")
        );
        assert_eq!(decode("caf\u{e9}".as_bytes(), Some("iso-8859-1")).text, "caf\u{e9}");
    }

    #[test]
    fn a_line_is_cleaned_of_what_cannot_be_seen() {
        assert_eq!(clean("  a\u{200b}\tb\u{ad}c \u{fb01}n\u{202e} \0d\n"), "a bc fin d");
        assert_eq!(clean_code("  if x:\t1  \n"), "  if x: 1");
    }
}
