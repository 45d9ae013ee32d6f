//! The step over a stack in memory on paused time: who is told what, how often, and what a failure leaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use domain::message::{Digest, Message};
use domain::settings::EmailContent;
use domain::{Artifact, Job, Outcome, Reason};
use ports::memory::Memory;
use ports::{Address, Channel, Fault, GateName, Notification, QueueName, Stack};
use precis_notify::{NotifyStep, Rule, many};
use std::time::Duration;
use worker::{Claimed, Step, StepDone, StepFailure};

fn step(stack: &Stack) -> NotifyStep {
    NotifyStep::new(stack.clone(), links())
}

/// Stores a job at notify (and the result of a summary) and runs the step on it.
async fn tell(stack: &Stack, job: &Job, step: &NotifyStep) -> Result<StepDone, StepFailure> {
    if stack.jobs.create(job).await.unwrap().is_none() && job.outcome == Some(Outcome::summarized()) {
        let (_, finding) = lease();
        let key = Artifact::Result.key(&job.id, job.run);
        stack.objects.write_once(&key, serde_json::to_vec(&finding).unwrap()).await.unwrap();
    }
    let stored = stack.jobs.get(&job.id).await.unwrap().unwrap();
    let claimed = Claimed::detached(stack, &stored).await?;
    step.run(&claimed).await
}

fn ids(memory: &Memory, channel: Channel) -> Vec<String> {
    memory.published().into_iter().filter(|(to, _)| *to == channel).map(|(_, told)| told.id).collect()
}

fn digests(memory: &Memory) -> Vec<Notification> {
    let digest = |(channel, told): (Channel, Notification)| {
        (channel == Channel::Completions && told.job.is_none()).then_some(told)
    };
    memory.published().into_iter().filter_map(digest).collect()
}

fn asked(memory: &Memory) -> Vec<Digest> {
    let bodies = memory.bodies(Address::live(QueueName::Notify));
    let digest = |body: String| match Message::decode(&body) {
        Ok(Message::Digest(digest)) => Some(digest),
        _ => None,
    };
    bodies.into_iter().filter_map(digest).collect()
}

fn encrypted(n: u32) -> Job {
    job(&format!("contracts/{n}.pdf"), Outcome::rejected(Reason::Encrypted, "a password is needed"))
}

#[tokio::test(start_paused = true)]
async fn programs_then_people_are_told_and_the_job_ends() {
    let memory = Memory::new();
    let stack = memory.stack();
    let (job, _) = lease();
    let done = tell(&stack, &job, &step(&stack)).await.unwrap();
    assert!(matches!(done, StepDone::Advance { to: domain::State::Ended, .. }));
    let published = memory.published();
    let channels: Vec<_> = published.iter().map(|(channel, _)| *channel).collect();
    assert_eq!(channels, [Channel::Outcomes, Channel::Completions]);
    assert_eq!(published[0].1, published[1].1);
    assert!(published[1].1.text.contains("Rent rises 6%"));
    assert_eq!(published[0].1.id, format!("{}-1", job.id));
}

#[tokio::test(start_paused = true)]
async fn whoever_looks_on_hears_of_each_document_after_it_was_told() {
    use std::sync::{Arc, Mutex};
    let memory = Memory::new();
    let stack = memory.stack();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let echo: precis_notify::Echo = Arc::new({
        let (heard, memory) = (heard.clone(), memory.clone());
        move |told| heard.lock().unwrap().push((told.key.clone(), memory.published().len()))
    });
    let step = step(&stack).with_echo(Some(echo));
    tell(&stack, &lease().0, &step).await.unwrap();
    tell(&stack, &encrypted(1), &step).await.unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(*heard, [("contracts/mill-road-4.pdf".to_owned(), 2), ("contracts/1.pdf".to_owned(), 4)]);
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_after_a_crash_tells_the_same_under_the_same_id() {
    let memory = Memory::new();
    let stack = memory.stack();
    let (job, _) = lease();
    tell(&stack, &job, &step(&stack)).await.unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    tell(&stack, &job, &step(&stack)).await.unwrap();
    assert_eq!(memory.publish_calls(), 4);
    assert_eq!(memory.published().len(), 2, "the topic knows the id");
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_missing_or_broken_is_a_failure_with_its_cause() {
    let memory = Memory::new();
    let stack = memory.stack();
    let (missing, _) = lease();
    stack.jobs.create(&missing).await.unwrap();
    let claimed = Claimed::detached(&stack, &missing).await.unwrap();
    let failure = step(&stack).run(&claimed).await.err().unwrap();
    assert!(failure.is_permanent() && failure.cause.contains("result is not there"), "{failure}");

    let broken = job("contracts/other.pdf", Outcome::summarized());
    stack.jobs.create(&broken).await.unwrap();
    let key = Artifact::Result.key(&broken.id, 1);
    stack.objects.write_once(&key, b"{\"summary\": \"CANARY secret words\"}".to_vec()).await.unwrap();
    let claimed = Claimed::detached(&stack, &broken).await.unwrap();
    let failure = step(&stack).run(&claimed).await.err().unwrap();
    assert!(failure.is_permanent() && failure.cause.contains("cannot be understood"), "{failure}");
    assert!(!failure.cause.contains("CANARY"), "a cause never quotes the document: {failure}");
    assert!(memory.published().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_superseded_document_is_told_to_programs_alone() {
    let memory = Memory::new();
    let stack = memory.stack();
    tell(&stack, &ended_for(Reason::NewerVersion), &step(&stack)).await.unwrap();
    assert_eq!(ids(&memory, Channel::Outcomes).len(), 1);
    assert!(ids(&memory, Channel::Completions).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_email_of_a_restricted_prefix_holds_no_text_while_programs_get_the_report() {
    let memory = Memory::new();
    let stack = memory.stack();
    let (mut job, _) = lease();
    job.settings.email = EmailContent::Link;
    tell(&stack, &job, &step(&stack)).await.unwrap();
    let (_, told) = memory.published().pop().unwrap();
    assert!(!told.text.contains("Rent") && !told.subject.contains("Rent") && told.json.contains("Rent"));
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_defers_the_email_and_publishes_nothing_yet() {
    let memory = Memory::new();
    let stack = memory.stack();
    let until = memory.now() + Duration::from_secs(30);
    stack.gate.close(GateName::Publish, until).await.unwrap();
    let done = tell(&stack, &encrypted(1), &step(&stack)).await.unwrap();
    assert!(matches!(done, StepDone::Defer { until: at, .. } if at == until));
    assert!(memory.published().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_email_closes_the_gate_for_all_and_gives_its_lease_back() {
    use ports::faults::{Call, Mode, Plan, wrap};
    let memory = Memory::new();
    memory.limit(GateName::Publish, 1);
    let call = Call { name: "Topic.publish", nth: 2 };
    let plan = Plan::none().and(call, Mode::Before, Fault::Throttled(Some(Duration::from_secs(9))));
    let (stack, _) = wrap(memory.stack(), plan);
    let failure = tell(&stack, &encrypted(1), &step(&stack)).await.err().unwrap();
    assert!(!failure.is_permanent());
    let until = memory.stack().gate.closed_until(GateName::Publish).await.unwrap();
    assert_eq!(until, Some(memory.now() + Duration::from_secs(9)));
    tokio::time::advance(Duration::from_secs(40)).await;
    tell(&stack, &encrypted(1), &step(&stack)).await.unwrap();
    assert_eq!(ids(&memory, Channel::Completions).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn programs_that_are_slowed_down_leave_the_gate_of_emails_open_and_its_lease_free() {
    use ports::faults::{Call, Mode, Plan, wrap};
    let memory = Memory::new();
    memory.limit(GateName::Publish, 1);
    let call = Call { name: "Topic.publish", nth: 1 };
    let plan = Plan::none().and(call, Mode::Before, Fault::Throttled(Some(Duration::from_secs(9))));
    let (stack, _) = wrap(memory.stack(), plan);
    assert!(tell(&stack, &encrypted(1), &step(&stack)).await.is_err());
    assert!(memory.published().is_empty());
    assert_eq!(memory.stack().gate.closed_until(GateName::Publish).await.unwrap(), None);
    tell(&stack, &encrypted(2), &step(&stack)).await.unwrap();
    assert_eq!(ids(&memory, Channel::Completions).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_gate_is_asked_once_for_an_email_and_not_at_all_where_none_is_sent() {
    use ports::faults::{Plan, wrap};
    let memory = Memory::new();
    let (stack, log) = wrap(memory.stack(), Plan::none());
    let takes = || log.calls().iter().filter(|call| call.name == "Gate.take").count();
    tell(&stack, &ended_for(Reason::NewerVersion), &step(&stack)).await.unwrap();
    assert_eq!(takes(), 0, "programs pass no gate");
    for n in 1..=12 {
        tell(&stack, &encrypted(n), &step(&stack)).await.unwrap();
    }
    assert_eq!(takes(), 10, "the two that a digest will tell of ask for nothing");
}

#[tokio::test(start_paused = true)]
async fn the_eleventh_of_a_cause_has_no_email_of_its_own_and_asks_for_the_digest() {
    let memory = Memory::new();
    let stack = memory.stack();
    let step = step(&stack);
    for n in 1..=13 {
        tell(&stack, &encrypted(n), &step).await.unwrap();
    }
    assert_eq!(ids(&memory, Channel::Outcomes).len(), 13, "programs hear of every one");
    assert_eq!(ids(&memory, Channel::Completions).len(), 10);
    let asked = asked(&memory);
    assert_eq!(asked.len(), 2, "the 11th asks, and the 12th in case it could not");
    assert_eq!((asked[0].digest, asked[0].tenant.as_str()), (Some(Reason::Encrypted), "uploads/contracts"));
    // Another cause, another tenant and summaries are counted apart.
    tell(&stack, &job("contracts/x.pdf", Outcome::rejected(Reason::Damaged, "")), &step).await.unwrap();
    tell(&stack, &job("letters/x.pdf", Outcome::rejected(Reason::Encrypted, "")), &step).await.unwrap();
    tell(&stack, &lease().0, &step).await.unwrap();
    assert_eq!(ids(&memory, Channel::Completions).len(), 13);
}

#[tokio::test(start_paused = true)]
async fn a_redelivered_job_keeps_its_place_in_the_count() {
    let memory = Memory::new();
    let stack = memory.stack();
    let step = step(&stack);
    for n in 1..=11 {
        tell(&stack, &encrypted(n), &step).await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        tell(&stack, &encrypted(n), &step).await.unwrap();
    }
    assert_eq!(ids(&memory, Channel::Completions).len(), 10);
}

/// A summary of the lease under another key, that came to notify so long ago.
fn summarized(memory: &Memory, key: &str, ago: u64) -> Job {
    let (mut job, _) = lease();
    job.document.key = key.into();
    job.id = domain::JobId::of(&job.document.bucket, key, &job.document.version);
    job.created_at = memory.now() - Duration::from_secs(ago);
    job
}

/// Runs the step on it and commits what it says, as the worker does.
async fn tell_and_end(stack: &Stack, job: &Job, step: &NotifyStep) -> StepDone {
    let done = tell(stack, job, step).await.unwrap();
    let StepDone::Advance { to, patch, .. } = done else { return done };
    let mut ended = stack.jobs.get(&job.id).await.unwrap().unwrap();
    ended.revision += 1;
    ended.state = to;
    patch(&mut ended);
    stack.jobs.replace(&ended).await.unwrap();
    StepDone::ended(|_| {})
}

#[tokio::test(start_paused = true)]
async fn summaries_that_come_faster_than_emails_may_be_sent_are_told_by_one_email() {
    let memory = Memory::new();
    let stack = memory.stack();
    let step = step(&stack);
    stack.gate.close(GateName::Publish, memory.now() + Duration::from_secs(5)).await.unwrap();
    let young = summarized(&memory, "contracts/young.pdf", 50);
    let done = tell_and_end(&stack, &young, &step).await;
    assert!(matches!(done, StepDone::Defer { .. }), "it can still have an e-mail within a minute");
    assert!(memory.published().is_empty());
    for n in 0..120 {
        let job = summarized(&memory, &format!("contracts/{n}.pdf"), 56);
        assert!(matches!(tell_and_end(&stack, &job, &step).await, StepDone::Advance { .. }));
    }
    // A failure has its place in its own count, however long it waits.
    let failed = encrypted(700);
    assert!(matches!(tell_and_end(&stack, &failed, &step).await, StepDone::Defer { .. }));
    assert_eq!(ids(&memory, Channel::Outcomes).len(), 120, "programs hear of every one at once");
    assert!(ids(&memory, Channel::Completions).is_empty());
    drain_digests(&memory, &stack, &step).await;
    let digests = digests(&memory);
    assert_eq!(digests.len(), 1);
    let (text, subject) = (&digests[0].text, &digests[0].subject);
    assert_eq!(subject, "[Precis] 120 documents summarized (contracts/)");
    assert_eq!(text.matches("Rent rises 6%").count(), many::NAMED, "{text}");
    assert!(text.contains("and 20 more: precis jobs --prefix 'contracts/'"), "{text}");
    assert!(!text.contains("young.pdf"), "it has an e-mail of its own");
    tell_and_end(&stack, &young, &step).await;
    assert_eq!(ids(&memory, Channel::Completions).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_digest_reaches_those_who_follow_a_longer_prefix_than_the_tenants() {
    use ports::{Endpoint, Subscription};
    let memory = Memory::new();
    let stack = memory.stack();
    for prefix in ["", "contracts/2026-"] {
        let subscription = Subscription {
            id: String::new(),
            endpoint: Endpoint::Email("ann@example.org".into()),
            outcomes: Vec::new(),
            prefix: prefix.into(),
            audience: domain::Audience::Sender,
            created_at: memory.now(),
        };
        stack.subscriptions.add(subscription).await.unwrap();
    }
    let step = step(&stack).with_rule(Rule { window: Duration::from_secs(600), singly: 1 });
    let failed = |key: String| job(&key, Outcome::rejected(Reason::Encrypted, ""));
    for n in 0..3 {
        tell(&stack, &failed(format!("contracts/2026-{n}/x.pdf")), &step).await.unwrap();
        tell(&stack, &failed(format!("contracts/old/{n}.pdf")), &step).await.unwrap();
    }
    let asked = asked(&memory);
    assert_eq!(
        asked.iter().map(|d| d.v).collect::<Vec<_>>(),
        [2, 1, 2, 1],
        "what a release before can say is said so that it reads it"
    );
    drain_digests(&memory, &stack, &step).await;
    let mut keys: Vec<_> = digests(&memory).into_iter().map(|told| told.key).collect();
    keys.sort();
    assert_eq!(keys, ["contracts/", "contracts/2026-"]);
}

/// Takes digests from the queue and hands them to the step, over and over, until the queue has none.
async fn drain_digests(memory: &Memory, stack: &Stack, step: &NotifyStep) -> u32 {
    let from = Address::live(QueueName::Notify);
    let mut handled = 0;
    for _ in 0..200 {
        let got = stack.queue.receive(from, 10, Duration::from_secs(30), Duration::ZERO).await.unwrap();
        for delivery in got {
            let Ok(Message::Digest(digest)) = Message::decode(&delivery.body) else { panic!("no digest") };
            step.on_digest(digest).await.unwrap();
            stack.queue.settle(from, delivery.receipt, ports::Disposition::Delete).await.unwrap();
            handled += 1;
        }
        if memory.bodies(from).is_empty() {
            return handled;
        }
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    panic!("the queue never emptied");
}

#[tokio::test(start_paused = true)]
async fn when_the_hour_is_over_one_email_tells_of_all_however_often_it_was_asked_for() {
    let memory = Memory::new();
    let stack = memory.stack();
    let step = step(&stack);
    for n in 1..=30 {
        tell(&stack, &encrypted(n), &step).await.unwrap();
    }
    let start = memory.now();
    let handled = drain_digests(&memory, &stack, &step).await;
    assert!(handled > 4, "delays end at 15 minutes, so an hour is several waits");
    assert!(memory.now().duration_since(start).as_secs() >= 3600, "not before the hour is over");
    let digests = digests(&memory);
    assert_eq!(digests.len(), 1);
    assert!(
        digests[0].text.starts_with("30 documents in contracts/ were not summarized"),
        "{}",
        digests[0].text
    );
    assert_eq!(digests[0].text.matches("- contracts/").count(), 3, "three examples");
    assert_eq!(memory.publish_calls(), 30 + 10 + 1, "the claim, not the topic, kept it to one");
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_could_not_be_published_is_told_by_the_next_try() {
    use ports::faults::{Call, Mode, Plan, wrap};
    let memory = Memory::new();
    let plan = Plan::at(Call { name: "Topic.publish", nth: 1 }, Mode::Before);
    let plain = memory.stack();
    let rule = Rule { window: Duration::from_secs(600), singly: 2 };
    for n in 1..=3 {
        tell(&plain, &encrypted(n), &step(&plain).with_rule(rule)).await.unwrap();
    }
    let digest = asked(&memory).pop().unwrap();
    tokio::time::advance(Duration::from_secs(700)).await;
    let (faulty, log) = wrap(plain.clone(), plan);
    let step = NotifyStep::new(faulty, links()).with_rule(rule);
    step.on_digest(digest.clone()).await.unwrap_err();
    assert_eq!(log.fired().len(), 1);
    assert!(digests(&memory).is_empty());
    step.on_digest(digest.clone()).await.unwrap();
    step.on_digest(digest).await.unwrap();
    assert_eq!(digests(&memory).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_one_who_tells_a_digest_leaves_it_to_another() {
    let memory = Memory::new();
    let stack = memory.stack();
    let rule = Rule { window: Duration::from_secs(600), singly: 2 };
    let step = step(&stack).with_rule(rule);
    for n in 1..=3 {
        tell(&stack, &encrypted(n), &step).await.unwrap();
    }
    let digest = asked(&memory).pop().unwrap();
    tokio::time::advance(Duration::from_secs(700)).await;
    // Somebody claimed it and died: its claim lapses after a minute.
    let name = format!(
        "digest-ENCRYPTED-{}-{}",
        digest.window,
        domain::JobId::of("digest", &digest.tenant, "ENCRYPTED").short()
    );
    let dead = domain::JobId::of("the", "dead", "teller");
    stack.jobs.claim_content(&name, &dead, 1, Duration::from_secs(60)).await.unwrap();
    step.on_digest(digest.clone()).await.unwrap();
    assert!(digests(&memory).is_empty(), "the claim is another's");
    drain_digests(&memory, &stack, &step).await;
    assert_eq!(digests(&memory).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cap_that_is_used_up_is_mailed_once_and_again_when_it_was_raised_and_used_up_once_more() {
    let memory = Memory::new();
    let stack = memory.stack();
    let stopped = |n: u32, pages: u32| {
        let detail = format!("ocr_monthly_pages of scans/ is {pages} in 2026-11");
        job(&format!("scans/{n}.pdf"), Outcome::failed(Reason::OcrBudget, detail))
    };
    for n in 0..30 {
        tell(&stack, &stopped(n, 100), &step(&stack)).await.unwrap();
    }
    assert_eq!(ids(&memory, Channel::Completions).len(), 1);
    assert_eq!(ids(&memory, Channel::Outcomes).len(), 30, "programs hear of each");
    assert!(asked(&memory).is_empty(), "and no digest tells of them");
    for n in 30..40 {
        tell(&stack, &stopped(n, 200), &step(&stack)).await.unwrap();
    }
    assert_eq!(ids(&memory, Channel::Completions).len(), 2);
}
