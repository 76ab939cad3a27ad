//! The public interface as Rust functions: what the simulated town, the journeys and the benchmark speak.
//!
//! It knows the platform only by its documentation, like any other client: of the project's own crates it
//! uses the published language alone.
//!
//! - [`Client`]: a connection pool to one address; what needs no account;
//! - [`Session`]: a signed-in account; every call of the interface, by role;
//! - [`Live`]: a live stream; [`Following`]: one that goes on where it ended;
//! - [`Error`]: a problem document, or no answer; [`retrying()`] asks again where that may help.

mod calls;
mod error;
mod following;
mod live;
mod operations;
mod positions;
mod retrying;
mod session;
mod transport;
pub mod types;

pub use error::{Error, FieldError, Problem};
pub use following::Following;
pub use live::{Frame, Live};
pub use operations::{Breaker, Cause, DeadLetter, LateOrder, Stuck, StuckOrder, TraceEntry, Transition};
pub use retrying::retrying;
pub use session::Session;
pub use transport::{Answer, Client};
