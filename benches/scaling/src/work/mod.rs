//! What the services do with documents: queues, tasks, and the gates that slow them down.

pub mod gate;
pub mod queue;
pub mod tasks;
