//! Promises of budgets.

use super::Fresh;
use crate::{Cap, Taken};

fn cap(prefix: &str, pages: u64) -> Cap {
    Cap { name: format!("2026-11 b/{prefix}"), prefix: prefix.into(), month: "2026-11".into(), pages }
}

pub(super) async fn no_cap_is_exceeded_by_many_takers(fresh: Fresh) {
    let limit = cap("", 20);
    let takers: Vec<_> = (0..8_u64)
        .map(|taker| {
            let (budget, limit) = (fresh.stack.budget.clone(), limit.clone());
            tokio::spawn(async move {
                let mut granted = 0;
                for wish in 0..5_u64 {
                    let pages = 1 + wish % 3;
                    let name = format!("taker {taker} wish {wish}");
                    let taken = budget.take(&name, pages, std::slice::from_ref(&limit)).await;
                    granted += if taken.expect("take works") == Taken::Yes { pages } else { 0 };
                }
                granted
            })
        })
        .collect();
    let mut granted = 0;
    for taker in takers {
        granted += taker.await.expect("a taker does not panic");
    }
    let spent = fresh.stack.budget.spent(&limit).await.expect("spent works");
    assert_eq!(granted, spent, "what was granted is what is counted");
    // 8 takers wish for 9 pages each; some wish for one page, so nothing is left over.
    assert_eq!(spent, limit.pages, "all of it may be spent, and no page more");
}

pub(super) async fn taking_again_under_a_name_counts_once(fresh: Fresh) {
    let (budget, caps) = (&fresh.stack.budget, [cap("", 10)]);
    for _ in 0..3 {
        assert_eq!(budget.take("part one", 6, &caps).await.expect("take works"), Taken::Yes);
    }
    assert_eq!(budget.spent(&caps[0]).await.expect("spent works"), 6);
    let refused = budget.take("part two", 5, &caps).await.expect("take works");
    assert_eq!(refused, Taken::Exceeds(caps[0].clone()));
    assert_eq!(budget.take("part three", 4, &caps).await.expect("take works"), Taken::Yes);
    let zero = [cap("zero/", 0)];
    assert_eq!(budget.take("x", 1, &zero).await.expect("take works"), Taken::Exceeds(zero[0].clone()));
    assert_eq!(
        budget.take("x", 1, &[]).await.expect("take works"),
        Taken::Yes,
        "without a cap all may be spent"
    );
}

pub(super) async fn of_several_caps_all_are_counted_or_none(fresh: Fresh) {
    let budget = &fresh.stack.budget;
    let (whole, folder) = (cap("", 10), cap("in/", 3));
    let both = [whole.clone(), folder.clone()];
    assert_eq!(budget.take("a", 3, &both).await.expect("take works"), Taken::Yes);
    assert_eq!(budget.take("b", 1, &both).await.expect("take works"), Taken::Exceeds(folder.clone()));
    let spent = async |cap: &Cap| budget.spent(cap).await.expect("spent works");
    assert_eq!((spent(&whole).await, spent(&folder).await), (3, 3));
    // A cap that was set meanwhile counts what is taken from now on, also under a known name.
    let later = [whole.clone(), cap("late/", 5)];
    assert_eq!(budget.take("a", 3, &later).await.expect("take works"), Taken::Yes);
    assert_eq!((spent(&whole).await, spent(&later[1]).await), (3, 3));
}

pub(super) async fn what_is_given_back_is_free_again_once(fresh: Fresh) {
    let (budget, caps) = (&fresh.stack.budget, [cap("", 5), cap("in/", 5)]);
    assert_eq!(budget.take("a", 5, &caps).await.expect("take works"), Taken::Yes);
    for _ in 0..2 {
        budget.give_back("a", &caps).await.expect("give_back works");
    }
    budget.give_back("never taken", &caps).await.expect("that is no failure");
    for cap in &caps {
        assert_eq!(budget.spent(cap).await.expect("spent works"), 0);
    }
    assert_eq!(budget.take("a", 5, &caps).await.expect("take works"), Taken::Yes, "and may be taken again");
    assert_eq!(budget.take("b", 1, &caps).await.expect("take works"), Taken::Exceeds(caps[0].clone()));
}
