//! The way in over HTTP: what every context's routes are made of.

pub mod admin;
pub mod body;
pub mod caller;
pub mod caps;
pub mod etag;
pub mod front;
pub mod health;
pub mod journal;
pub mod live;
pub mod operations;
pub mod page;
pub mod peers;
pub mod position;
pub mod problem;
mod strict;
pub mod unread;

pub use body::Body;
pub use caller::{Asked, Caller};
pub use etag::{EntityTag, IfMatch};
pub use page::{After, Cursor, Page, PageQuery, PageSize, Path, Query};
pub use position::{AsOf, Position};
pub use problem::{Problem, ProblemBody, ProblemType};
