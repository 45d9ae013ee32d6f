//! What the templates in `infra/` must know of the code: one page, `infra/tests/contract.json`, made from the code here
//! and read by the checks in `infra/tests`. So a time, a variable or a metric that changes in one place alone is found.
//!
//! `BLESS=1 cargo test -p precis-tests --test infra` writes the page anew.

use domain::OutcomeKind;
use ports::QueueName;
use precis_tests::deployment::{SERVICES, built};
use precis_tests::program::repository;
use serde_json::{Map, Value, json};
use std::process::Command;
use std::time::Duration;
use telemetry::metrics::Kind;

/// The variables of a service with their defaults (null: none), as its `--help` says them.
fn environment(service: &str) -> Value {
    let program = built().join(format!("precis-{service}"));
    let ran = Command::new(&program).arg("--help").env_clear().output();
    let ran = ran.unwrap_or_else(|error| panic!("{}: {error}; run `make test`", program.display()));
    // Long lines are broken, within what is looked for here too.
    let help = String::from_utf8(ran.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let between = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from)?;
        Some(rest.split_once(to)?.0.to_owned())
    };
    let mut variables = Map::new();
    for part in help.split("[env: ").skip(1) {
        let name = part.split_once('=').expect("clap writes NAME=VALUE").0.to_owned();
        let default = part.split(" --").next().and_then(|own| between(own, "[default: ", "]"));
        variables.insert(name, default.map_or(Value::Null, Value::String));
    }
    assert!(variables.len() > 5, "{service} names few variables in:\n{help}");
    Value::Object(variables)
}

fn metrics() -> Vec<Value> {
    let kind = |kind| match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let all = telemetry::metrics::ALL.iter();
    all.map(|metric| json!({"name": metric.name, "kind": kind(metric.kind), "labels": metric.labels}))
        .collect()
}

fn contract() -> Value {
    let services: Map<String, Value> =
        SERVICES.iter().map(|service| ((*service).to_owned(), environment(service))).collect();
    let numbers = worker::Config::polling(8, Duration::from_secs(80));
    let seconds = |duration: Duration| json!(duration.as_secs());
    let outcomes =
        [OutcomeKind::Summarized, OutcomeKind::Rejected, OutcomeKind::Failed, OutcomeKind::Superseded];
    json!({
        "environment": services,
        "queues": QueueName::ALL.map(QueueName::as_str),
        "worker": {
            "visibility": seconds(numbers.visibility),
            "lease": seconds(numbers.lease),
            "wait": seconds(numbers.wait),
            "grace": seconds(numbers.grace),
            "attempts": numbers.max_attempts,
            "receives": ports::queue::MAX_RECEIVES,
        },
        "port": telemetry::serve::DEFAULT_ADDRESS.port(),
        "metrics": {
            "namespace": telemetry::emf::NAMESPACE,
            "program": telemetry::emf::PROGRAM,
            "all": metrics(),
            "values": {
                "kind": outcomes.map(OutcomeKind::as_str),
                "origin": [
                    domain::text::Origin::Text,
                    domain::text::Origin::Ocr,
                    domain::text::Origin::Blank,
                    domain::text::Origin::Unread,
                ],
            },
        },
    })
}

#[test]
fn the_templates_are_checked_against_what_the_code_says_now() {
    let path = repository().join("infra/tests/contract.json");
    let now = serde_json::to_string_pretty(&contract()).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, now, "infra/tests/contract.json is made from the code: run it with BLESS=1");
}
