//! AWS keeps every promise of the ports: the contract suite against emulators (`docker/host/emulators run …`) and, with
//! credentials and `PRECIS_TEST_AWS=1`, unchanged against an account.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are tests too, and clippy knows only marked functions"
)]

extern crate precis_aws as aws;

mod made;
mod topics;

use made::{Parts, Target, fresh};
use ports::contract;

/// The promises of one target. Where that is not there its tests are skipped, and say so.
macro_rules! promises_on {
    ($place:ident, $target:expr) => {
        mod $place {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn queues_keep_their_contract() {
                if $target.is_there() {
                    contract::queue(|| fresh($target, Parts::Queues)).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn jobs_keep_their_contract() {
                if $target.is_there() {
                    contract::jobs(|| fresh($target, Parts::Tables)).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn objects_of_a_bucket_with_versions_keep_their_contract() {
                if $target.is_there() {
                    contract::objects(|| fresh($target, Parts::Buckets { versions: true })).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn objects_of_a_bucket_without_versions_keep_their_contract() {
                if $target.is_there() {
                    contract::objects(|| fresh($target, Parts::Buckets { versions: false })).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn gates_keep_their_contract() {
                if $target.is_there() {
                    contract::gate(|| fresh($target, Parts::Tables)).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn budgets_keep_their_contract() {
                if $target.is_there() {
                    contract::budget(|| fresh($target, Parts::Tables)).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn topics_keep_their_contract() {
                if $target.is_there() {
                    contract::topic(|| fresh($target, Parts::Topics)).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn each_address_hears_what_it_wants_and_nothing_else() {
                if $target.is_there() {
                    topics::each_address_hears_what_it_wants(fresh($target, Parts::Topics).await).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn settings_hold_for_their_bucket_and_prefix() {
                if $target.is_there() {
                    made::settings_hold_for_their_place($target).await;
                }
            }
        }
    };
}

promises_on!(localstack, Target::LocalStack);
promises_on!(ministack, Target::MiniStack);
promises_on!(account, Target::Account);
