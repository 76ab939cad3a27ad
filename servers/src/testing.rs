//! What suites need: the programs, a PostgreSQL that all tests share, and a fresh database for each.
//!
//! `cargo xtask test` installs the programs and starts one PostgreSQL for all suites. Under a plain `cargo test`,
//! each test program starts its own when the first of its tests asks, and its watchdog ends it afterwards.
//! What is missing is a panic: a test that needs a server cannot go on without.

use std::env;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::port;
use crate::postgres::{Postgres, create_database};
use crate::programs::Programs;

/// The variable that names the PostgreSQL that all suites share: the address of its database `postgres`, for a
/// superuser.
pub const SHARED_POSTGRES: &str = "TEST_SHARED_POSTGRES";

/// The programs, for a test that starts (and ends) servers of its own.
pub fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| match Programs::find() {
        Ok(programs) => programs,
        Err(missing) => panic!("{missing}: run `cargo xtask test`, which installs and starts what the tests need"),
    })
}

/// The address of the database `postgres` of the server that all tests share; it must be neither stopped nor paused.
pub fn shared_postgres_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    // Never dropped: its watchdog ends it after us.
    static OWN: OnceLock<Postgres> = OnceLock::new();
    URL.get_or_init(|| {
        if let Some(given) = env::var(SHARED_POSTGRES).ok().filter(|given| !given.is_empty()) {
            return given;
        }
        OWN.get_or_init(|| match Postgres::start(programs(), &env::temp_dir()) {
            Ok(server) => server,
            Err(error) => panic!("the PostgreSQL that the tests share does not start: {error}"),
        })
        .url("postgres")
    })
}

/// Makes an empty database on the shared server; answers its address.
pub fn fresh_database(prefix: &str) -> String {
    let name = database_name(prefix);
    let shared = shared_postgres_url();
    if let Err(error) = create_database(programs(), shared, &name) {
        panic!("the database {name} cannot be made at {shared}: {error}");
    }
    database_url(shared, &name)
}

/// A name that no database has: `<prefix>_…`.
pub fn database_name(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Numbers of processes come again while a shared server lives; with the time they do not.
    #[expect(clippy::disallowed_methods, reason = "a name must be new to the machine, whatever a test's clock shows")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("{prefix}_{}_{now:x}_{number}", std::process::id())
}

/// A port of 127.0.0.1 that nobody listens on, for whatever a test starts itself.
pub fn free_port() -> u16 {
    port::free().unwrap_or_else(|error| panic!("{error}"))
}

/// The address of another database of the same server.
fn database_url(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, String::new()), |(a, query)| (a, format!("?{query}")));
    let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
    format!("{server}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_another_database_of_the_same_server() {
        assert_eq!(database_url("postgres://a@h:1/postgres", "x"), "postgres://a@h:1/x");
        assert_eq!(
            database_url("postgres://a@h:1/postgres?sslmode=disable", "x"),
            "postgres://a@h:1/x?sslmode=disable"
        );
    }

    #[test]
    fn gives_no_name_twice() {
        assert_ne!(database_name("order"), database_name("order"));
    }
}
