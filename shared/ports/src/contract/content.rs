//! Promises about the claims on content, alone and together with the write of a job.

use super::jobs::{changed, job};
use super::{FAR, Fresh};
use crate::{ContentClaim, Fault};
use domain::{Job, JobId};

fn ids() -> (JobId, JobId) {
    (JobId::of("b", "a", "1"), JobId::of("b", "b", "1"))
}

pub(super) async fn content_is_claimed_by_one_until_the_lease_ends(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let (a, b) = ids();
    let claim =
        async |job: &JobId, run, lease| jobs.claim_content("c", job, run, lease).await.expect("claim works");
    assert_eq!(claim(&a, 1, FAR).await, ContentClaim::Won);
    assert_eq!(claim(&a, 1, FAR).await, ContentClaim::Won, "who holds it may renew it");
    let ContentClaim::Held { by, until } = claim(&b, 1, FAR).await else { panic!("it is held") };
    assert!(by == a && until > fresh.stack.clock.now());
    assert_eq!(
        jobs.claim_content("other", &b, 1, FAR).await.expect("claim works"),
        ContentClaim::Won,
        "contents are apart"
    );
    jobs.release_content("c", &b, 1).await.expect("release works");
    assert!(matches!(claim(&b, 1, FAR).await, ContentClaim::Held { .. }), "only the holder can release it");
    jobs.release_content("c", &a, 1).await.expect("release works");
    assert_eq!(claim(&b, 1, fresh.unit).await, ContentClaim::Won);
    tokio::time::sleep(fresh.unit * 2).await;
    assert_eq!(claim(&a, 2, FAR).await, ContentClaim::Won, "a lease that ended can be taken over");
    jobs.finish_content("c", &b, 1).await.expect("finish works");
    assert!(
        matches!(claim(&b, 1, FAR).await, ContentClaim::Held { .. }),
        "the word of who lost it changes nothing"
    );
}

pub(super) async fn finished_content_is_never_claimed_again(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let (a, b) = ids();
    assert_eq!(jobs.claim_content("c", &a, 3, fresh.unit).await.expect("claim works"), ContentClaim::Won);
    jobs.finish_content("c", &a, 3).await.expect("finish works");
    tokio::time::sleep(fresh.unit * 2).await;
    let finished = ContentClaim::Finished { job: a.clone(), run: 3 };
    for job in [&b, &a] {
        assert_eq!(jobs.claim_content("c", job, 1, FAR).await.expect("claim works"), finished);
    }
    jobs.release_content("c", &a, 3).await.expect("release works");
    assert_eq!(jobs.claim_content("c", &b, 1, FAR).await.expect("claim works"), finished);
}

pub(super) async fn of_many_claims_at_the_same_time_one_wins(fresh: Fresh) {
    let claims: Vec<_> = (0..8)
        .map(|number| {
            let (jobs, job) = (fresh.stack.jobs.clone(), JobId::of("b", "k", &number.to_string()));
            tokio::spawn(async move { jobs.claim_content("c", &job, 1, FAR).await })
        })
        .collect();
    let mut won = 0;
    for claim in claims {
        let claim = claim.await.expect("a claimant does not panic").expect("claim works");
        won += usize::from(claim == ContentClaim::Won);
    }
    assert_eq!(won, 1);
}

pub(super) async fn who_has_a_content_is_told_as_long_as_he_has_it(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let (a, b) = ids();
    let who = async || jobs.content("c").await.expect("content works");
    assert_eq!(who().await, None);
    jobs.claim_content("c", &a, 2, FAR).await.expect("claim works");
    assert_eq!(who().await, Some((a.clone(), 2)));
    assert_eq!(jobs.content("other").await.expect("content works"), None, "contents are apart");
    jobs.release_content("c", &a, 2).await.expect("release works");
    assert_eq!(who().await, None, "what was given up is nobody's");
    jobs.claim_content("c", &b, 1, fresh.unit).await.expect("claim works");
    tokio::time::sleep(fresh.unit * 2).await;
    assert_eq!(who().await, None, "a lease that ended is nobody's");
    jobs.claim_content("c", &a, 3, fresh.unit).await.expect("claim works");
    jobs.finish_content("c", &a, 3).await.expect("finish works");
    tokio::time::sleep(fresh.unit * 2).await;
    assert_eq!(who().await, Some((a, 3)), "who finished it has it for good");
}

pub(super) async fn a_job_is_written_with_its_claim_or_not_at_all(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let (first, second) = (job("a", 1), job("b", 2));
    let newer = Job { schema: domain::job::JOB_SCHEMA + 1, ..job("c", 3) };
    for job in [&first, &second, &newer] {
        jobs.create(job).await.expect("create works");
    }
    let refused = [
        (changed(&changed(&first, ""), "a revision is missing"), Fault::Conflict),
        (changed(&job("missing", 4), ""), Fault::NotFound),
        (Job { schema: domain::job::JOB_SCHEMA, ..changed(&newer, "older") }, Fault::Permanent),
    ];
    for (unwritten, fault) in refused {
        let error = jobs.replace_claiming(&unwritten, "c", FAR).await.expect_err("it is refused");
        assert_eq!(error.fault, fault, "{error}");
        assert_eq!(jobs.content("c").await.expect("content works"), None, "no write, no claim");
    }
    let written = changed(&first, "with its claim");
    assert_eq!(jobs.replace_claiming(&written, "c", FAR).await.expect("it works"), ContentClaim::Won);
    assert_eq!(jobs.get(&first.id).await.expect("get works"), Some(written));
    assert_eq!(jobs.content("c").await.expect("content works"), Some((first.id.clone(), 1)));

    let late = changed(&second, "without a claim");
    let held = jobs.replace_claiming(&late, "c", FAR).await.expect("it works");
    let ContentClaim::Held { by, until } = held else { panic!("it is held: {held:?}") };
    assert!(by == first.id && until > fresh.stack.clock.now());
    assert_eq!(jobs.get(&second.id).await.expect("get works"), Some(second.clone()), "no claim, no write");
    jobs.finish_content("c", &first.id, 1).await.expect("finish works");
    let finished = jobs.replace_claiming(&late, "c", FAR).await.expect("it works");
    assert_eq!(finished, ContentClaim::Finished { job: first.id, run: 1 });
    assert_eq!(jobs.get(&second.id).await.expect("get works"), Some(second.clone()));
    assert_eq!(jobs.replace_claiming(&late, "other", FAR).await.expect("it works"), ContentClaim::Won);
    assert_eq!(jobs.get(&second.id).await.expect("get works"), Some(late), "contents are apart");
}

pub(super) async fn a_jobs_own_claim_and_one_whose_lease_ended_are_no_obstacle(fresh: Fresh) {
    let jobs = &fresh.stack.jobs;
    let (first, second) = (job("a", 1), job("b", 2));
    for job in [&first, &second] {
        jobs.create(job).await.expect("create works");
    }
    let write = async |job: &Job, lease| jobs.replace_claiming(job, "c", lease).await.expect("it works");
    let once = changed(&first, "its first run");
    assert_eq!(write(&once, FAR).await, ContentClaim::Won);
    let again = Job { run: 2, ..changed(&once, "its second run") };
    assert_eq!(write(&again, fresh.unit).await, ContentClaim::Won, "its own claim of an earlier run");
    assert_eq!(jobs.content("c").await.expect("content works"), Some((first.id.clone(), 2)));
    tokio::time::sleep(fresh.unit * 2).await;
    assert_eq!(write(&changed(&second, ""), FAR).await, ContentClaim::Won, "a lease that ended");
    jobs.release_content("c", &first.id, 2).await.expect("release works");
    assert_eq!(jobs.content("c").await.expect("content works"), Some((second.id, 1)), "it is another's now");
}

pub(super) async fn of_many_jobs_that_claim_one_content_one_is_written(fresh: Fresh) {
    let mut writers = Vec::new();
    for number in 0..8 {
        let new = job(&format!("k{number}"), number);
        fresh.stack.jobs.create(&new).await.expect("create works");
        let jobs = fresh.stack.jobs.clone();
        writers.push(tokio::spawn(async move {
            let claim = jobs.replace_claiming(&changed(&new, "written"), "c", FAR).await;
            (claim.expect("it works"), new.id)
        }));
    }
    let mut winner = None;
    for writer in writers {
        let (claim, id) = writer.await.expect("a writer does not panic");
        let stored = fresh.stack.jobs.get(&id).await.expect("get works").expect("it is there");
        assert_eq!(stored.revision == 1, claim == ContentClaim::Won, "{claim:?}");
        if claim == ContentClaim::Won {
            assert!(winner.replace(id).is_none(), "two jobs won");
        }
    }
    let holder = fresh.stack.jobs.content("c").await.expect("content works");
    assert_eq!(holder.map(|(id, _)| id), Some(winner.expect("one of them wins")));
}
