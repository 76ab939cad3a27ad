//! The gateway in front of contexts that are not there: each answers with what it was asked.

mod authentication;
mod desk;
mod limits;
mod openapi;
mod routing;
mod world;
