//! What documents that nobody has read will come to: pages and scans, estimated from documents that were done here, and
//! their cost.
//!
//! Pages and the share of pages by OCR are ratio estimates over the documents of a kind that were done (their sum over
//! their sum), and the range is that of 95 % by the ratio's standard error: wide where few were done or they differ.
//! Where none was done, what was typed counts, and else an assumption that is said.

use super::bytes;
use crate::cli;
use crate::commands::place::Place;
use crate::commands::{cost, find};
use anyhow::Result;
use domain::{Document, Job, State};
use ports::Filter;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;

/// Documents that were done which are looked at, the newest.
const SAMPLE: usize = 1000;
/// Fewer tell too little.
const ENOUGH: usize = 5;
/// Bytes of a page where nothing is known: of a PDF with pictures, and of one that is all text.
const PDF_PAGE: (f64, f64) = (100_000.0, 25_000.0);
/// And of text.
const TEXT_PAGE: (f64, f64) = (6_000.0, 2_000.0);

/// Kinds by the ending of their keys, as far as it matters for pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Pdf,
    Picture,
    Text,
    Other,
}

impl Kind {
    fn of(key: &str) -> Self {
        let ending = key.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        match ending.as_str() {
            "pdf" => Self::Pdf,
            "png" | "jpg" | "jpeg" | "tif" | "tiff" => Self::Picture,
            "docx" | "html" | "htm" | "md" | "txt" | "eml" => Self::Text,
            _ => Self::Other,
        }
    }
}

/// Documents without a job.
#[derive(Debug, Default)]
pub struct Counted {
    /// Those with one.
    pub known: u64,
    kinds: BTreeMap<Kind, (u64, u64)>,
}

impl Counted {
    /// Counts one.
    pub fn add(&mut self, document: &Document) {
        let (count, bytes) = self.kinds.entry(Kind::of(&document.key)).or_default();
        *count += 1;
        *bytes += document.size;
    }

    /// How many.
    pub fn documents(&self) -> u64 {
        self.kinds.values().map(|(count, _)| count).sum()
    }

    fn bytes(&self) -> u64 {
        self.kinds.values().map(|(_, bytes)| bytes).sum()
    }

    fn unread(&self) -> u64 {
        self.kinds.get(&Kind::Other).map_or(0, |(count, _)| *count)
    }
}

/// A range.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Range {
    low: f64,
    high: f64,
}

/// What is expected.
pub struct Estimate {
    documents: u64,
    known: u64,
    unread: u64,
    bytes: u64,
    pages: Range,
    ocr: Range,
    usd: Range,
    basis: String,
    region: String,
    date: String,
    /// Dollars for a request that lists.
    pub list_price: f64,
}

/// Estimates what these documents come to.
pub async fn of(place: &Place, args: &cli::Backfill, counted: &Counted) -> Result<Estimate> {
    let filter = Filter {
        state: Some(State::Ended),
        key_prefix: Some(args.prefix.clone()).filter(|prefix| !prefix.is_empty()),
        limit: SAMPLE,
        ..Filter::default()
    };
    let done = find::all(place.stack.jobs.as_ref(), &filter).await?;
    let (pages, ocr, basis) = expected(args, counted, &done);
    let list = cost::prices(place.aws(), &args.prices, args.data.region.as_deref())?;
    let prices = &list.prices;
    let readable = (counted.documents() - counted.unread()) as f64;
    let (page, each) = match place.aws() {
        Some(_) => (prices.textract_page, cost::requests(prices)),
        None => (0.0, 0.0),
    };
    let usd = |ocr: f64| ocr * page + readable * each;
    Ok(Estimate {
        documents: counted.documents(),
        known: counted.known,
        unread: counted.unread(),
        bytes: counted.bytes(),
        pages,
        ocr,
        usd: Range { low: usd(ocr.low), high: usd(ocr.high) },
        basis,
        region: list.region.clone(),
        date: list.date.clone(),
        list_price: prices.s3_write,
    })
}

/// Pages, pages by OCR, and what that rests on.
fn expected(args: &cli::Backfill, counted: &Counted, done: &[Job]) -> (Range, Range, String) {
    let (mut pages, mut ocr, mut rests_on) = (Range::default(), Range::default(), Vec::new());
    for (kind, (count, size)) in &counted.kinds {
        if *kind == Kind::Other {
            continue;
        }
        let (count, size) = (*count as f64, *size as f64);
        let like: Vec<&Job> =
            done.iter().filter(|job| job.pages.is_some() && Kind::of(&job.document.key) == *kind).collect();
        let of_kind = match args.pages {
            Some(pages) => Range { low: pages * count, high: pages * count },
            None if like.len() >= ENOUGH => {
                let each = ratio(like.iter().map(|job| (f64::from(job.pages.unwrap_or(0)), 1.0)));
                Range { low: each.low.max(1.0) * count, high: each.high.max(1.0) * count }
            }
            None => assumed(*kind, count, size),
        };
        let share = match args.scanned {
            Some(share) => Range { low: share, high: share },
            None if like.len() >= ENOUGH => {
                let pairs =
                    like.iter().map(|job| (job.ocr_pages.len() as f64, f64::from(job.pages.unwrap_or(0))));
                let share = ratio(pairs);
                Range { low: share.low.clamp(0.0, 1.0), high: share.high.clamp(0.0, 1.0) }
            }
            None => match kind {
                Kind::Picture => Range { low: 1.0, high: 1.0 },
                Kind::Text => Range::default(),
                Kind::Pdf | Kind::Other => Range { low: 0.0, high: 1.0 },
            },
        };
        pages = Range { low: pages.low + of_kind.low, high: pages.high + of_kind.high };
        ocr = Range { low: ocr.low + of_kind.low * share.low, high: ocr.high + of_kind.high * share.high };
        let name = match kind {
            Kind::Pdf => "PDF",
            Kind::Picture => "pictures",
            Kind::Text => "text",
            Kind::Other => "others",
        };
        rests_on.push(match (args.pages.is_some() && args.scanned.is_some(), like.len()) {
            (true, _) => format!("{name}: as typed"),
            (false, seen) if seen >= ENOUGH => format!("{name}: {seen} done here"),
            _ => format!("{name}: assumed (--pages and --scanned say better)"),
        });
    }
    (pages, ocr, rests_on.join("; "))
}

fn assumed(kind: Kind, count: f64, size: f64) -> Range {
    let by = |(few, many): (f64, f64)| Range { low: (size / few).max(count), high: (size / many).max(count) };
    match kind {
        Kind::Pdf => by(PDF_PAGE),
        Kind::Text => by(TEXT_PAGE),
        Kind::Picture | Kind::Other => Range { low: count, high: count },
    }
}

/// The ratio of two sums over documents, with 1.96 standard errors on each side (W. Cochran, Sampling Techniques, 1977,
/// 6.4).
fn ratio(pairs: impl Iterator<Item = (f64, f64)>) -> Range {
    let pairs: Vec<(f64, f64)> = pairs.collect();
    let n = pairs.len() as f64;
    let (y, x) = pairs.iter().fold((0.0, 0.0), |(y, x), pair| (y + pair.0, x + pair.1));
    if x == 0.0 || n < 2.0 {
        return Range::default();
    }
    let ratio = y / x;
    let squares: f64 = pairs.iter().map(|(y, x)| (y - ratio * x).powi(2)).sum();
    let error = 1.96 * (squares / (n * (n - 1.0))).sqrt() / (x / n);
    Range { low: ratio - error, high: ratio + error }
}

impl Estimate {
    /// For people.
    pub fn print(&self, args: &cli::Backfill, out: &mut dyn Write) -> Result<()> {
        writeln!(out, "  {:>9}  documents have a job already", self.known)?;
        writeln!(out, "  {:>9}  have none: {}", self.documents, bytes(self.bytes))?;
        if self.documents == 0 {
            return Ok(());
        }
        if self.unread > 0 {
            writeln!(out, "  {:>9}  of them are of a kind that is not read, by their names", self.unread)?;
        }
        writeln!(out, "  {:>9}  pages", between(self.pages, 0))?;
        writeln!(out, "  {:>9}  of them by OCR", between(self.ocr, 0))?;
        writeln!(
            out,
            "  {:>9}  US dollars: OCR and requests, list prices in {} of {}",
            between(self.usd, 2),
            self.region,
            self.date
        )?;
        writeln!(out, "  Rests on: {}", self.basis)?;
        let seconds = self.documents as f64 / args.rate;
        let took = std::time::Duration::from_secs_f64(seconds.min(1e9));
        writeln!(out, "  At {} a second sending takes {} at least", args.rate, crate::show::age(took))?;
        Ok(())
    }

    /// For programs.
    pub fn json(&self, bucket: &str, prefix: &str, requests: u64) -> serde_json::Value {
        let range = |range: Range| json!([range.low, range.high]);
        json!({
            "bucket": bucket, "prefix": prefix, "known": self.known, "documents": self.documents,
            "unread_kinds": self.unread, "bytes": self.bytes, "pages": range(self.pages),
            "ocr_pages": range(self.ocr), "usd": range(self.usd), "rests_on": self.basis, "region": self.region,
            "prices_of": self.date, "list_requests": requests,
        })
    }
}

/// `12` or `12 to 40`.
fn between(range: Range, digits: usize) -> String {
    let shown = |number: f64| format!("{number:.digits$}");
    let (low, high) = (shown(range.low), shown(range.high));
    if low == high { low } else { format!("{low} to {high}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_that_of_the_sums_and_its_range_grows_with_the_scatter() {
        let same = ratio([(2.0, 10.0), (4.0, 20.0), (1.0, 5.0)].into_iter());
        assert!((same.low - 0.2).abs() < 1e-12 && (same.high - 0.2).abs() < 1e-12, "{same:?}");
        // By hand: sums 6 and 12, residuals 1, -2, 1; s = sqrt(6 / (3 * 2)) = 1, mean 4: 0.5 ± 1.96 / 4.
        let wide = ratio([(3.0, 4.0), (0.0, 4.0), (3.0, 4.0)].into_iter());
        assert!((wide.low - (0.5 - 0.49)).abs() < 1e-9 && (wide.high - 0.99).abs() < 1e-9, "{wide:?}");
        assert_eq!(ratio(std::iter::empty()), Range::default());
    }

    #[test]
    fn kinds_are_told_by_their_ending() {
        for (key, kind) in [
            ("a/B.PDF", Kind::Pdf),
            ("x.tiff", Kind::Picture),
            ("x.y.docx", Kind::Text),
            ("archive.zip", Kind::Other),
            ("none", Kind::Other),
        ] {
            assert_eq!(Kind::of(key), kind, "{key}");
        }
    }
}
