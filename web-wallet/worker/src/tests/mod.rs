//! The worker with a scripted host: what a person asks for, and what they then see.

mod claims;
mod deleted;
mod host;
mod phrase;
mod proof;
mod sending;
mod storage;
mod tabs;
mod time;
