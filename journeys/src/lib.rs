//! Whole orders, through the whole platform, over its HTTP interface: what the journeys share.
//!
//! A [`World`] is the platform as the program composes it, with a clock that the test moves: everything in one
//! process on a temporary data folder, or, where `BAEDAL_COMPOSITION` is `distributed`, every service in two
//! processes' worth of its own, on PostgreSQL and NATS. The tests are the same. People in it are sessions of the public client; [`World::stop`] and
//! [`World::start_again`] are an operator's restart. Nothing here waits by sleeping for a guessed time:
//! [`World::until`] asks until a condition holds, and the live streams tell changes by themselves.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod copies;
mod installation;
mod people;
mod readiness;
pub mod stress;
mod world;

pub use baedal::roles::CONTEXTS;
pub use people::{Dish, Shop, everything_of, order_of};
pub use readiness::Readiness;
pub use world::{Copies, World};
