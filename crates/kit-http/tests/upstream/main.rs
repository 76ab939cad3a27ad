//! Contexts that speak to each other over sockets: which replica is asked, what is asked again, what passes through.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod choosing;
mod internal_api;
mod passing;
mod private;
mod resending;
mod world;
