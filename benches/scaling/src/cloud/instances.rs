//! Instances with a GPU, as ECS cluster auto scaling brings them: one task each.
//!
//! Once a minute ECS reports `CapacityProviderReservation` = 100 × instances that the tasks need ÷ instances there are
//! (200 when there are none and one is needed). Above 100 in one minute the group grows to what is needed; below 100 in 15
//! minutes in a row it gives back instances without a task. While a new instance warms up it counts as there. Sources:
//! Amazon ECS Developer Guide, "Automatically manage Amazon ECS capacity with cluster auto scaling" and "Amazon ECS
//! managed scaling behavior".

use crate::Second;
use crate::assumptions::Gpu;
use crate::chance::Chance;

/// Minutes below 100 before instances go.
const PATIENCE: u32 = 15;

/// The Auto Scaling group.
#[derive(Debug, Clone, Default)]
pub struct Instances {
    /// Each instance: ready from then on, and whether a task has it.
    list: Vec<(Second, bool)>,
    phase: Second,
    idle_minutes: u32,
    grows_at: Option<Second>,
    /// Instance-seconds that are paid for.
    pub seconds: f64,
}

impl Instances {
    /// None yet.
    #[must_use]
    pub fn new(chance: &mut Chance) -> Self {
        Self { phase: chance.below(60) as Second, ..Self::default() }
    }

    /// An instance for a task, if one is ready and free.
    pub fn place(&mut self, now: Second) -> bool {
        let free = self.list.iter_mut().find(|(ready, taken)| *ready <= now && !*taken);
        free.map(|instance| instance.1 = true).is_some()
    }

    /// A task is gone from its instance.
    pub fn free(&mut self) {
        if let Some(instance) = self.list.iter_mut().find(|(_, taken)| *taken) {
            instance.1 = false;
        }
    }

    /// How many there are, those included that still boot.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// One second, in which the tasks of the service need so many.
    pub fn second(&mut self, now: Second, needed: usize, most: usize, gpu: &Gpu, chance: &mut Chance) {
        self.seconds += self.list.len() as f64;
        if self.grows_at.is_some_and(|at| at <= now) {
            self.grows_at = None;
            while self.list.len() < needed.min(most) {
                let boot = chance.around(gpu.boot.median, gpu.boot.p95);
                self.list.push((now + boot.round() as Second, false));
            }
        }
        if now % 60 != self.phase {
            return;
        }
        if needed > self.list.len() {
            self.idle_minutes = 0;
            let delay = chance.between(gpu.reservation_delay.low, gpu.reservation_delay.high);
            self.grows_at.get_or_insert(now + delay.round() as Second);
        } else if needed < self.list.len() {
            self.idle_minutes += 1;
            if self.idle_minutes >= PATIENCE {
                let mut surplus = self.list.len() - needed;
                self.list.retain(|(_, taken)| {
                    let goes = !taken && surplus > 0;
                    surplus -= usize::from(goes);
                    !goes
                });
                self.idle_minutes = 0;
            }
        } else {
            self.idle_minutes = 0;
        }
    }
}
