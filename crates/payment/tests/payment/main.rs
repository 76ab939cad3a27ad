//! Payment as a whole: over its routes, its policy and its jobs, on a database in memory and a clock that
//! the tests move.

mod answers;
mod changes;
mod crashes;
mod refunds;
mod world;
