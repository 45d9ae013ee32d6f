//! A stack: one of each port. Adapters build it; everything else takes from it what it names.

use crate::{
    Budget, Clock, Gate, Jobs, Objects, Ocr, Queue, QueueAdmin, SettingsSource, Subscriptions,
    TaskProtection, Topic,
};
use std::sync::Arc;

/// One of each port.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the port of its name")]
pub struct Stack {
    pub queue: Arc<dyn Queue>,
    pub queue_admin: Arc<dyn QueueAdmin>,
    pub objects: Arc<dyn Objects>,
    pub jobs: Arc<dyn Jobs>,
    pub ocr: Arc<dyn Ocr>,
    pub topic: Arc<dyn Topic>,
    pub subscriptions: Arc<dyn Subscriptions>,
    pub settings: Arc<dyn SettingsSource>,
    pub gate: Arc<dyn Gate>,
    pub budget: Arc<dyn Budget>,
    pub protection: Arc<dyn TaskProtection>,
    pub clock: Arc<dyn Clock>,
}
