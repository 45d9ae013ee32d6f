//! Budgets: how many pages OCR may still be asked for this month, at the places where an operator said so.
//!
//! A cap is set by `ocr_monthly_pages` for all keys or for those that begin so, and holds for each bucket by itself. A
//! document counts at every place that it lies in, so a cap for everything holds although a folder has its own. Months
//! are calendar months in UTC; what was taken in one is never moved to another.

use crate::error::Result;
use async_trait::async_trait;
use domain::settings::{Layer, MonthlyPages, Source};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A cap of one place in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// Month, bucket and prefix as one text: what is counted under.
    pub name: String,
    /// The prefix, for people; empty: the whole bucket.
    pub prefix: String,
    /// The month, `2026-11`.
    pub month: String,
    /// Pages at most.
    pub pages: u64,
}

impl Cap {
    /// The caps that hold for a document of this bucket, whose settings are these layers, now.
    #[must_use]
    pub fn of(bucket: &str, layers: &[(Source, Layer)], now: Timestamp) -> Vec<Self> {
        let month = now.strftime("%Y-%m").to_string();
        let mut places: BTreeMap<&str, MonthlyPages> = BTreeMap::new();
        for (source, layer) in layers {
            let prefix = match source {
                Source::File => "",
                Source::Prefix(prefix) => prefix.as_str(),
                Source::Default | Source::Tag | Source::Run => continue,
            };
            // Of one place the later layer holds, as everywhere.
            places.extend(layer.ocr_monthly_pages.map(|pages| (prefix, pages)));
        }
        let capped = places.into_iter().filter(|(_, pages)| *pages != MonthlyPages::UNLIMITED);
        let cap = |(prefix, pages): (&str, MonthlyPages)| Self {
            name: format!("{month} {bucket}/{prefix}"),
            prefix: prefix.to_owned(),
            month: month.clone(),
            pages: u64::from(pages.0),
        };
        capped.map(cap).collect()
    }
}

/// The answer to a wish for pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// They may be spent.
    Yes,
    /// Of this cap's pages too few are left; nothing was taken of any.
    Exceeds(Cap),
}

/// Budgets that all tasks share.
///
/// Contract: over all takers no cap is ever exceeded; of several caps all are counted or none; taking again under the
/// same name counts nothing and is granted; a name that was given back may be taken again.
#[async_trait]
pub trait Budget: Send + Sync {
    /// Takes pages under a name, at most 200 characters, that stands for one spending.
    async fn take(&self, name: &str, pages: u64, of: &[Cap]) -> Result<Taken>;

    /// Gives back what was taken under that name: it was not spent. If nothing was, that is no failure.
    async fn give_back(&self, name: &str, of: &[Cap]) -> Result<()>;

    /// How many pages are taken of a cap.
    async fn spent(&self, cap: &Cap) -> Result<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(pages: &str) -> Layer {
        Layer::from_pairs([("ocr_monthly_pages", pages)]).expect("it is a setting")
    }

    #[test]
    fn a_document_counts_at_every_place_that_it_lies_in() {
        let now: Timestamp = "2026-11-30T23:59:59Z".parse().expect("a time");
        let prefix = |prefix: &str| Source::Prefix(prefix.to_owned());
        let layers = [
            (Source::File, layer("500")),
            (Source::File, layer("400")),
            (prefix("in/"), layer("unlimited")),
            (prefix("in/scans/"), layer("7")),
            (prefix("in/scans/x"), Layer::default()),
        ];
        let caps = Cap::of("b", &layers, now);
        let seen: Vec<_> = caps.iter().map(|cap| (cap.name.as_str(), cap.pages)).collect();
        assert_eq!(seen, [("2026-11 b/", 400), ("2026-11 b/in/scans/", 7)]);
        let next = Cap::of("b", &layers, now + std::time::Duration::from_secs(1));
        assert_eq!(next[0].name, "2026-12 b/");
        assert!(Cap::of("b", &[], now).is_empty());
    }
}
