//! The report that programs read, and from which the texts for people are written.

use crate::clean::clean;
use domain::outcome::{DocumentReport, Finding, Report};
use domain::summary::Coverage;
use domain::{Job, Outcome, OutcomeKind, Reason};

/// The report of the job's present run. `finding` is the run's result, which only a summary has. A job without
/// an outcome yet is reported as failed for an internal reason: nobody should ask for it.
#[must_use]
pub fn report(job: &Job, finding: Option<&Finding>) -> Report {
    let none = Outcome::failed(Reason::Internal, "the job has no outcome yet");
    let outcome = job.outcome.as_ref().unwrap_or(&none);
    let unread = Coverage { pages_total: job.pages.unwrap_or(0), ..Coverage::default() };
    Report {
        schema: Report::SCHEMA,
        job: job.id.clone(),
        run: job.run,
        document: DocumentReport {
            name: job.document.name().to_owned(),
            key: job.document.key.clone(),
            bytes: job.document.size,
            pages: job.pages.or_else(|| finding.map(|finding| finding.coverage.pages_total)),
            kind: job.kind.clone(),
            language: finding.and_then(|finding| finding.language.clone()),
            sha256: job.content.clone(),
        },
        outcome: outcome.kind,
        reason: outcome.reason,
        explanation: outcome.reason.map(|reason| explanation(reason, outcome.detail.as_deref())),
        advice: outcome.reason.map(|reason| advice(reason, job)),
        audience: outcome.audience(),
        summary: finding.filter(|_| outcome.kind == OutcomeKind::Summarized).map(|f| f.summary.clone()),
        coverage: finding.map_or(unread, |finding| finding.coverage),
        pages: finding.map(|finding| finding.pages.clone()).unwrap_or_default(),
        settings: job.settings.clone(),
        timings_ms: job.timings_ms.clone(),
        cost: job.cost,
    }
}

/// What happened, with what was seen in this one case.
pub(crate) fn explanation(reason: Reason, detail: Option<&str>) -> String {
    let detail = detail.map(clean).unwrap_or_default();
    let detail = detail.trim_end_matches('.');
    // An adapter may have nothing better to say than the table does.
    if detail.is_empty() || reason.explanation().trim_end_matches('.') == detail {
        return reason.explanation().to_owned();
    }
    format!("{} (Seen: {detail}.)", reason.explanation())
}

/// What to do, with this job's name where the table has a blank.
pub(crate) fn advice(reason: Reason, job: &Job) -> String {
    let id = job.id.short();
    reason
        .advice()
        .replace("precis job ID", &format!("precis job {id}"))
        .replace("precis retry ID", &format!("precis retry {id}"))
}
