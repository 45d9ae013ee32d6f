//! Metrics: their names, what they mean, and one function each to record them.
//!
//! The functions take domain types or enums of this module, so a label can only be a word of a closed set. The
//! table below is the whole truth: `docs/metrics.md` is made from it, and the recorder describes itself by it.
//!
//! Histograms buffer what was recorded until somebody looks; [`recorder`] therefore empties the buffers every
//! few seconds by itself, so that a service whose metrics nobody reads does not grow.

mod model;

use domain::text::Origin;
use domain::{OutcomeKind, Reason, Stage};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::fmt::Write;
use std::sync::OnceLock;
use std::time::Duration;

pub use model::{Model, ModelBatch, Phase, model_batch, summarized};

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Spread of many values.
    Histogram,
}

/// One metric, as documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as Prometheus spells it: the unit, then `_total` for counters.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)*) => {
        $( #[doc = $help] pub const $constant: &str = $name; )*

        /// Every metric there is, in the order of the documentation.
        pub const ALL: &[Metric] = &[$(
            Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help }
        ),*];
    };
}

metrics! {
    QUEUE_OLDEST = "precis_queue_oldest_seconds", Gauge, ["queue"],
        "Age of the oldest message that waits. The first thing to watch: it grows when work does not keep up.";
    QUEUE_MESSAGES = "precis_queue_messages", Gauge, ["queue", "place"],
        "Messages in a queue: waiting, in_flight, delayed, or dead (those need a person).";
    IN_FLIGHT = "precis_in_flight", Gauge, ["queue"],
        "Messages that this process has in hand.";
    MESSAGES_HANDLED = "precis_messages_handled_total", Counter, ["queue", "settlement"],
        "Messages handled: done, deferred, retried (an attempt failed), ended, released (this process stops), malformed.";
    DEFERRALS = "precis_deferrals_total", Counter, ["queue", "why"],
        "Messages put back for later: claimed (another worker is at it), newer (written by a newer release), throttled (a rate or quota), full (no room), unreachable (something every job needs), not_ready (what it waits for).";
    COMPLETIONS_IGNORED = "precis_ocr_completions_ignored_total", Counter, [],
        "Completions of OCR that no job waits for: late, told twice, or not from our engine.";
    EVENTS_REPAIRED = "precis_events_repaired_total", Counter, [],
        "Documents that a listing of the bucket found without a job: their event was lost, and was made up for.";
    STAGE_SECONDS = "precis_stage_seconds", Histogram, ["stage"],
        "Time that a stage worked on one job, waiting not counted.";
    PAGES = "precis_pages_total", Counter, ["origin"],
        "Pages of finished documents, by where their text came from: text, ocr, blank, unread. A result taken over from the same content is not counted again.";
    OUTCOMES = "precis_outcomes_total", Counter, ["kind", "reason"],
        "Runs that ended, by outcome and reason code (none for summaries).";
    DELIVERIES = "precis_deliveries_total", Counter, ["via", "result"],
        "E-mails and web hooks: accepted, retried, or given_up; via outbox (.eml file), smtp, webhook, sns.";
    SUMMARIZE_SECONDS = "precis_summarize_seconds", Histogram, ["phase"],
        "Time that summarize took for a phase of one job: rank (structure and ranking), embed (the model's queue and its work), choose (selection, facts and citations), write (a model that writes, with its checks).";
    MODEL_TOKENS = "precis_model_tokens_total", Counter, ["model", "kind"],
        "Tokens of the sentence model (reader) and of the model that writes (writer): text that was read, written, and padding (computed only to fill a row; none on a processor). Its rate is the model's speed.";
    MODEL_SEQUENCES = "precis_model_sequences_total", Counter, ["model"],
        "Sentences that went through the sentence model; answers under way at the model that writes, counted at each step.";
    MODEL_SECONDS = "precis_model_batch_seconds", Histogram, ["model"],
        "Time that a model's device had a batch, or a step of all answers. The rate of its sum is how busy it is: near 1, another task is needed.";
    MODEL_FILL = "precis_model_batch_fill_ratio", Histogram, ["model"],
        "How much of its budget each batch took: low is idle, 1 is loaded. Steps that only write take little of it.";
    MODEL_WAIT = "precis_model_wait_seconds", Histogram, ["model"],
        "How long documents waited for their first turn at a model: of each batch the longest.";
    MODEL_WAITING = "precis_model_waiting_tokens", Gauge, ["model"],
        "Tokens that wait for a model in this process.";
    MODEL_MEMORY = "precis_model_batch_bytes", Gauge, ["model"],
        "Memory that a model's last batch was planned to take, beside the weights: caches, and what is on its way.";
    AWS_CALLS = "precis_aws_calls_total", Counter, ["service", "operation"],
        "Requests sent to AWS, repeated ones counted each time: what the bill is made of.";
}

/// Where in a queue messages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// To be received.
    Waiting,
    /// In somebody's hands.
    InFlight,
    /// Not yet to be seen.
    Delayed,
    /// In the dead letters.
    Dead,
}

impl Place {
    /// The label's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InFlight => "in_flight",
            Self::Delayed => "delayed",
            Self::Dead => "dead",
        }
    }
}

/// By which way somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// An `.eml` file in the outbox.
    Outbox,
    /// SMTP.
    Smtp,
    /// A signed HTTP POST.
    Webhook,
    /// An SNS topic.
    Sns,
}

impl Via {
    /// The label's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Smtp => "smtp",
            Self::Webhook => "webhook",
            Self::Sns => "sns",
        }
    }
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivered {
    /// The other side has it.
    Accepted,
    /// It will be tried again.
    Retried,
    /// It will not.
    GivenUp,
}

impl Delivered {
    /// The label's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Retried => "retried",
            Self::GivenUp => "given_up",
        }
    }
}

/// Sets the age of the oldest waiting message; zero where nothing waits. `queue` is a queue's fixed name.
pub fn queue_oldest(queue: &'static str, age: Duration) {
    metrics::gauge!(QUEUE_OLDEST, "queue" => queue).set(age.as_secs_f64());
}

/// Sets how many messages are where. `queue` is a queue's fixed name.
#[expect(clippy::cast_precision_loss, reason = "no queue holds 2^53 messages")]
pub fn queue_messages(queue: &'static str, place: Place, messages: u64) {
    metrics::gauge!(QUEUE_MESSAGES, "queue" => queue, "place" => place.as_str()).set(messages as f64);
}

/// One more message in hand until the guard is dropped. `queue` is a queue's fixed name.
#[must_use]
pub fn in_hand(queue: &'static str) -> InHand {
    metrics::gauge!(IN_FLIGHT, "queue" => queue).increment(1.0);
    InHand(queue)
}

/// A message in hand.
#[derive(Debug)]
pub struct InHand(&'static str);

impl Drop for InHand {
    fn drop(&mut self) {
        metrics::gauge!(IN_FLIGHT, "queue" => self.0).decrement(1.0);
    }
}

/// A message was handled. Both are fixed words: the queue's name, and how it was settled.
pub fn handled(queue: &'static str, settlement: &'static str) {
    metrics::counter!(MESSAGES_HANDLED, "queue" => queue, "settlement" => settlement).increment(1);
}

/// A message was put back for later. Both are fixed words: the queue's name, and why.
pub fn deferred(queue: &'static str, why: &'static str) {
    metrics::counter!(DEFERRALS, "queue" => queue, "why" => why).increment(1);
}

/// A completion came that no job waits for: late, twice, or not from our engine.
pub fn completion_ignored() {
    metrics::counter!(COMPLETIONS_IGNORED).increment(1);
}

/// A listing of the bucket found a document whose event was lost.
pub fn event_repaired() {
    metrics::counter!(EVENTS_REPAIRED).increment(1);
}

/// A stage did its work on one job.
pub fn stage_done(stage: Stage, took: Duration) {
    metrics::histogram!(STAGE_SECONDS, "stage" => stage.as_str()).record(took.as_secs_f64());
}

/// So many pages were read from there.
pub fn pages(origin: Origin, pages: u64) {
    metrics::counter!(PAGES, "origin" => origin.as_str()).increment(pages);
}

/// A run has ended.
pub fn outcome(kind: OutcomeKind, reason: Option<Reason>) {
    let reason = reason.map_or("none", Reason::code);
    metrics::counter!(OUTCOMES, "kind" => kind.as_str(), "reason" => reason).increment(1);
}

/// Somebody was told, or not.
pub fn delivery(via: Via, result: Delivered) {
    metrics::counter!(DELIVERIES, "via" => via.as_str(), "result" => result.as_str()).increment(1);
}

/// A request is sent to AWS. Both are words of AWS's own, for example `SQS` and `SendMessageBatch`.
pub fn aws_call(service: &str, operation: &str) {
    crate::calls::count(service);
    metrics::counter!(AWS_CALLS, "service" => service.to_owned(), "operation" => operation.to_owned())
        .increment(1);
}

/// Reads what was recorded.
#[derive(Clone)]
pub struct Handle(PrometheusHandle);

impl Handle {
    /// Everything, in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

/// Why recording could not start.
#[derive(Debug, Clone, thiserror::Error)]
#[error("metrics cannot be recorded: {0}")]
pub struct RecorderError(String);

/// Starts recording in this process, once; a second call gives the same handle.
///
/// # Errors
/// If something else in the process records already.
pub fn recorder() -> Result<Handle, RecorderError> {
    static RECORDER: OnceLock<Result<Handle, RecorderError>> = OnceLock::new();
    RECORDER.get_or_init(start).clone()
}

fn start() -> Result<Handle, RecorderError> {
    let (recorder, handle) = local_recorder();
    metrics::set_global_recorder(recorder).map_err(|error| RecorderError(error.to_string()))?;
    describe();
    let upkeep = handle.clone();
    std::thread::Builder::new()
        .name("metrics-upkeep".into())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP);
                upkeep.0.run_upkeep();
            }
        })
        .map_err(|error| RecorderError(error.to_string()))?;
    Ok(handle)
}

const UPKEEP: Duration = Duration::from_secs(5);
/// From a text file's millisecond to a long scan's ten minutes.
const SECONDS: &[f64] = &[0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0];

/// Of a budget.
const SHARES: &[f64] = &[0.1, 0.25, 0.5, 0.75, 0.9, 1.0];

/// A recorder that is not the process's, for tests: use it with `metrics::with_local_recorder`.
#[must_use]
pub fn local_recorder() -> (PrometheusRecorder, Handle) {
    // Only an empty list of bounds is refused.
    let bounds = [
        (STAGE_SECONDS, SECONDS),
        (SUMMARIZE_SECONDS, SECONDS),
        (MODEL_SECONDS, SECONDS),
        (MODEL_WAIT, SECONDS),
        (MODEL_FILL, SHARES),
    ];
    let recorder = bounds
        .iter()
        .try_fold(PrometheusBuilder::new(), |builder, (name, bounds)| {
            builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds)
        })
        .unwrap_or_else(|_| PrometheusBuilder::new())
        .build_recorder();
    let handle = Handle(recorder.handle());
    (recorder, handle)
}

fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

/// The table of `docs/metrics.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# Metrics\n\n`precis up` and each service serve these at `/metrics` in Prometheus' text format, on this machine \
         only unless they are told otherwise; services write them to CloudWatch too (`PRECIS_EMF=true`). Labels are words of closed sets; nothing of a document is ever in them. \
         This page is made from `shared/telemetry/src/metrics.rs`.\n\n\
         | name | kind | labels | what it says |\n|---|---|---|---|\n",
    );
    for metric in ALL {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(out, "| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record_one_of_each() {
        aws_call("SQS", "ReceiveMessage");
        completion_ignored();
        event_repaired();
        queue_oldest("ocr", Duration::from_millis(1500));
        for place in [Place::Waiting, Place::InFlight, Place::Delayed, Place::Dead] {
            queue_messages("ocr", place, 4);
        }
        drop(in_hand("ocr"));
        handled("ocr", "done");
        for phase in [Phase::Rank, Phase::Embed, Phase::Choose, Phase::Write] {
            summarized(phase, Duration::from_millis(20));
        }
        let batch = ModelBatch {
            sequences: 3,
            tokens: 90,
            written: 2,
            padding: 6,
            fill: 0.25,
            bytes: 4096,
            took: Duration::from_millis(30),
            waited: Some(Duration::from_millis(2)),
            waiting: 7,
        };
        model_batch(Model::Reader, &batch);
        model_batch(Model::Writer, &ModelBatch { sequences: 1, ..batch });
        stage_done(Stage::Summarize, Duration::from_millis(300));
        pages(Origin::Ocr, 7);
        outcome(OutcomeKind::Rejected, Some(Reason::Encrypted));
        outcome(OutcomeKind::Summarized, None);
        deferred("ocr", "throttled");
        delivery(Via::Outbox, Delivered::Accepted);
    }

    #[test]
    fn what_is_recorded_is_rendered_under_its_documented_name_and_labels() {
        let (recorder, handle) = local_recorder();
        ::metrics::with_local_recorder(&recorder, || {
            describe();
            record_one_of_each();
        });
        let page = handle.render();
        for line in [
            "precis_queue_oldest_seconds{queue=\"ocr\"} 1.5",
            "precis_queue_messages{queue=\"ocr\",place=\"dead\"} 4",
            "precis_outcomes_total{kind=\"rejected\",reason=\"ENCRYPTED\"} 1",
            "precis_outcomes_total{kind=\"summarized\",reason=\"none\"} 1",
            "precis_stage_seconds_bucket{stage=\"summarize\",le=\"0.5\"} 1",
            "precis_stage_seconds_bucket{stage=\"summarize\",le=\"0.1\"} 0",
            "precis_pages_total{origin=\"ocr\"} 7",
            "precis_model_tokens_total{model=\"reader\",kind=\"padding\"} 6",
            "precis_model_tokens_total{model=\"writer\",kind=\"written\"} 2",
            "precis_model_sequences_total{model=\"writer\"} 1",
        ] {
            assert!(page.contains(line), "{line} is missing in\n{page}");
        }
        for metric in ALL {
            assert!(page.contains(&format!("# TYPE {} ", metric.name)), "{} has no type", metric.name);
            assert!(page.contains(&format!("# HELP {} ", metric.name)), "{} has no help", metric.name);
            for label in metric.labels {
                let here = page
                    .lines()
                    .any(|line| line.starts_with(metric.name) && line.contains(&format!("{label}=\"")));
                assert!(here, "{} is not recorded with {label}", metric.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_tell_counters_by_their_ending() {
        for (index, metric) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != metric.name), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        }
    }

    #[test]
    fn the_process_has_one_recorder_however_often_it_is_asked_for() {
        let first = recorder().unwrap();
        pages(Origin::Blank, 3);
        assert!(recorder().unwrap().render().contains("precis_pages_total{origin=\"blank\"} 3"));
        assert!(first.render().contains("precis_pages_total{origin=\"blank\"} 3"));
    }

    /// Crates below this one in the import table (worker's own tests run without it) may spell a name themselves;
    /// a name that is not in the table would be a metric that nobody documents.
    #[test]
    fn every_metric_name_in_the_house_is_documented() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut folders = vec![root.join("shared"), root.join("services")];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else if entry.extension().is_some_and(|extension| extension == "rs") {
                    // Others may be saving a file just now.
                    let code = std::fs::read_to_string(&entry).unwrap_or_default();
                    for name in code.split('"').filter(|part| is_metric(part)) {
                        assert!(
                            ALL.iter().any(|metric| metric.name == name),
                            "{name} in {}",
                            entry.display()
                        );
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen >= ALL.len(), "the search found only {seen} names");
    }

    fn is_metric(text: &str) -> bool {
        let ends = ["_total", "_seconds", "_in_flight", "_messages", "_ratio", "_tokens", "_bytes"];
        text.starts_with("precis_")
            && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())
            && ends.iter().any(|end| text.ends_with(end))
    }

    /// `BLESS=1 cargo test -p precis-telemetry` rewrites the page.
    #[test]
    fn the_documentation_is_what_the_code_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), markdown(), "run it with BLESS=1");
    }
}
