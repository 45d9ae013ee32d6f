//! Metrics for CloudWatch, as lines of the log: the Embedded Metric Format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! CloudWatch Logs makes metrics of such lines by itself, so a service needs no right, no call and no agent for them.
//! Counters are written as what was added since the line before; a histogram as its sum and count.
//!
//! An alarm asks for one exact set of dimensions and cannot sum over others. So a counter with several labels is told
//! twice in its line: with all of them, and by the first alone over all programs (`kind` of an outcome, whatever its reason).

use crate::metrics::Handle;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// How often lines are written. CloudWatch keeps minutes.
pub const EVERY: Duration = Duration::from_secs(60);
/// What the namespace of the metrics begins with; the stack's name ends it, since several may share an account and region,
/// and what fails in one must not ring the alarms of another.
pub const NAMESPACE: &str = "Precis/";
/// The dimension that says which program a line is from. No metric has a label of this name.
pub const PROGRAM: &str = "program";

/// Turns what was recorded into lines.
#[derive(Debug)]
pub struct Emf {
    namespace: String,
    /// Each counter as it was written last.
    before: BTreeMap<String, f64>,
}

impl Emf {
    /// For a service of that stack.
    #[must_use]
    pub fn new(stack: &str) -> Self {
        Self { namespace: format!("{NAMESPACE}{stack}"), before: BTreeMap::new() }
    }

    /// The lines for what stands in Prometheus' text format; `program` is added to each as a dimension.
    pub fn lines(&mut self, program: &str, rendered: &str, now: SystemTime) -> Vec<String> {
        let at = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let counters: Vec<&str> = rendered
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
            .collect();
        let samples = rendered.lines().filter(|line| !line.starts_with('#'));
        samples
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                let value: f64 = value.parse().ok()?;
                let (name, labels) = labels(series);
                if name.ends_with("_bucket") {
                    return None;
                }
                let grows = counters.contains(&name) || name.ends_with("_sum") || name.ends_with("_count");
                let value = if grows { self.grown(series, value) } else { value };
                // What did not move is not worth a line, which is paid for; a gauge tells also that it is zero.
                let told = !grows || value != 0.0;
                told.then(|| line_of((&self.namespace, program), name, &labels, value, at, grows))
            })
            .collect()
    }

    fn grown(&mut self, series: &str, value: f64) -> f64 {
        let before = self.before.insert(series.to_owned(), value).unwrap_or(0.0);
        value - before
    }

    /// Writes lines to standard output until the future is dropped.
    pub async fn run(mut self, program: &'static str, handle: Handle) {
        loop {
            tokio::time::sleep(EVERY).await;
            for line in self.lines(program, &handle.render(), SystemTime::now()) {
                println!("{line}");
            }
        }
    }
}

/// A series' name and labels. Label values are words of ours, without quotes in them.
fn labels(series: &str) -> (&str, Vec<(&str, &str)>) {
    let Some((name, rest)) = series.split_once('{') else { return (series, Vec::new()) };
    let pairs = rest.trim_end_matches('}').split(',').filter_map(|pair| {
        let (label, value) = pair.split_once('=')?;
        Some((label, value.trim_matches('"')))
    });
    (name, pairs.collect())
}

fn line_of(
    (namespace, program): (&str, &str),
    name: &str,
    labels: &[(&str, &str)],
    value: f64,
    at: Duration,
    grows: bool,
) -> String {
    let mut dimensions = vec![PROGRAM];
    dimensions.extend(labels.iter().map(|(label, _)| *label));
    let list = |names: &[&str]| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(",");
    let mut sets = format!("[{}]", list(&dimensions));
    if let (true, [(first, _), _, ..]) = (grows, labels) {
        sets += &format!(",[{first:?}]");
    }
    let mut line = format!(
        "{{\"_aws\":{{\"Timestamp\":{},\"CloudWatchMetrics\":[{{\"Namespace\":{namespace:?},\"Dimensions\":[{sets}],\
         \"Metrics\":[{{\"Name\":{name:?}}}]}}]}},{PROGRAM:?}:{program:?}",
        at.as_millis(),
    );
    for (label, value) in labels {
        line += &format!(",{label:?}:{value:?}");
    }
    line + &format!(",{name:?}:{value}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# TYPE precis_outcomes_total counter\nprecis_outcomes_total{kind=\"summarized\",reason=\"none\"} 3\n\
        # TYPE precis_queue_messages gauge\nprecis_queue_messages{queue=\"ocr\",place=\"dead\"} 0\n\
        # TYPE precis_stage_seconds histogram\nprecis_stage_seconds_bucket{stage=\"ocr\",le=\"1\"} 2\n\
        precis_stage_seconds_sum{stage=\"ocr\"} 1.5\nprecis_stage_seconds_count{stage=\"ocr\"} 2\n";

    fn parsed(lines: &[String]) -> Vec<serde_json::Value> {
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_series_is_a_line_that_cloudwatch_understands() {
        let lines = Emf::new("team-a1").lines("ocr", BEFORE, SystemTime::UNIX_EPOCH + Duration::from_secs(7));
        let lines = parsed(&lines);
        assert_eq!(lines.len(), 4, "{lines:?}");
        let outcomes = &lines[0];
        assert_eq!(outcomes["_aws"]["Timestamp"], 7000);
        let directive = &outcomes["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Precis/team-a1");
        assert_eq!(directive["Dimensions"], serde_json::json!([["program", "kind", "reason"], ["kind"]]));
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(
                outcomes[dimension.as_str().unwrap()].is_string(),
                "each dimension is a member of the line"
            );
        }
        assert_eq!(outcomes[directive["Metrics"][0]["Name"].as_str().unwrap()], 3.0);
    }

    #[test]
    fn no_label_takes_the_place_of_the_program() {
        for metric in crate::metrics::ALL {
            assert!(!metric.labels.contains(&PROGRAM), "{} would hide which program it is from", metric.name);
        }
        let calls = "# TYPE precis_aws_calls_total counter\nprecis_aws_calls_total{service=\"SQS\",operation=\"X\"} 2\n";
        let line = &parsed(&Emf::new("team-a1").lines("ocr", calls, SystemTime::UNIX_EPOCH))[0];
        assert_eq!((line["program"].as_str(), line["service"].as_str()), (Some("ocr"), Some("SQS")));
        let sets = serde_json::json!([["program", "service", "operation"], ["service"]]);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], sets);
    }

    #[test]
    fn a_counter_is_told_by_what_was_added_and_a_gauge_as_it_stands() {
        let mut emf = Emf::new("team-a1");
        emf.lines("ocr", BEFORE, SystemTime::UNIX_EPOCH);
        let after = BEFORE.replace("reason=\"none\"} 3", "reason=\"none\"} 5");
        let lines = parsed(&emf.lines("ocr", &after, SystemTime::UNIX_EPOCH));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0]["precis_outcomes_total"], 2.0);
        assert_eq!(lines[1]["precis_queue_messages"], 0.0);
    }
}
