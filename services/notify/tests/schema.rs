//! `docs/outcome.schema.json` is made from the report's type, and reports are what it says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use domain::outcome::Report;
use domain::{Outcome, Reason};
use precis_notify::{render, report};
use std::path::Path;

fn schema() -> serde_json::Value {
    serde_json::to_value(schemars::schema_for!(Report)).unwrap()
}

/// `BLESS=1 cargo test -p precis-notify` rewrites it.
#[test]
fn the_schema_in_docs_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/outcome.schema.json");
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "run it with BLESS=1");
}

#[test]
fn what_is_told_to_programs_is_valid_and_read_back_the_same() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let (job, finding) = lease();
    let mut all = vec![(job, Some(finding))];
    all.extend(Reason::ALL.iter().map(|&reason| (ended_for(reason), None)));
    for (job, finding) in all {
        let told = render(&job, finding.as_ref(), &links());
        assert!(!told.json.contains('\n'), "one object a line");
        let value: serde_json::Value = serde_json::from_str(&told.json).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {value:#}");
        let back: Report = serde_json::from_value(value).unwrap();
        assert_eq!(back, report(&job, finding.as_ref()));
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let good =
        serde_json::to_value(report(&job("a.pdf", Outcome::rejected(Reason::Damaged, "")), None)).unwrap();
    assert!(validator.is_valid(&good));
    for (name, wrong) in
        [("outcome", "finished"), ("reason", "BAD_LUCK"), ("run", "first"), ("coverage", "all")]
    {
        let mut bad = good.clone();
        bad[name] = wrong.into();
        assert!(!validator.is_valid(&bad), "{name}: {wrong} passes");
    }
}
