//! Logs: one event a line, to standard error; readable on a terminal, JSON for machines.
//!
//! Standard output belongs to results, so logs never go there. A program that draws progress bars gives its own
//! writer to [`init_with`], which lifts the bars while a line is written.

use std::io::IsTerminal;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The environment variable that says what is logged, for example `debug` or `info,worker=trace`. A level alone is
/// for Precis; others' crates stay at `info` unless they are named.
pub const ENV: &str = "PRECIS_LOG";

/// Others' crates that, at `debug`, write the keys of documents and parts of requests into the log.
const TALKATIVE: [&str; 6] = ["aws_config", "aws_runtime", "aws_sdk", "aws_sigv4", "aws_smithy", "hyper"];

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// [`Format::Pretty`] on a terminal, [`Format::Json`] otherwise.
    #[default]
    Auto,
    /// One JSON object a line: `timestamp`, `level`, `target`, `message`, the event's fields, and `span` with
    /// the fields (`job.id`, `job.run`, `stage`, `trace.id`) of the work it belongs to.
    Json,
    /// One line for people, in colours where the terminal has them.
    Pretty,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            other => Err(format!("there is no log format {other:?}; there are auto, json, pretty")),
        }
    }
}

/// A time for a field whose name ends in `_ms`: a number in JSON, where the 128 bits of `as_millis` become a text.
#[must_use]
pub fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be understood.
    #[error("the log filter {filter:?} (from {from}) cannot be understood: {why}")]
    Filter {
        /// The filter.
        filter: String,
        /// `PRECIS_LOG` or `the program`.
        from: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Something else logs in this process already.
    #[error("logging was started already: {0}")]
    Started(#[from] TryInitError),
}

/// Starts logging to standard error. `PRECIS_LOG` wins over `filter`, which is what the program wants by itself
/// (empty: nothing but errors).
///
/// # Errors
/// [`LogError`].
pub fn init(format: Format, filter: &str) -> Result<(), LogError> {
    init_with(format, filter, std::io::stderr, std::io::stderr().is_terminal())
}

/// Starts logging to `writer`, which need not be standard error: one that lifts progress bars, or a test's
/// buffer. `terminal` says whether a person watches it; colours are used only then, and not under `NO_COLOR`.
///
/// # Errors
/// [`LogError`].
pub fn init_with<W>(format: Format, filter: &str, writer: W, terminal: bool) -> Result<(), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let asked = std::env::var(ENV).ok().filter(|asked| !asked.trim().is_empty());
    let filter = self::filter(asked.as_deref(), filter)?;
    subscriber(format, filter, writer, terminal).try_init()?;
    Ok(())
}

fn filter(asked: Option<&str>, default: &str) -> Result<EnvFilter, LogError> {
    let (filter, from) = asked.map_or((default, "the program"), |asked| (asked, ENV));
    let parse = |filter: &str| EnvFilter::builder().parse(filter);
    let wrong = |why: &dyn std::fmt::Display| LogError::Filter {
        filter: filter.to_owned(),
        from,
        why: why.to_string(),
    };
    let parsed = parse(filter).map_err(|error| wrong(&error))?;
    if parsed.max_level_hint().is_none_or(|most| most <= LevelFilter::INFO) {
        return Ok(parsed);
    }
    // In front, so that whoever names one of them gets what he asks for.
    let quiet: String = TALKATIVE.iter().map(|name| format!("{name}=info,")).collect();
    parse(&(quiet + filter)).map_err(|error| wrong(&error))
}

fn subscriber<W>(
    format: Format,
    filter: EnvFilter,
    writer: W,
    terminal: bool,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let pretty = match format {
        Format::Auto => terminal,
        Format::Json => false,
        Format::Pretty => true,
    };
    if pretty {
        let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Box::new(builder.with_ansi(colours).with_target(false).compact().finish())
    } else {
        Box::new(builder.json().flatten_event(true).with_span_list(false).finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, terminal: bool) -> String {
        let buffer = Buffer::default();
        let copy = buffer.clone();
        let filter = filter(None, "info").unwrap();
        tracing::subscriber::with_default(subscriber(format, filter, move || copy.clone(), terminal), || {
            let span = tracing::info_span!("work", job.id = "7f3a9c", run = 2);
            let _inside = span.enter();
            tracing::info!(duration_ms = 12, key = "a\u{1b}[2J\nb", "page read");
            tracing::debug!("unseen");
        });
        String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_machine_gets_one_json_object_a_line_with_the_job_it_belongs_to() {
        let log = logged(Format::Auto, false);
        assert_eq!(log.lines().count(), 1, "{log}");
        let line: serde_json::Value = serde_json::from_str(&log).unwrap();
        assert_eq!(line["message"], "page read");
        assert_eq!(line["duration_ms"], 12);
        assert_eq!(line["span"]["job.id"], "7f3a9c");
        assert_eq!(line["span"]["run"], 2);
    }

    #[test]
    fn a_person_gets_one_readable_line_that_the_logged_values_cannot_break() {
        let log = logged(Format::Auto, true);
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("page read") && log.contains("7f3a9c"), "{log}");
        assert!(!log.contains("\u{1b}[2J"), "a value moved the terminal: {log:?}");
        assert!(!logged(Format::Pretty, false).contains('\u{1b}'), "colours need a terminal");
    }

    #[test]
    fn the_environment_wins_and_a_broken_filter_says_whose_it_is() {
        assert_eq!(filter(Some("warn"), "info").unwrap().to_string(), "warn");
        assert_eq!(filter(None, "info").unwrap().to_string(), "info");
        let error = filter(Some("precis=loud"), "info").unwrap_err().to_string();
        assert!(error.contains("PRECIS_LOG") && error.contains("precis=loud"), "{error}");
    }

    #[test]
    fn a_level_alone_is_not_for_those_who_write_keys_into_the_log() {
        let seen = |asked: &str| {
            let buffer = Buffer::default();
            let writer = {
                let buffer = buffer.clone();
                move || buffer.clone()
            };
            let subscriber = subscriber(Format::Json, filter(Some(asked), "").unwrap(), writer, false);
            tracing::subscriber::with_default(subscriber, || {
                tracing::debug!(target: "aws_sdk_s3::endpoint_auth", "theirs");
                tracing::debug!(target: "worker", "ours");
            });
            let log = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
            (log.contains("ours"), log.contains("theirs"))
        };
        assert_eq!(seen("debug"), (true, false));
        assert_eq!(seen("trace,aws_sdk_s3=debug"), (true, true));
        assert_eq!(seen("debug,aws_sdk=debug"), (true, true));
        assert_eq!(seen("info"), (false, false));
    }
}
