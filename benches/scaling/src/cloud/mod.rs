//! What AWS does, each service in its own file with the pages that say so.

pub mod alarms;
pub mod instances;
pub mod metrics;
pub mod scaling;
