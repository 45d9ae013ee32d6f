//! What people find in `results/`: the summary as Markdown, the report as JSON, the text that was read.

use super::Due;
use crate::fault;
use crate::objects::ObjectStore;
use domain::text::Pages;
use domain::{Artifact, OutcomeKind};
use ports::{Fault, Objects, PortError, Result};

/// The largest text that is written out; what is longer was not summarized from memory either.
const TEXT_LIMIT: u64 = 1 << 30;

/// The endings and bodies of the files of one outcome.
pub(crate) async fn files(objects: &ObjectStore, due: &Due) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let notification = &due.notification;
    let mut files = vec![
        ("md", ended(&notification.markdown).into_bytes()),
        ("json", ended(&notification.json).into_bytes()),
    ];
    if notification.outcome == OutcomeKind::Summarized
        && let Some(job) = &notification.job
    {
        match objects.read(&Artifact::Pages.key(job, notification.run), TEXT_LIMIT).await {
            Ok(bytes) => files.push(("txt", text(bytes).await?.into_bytes())),
            // Erased meanwhile: the summary is still owed.
            Err(error) if error.fault == Fault::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

async fn text(bytes: Vec<u8>) -> Result<String> {
    let read = move || {
        let pages: Pages = serde_json::from_slice(&bytes).map_err(|error| {
            PortError::new(Fault::Permanent, format!("the pages artifact cannot be read: {error}"))
        })?;
        Ok(pages.to_text())
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| Err(fault::stopped("writing the text")))
}

fn ended(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
