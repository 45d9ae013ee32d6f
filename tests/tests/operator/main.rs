//! `precis --stack` as an operator has it: the built program against a deployment on an emulator.
//!
//! Run by `docker/host/emulators run …`; without emulators each test is skipped and says so.

mod commands;
mod doctor;
mod erase;
mod models;
