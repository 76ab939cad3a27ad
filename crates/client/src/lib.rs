//! The public interface as Rust functions: what the simulated town, the journeys and the benchmark speak.
//!
//! It knows the platform only by its documentation, like any other client: of the project's own crates it
//! uses the published language alone.
//!
//! - [`Client`]: a connection pool to one address; what needs no account;
//! - [`Session`]: a signed-in account; every call of the interface, by role;
//! - [`Live`]: a live stream;
//! - [`Error`]: a problem document, or no answer.

mod calls;
mod error;
mod live;
mod session;
mod transport;
pub mod types;

pub use error::{Error, Problem};
pub use live::{Frame, Live};
pub use session::Session;
pub use transport::{Answer, Client};
