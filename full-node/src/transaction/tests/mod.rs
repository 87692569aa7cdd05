//! The rules of the pool one by one, its writes, and the whole against a plain model.

mod journal;
mod model;
mod rules;
mod world;
