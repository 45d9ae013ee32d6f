//! What AWS asks for what we use: `prices.toml`, by region, and what a count of requests costs by it.
//!
//! A price is a fact of one day. The file says of which, and where each stands; a file of an operator's own may correct
//! single prices (a discount, a region that is not listed) without a new release.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The prices that this release knows.
const KNOWN: &str = include_str!("../prices.toml");
/// The region whose prices stand for those that are not listed.
const USUAL: &str = "us-east-1";

/// Requests that write among those to DynamoDB for a document, and the size of what they write and read, in units: a job's
/// record has some 2 KB and stands in three indexes. Counted by `tests/tests/stack/calls.rs` (docs/aws-calls.md): 7.6
/// writes and 6.6 reads.
const DYNAMODB_WRITES: f64 = 7.6 / 14.2;
const UNITS_A_WRITE: f64 = 4.0;
/// Requests to S3 that write, of all: 3 of 6, counted there too.
const S3_WRITES: f64 = 0.5;

/// US dollars, each for one of what its name says.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "prices.toml says what each is")]
pub struct Prices {
    pub textract_page: f64,
    pub s3_write: f64,
    pub s3_read: f64,
    pub s3_gb_month: f64,
    pub sqs_request: f64,
    pub sns_publish: f64,
    pub sns_email: f64,
    pub dynamodb_write: f64,
    pub dynamodb_read: f64,
    pub fargate_vcpu_hour: f64,
    pub fargate_gb_hour: f64,
}

/// Prices, and where they are from.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceList {
    /// The prices.
    pub prices: Prices,
    /// Of which region.
    pub region: String,
    /// Of which day.
    pub date: String,
    /// Whether a file of the operator's own corrected some.
    pub corrected: bool,
}

/// A price file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the prices {file} cannot be used: {why}. Do: copy the form of `precis cost --example`")]
pub struct BadPrices {
    file: String,
    why: String,
}

type Table = BTreeMap<String, toml::Value>;

impl PriceList {
    /// The prices of a region, corrected by a file.
    ///
    /// # Errors
    /// If the file cannot be read, or says something that is no price.
    pub fn of(region: &str, own: Option<&Path>) -> Result<Self, BadPrices> {
        let known = parse(KNOWN).map_err(|why| BadPrices { file: "of this release".into(), why })?;
        let Some(file) = own else {
            return Self::merged(region, &known, None).map_err(bad("of this release"));
        };
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| bad(&shown)(error.to_string()))?;
        let own = parse(&text).map_err(bad(&shown))?;
        // What is wrong shows at once, and not in the month in which its region is asked for.
        for (other, _) in own.iter().filter(|(_, value)| value.is_table()) {
            Self::merged(other, &known, Some(&own)).map_err(bad(&shown))?;
        }
        Self::merged(region, &known, Some(&own)).map_err(bad(&shown))
    }

    fn merged(region: &str, known: &Table, own: Option<&Table>) -> Result<Self, String> {
        let listed = |table: &Table| table.get(region).and_then(toml::Value::as_table).cloned();
        let corrections = own.and_then(listed);
        let region = match (known.contains_key(region), corrections.is_some()) {
            (false, false) => USUAL,
            _ => region,
        };
        let base = known.get(region).or_else(|| known.get(USUAL)).and_then(toml::Value::as_table);
        let mut prices = base.cloned().ok_or("it lists no region")?;
        let corrected = corrections.is_some();
        prices.extend(corrections.unwrap_or_default());
        let date = own.filter(|_| corrected).and_then(|own| own.get("date")).or_else(|| known.get("date"));
        let date = date.and_then(toml::Value::as_str).unwrap_or("an unknown day").to_owned();
        let prices: Prices = toml::Value::Table(prices)
            .try_into()
            .map_err(|error: toml::de::Error| error.message().to_owned())?;
        prices.check()?;
        Ok(Self { prices, region: region.to_owned(), date, corrected })
    }

    /// The file of this release, to be copied.
    #[must_use]
    pub fn example() -> &'static str {
        KNOWN
    }
}

fn bad(file: &str) -> impl Fn(String) -> BadPrices {
    move |why| BadPrices { file: file.to_owned(), why }
}

fn parse(text: &str) -> Result<Table, String> {
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

impl Prices {
    fn check(&self) -> Result<(), String> {
        let all = [
            self.textract_page,
            self.s3_write,
            self.s3_read,
            self.s3_gb_month,
            self.sqs_request,
            self.sns_publish,
            self.sns_email,
            self.dynamodb_write,
            self.dynamodb_read,
            self.fargate_vcpu_hour,
            self.fargate_gb_hour,
        ];
        let good = all.iter().all(|price| price.is_finite() && (0.0..1000.0).contains(price));
        if good { Ok(()) } else { Err("a price is a number of dollars from 0 to 1000".to_owned()) }
    }

    /// A request to S3, on the average.
    #[must_use]
    pub fn s3(&self) -> f64 {
        self.s3_write * S3_WRITES + self.s3_read * (1.0 - S3_WRITES)
    }

    /// A request to DynamoDB, on the average.
    #[must_use]
    pub fn dynamodb(&self) -> f64 {
        self.dynamodb_write * UNITS_A_WRITE * DYNAMODB_WRITES + self.dynamodb_read * (1.0 - DYNAMODB_WRITES)
    }

    /// An hour of this much of Fargate.
    #[must_use]
    pub fn fargate_hour(&self, vcpu: f64, gb: f64) -> f64 {
        vcpu * self.fargate_vcpu_hour + gb * self.fargate_gb_hour
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str, region: &str) -> Result<PriceList, BadPrices> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        PriceList::of(region, Some(file.path()))
    }

    #[test]
    fn every_region_of_the_file_is_complete_and_each_price_has_its_page() {
        for region in ["us-east-1", "eu-west-1"] {
            let list = PriceList::of(region, None).unwrap();
            assert_eq!((list.region.as_str(), list.corrected), (region, false));
            assert!(list.date.parse::<jiff::civil::Date>().is_ok());
        }
        assert_eq!(PriceList::of("ap-south-9", None).unwrap().region, USUAL);
        for service in ["textract", "s3", "sqs", "sns", "dynamodb", "fargate"] {
            assert!(KNOWN.contains(&format!("https://aws.amazon.com/{service}/pricing/")), "{service}");
        }
    }

    #[test]
    fn a_file_of_ones_own_corrects_single_prices() {
        let list = own("date = \"2027-01-02\"\n[eu-west-1]\ntextract_page = 0.001\n", "eu-west-1").unwrap();
        assert_eq!(
            (list.prices.textract_page, list.prices.sns_email, list.corrected),
            (0.001, 0.00002, true)
        );
        assert_eq!(list.date, "2027-01-02");
        let added = own("[ap-south-9]\nsqs_request = 0.1\n", "ap-south-9").unwrap();
        assert_eq!((added.region.as_str(), added.prices.sqs_request), ("ap-south-9", 0.1));
    }

    #[test]
    fn what_is_no_price_is_named() {
        for (text, says) in [
            ("[us-east-1]\ntextract_pages = 1\n", "textract_pages"),
            ("[us-east-1]\ntextract_page = \"x\"\n", "invalid type"),
            ("[us-east-1]\ntextract_page = -1.0\n", "from 0 to 1000"),
            ("[us-east-1\n", "cannot be used"),
        ] {
            let error = own(text, "us-east-1").unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("--example"), "{error}");
        }
        assert!(PriceList::of("us-east-1", Some(Path::new("/nowhere/prices.toml"))).is_err());
    }
}
