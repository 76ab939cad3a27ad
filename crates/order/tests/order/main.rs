//! Tests of orders: the domain in sentences, the domain at random, what it hears, and its way in.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod any_history;
mod baskets;
mod breaker;
mod deadlines;
mod documentation;
mod given;
mod limits;
mod placing;
mod policy;
mod requests;
mod scenarios;
mod typed;
mod world;
