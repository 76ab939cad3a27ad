//! Every test of the workspace, with the real servers that they need.

use std::env;
use std::ffi::OsStr;

use baedal_servers::{NATS_SERVER, POSTGRES_BIN, Postgres, Programs, testing};

use crate::cargo::cargo;

/// Scenarios, the suites of the ports, journeys, the program itself. One PostgreSQL serves them all, and goes with us;
/// a test that ends servers starts its own.
pub(crate) fn run(filters: &[&str]) -> Result<(), String> {
    let programs = Programs::install()?;
    let mut shared = Postgres::start(&programs, &env::temp_dir())?;
    let url = shared.url("postgres");
    let variables: [(&str, &OsStr); 3] = [
        (POSTGRES_BIN, programs.postgres().as_os_str()),
        (NATS_SERVER, programs.nats_server().as_os_str()),
        (testing::SHARED_POSTGRES, url.as_ref()),
    ];
    cargo(&[&["test", "--workspace", "--all-targets", "--no-fail-fast"], filters].concat(), &variables)?;
    // The same journeys, a process per service.
    let distributed = [&variables[..], &[("BAEDAL_COMPOSITION", OsStr::new("distributed"))]].concat();
    cargo(&[&["test", "--package", "baedal-journeys", "--no-fail-fast"], filters].concat(), &distributed)?;
    cargo(&["test", "--workspace", "--doc"], &variables)?;
    shared.stop()
}
