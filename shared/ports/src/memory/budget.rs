//! Budgets: what was taken, by cap and name.

use super::{Memory, lock};
use crate::budget::{Budget, Cap, Taken};
use crate::error::Result;
use async_trait::async_trait;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Spending(BTreeMap<String, BTreeMap<String, u64>>);

impl Spending {
    fn of(&self, cap: &Cap) -> u64 {
        self.0.get(&cap.name).map_or(0, |taken| taken.values().sum())
    }
}

#[async_trait]
impl Budget for Memory {
    async fn take(&self, name: &str, pages: u64, of: &[Cap]) -> Result<Taken> {
        let mut spending = lock(&self.0.budget);
        let taken = |cap: &&Cap| spending.0.get(&cap.name).is_some_and(|taken| taken.contains_key(name));
        let new: Vec<&Cap> = of.iter().filter(|cap| !taken(cap)).collect();
        if let Some(exceeded) = new.iter().find(|cap| spending.of(cap).saturating_add(pages) > cap.pages) {
            return Ok(Taken::Exceeds((*exceeded).clone()));
        }
        for cap in new {
            spending.0.entry(cap.name.clone()).or_default().insert(name.to_owned(), pages);
        }
        Ok(Taken::Yes)
    }

    async fn give_back(&self, name: &str, of: &[Cap]) -> Result<()> {
        let mut spending = lock(&self.0.budget);
        for cap in of {
            if let Some(taken) = spending.0.get_mut(&cap.name) {
                taken.remove(name);
            }
        }
        Ok(())
    }

    async fn spent(&self, cap: &Cap) -> Result<u64> {
        Ok(lock(&self.0.budget).of(cap))
    }
}
