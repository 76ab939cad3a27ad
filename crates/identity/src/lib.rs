//! Identity: who has an account, and how they prove it.
//!
//! It owns accounts with their roles and credentials, and the tokens they act with. It hears nobody, and
//! tells `AccountOpened`.
//!
//! - [`domain`]: an account, under the phone number that people sign in with;
//! - [`keys`]: the key that access tokens are signed with, kept in the data folder or given to all replicas;
//! - [`accounts`]: opening an account, once per phone number;
//! - [`passwords`]: hashing, slow on purpose and a few at a time;
//! - [`guessing`]: whoever guesses passwords is slowed down, and nobody else;
//! - [`devices`]: the tokens that devices are known again by;
//! - [`codes`]: the codes by which people prove their phone numbers;
//! - [`tokens`]: access tokens, and refresh tokens that work once.

pub mod accounts;
mod codes;
mod commands;
mod devices;
pub mod domain;
mod grace;
mod guessing;
mod http;
mod jobs;
mod keys;
mod leaky;
mod passwords;
mod publish;
mod settings;
mod tokens;

use std::sync::Arc;

use baedal_kit_http::Module;
use baedal_kit_http::module::Described;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::Service;

pub use accounts::{OperatorNotCreated, create_operator};
pub use http::problems;
pub use keys::{KeyError, Keys};
pub use passwords::{HashCost, ImpossibleCost};
pub use publish::publish;
pub use settings::{Guessing, PhoneCodes, Settings};

/// What it says of its routes and its refusals, without being started.
#[must_use]
pub fn described() -> Described {
    Described { document: http::table().into_openapi(), problems: problems::ALL.to_vec() }
}

/// The context, ready to be started: codes are sent to phones by `notification`.
#[must_use]
pub fn module(service: Service, settings: Settings, keys: Keys, notification: Upstream) -> Module {
    let app = http::App::new(service.clone(), settings, keys, notification);
    Module {
        service,
        routes: http::routes(app),
        policies: Vec::new(),
        projections: Vec::new(),
        jobs: vec![Arc::new(jobs::ForgetTokens)],
    }
}
