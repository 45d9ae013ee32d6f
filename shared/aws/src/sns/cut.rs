//! What is longer than SNS carries is cut, and says so.

/// What SNS carries is 256 KiB with all attributes; a key and the other attributes have less than this room.
const LIMIT: usize = 256 * 1024 - 4 * 1024;

const NOTE: &str = "\n[Cut here: an e-mail by SNS holds 256 KB. The whole result is in the results bucket; `precis result` prints it.]\n";

/// An e-mail's text that fits. It is cut at the end of a line.
pub(super) fn text(text: &str) -> String {
    if text.len() <= LIMIT {
        return text.to_owned();
    }
    let mut end = LIMIT - NOTE.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = &text[..end];
    let kept = kept.rfind('\n').map_or(kept, |at| &kept[..=at]);
    format!("{kept}{NOTE}")
}

/// A report that fits: the lines about each page go first, then the summary's sentences. `cut` names what is gone;
/// the whole is the artifact `result`.
pub(super) fn report(json: &str) -> String {
    if json.len() <= LIMIT {
        return json.to_owned();
    }
    let Ok(serde_json::Value::Object(mut report)) = serde_json::from_str(json) else {
        return json.to_owned();
    };
    let mut gone = Vec::new();
    for (field, empty) in [("pages", serde_json::json!([])), ("summary", serde_json::Value::Null)] {
        if report.insert(field.to_owned(), empty).is_some() {
            gone.push(field);
        }
        report.insert("cut".to_owned(), serde_json::json!(gone));
        let short = serde_json::Value::Object(report.clone()).to_string();
        if short.len() <= LIMIT {
            return short;
        }
    }
    serde_json::Value::Object(report).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_stays_and_a_longer_one_ends_at_a_line_and_says_so() {
        assert_eq!(text("short"), "short");
        let long = "a line of text \u{E9}\n".repeat(20_000);
        let cut = text(&long);
        assert!(cut.len() <= LIMIT && cut.ends_with(NOTE));
        assert!(cut.trim_end_matches(NOTE).ends_with("\u{E9}\n") || cut.contains("\u{E9}\n\n[Cut"));
        let one_line = "\u{1F980}".repeat(100_000);
        assert!(text(&one_line).len() <= LIMIT);
    }

    #[test]
    fn a_report_that_is_too_long_loses_its_pages_first_and_names_what_is_gone() {
        let page = serde_json::json!({ "number": 1, "note": "x".repeat(100) });
        let report_of = |sentences: usize| {
            serde_json::json!({
                "job": "j", "pages": vec![page.clone(); 3000], "summary": { "text": "s".repeat(sentences) },
            })
            .to_string()
        };
        let cut: serde_json::Value = serde_json::from_str(&report(&report_of(10))).unwrap();
        assert_eq!((&cut["cut"], &cut["job"]), (&serde_json::json!(["pages"]), &serde_json::json!("j")));
        assert_eq!(cut["summary"]["text"], "ssssssssss");
        let cut = report(&report_of(300_000));
        assert!(cut.len() <= LIMIT && cut.contains(r#""cut":["pages","summary"]"#), "{}", cut.len());
        assert_eq!(report("{}"), "{}");
    }
}
