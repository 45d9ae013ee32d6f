//! Small documents of every kind, each different, made by a number; each with how it must end.

use std::fs;
use std::path::{Path, PathBuf};

/// A document to drop.
#[derive(Debug, Clone)]
pub struct Paper {
    /// Its file name, which is its key.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Why it is rejected; `None` where it must be summarized.
    pub rejected: Option<&'static str>,
    /// A word that the text read of it must hold.
    pub word: String,
}

impl Paper {
    /// Lays it into a folder, whole at once as a careful program does.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn lay_into(&self, folder: &Path) -> PathBuf {
        let path = folder.join(&self.name);
        fs::write(&path, &self.bytes).expect("a document can be written");
        path
    }

    fn good(name: String, bytes: Vec<u8>, word: String) -> Self {
        Self { name, bytes, rejected: None, word }
    }
}

const PLACES: [&str; 8] =
    ["archive", "garden", "kitchen", "workshop", "library", "garage", "laboratory", "chapel"];
const THINGS: [&str; 7] = ["roof", "pump", "gate", "printer", "boiler", "fence", "window"];

/// Sentences of a small report, different for each number.
#[must_use]
pub fn sentences(number: usize) -> Vec<String> {
    let place = PLACES[number % PLACES.len()];
    let thing = THINGS[number % THINGS.len()];
    let cost = 100 + 37 * number;
    vec![
        format!("On 3 March 2027 the caretaker inspected the {place} and found that the {thing} was broken."),
        format!(
            "The repair of the {thing} will cost {cost} euros and must be finished before 30 April 2027."
        ),
        format!(
            "Until the work is done nobody may use the {place} without the written consent of the office."
        ),
        format!(
            "Two firms were asked for an offer, and the cheaper one can begin within nine days of the order."
        ),
        format!("Please tell the office by Friday who will watch over the work in the {place}."),
        format!("This report has the reference {} and replaces the one before it.", word(number)),
    ]
}

/// A word that stands in the text of this number only.
#[must_use]
pub fn word(number: usize) -> String {
    format!("REF{}", 10_000 + number)
}

/// Plain text.
#[must_use]
pub fn text(number: usize) -> Paper {
    let body = format!("Report {number}\n\n{}\n", sentences(number).join(" "));
    Paper::good(format!("report-{number}.txt"), body.into_bytes(), word(number))
}

/// Markdown.
#[must_use]
pub fn markdown(number: usize) -> Paper {
    let body = format!("# Report {number}\n\n- {}\n", sentences(number).join("\n- "));
    Paper::good(format!("list-{number}.md"), body.into_bytes(), word(number))
}

/// HTML with a menu.
#[must_use]
pub fn html(number: usize) -> Paper {
    let body = format!(
        "<!doctype html><html><head><title>Report {number}</title></head><body><nav><a href=x>Home</a></nav>\
         <main><h1>Report {number}</h1><p>{}</p></main></body></html>",
        sentences(number).join("</p><p>")
    );
    Paper::good(format!("page-{number}.html"), body.into_bytes(), word(number))
}

/// An e-mail.
#[must_use]
pub fn eml(number: usize) -> Paper {
    let body = format!(
        "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: Report {number}\r\n\
         Date: Mon, 8 Mar 2027 09:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
        sentences(number).join("\r\n")
    );
    Paper::good(format!("letter-{number}.eml"), body.into_bytes(), word(number))
}

/// A PDF of one page with a text layer.
#[must_use]
pub fn pdf(number: usize) -> Paper {
    let lines: Vec<_> = sentences(number).iter().map(|line| format!("({line}) Tj")).collect();
    let content = format!("BT /F1 10 Tf 16 TL 40 700 Td {} ET", lines.join(" T* "));
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let (mut out, mut places) = (String::from("%PDF-1.4\n"), Vec::new());
    for (at, body) in objects.iter().enumerate() {
        places.push(out.len());
        out.push_str(&format!("{} 0 obj\n{body}\nendobj\n", at + 1));
    }
    let start = out.len();
    out.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        out.push_str(&format!("{place:010} 00000 n \n"));
    }
    let size = objects.len() + 1;
    out.push_str(&format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"));
    Paper::good(format!("print-{number}.pdf"), out.into_bytes(), word(number))
}

/// All small scans there are: pictures of text, which only OCR reads.
///
/// # Panics
/// If the fixtures are missing.
#[must_use]
pub fn scans() -> Vec<Paper> {
    let folder = crate::running::fixtures().join("scans");
    let mut scans: Vec<_> = crate::running::files(&folder)
        .into_iter()
        .map(|name| {
            let bytes = fs::read(folder.join(&name)).expect("a fixture can be read");
            Paper::good(format!("scan-{name}"), bytes, "caretaker".into())
        })
        .collect();
    scans.sort_by(|a, b| a.name.cmp(&b.name));
    scans
}

/// A document that cannot be summarized, each with its reason.
#[must_use]
pub fn bad(number: usize) -> Paper {
    let (what, bytes, reason) = match number % 4 {
        0 => ("empty.txt", Vec::new(), "EMPTY_FILE"),
        1 => ("short.txt", format!("Back soon, {number}.\n").into_bytes(), "TOO_LITTLE_TEXT"),
        2 => ("noise.bin", noise(number), "UNSUPPORTED_TYPE"),
        _ => {
            let mut bytes = pdf(number).bytes;
            bytes.truncate(60);
            ("cut.pdf", bytes, "DAMAGED")
        }
    };
    let name = format!("bad-{number}-{what}");
    Paper { name, bytes, rejected: Some(reason), word: String::new() }
}

/// A good document with text: the kinds take turns.
#[must_use]
pub fn good(number: usize) -> Paper {
    [text, markdown, html, eml, pdf][number % 5](number)
}

/// Bytes that are no format at all.
fn noise(number: usize) -> Vec<u8> {
    let mut chance = Chance::new(number as u64 + 1);
    (0..4000).map(|_| u8::try_from(chance.below(256)).unwrap_or(0)).collect()
}

/// A small generator, so that one seed tells the whole run.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Begins at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// The seed that the environment names in `variable`, else one of the clock; printed either way.
    #[must_use]
    pub fn seeded(variable: &str) -> Self {
        let named = std::env::var(variable).ok().and_then(|seed| seed.parse().ok());
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seed = named.unwrap_or_else(|| clock.map_or(1, |since| since.as_secs()));
        println!("{variable}={seed}");
        Self::new(seed)
    }

    /// A number below the bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    /// Changes the order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).unwrap_or(0);
            items.swap(at, other);
        }
    }
}
