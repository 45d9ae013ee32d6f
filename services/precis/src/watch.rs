//! Progress for people: bars on a terminal, plain lines elsewhere when asked for.

use crate::show::clean;
use domain::{JobId, Stage};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use worker::{Held, InFlight};

/// How often the display is brought up to date.
const EVERY: Duration = Duration::from_millis(100);
/// Longest name shown.
const NAME: usize = 36;
/// A document whose pages are counted, and one that is only at work.
const PAGES: &str = "{spinner} {msg} {wide_bar} page {pos} of {len}";
const TURNS: &str = "{spinner} {msg}";

/// How to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Show {
    /// Bars if standard error is a terminal, else nothing.
    Auto,
    /// A line for each step.
    Plain,
    /// Nothing.
    None,
}

/// A display of many documents at once.
#[derive(Clone)]
pub struct Watch {
    bars: Option<MultiProgress>,
    state: Arc<Mutex<Bars>>,
    plain: bool,
}

#[derive(Default)]
struct Bars {
    total: Option<ProgressBar>,
    each: HashMap<JobId, ProgressBar>,
    /// The last line printed for a document, where there are no bars.
    last_line: HashMap<JobId, (Stage, u32)>,
}

impl Watch {
    /// A display for `documents` documents.
    pub fn new(show: Show, documents: u64) -> Self {
        let bars = (show == Show::Auto && std::io::stderr().is_terminal())
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        let total = bars.as_ref().filter(|_| documents > 1).map(|bars| {
            let bar = bars.add(ProgressBar::new(documents));
            bar.set_style(style("{bar:28} {pos} of {len} documents, {elapsed}"));
            bar.tick();
            bar
        });
        let state = Bars { total, ..Bars::default() };
        Self { bars, state: Arc::new(Mutex::new(state)), plain: show == Show::Plain }
    }

    /// Keeps showing what is in flight until the answer is dropped.
    pub fn follow(&self, in_flight: Vec<InFlight>) -> tokio_util::task::AbortOnDropHandle<()> {
        let watch = self.clone();
        let shown = self.bars.is_some() || self.plain;
        let follow = async move {
            if !shown {
                return;
            }
            loop {
                let held: Vec<Held> = in_flight.iter().flat_map(InFlight::list).collect();
                held.iter().for_each(|held| watch.step(held));
                watch.drop_all_but(&held);
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio_util::task::AbortOnDropHandle::new(tokio::spawn(follow))
    }

    fn lock(&self) -> MutexGuard<'_, Bars> {
        // A display that broke in the middle of drawing is still good enough to draw on.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn step(&self, held: &Held) {
        let (Some(job), Some(stage)) = (&held.job, held.stage) else { return };
        let mut state = self.lock();
        let name = shorten(&clean(&held.name), NAME);
        match (&self.bars, held.progress) {
            (Some(bars), progress) => {
                let bar = state.each.entry(job.clone()).or_insert_with(|| {
                    let bar = bars.add(ProgressBar::new(0));
                    bar.enable_steady_tick(Duration::from_millis(120));
                    bar
                });
                // A stage that has not counted a page yet may never do so: it turns, and promises no number.
                let counted = progress.filter(|(done, total)| *done > 0 && *total > 0);
                bar.set_style(style(if counted.is_some() { PAGES } else { TURNS }));
                if let Some((done, total)) = counted {
                    bar.set_length(u64::from(total));
                    bar.set_position(u64::from(done));
                }
                bar.set_message(format!("{:<9}  {name:<NAME$}", stage.as_str()));
            }
            (None, Some((done, total))) => {
                if done == 0 || state.last_line.insert(job.clone(), (stage, done)) == Some((stage, done)) {
                    return;
                }
                let of = if total > 0 { format!(" of {total}") } else { String::new() };
                // Nobody reads standard error any more: no reason to stop working.
                let _ = writeln!(std::io::stderr(), "{:<9}  {name}  page {done}{of}", stage.as_str());
            }
            (None, None) => {}
        }
    }

    /// A document that nobody holds has no bar: it waits in a queue, or is done.
    fn drop_all_but(&self, held: &[Held]) {
        self.lock().each.retain(|job, bar| {
            let at_work = held.iter().any(|held| held.job.as_ref() == Some(job));
            if !at_work {
                bar.finish_and_clear();
            }
            at_work
        });
    }

    /// One more document is done.
    pub fn finished(&self) {
        if let Some(total) = &self.lock().total {
            total.inc(1);
        }
    }

    /// Prints to standard output without tearing the bars.
    pub fn print(&self, text: &str) -> std::io::Result<()> {
        let print = || {
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }

    /// Prints to standard error without tearing the bars.
    pub fn say(&self, text: &str) {
        let say = || eprintln!("{text}");
        match &self.bars {
            Some(bars) => bars.suspend(say),
            None => say(),
        }
    }

    /// Takes the display away for good: nobody who still follows may draw any more.
    pub fn clear(&self) {
        if let Some(bars) = &self.bars {
            let _ = bars.clear();
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most - 1).collect();
    format!("{head}…")
}
