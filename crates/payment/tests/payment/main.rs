//! Payment as a whole: over its routes, its policy and its jobs, on a database in memory and a clock that
//! the tests move.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod changes;
mod clocks;
mod crashes;
mod refunds;
mod unsettled;
mod world;
