//! The template is what the simulation reads, and keeps what must hold of any.

use scaling::Stage;
use scaling::assumptions::Assumptions;
use scaling::plan::Plan;
use scaling::rules;
use scaling::template::Template;
use serde_json::Value;
use std::path::Path;

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/autoscaling.yml");
    std::fs::read_to_string(path).expect("the template is read")
}

fn template() -> Template {
    Template::parse(&text()).expect("it is a template")
}

#[test]
fn the_template_keeps_every_rule_on_fargate_and_on_gpus() {
    assert_eq!(rules::of(&template(), &Assumptions::read().unwrap()), Vec::<String>::new());
}

#[test]
fn another_value_of_a_parameter_is_another_plan() {
    let changed = template().with("Band3Backlog", 333).unwrap().with("Gpu", "true").unwrap();
    let plan = Plan::of(&changed).unwrap();
    assert_eq!(plan.policy("NotifyGrowPolicy").unwrap().steps[2].lower, Some(333.0));
    let gpu = template().number("SummarizeGpuCeiling").unwrap();
    assert_eq!(f64::from(plan.targets[Stage::Summarize as usize].ceiling), gpu);
    assert!(template().with("Nobody", 1).is_err());
}

#[test]
fn the_assumptions_are_the_defaults_of_the_template_and_of_the_services() {
    let (template, assumptions) = (template(), Assumptions::read().unwrap());
    let value = |name: &str| template.number(name).unwrap();
    for stage in Stage::ALL {
        assert_eq!(
            value("Concurrency"),
            f64::from(assumptions.of(stage).task.concurrency),
            "{}",
            stage.name()
        );
    }
    assert_eq!(value("GpuConcurrency"), f64::from(assumptions.gpu.task.concurrency));
    assert_eq!(value("TextractConcurrentJobs"), f64::from(assumptions.textract.concurrent_jobs));
    assert_eq!(value("TextractCallsPerSecond"), assumptions.textract.calls_per_second);
    let options = include_str!("../../../shared/aws/src/options.rs");
    let default = |variable: &str| {
        let line = options.lines().find(|line| line.contains(&format!("\"{variable}\""))).unwrap();
        let rest = line.split("default_value_t = ").nth(1).unwrap();
        rest.split(',').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(default("PRECIS_CONCURRENCY"), f64::from(assumptions.service.summarize.task.concurrency));
    assert_eq!(default("PRECIS_DRAIN"), assumptions.worker.drain);
    assert_eq!(default("PRECIS_TEXTRACT_CONCURRENT_JOBS"), f64::from(assumptions.textract.concurrent_jobs));
    assert_eq!(default("PRECIS_TEXTRACT_DETECTS_PER_SECOND"), assumptions.textract.calls_per_second);
    assert_eq!(default("PRECIS_EMAILS_PER_SECOND"), assumptions.email.per_second);
}

#[test]
fn every_parameter_says_why() {
    let template = template();
    for (name, _) in template.parameters() {
        let said = template.raw(&format!("Parameters.{name}.Description")).and_then(Value::as_str);
        assert!(said.is_some_and(|said| said.len() > 15), "{name}: {said:?}");
    }
}

/// Four services are written out; what is changed for one must be changed for all. (Summarize differs on GPUs alone.)
#[test]
fn all_services_are_scaled_by_the_same_resources() {
    let template = template();
    let kinds = ["CloudWatch::Alarm", "ApplicationAutoScaling::ScalingPolicy"];
    let all: Vec<(String, Value)> =
        kinds.iter().flat_map(|kind| template.resources(&format!("AWS::{kind}")).unwrap()).collect();
    let of = |name: &str, what: &str| {
        let (_, resource) = all.iter().find(|(full, _)| *full == format!("{name}{what}")).unwrap();
        let service = name.to_lowercase();
        let text = serde_json::to_string_pretty(resource).unwrap().replace(name, "Service");
        // Everybody wakes by every queue, so there it is the name of the counted service alone.
        let at = if what == "Wake" { text.find("ServiceName").unwrap_or(0) } else { 0 };
        format!("{}{}", &text[..at], text[at..].replace(&format!("precis-{service}\""), "precis-own\""))
    };
    for what in ["Wake", "WakePolicy", "Grow", "GrowPolicy", "Shrink", "ShrinkPolicy", "SleepPolicy"] {
        for name in ["Ocr", "Summarize", "Notify"] {
            assert!(of(name, what) == of("Ingest", what), "{name}{what} is not as Ingest{what}");
        }
    }
}
