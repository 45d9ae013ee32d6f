//! How messages are handled, and where they go from there.

use super::Run;
use crate::Stage;
use crate::work::queue::Batch;

/// Seconds for which a scan waits for which Textract had no place.
const CLOSED: u32 = 20;
/// What it costs to find the gate for e-mails closed, beside handling a message.
const REFUSED: f64 = 0.1;

impl Run<'_> {
    /// Messages come to a service: some of them will fail there, some take long.
    pub(super) fn arrive(&mut self, stage: Stage, batch: Batch) {
        let (share, at) = self.load.poison;
        let poison = if at == stage { self.chance.of(batch.count, share) } else { 0 };
        let service = self.assumptions.of(stage);
        let share = if self.load.books && service.long > 0.0 { 1.0 } else { service.long * self.load.slow };
        let long = self.chance.of(batch.count - poison, share.min(1.0));
        for _ in 0..long {
            let seconds = self.chance.between(5.0, service.longest * self.load.slow);
            self.send(stage, Batch { count: 1, long: Some(seconds), ..batch });
        }
        self.send(stage, Batch { count: poison, tries: 1, ..batch });
        self.send(stage, Batch { count: batch.count - poison - long, ..batch });
    }

    fn send(&mut self, stage: Stage, batch: Batch) {
        if batch.count > 0 {
            self.stations[stage as usize].queue.send(batch);
            self.control.touch(stage, self.now, &mut self.chance);
        }
    }

    pub(super) fn serve(&mut self) {
        self.textract_ends();
        for stage in Stage::ALL {
            let at = stage as usize;
            let service = *self.assumptions.of(stage);
            let (mut free, all) = self.stations[at].tasks.free();
            if all == 0 {
                (self.stations[at].credit, self.stations[at].in_hand) = (0.0, 0);
                continue;
            }
            self.control.touch(stage, self.now, &mut self.chance);
            let rate = service.rate() / f64::from(service.task.concurrency);
            self.stations[at].credit += f64::from(free) * rate;
            let mut served = 0.0;
            while let Some(first) = self.stations[at].queue.first().copied() {
                let station = &mut self.stations[at];
                if let Some(seconds) = first.long {
                    if !station.tasks.hold(self.now, first, seconds, &mut self.chance) {
                        break;
                    }
                    station.queue.take(1);
                    station.oracle.worked(seconds / f64::from(service.task.concurrency));
                    free = free.saturating_sub(1);
                    station.waits.add(f64::from(self.now - first.at), 1);
                    continue;
                }
                let open = if stage == Stage::Ocr { self.textract.open() } else { u32::MAX };
                let Some(batch) = station.queue.take((station.credit as u32).min(open)) else { break };
                let refused = if stage == Stage::Notify { self.refused(batch) } else { 0 };
                let handled = f64::from(batch.count) - (1.0 - REFUSED) * f64::from(refused);
                let station = &mut self.stations[at];
                station.credit -= handled;
                served += handled;
                station.used += handled * service.cpu;
                station.oracle.worked(handled / service.rate());
                self.take(stage, batch);
            }
            let station = &mut self.stations[at];
            let behind = station.queue.visible() > 0 && station.credit < 1.0;
            station.credit = station.credit.min(1.0);
            station.in_hand =
                if behind { free } else { self.chance.rounded(served * service.latency).min(free) };
        }
    }

    /// One service's work on alike messages.
    fn take(&mut self, stage: Stage, batch: Batch) {
        let now = self.now;
        if stage == Stage::Ocr {
            self.textract.take(batch.count);
        }
        if batch.tries == 0 || stage == Stage::Notify {
            if batch.tries == 0 {
                self.stations[stage as usize].waits.add(f64::from(now - batch.at), batch.count);
            }
            return self.handled(stage, batch);
        }
        if batch.tries >= self.assumptions.worker.attempts {
            return self.arrive(Stage::Notify, Batch { at: now, tries: 0, ..batch });
        }
        let worker = &self.assumptions.worker;
        let whole = worker.backoff * f64::from(1_u32 << (batch.tries - 1).min(20));
        let wait = whole.min(worker.longest_backoff) * self.chance.between(0.5, 1.0);
        let until = now + (wait.ceil() as u32).max(1);
        self.stations[stage as usize].queue.put_back(until, Batch { tries: batch.tries + 1, ..batch });
    }

    /// Messages that were handled go on.
    pub(super) fn handled(&mut self, stage: Stage, batch: Batch) {
        let on = Batch { at: self.now, tries: 0, long: None, ..batch };
        match stage {
            Stage::Ingest => {
                let scans = self.chance.of(batch.count, self.load.scans);
                self.arrive(Stage::Ocr, Batch { count: scans, ..on });
                self.arrive(Stage::Summarize, Batch { count: batch.count - scans, ..on });
            }
            Stage::Ocr => self.read(on),
            Stage::Summarize => self.arrive(Stage::Notify, on),
            Stage::Notify => self.tell(batch),
        }
    }

    /// Scans of several pages are a job at Textract; the others are read at once.
    fn read(&mut self, batch: Batch) {
        let textract = &self.assumptions.textract;
        let several = self.chance.of(batch.count, textract.several_pages);
        let places = textract.concurrent_jobs.saturating_sub(self.pending_count);
        let started = several.min(places);
        for _ in 0..started {
            let seconds = self.chance.between(textract.job_seconds.low, textract.job_seconds.high);
            let done = self.now + seconds as u32;
            self.pending.entry(done).or_default().push(Batch { count: 1, ..batch });
        }
        self.pending_count += started;
        let refused = Batch { count: several - started, ..batch };
        self.stations[Stage::Ocr as usize].queue.put_back(self.now + CLOSED, refused);
        self.arrive(Stage::Summarize, Batch { count: batch.count - several, ..batch });
    }

    /// Textract has done jobs; their pages are fetched by the tasks of ocr, as fast as the quota lets them.
    fn textract_ends(&mut self) {
        while let Some(entry) = self.pending.first_entry().filter(|entry| *entry.key() <= self.now) {
            for batch in entry.remove() {
                self.pending_count -= batch.count;
                self.completed.send(Batch { at: self.now, ..batch });
            }
        }
        if self.stations[Stage::Ocr as usize].tasks.running() == 0 {
            return;
        }
        while let Some(batch) = self.completed.take(self.collects.open()) {
            self.collects.take(batch.count);
            self.arrive(Stage::Summarize, Batch { at: self.now, ..batch });
        }
    }

    /// E-mails leave at their pace; who waited for a minute joins a digest.
    fn tell(&mut self, batch: Batch) {
        if batch.tries == 0 {
            let whole = f64::from(self.now - batch.born) + self.assumptions.service.notify.latency;
            self.whole.add(whole, batch.count);
            let first = self.load.arrivals.first().map_or(0, |(at, _)| *at);
            if batch.born == first {
                self.first.get_or_insert(whole);
            }
        }
        let refused = self.refused(batch);
        let told = batch.count - refused;
        if self.is_in_time(batch) {
            self.email.take(told);
        }
        self.told += u64::from(told);
        let until = self.now + self.assumptions.email.patience as u32;
        let waits = Batch { count: refused, tries: 1, ..batch };
        self.stations[Stage::Notify as usize].queue.put_back(until, waits);
    }

    /// May these outcomes still have an e-mail each?
    fn is_in_time(&self, batch: Batch) -> bool {
        f64::from(self.now - batch.at) < self.assumptions.email.patience
    }

    /// How many of them find the gate for e-mails closed.
    fn refused(&self, batch: Batch) -> u32 {
        if self.is_in_time(batch) { batch.count.saturating_sub(self.email.open()) } else { 0 }
    }
}
