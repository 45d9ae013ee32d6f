//! The template is what the simulation reads, and keeps what must hold of any.

use scaling::Stage;
use scaling::assumptions::Assumptions;
use scaling::plan::Plan;
use scaling::rules;
use scaling::template::{Template, number};
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
    let assumptions = Assumptions::read().unwrap();
    for gpu in ["false", "true"] {
        let plan = Plan::of(&template().with("Gpu", gpu).unwrap()).unwrap();
        assert_eq!(rules::broken(&plan, &assumptions), Vec::<String>::new());
    }
}

#[test]
fn what_is_simulated_is_what_the_template_says() {
    let template = template();
    let plan = Plan::of(&template).unwrap();
    let value = |name: &str| template.number(name).unwrap();
    for stage in ["Ingest", "Ocr", "Summarize", "Notify"] {
        let grow = plan.policy(&format!("{stage}GrowPolicy")).unwrap();
        let steps: Vec<_> = grow.steps.iter().map(|step| (step.lower, step.upper, step.adjustment)).collect();
        assert_eq!(
            steps,
            [
                (Some(0.0), Some(value("Band2Backlog")), value("Band1Tasks")),
                (Some(value("Band2Backlog")), Some(value("Band3Backlog")), value("Band2Tasks")),
                (Some(value("Band3Backlog")), Some(value("Band4Backlog")), value("Band3Tasks")),
                (Some(value("Band4Backlog")), None, value("Band4Tasks")),
            ]
        );
        assert_eq!(f64::from(grow.cooldown), value("GrowCooldown"));
        let shrink = plan.policy(&format!("{stage}ShrinkPolicy")).unwrap();
        assert_eq!(shrink.steps[0].adjustment, -value("ShrinkPercent"));
        assert_eq!(f64::from(shrink.cooldown), value("ShrinkCooldown"));
        let alarm = plan.alarm(&format!("{stage}Shrink")).unwrap();
        assert_eq!((alarm.threshold, alarm.periods as f64), (value("ShrinkBacklog"), value("ShrinkPeriods")));
        let wake = plan.alarm(&format!("{stage}Wake")).unwrap();
        assert_eq!((wake.periods as f64, wake.datapoints), (value("WakeWithin"), 1));
    }
    assert_eq!(plan.alarm("Sleep").unwrap().periods as f64, value("SleepPeriods"));
    let ceilings = plan.targets.map(|target| f64::from(target.ceiling));
    assert_eq!(
        [ceilings[0], ceilings[2], ceilings[3]],
        ["IngestCeiling", "SummarizeCeiling", "NotifyCeiling"].map(value)
    );
    assert!(plan.targets.iter().all(|target| f64::from(target.floor) == value("Floor")));
    assert_eq!(plan.asked_every, Some(1800));
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

/// The smaller of ⌊jobs ÷ concurrency⌋ and ⌈calls a second × 3 s ÷ concurrency⌉, at least 1.
#[test]
fn ocrs_ceiling_follows_from_textracts_quotas() {
    let template = template();
    let assumptions = Assumptions::read().unwrap();
    let allowed = |name: &str| -> Vec<u32> {
        let values = template.raw(&format!("Parameters.{name}.AllowedValues")).unwrap().as_array().unwrap();
        values.iter().map(|value| number(value).unwrap() as u32).collect()
    };
    let mut seen = 0;
    for concurrency in allowed("OcrConcurrency") {
        for jobs in allowed("TextractConcurrentJobs") {
            for calls in allowed("TextractCallsPerSecond") {
                let chosen = template.clone();
                let chosen = chosen.with("OcrConcurrency", concurrency).unwrap();
                let chosen = chosen.with("TextractConcurrentJobs", jobs).unwrap();
                let chosen = chosen.with("TextractCallsPerSecond", calls).unwrap();
                let ceiling = Plan::of(&chosen).unwrap().targets[Stage::Ocr as usize].ceiling;
                let in_hand = (f64::from(calls) * assumptions.service.ocr.latency).ceil() as u32;
                let expected = (jobs / concurrency).min(in_hand.div_ceil(concurrency)).max(1);
                assert_eq!(ceiling, expected, "{concurrency} at once, {jobs} jobs, {calls} calls a second");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 90);
}

#[test]
fn the_assumptions_are_the_defaults_of_the_template_and_of_the_services() {
    let (template, assumptions) = (template(), Assumptions::read().unwrap());
    let value = |name: &str| template.number(name).unwrap();
    assert_eq!(value("OcrConcurrency"), f64::from(assumptions.service.ocr.concurrency));
    assert_eq!(value("TextractConcurrentJobs"), f64::from(assumptions.textract.concurrent_jobs));
    assert_eq!(value("TextractCallsPerSecond"), assumptions.textract.calls_per_second);
    let options = include_str!("../../../shared/aws/src/options.rs");
    let default = |variable: &str| {
        let line = options.lines().find(|line| line.contains(&format!("\"{variable}\""))).unwrap();
        let rest = line.split("default_value_t = ").nth(1).unwrap();
        rest.split(',').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(default("PRECIS_CONCURRENCY"), f64::from(assumptions.service.summarize.concurrency));
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

/// Four services are written out; what is changed for one must be changed for all.
#[test]
fn all_services_are_scaled_by_the_same_resources() {
    let text = text();
    let block = |name: &str, queue: &str| {
        let from = text.find(&format!("  {name}Target:")).unwrap();
        let till = text.find(&format!("  {name}SleepPolicy:")).unwrap();
        let lines = text[from..till]
            .lines()
            .filter(|line| !line.contains("MaxCapacity") && !line.contains("Target: #"));
        let own = format!("Value: !Sub \"${{Stack}}-{queue}\"");
        let plain: Vec<String> = lines
            .map(|line| {
                if line.contains("Id: visible") || line.contains("Id: flight") {
                    line.replace(&own, "OWN")
                } else {
                    line.to_owned()
                }
                .replace(name, "Service")
            })
            .collect();
        plain.join("\n")
    };
    let ingest = block("Ingest", "ingest");
    assert!(ingest.contains("OWN"));
    for (name, queue) in [("Ocr", "ocr"), ("Summarize", "summarize"), ("Notify", "notify")] {
        assert_eq!(block(name, queue), ingest, "{name}");
    }
}
