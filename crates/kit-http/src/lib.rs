//! The way in over HTTP, and the way from one context to another.
//!
//! - [`Body`], [`Path`], [`Query`], [`Caller`], [`Position`], [`IfMatch`]: what requests say;
//! - [`Problem`]: what refusals say; [`page`], [`live`], [`etag`]: what answers are made of;
//! - [`Module`]: a context with its routes, ready to be started; [`internal_api`]: the contexts of a process, for their peers;
//! - [`peers`]: which process may ask what; [`caps`]: how much somebody may hold;
//! - [`health`], [`admin`], [`operations`], [`journal`]: what operators and peers are answered;
//! - [`upstream`]: another context, wherever it runs; [`breaker`]: the circuit breaker before it;
//! - [`trace`]: the `traceparent` header.

pub mod admin;
pub mod body;
pub mod breaker;
pub mod caller;
pub mod caps;
pub mod etag;
pub mod health;
pub mod internal_api;
pub mod journal;
pub mod live;
pub mod module;
pub mod operations;
pub mod page;
pub mod peers;
pub mod position;
pub mod problem;
mod strict;
pub mod trace;
pub mod unread;
pub mod upstream;

pub use body::Body;
pub use caller::{Caller, RequestOrigin};
pub use etag::{EntityTag, IfMatch};
pub use module::{Described, Module};
pub use page::{After, Cursor, Page, PageQuery, PageSize, Path, Query};
pub use position::{AsOf, Position};
pub use problem::{Problem, ProblemBody, ProblemType};
