//! The bus over real NATS servers that are killed, paused and robbed of their data.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod behind;
mod forged;
mod poison;
mod private;
mod relaying;
mod restored;
mod shards;
mod trouble;
mod users;
mod world;
