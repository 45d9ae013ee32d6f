//! Models on this machine: brought by `precis models pull`, listed, verified, removed.
//!
//! A folder of models holds each as a folder of its own, which is either whole or not there: what comes is gathered
//! beside it (`.pull-NAME`), held against what its source says of it, recorded ([`manifest`]), and moved into place by
//! one rename. What broke off stays, and the same command goes on. A source ([`source`]) is a hub, a bucket or a folder;
//! what it lists is trusted in nothing: not in paths, not in sizes, not in bytes. Nothing here runs while a request waits:
//! who summarizes only reads folders.

pub mod bucket;
mod choose;
pub mod describe;
pub mod folder;
mod http;
pub mod hub;
pub mod manifest;
pub mod progress;
pub mod pull;
pub mod shelf;
pub mod source;
mod transfer;
