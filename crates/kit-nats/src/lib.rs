//! The bus on NATS JetStream: a source's published events, carried from its process to all others.
//!
//! ```text
//!   journal of order ──▶ relay ──▶ stream BAEDAL_ORDER ──▶ shelf ──▶ consumers of store, payment, …
//!      (the truth)   in order,     baedal.events.order.0    of the last
//!          ▲         with `prev`   baedal.events.order.1    envelopes,
//!          │             │                …                 by shard
//!          │             └──▶ baedal.heads.order ──▶ what must have come by now
//!          │                                            │
//!          └───────── Archive: what did not come ◀──────┘
//! ```
//!
//! The broker is never the only copy. Every message names the position before it in its shard, and the relay
//! says how far the journal is relayed; so whoever hears knows what is missing, and reads it from what the
//! stream still keeps or from the source's own journal. A broker that is slow, away, or back with nothing
//! costs time and loses nothing.
//!
//! - [`Settings`] and [`connect`]: one connection for a process, kept up for ever;
//! - [`relay()`]: copies a journal to its stream;
//! - [`NatsBus`]: the [`Bus`](baedal_kit::Bus) over it, for one context's consumers;
//! - [`cloudevents`]: how an envelope travels;
//! - [`asyncapi`]: the description of all of it, made from the code;
//! - `stream`, `names`: what the broker keeps, and what streams and subjects are called.

pub mod asyncapi;
mod bus;
pub mod cloudevents;
mod connection;
mod names;
mod pause;
mod relay;
mod settings;
mod stream;

pub use bus::NatsBus;
pub use connection::{ConnectError, Nats, connect};
pub use relay::relay;
pub use settings::Settings;
