//! The contract in executable form: what every adapter must do, whatever it is made of.
//!
//! Each function takes a factory of fresh stacks and panics with a sentence when a promise is broken. An adapter
//! writes one test for each:
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn queues_keep_their_contract() {
//!     ports::contract::queue(fresh).await;
//! }
//! ```
//!
//! Times are given in units, since some adapters count seconds and others paused milliseconds. Where a message
//! must *not* come, its time is minutes away; where it must come, there is time enough: a slow machine makes the
//! suite slow and not red.

mod budget;
mod content;
mod erase;
mod gate;
mod jobs;
mod large;
mod objects;
mod queue;
mod reading;
mod topic;

use crate::Stack;
use std::any::Any;
use std::future::Future;
use std::time::Duration;

/// A stack of its own for one promise.
pub struct Fresh {
    /// An empty stack: no messages, no jobs, no objects.
    pub stack: Stack,
    /// The shortest time that the adapter tells apart with certainty; the suite waits some of them.
    pub unit: Duration,
    /// How many leases the OCR gate gives at once. At least 2.
    pub ocr_leases: usize,
    /// What must live as long as the stack: folders, servers.
    pub kept: Box<dyn Any + Send>,
}

/// Far enough away that no test comes there.
const FAR: Duration = Duration::from_secs(600);

/// Every promise of [`crate::Queue`] and [`crate::QueueAdmin`].
pub async fn queue<M, F>(fresh: M)
where
    M: Fn() -> F,
    F: Future<Output = Fresh>,
{
    queue::what_is_sent_is_received_and_gone_once_deleted(fresh().await).await;
    queue::a_delivery_is_unseen_until_its_visibility_ends(fresh().await).await;
    queue::a_visibility_can_be_extended_and_shortened(fresh().await).await;
    queue::a_delay_is_kept(fresh().await).await;
    queue::a_release_gives_the_message_to_others(fresh().await).await;
    queue::what_is_received_too_often_becomes_a_dead_letter(fresh().await).await;
    queue::dead_letters_can_be_received_and_moved_back(fresh().await).await;
    queue::a_purge_leaves_nothing_and_only_there(fresh().await).await;
    queue::a_message_that_is_too_long_is_refused_alone(fresh().await).await;
    queue::receivers_at_the_same_time_never_share_a_delivery(fresh().await).await;
    queue::a_receipt_that_another_superseded_takes_nothing_from_him(fresh().await).await;
    queue::a_receiver_that_waits_gets_what_is_sent_meanwhile(fresh().await).await;
    queue::queues_are_apart(fresh().await).await;
    queue::depth_counts_by_place(fresh().await).await;
}

/// Every promise of [`crate::Jobs`].
pub async fn jobs<M, F>(fresh: M)
where
    M: Fn() -> F,
    F: Future<Output = Fresh>,
{
    jobs::a_job_is_made_once(fresh().await).await;
    jobs::of_many_who_make_the_same_job_one_does(fresh().await).await;
    jobs::of_many_writers_of_one_revision_one_wins(fresh().await).await;
    jobs::a_job_of_a_newer_shape_is_never_overwritten(fresh().await).await;
    jobs::a_job_comes_back_as_it_was_written(fresh().await).await;
    jobs::jobs_are_listed_newest_first_page_by_page(fresh().await).await;
    jobs::filters_let_through_what_they_say(fresh().await).await;
    jobs::the_newest_job_of_a_key_is_told_by_sequencer(fresh().await).await;
    jobs::a_tally_counts_each_run_once(fresh().await).await;
    erase::jobs_of_a_key_are_found_whatever_their_version(fresh().await).await;
    erase::which_jobs_there_are_is_told(fresh().await).await;
    erase::what_hangs_on_a_job_is_forgotten_and_nothing_else(fresh().await).await;
    erase::a_tombstone_is_found_by_its_id_alone(fresh().await).await;
    content::content_is_claimed_by_one_until_the_lease_ends(fresh().await).await;
    content::finished_content_is_never_claimed_again(fresh().await).await;
    content::of_many_claims_at_the_same_time_one_wins(fresh().await).await;
    content::who_has_a_content_is_told_as_long_as_he_has_it(fresh().await).await;
    content::a_job_is_written_with_its_claim_or_not_at_all(fresh().await).await;
    content::a_jobs_own_claim_and_one_whose_lease_ended_are_no_obstacle(fresh().await).await;
    content::of_many_jobs_that_claim_one_content_one_is_written(fresh().await).await;
}

/// Every promise of [`crate::Objects`], but for what [`large_objects`] measures.
pub async fn objects<M, F>(fresh: M)
where
    M: Fn() -> F,
    F: Future<Output = Fresh>,
{
    objects::an_upload_makes_one_event_and_can_be_fetched(fresh().await).await;
    objects::the_same_bytes_under_the_same_key_are_one_version(fresh().await).await;
    objects::a_version_that_is_uploaded_after_another_is_the_newest_again(fresh().await).await;
    objects::a_document_is_read_in_its_version_or_not_at_all(fresh().await).await;
    objects::a_fetch_keeps_its_bound(fresh().await).await;
    reading::documents_are_listed_in_their_newest_version(fresh().await).await;
    reading::a_read_that_broke_off_goes_on(fresh().await).await;
    reading::a_hash_that_is_kept_is_that_of_the_bytes(fresh().await).await;
    erase::a_bucket_is_listed_page_by_page_as_its_events_named_it(fresh().await).await;
    erase::a_version_is_erased_and_its_neighbours_stay(fresh().await).await;
    erase::artifacts_are_erased_below_their_prefix_alone(fresh().await).await;
    objects::keys_of_any_characters_lead_nowhere_else(fresh().await).await;
    objects::an_artifact_is_written_once(fresh().await).await;
    objects::of_many_writers_of_one_artifact_one_wins(fresh().await).await;
    objects::a_read_keeps_its_bound(fresh().await).await;
    objects::artifacts_are_listed_by_prefix_and_deleted(fresh().await).await;
}

/// Large bodies are streamed: 64 MiB pass while the memory of this process stays flat. Measures the process, so
/// it belongs into a test program of its own; gives how far the peak rose, in bytes (`None` where the system
/// does not tell).
pub async fn large_objects<M, F>(fresh: M) -> Option<u64>
where
    M: Fn() -> F,
    F: Future<Output = Fresh>,
{
    large::a_large_body_is_streamed(fresh().await).await
}

/// Every promise of [`crate::Gate`].
pub async fn gate<M, F>(fresh: M)
where
    M: Fn() -> F,
    F: Future<Output = Fresh>,
{
    gate::no_more_leases_live_than_the_limit(fresh().await).await;
    gate::a_lease_that_ends_is_free_again(fresh().await).await;
    gate::a_closed_gate_is_closed_for_all(fresh().await).await;
}

/// Every promise of [`crate::Budget`].
pub async fn budget<M, F>(fresh: M)
where
    M: Fn() -> F,
    F: Future<Output = Fresh>,
{
    budget::no_cap_is_exceeded_by_many_takers(fresh().await).await;
    budget::taking_again_under_a_name_counts_once(fresh().await).await;
    budget::of_several_caps_all_are_counted_or_none(fresh().await).await;
    budget::what_is_given_back_is_free_again_once(fresh().await).await;
}

/// What can be seen of [`crate::Topic`] and [`crate::Subscriptions`] from outside.
pub async fn topic<M, F>(fresh: M)
where
    M: Fn() -> F,
    F: Future<Output = Fresh>,
{
    topic::subscriptions_are_added_listed_and_removed(fresh().await).await;
    topic::publishing_again_is_no_failure(fresh().await).await;
}
