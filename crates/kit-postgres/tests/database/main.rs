//! The PostgreSQL database beyond the suite: opening, replicas, and a server that goes away.
#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

mod chance;
mod failover;
mod opening;
mod outages;
mod read_only;
mod replicas;
mod restored;
mod tls;
mod unkeepable;
mod world;
