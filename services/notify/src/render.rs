//! One outcome, said for everybody: subject, e-mail, Markdown and JSON.

use crate::{Links, mail, markdown, report, subject};
use domain::outcome::Finding;
use domain::{Audience, Job};
use ports::Notification;

/// Renders a job's outcome. Pure: the same job, finding and links give the same notification, so that telling
/// again after a crash tells the same.
#[must_use]
pub fn render(job: &Job, finding: Option<&Finding>, links: &Links) -> Notification {
    let report = report(job, finding);
    Notification {
        id: format!("{}-{}", job.id, job.run),
        job: Some(job.id.clone()),
        run: job.run,
        bucket: job.document.bucket.clone(),
        key: job.document.key.clone(),
        outcome: report.outcome,
        reason: report.reason,
        audience: report.audience.unwrap_or(Audience::Sender),
        subject: subject::subject(&report, job.settings.email),
        text: mail::text(job, &report, links),
        markdown: markdown(&report),
        json: serde_json::json!(report).to_string(),
    }
}
