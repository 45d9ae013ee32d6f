//! Which blocks an answer holds: a thousand at most, from where the token says.

use crate::blocks::ReadPage;
use crate::error::ApiError;
use crate::store::{Job, PageAt};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io;

/// The token that goes on at a block. It names its job too: another job's is refused.
fn token(id: &str, at: usize) -> String {
    let seal = hex::encode(&Sha256::digest(format!("{id} {at}"))[..8]);
    format!("{at:x}-{seal}")
}

/// The block that a token goes on at.
pub(crate) fn position(job: &Job, given: Option<&str>) -> Result<usize, ApiError> {
    let Some(given) = given else { return Ok(0) };
    let at = given.split('-').next().and_then(|at| usize::from_str_radix(at, 16).ok());
    at.filter(|at| token(&job.id, *at) == given)
        .ok_or_else(|| ApiError::parameter("Request has an invalid NextToken"))
}

/// `most` blocks from `from` on, and the token for the rest if there is one.
pub(crate) fn blocks(
    job: &Job,
    from: usize,
    most: usize,
    mut page: impl FnMut(&PageAt) -> io::Result<ReadPage>,
) -> io::Result<(Vec<Value>, Option<String>)> {
    let (mut out, mut first) = (Vec::new(), 0);
    let all: usize = job.pages.iter().map(|place| place.blocks).sum();
    for place in &job.pages {
        let end = first + place.blocks;
        if end > from && out.len() < most {
            let skip = from.saturating_sub(first);
            let blocks = page(place)?.to_blocks(&job.id);
            out.extend(blocks.into_iter().skip(skip).take(most - out.len()));
        }
        first = end;
    }
    let next = from + out.len();
    Ok((out, (next < all).then(|| token(&job.id, next))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::tests::page;
    use crate::store::tests::job;

    #[test]
    fn every_block_comes_once_and_in_order_however_many_are_asked_for() {
        let pages = [page(1, &["a b", "c"]), page(2, &[]), page(3, &["d e f"])];
        let mut job = job("a");
        job.pages =
            (0_u64..).zip(&pages).map(|(at, page)| PageAt { blocks: page.blocks(), at, length: 0 }).collect();
        let whole: Vec<Value> = pages.iter().flat_map(|page| page.to_blocks("a")).collect();
        for most in [1, 2, 3, 5, 100] {
            let (mut seen, mut given) = (Vec::new(), None::<String>);
            loop {
                let from = position(&job, given.as_deref()).unwrap();
                let read = |place: &PageAt| Ok(pages[place.at as usize].clone());
                let (some, next) = blocks(&job, from, most, read).unwrap();
                assert!(!some.is_empty() && some.len() <= most);
                seen.extend(some);
                given = next;
                if given.is_none() {
                    break;
                }
            }
            assert_eq!(seen, whole, "{most} at a time");
        }
    }

    #[test]
    fn a_token_that_was_not_given_for_this_job_is_refused() {
        assert_eq!(position(&job("a"), Some(&token("a", 7))), Ok(7));
        for wrong in [token("b", 7), "7".into(), "x-y".into(), String::new()] {
            assert!(position(&job("a"), Some(&wrong)).is_err(), "{wrong}");
        }
    }
}
