//! The runtime at work, in a small world of jars and cookies: commands, policies, projections, jobs, and
//! live streams, with rivals, poison, panics, and databases that go away.
#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

mod alternating;
mod clocks;
mod commands;
mod deadlines;
mod flaky;
mod jobs;
mod live;
mod policies;
mod positions;
mod projections;
mod replicas;
mod restored;
mod world;
