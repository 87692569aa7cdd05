//! The driver over a chain in memory, on a device whose clock, network and disk the tests break.

mod account;
mod clock;
mod hints;
mod network;
mod store;
mod world;
