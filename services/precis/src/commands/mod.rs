//! One file for each command or family of commands.

pub mod again;
pub mod backfill;
pub mod backup;
pub mod bench_model;
pub mod cost;
pub mod doctor;
pub mod erase;
pub mod explain;
pub mod find;
pub mod heads;
pub mod input;
pub mod jobs;
pub mod letters;
pub mod models;
pub mod place;
pub mod put;
pub mod queues;
pub mod result;
pub mod service;
pub mod settings;
pub mod subscriptions;
pub mod summarize;
pub mod train;
pub mod up;
pub mod wait;
