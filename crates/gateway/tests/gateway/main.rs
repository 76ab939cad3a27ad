//! The gateway in front of contexts that are not there: each answers with what it was asked.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod authentication;
mod desk;
mod limits;
mod openapi;
mod routing;
mod world;
