//! How far a pull is: a bar on a terminal, a line for each tenth where lines are asked for.

use crate::show::{amount, clean};
use crate::watch::Show;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;
use std::time::Duration;

/// Parts of the whole that are told where there is no bar.
const PARTS: u64 = 10;

/// What a bar shows of bytes that come.
const BYTES: &str =
    "{msg:<28} {wide_bar} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A display of one pull.
pub struct Bar {
    bar: Option<ProgressBar>,
    show: Show,
    total: Cell<u64>,
    /// Bytes of the files that are done, and of the one that comes.
    done: Cell<u64>,
    now: Cell<u64>,
    told: Cell<u64>,
}

impl Bar {
    /// A display that shows nothing yet.
    pub fn new(show: Show) -> Self {
        let shown = show == Show::Auto && std::io::stderr().is_terminal();
        let bar = shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar.with_style(style("{spinner} {msg}"))
        });
        Self { bar, show, total: Cell::new(0), done: Cell::new(0), now: Cell::new(0), told: Cell::new(0) }
    }

    /// So many bytes in all, of which so many were there before.
    pub fn start(&self, total: u64, there: u64) {
        self.total.set(total);
        if let Some(bar) = &self.bar {
            bar.set_style(style(BYTES));
            bar.set_length(total);
            bar.set_position(there);
            bar.reset_eta();
        }
        if self.show == Show::Plain && there > 0 {
            eprintln!("{} of {} are here already", amount(there), amount(total));
        }
    }

    /// What is done now: a file that comes, or is checked.
    pub fn name(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(clean(what));
        }
    }

    /// So many bytes of the file that comes are here.
    pub fn at(&self, bytes: u64) {
        self.now.set(bytes);
        let all = self.done.get() + bytes;
        if let Some(bar) = &self.bar {
            bar.set_position(all);
        }
        let part = all.saturating_mul(PARTS).checked_div(self.total.get()).unwrap_or(0);
        if self.show == Show::Plain && part > self.told.get() {
            self.told.set(part);
            eprintln!("{} of {}", amount(all), amount(self.total.get()));
        }
    }

    /// A file of so many bytes is done.
    pub fn file_done(&self, bytes: u64) {
        self.at(bytes);
        self.done.set(self.done.get() + bytes);
        self.now.set(0);
    }

    /// Bytes that are here, of all.
    pub fn here(&self) -> (u64, u64) {
        (self.done.get() + self.now.get(), self.total.get())
    }

    /// Says something that is worth a line.
    pub fn say(&self, text: &str) {
        let say = || eprintln!("precis: {text}");
        match &self.bar {
            _ if self.show == Show::None => {}
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    /// Takes the display away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
