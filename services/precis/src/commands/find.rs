//! Finding the jobs that a person means.

use anyhow::{Result, bail};
use domain::Job;
use ports::{Filter, Jobs};

/// Jobs read at a time.
const PAGE: usize = 200;

/// The one job whose id starts with `id`.
pub async fn one(jobs: &dyn Jobs, id: &str) -> Result<Job> {
    let id = id.trim().to_ascii_lowercase();
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("{id:?} is no job id: that is up to 32 of 0-9a-f. `precis jobs` lists them");
    }
    let filter = Filter { id_prefix: Some(id.clone()), limit: 6, ..Filter::default() };
    let mut found = jobs.list(&filter).await?;
    match found.len() {
        0 => bail!(
            "there is no job {id}. `precis jobs` lists those there are (is --data or --stack the right one?)"
        ),
        1 => Ok(found.remove(0)),
        _ => {
            let ids: Vec<_> =
                found.iter().map(|job| format!("{} {}", job.id.short(), job.document.key)).collect();
            bail!("{id} is the beginning of several jobs; give more of it:\n  {}", ids.join("\n  "))
        }
    }
}

/// All jobs that `filter` lets through, however many.
pub async fn all(jobs: &dyn Jobs, filter: &Filter) -> Result<Vec<Job>> {
    let most = if filter.limit == 0 { usize::MAX } else { filter.limit };
    let mut found: Vec<Job> = Vec::new();
    loop {
        let page = Filter {
            limit: PAGE.min(most - found.len()),
            after: found.last().map(|job| job.id.clone()).or(filter.after.clone()),
            ..filter.clone()
        };
        let wanted = page.limit;
        let more = jobs.list(&page).await?;
        let end = more.len() < wanted;
        found.extend(more);
        if end || found.len() >= most {
            return Ok(found);
        }
    }
}
