//! Whole orders, through the whole platform, over its HTTP interface: what the journeys share.
//!
//! A [`World`] is the platform as the program composes it, on a temporary data folder and a free port, with
//! a clock that the test moves. People in it are sessions of the public client; [`World::stop`] and
//! [`World::start_again`] are an operator's restart. Nothing here waits by sleeping for a guessed time:
//! [`World::until`] asks until a condition holds, and the live streams tell changes by themselves.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod people;
mod world;

pub use people::{Dish, Shop, everything_of, order_of};
pub use world::World;
