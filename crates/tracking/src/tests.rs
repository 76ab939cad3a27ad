//! Tracking tested: the order's document as a pure function, and the whole of it over HTTP.

mod board;
mod document;
mod events;
mod live;
mod orders;
mod ranking;
mod rebuild;
mod secrets;
mod stores;
mod stories;
mod stuck;
mod trace;
mod world;
