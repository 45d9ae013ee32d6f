//! Each of these mistakes in the template is found, by the rules or because it can no longer be read.

use scaling::assumptions::Assumptions;
use scaling::rules;
use scaling::template::Template;
use std::path::Path;

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/autoscaling.yml");
    std::fs::read_to_string(path).expect("the template is read")
}

/// What is said of a template.
fn said(text: &str) -> Vec<String> {
    match Template::parse(text) {
        Ok(template) => rules::of(&template, &Assumptions::read().expect("they are read")),
        Err(error) => vec![error.to_string()],
    }
}

/// The text with the default of a parameter replaced.
fn with_default(parameter: &str, value: &str) -> String {
    let text = text();
    let at = text.find(&format!("\n  {parameter}:")).expect("it is there") + 1;
    let default = at + text[at..].find("Default: ").expect("it has one") + "Default: ".len();
    let end = default + text[default..].find(['\n', ',']).expect("it ends");
    format!("{}{value}{}", &text[..default], &text[end..])
}

#[test]
fn numbers_that_make_no_sense_are_found() {
    for (parameter, value, expected) in [
        ("Band2Backlog", "5000", "bands do not go up"),
        ("Band3Tasks", "1", "a higher band adds no more"),
        ("GrowCooldown", "10", "cools down faster than metrics come"),
        ("ShrinkCooldown", "60", "scales in with less of a pause"),
        ("ShrinkCooldown", "200", "and that are still counted"),
        ("WakeCooldown", "120", "woken again before the task"),
        ("ShrinkBusy", "150", "takes tasks away while work is in flight"),
        ("ShrinkBusy", "150", "takes tasks away while their processors are busy"),
        ("Concurrency", "16", "takes tasks away while work is in flight"),
        ("NotifyCeiling", "0", "the ceiling is below"),
        ("Floor", "30", "the ceiling is below"),
        ("AskEvery", "rate(1 day)", "nothing asks the queues"),
        ("SleepPeriods", "99", "can be simulated"),
    ] {
        let said = said(&with_default(parameter, value));
        assert!(said.iter().any(|said| said.contains(expected)), "{parameter} = {value}: {said:?}");
    }
}

#[test]
fn mistakes_in_alarms_and_policies_are_found() {
    let cases = [
        // A scale-out band inverted.
        (
            "ScalingAdjustment: !Ref Band1Tasks",
            "ScalingAdjustment: !Sub \"-${Band1Tasks}\"",
            "goes the other way",
        ),
        (
            "MetricIntervalLowerBound: !Ref Band3Backlog,",
            "MetricIntervalLowerBound: !Ref Band4Backlog,",
            "does not begin where",
        ),
        (
            "      ComparisonOperator: LessThanOrEqualToThreshold",
            "      ComparisonOperator: GreaterThanThreshold",
            "goes the other way",
        ),
        ("IF(visible > 0, 0, IF(", "IF(visible < 0, 0, IF(", "while messages wait"),
        ("flight / hands, cpu / 100)", "cpu / 100, cpu / 100)", "while work is in flight"),
        ("flight / hands, cpu / 100)", "flight / hands, 0)", "while their processors are busy"),
        ("needed, 1) - tasks", "needed, 0) - tasks", "takes the last task away"),
        ("ScalingAdjustment: -2", "ScalingAdjustment: -3", "while work is in flight"),
        (" + f_summarize", "", "while work is in flight"),
        ("v_ocr + ", "", "while messages wait"),
        ("IF(tasks < 1, ", "IF(tasks < 100, ", "woken while it runs"),
        ("FILL(summarize, 0) + ", "", "nothing wakes it"),
        ("Expression: \"FILL(counted, 0)\"", "Expression: \"counted\"", "nothing wakes it"),
        ("AlarmActions: [!Ref OcrWakePolicy]", "AlarmActions: [!Ref OcrGrowPolicy]", "sets off another"),
        ("AlarmActions: [!Ref OcrWakePolicy]", "AlarmActions: [!Ref OcrSleepPolicy]", "goes the other way"),
        (
            "MaxCapacity: !Ref IngestCeiling",
            "MaxCapacity: !Ref Ceiling",
            "neither a parameter nor a resource",
        ),
        ("(visible + IF(flight", "(visible + IF(inflight", "is no metric of the alarm"),
        ("Period: 60", "Period: 300", "Period is 60"),
    ];
    for (from, to, expected) in cases {
        let text = text();
        assert!(text.contains(from), "{from} is not in the template");
        let said = said(&text.replace(from, to));
        assert!(said.iter().any(|said| said.contains(expected)), "{from} -> {to}: {said:?}");
    }
}

#[test]
fn to_sleep_for_lack_of_data_is_found() {
    let text = text();
    let at = text.find("\n  Sleep:").unwrap();
    let sleep = text[at..].replacen("TreatMissingData: notBreaching", "TreatMissingData: breaching", 1);
    let said = said(&format!("{}{sleep}", &text[..at]));
    assert!(said.iter().any(|said| said.contains("because it has no data")), "{said:?}");
}

#[test]
fn the_template_as_it_is_has_no_mistake() {
    assert_eq!(said(&text()), Vec::<String>::new());
}
