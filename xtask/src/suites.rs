//! Every test of the workspace, with the real servers that they need.

use std::env;
use std::ffi::OsStr;

use baedal_servers::{Clocks, FAKETIME, NATS_SERVER, POSTGRES_BIN, Postgres, Programs, testing};

use crate::cargo::cargo;
use crate::schemathesis;

/// Scenarios, the suites of the ports, journeys, the program itself, a few days of mishaps. One PostgreSQL serves them
/// all, and goes with us; a test that ends servers starts its own.
pub(crate) fn run(filters: &[&str]) -> Result<(), String> {
    let programs = Programs::install()?;
    let clocks = Clocks::install()?;
    let mut shared = Postgres::start(&programs, &env::temp_dir())?;
    let url = shared.url("postgres");
    let variables: [(&str, &OsStr); 4] = [
        (POSTGRES_BIN, programs.postgres().as_os_str()),
        (NATS_SERVER, programs.nats_server().as_os_str()),
        (FAKETIME, clocks.library().as_os_str()),
        (testing::SHARED_POSTGRES, url.as_ref()),
    ];
    cargo(&[&["test", "--workspace", "--all-targets", "--no-fail-fast"], filters].concat(), &variables)?;
    // The same journeys, a process per service.
    let distributed = [&variables[..], &[("BAEDAL_COMPOSITION", OsStr::new("distributed"))]].concat();
    cargo(&[&["test", "--package", "baedal-journeys", "--no-fail-fast"], filters].concat(), &distributed)?;
    // Some days with everything going wrong, while nothing else runs.
    let stress = ["test", "--package", "baedal-journeys", "--test", "stress"];
    cargo(&[&stress, filters, &["--", "--ignored"]].concat(), &variables)?;
    cargo(&["test", "--workspace", "--doc"], &variables)?;
    // Whatever the description allows and does not allow, called for two minutes; it has no tests to choose from.
    if filters.is_empty() {
        schemathesis::run(&[])?;
    }
    shared.stop()
}

/// Days with everything going wrong, as many as are asked for.
pub(crate) fn stress(options: &[&str]) -> Result<(), String> {
    let (programs, clocks) = (Programs::install()?, Clocks::install()?);
    let variables: [(&str, &OsStr); 3] = [
        (POSTGRES_BIN, programs.postgres().as_os_str()),
        (NATS_SERVER, programs.nats_server().as_os_str()),
        (FAKETIME, clocks.library().as_os_str()),
    ];
    cargo(&[&["run", "--quiet", "--package", "baedal-journeys", "--bin", "stress", "--"], options].concat(), &variables)
}
