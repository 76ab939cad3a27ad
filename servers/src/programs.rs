//! Finds the programs of PostgreSQL and NATS on this machine, and refuses those that are too old.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that names the folder of PostgreSQL's programs.
pub const POSTGRES_BIN: &str = "TEST_POSTGRES_BIN";
/// The variable that names the `nats-server` program.
pub const NATS_SERVER: &str = "TEST_NATS_SERVER";

/// The oldest PostgreSQL that Baedal works with.
const OLDEST_POSTGRES: &[u32] = &[15];
/// The oldest NATS server that Baedal works with.
const OLDEST_NATS: &[u32] = &[2, 10, 23];

/// The programs that the servers are started with.
#[derive(Clone, Debug)]
pub struct Programs {
    postgres: PathBuf,
    nats_server: PathBuf,
}

/// What was not found; each says why, where there is more to say than that it is not there.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Why there is no PostgreSQL, where there is none.
    pub postgres: Option<String>,
    /// Why there is no NATS server, where there is none.
    pub nats_server: Option<String>,
}

impl Programs {
    /// Looks for PostgreSQL's programs (15 or newer) in `TEST_POSTGRES_BIN`, else in
    /// `/usr/lib/postgresql/<newest>/bin`, else in `PATH`; and for `nats-server` (2.10.23 or newer) in
    /// `TEST_NATS_SERVER`, else where [`Programs::install`] puts it, else in `PATH`.
    pub fn find() -> Result<Self, Missing> {
        match (find_postgres(), find_nats_server()) {
            // Absolute: the servers run in folders of their own.
            (Ok(postgres), Ok(nats_server)) => {
                Ok(Self { postgres: absolute(postgres), nats_server: absolute(nats_server) })
            }
            (postgres, nats_server) => Err(Missing { postgres: postgres.err(), nats_server: nats_server.err() }),
        }
    }

    /// The folder of PostgreSQL's programs.
    pub fn postgres(&self) -> &Path {
        &self.postgres
    }

    /// The `nats-server` program.
    pub fn nats_server(&self) -> &Path {
        &self.nats_server
    }

    /// Has `psql` run `sql` at the database `url`; answers the rows as text, columns cut by `|`, without headings.
    pub fn psql(&self, url: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(self.postgres.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"])
            .args(["--dbname", url, "--command", sql])
            .env("PGCONNECT_TIMEOUT", "10")
            .output()
            .map_err(|error| format!("psql cannot start: {error}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
        } else {
            Err(format!("psql: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<&str> =
            [&self.postgres, &self.nats_server].into_iter().flatten().map(String::as_str).collect();
        f.write_str(&reasons.join("; "))
    }
}

impl std::error::Error for Missing {}

/// Where [`Programs::install`] puts the NATS server.
pub(crate) fn installed_nats_server() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).filter(|target| target.is_absolute());
    let target = target.unwrap_or_else(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.parent().unwrap_or(here).join("target")
    });
    target.join("servers").join("nats-server")
}

pub(crate) fn find_postgres() -> Result<PathBuf, String> {
    if let Some(given) = variable(POSTGRES_BIN) {
        return postgres_at(&given).map(|()| given).map_err(|reason| format!("{POSTGRES_BIN}: {reason}"));
    }
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let candidates = found.into_iter().map(|(_, folder)| folder).chain(in_path("postgres"));
    first_that(candidates, postgres_at).map_err(|refused| format!("PostgreSQL 15 or newer is missing{refused}"))
}

pub(crate) fn find_nats_server() -> Result<PathBuf, String> {
    if let Some(given) = variable(NATS_SERVER) {
        return nats_server_at(&given).map(|()| given).map_err(|reason| format!("{NATS_SERVER}: {reason}"));
    }
    let candidates = std::iter::once(installed_nats_server())
        .chain(in_path("nats-server").map(|folder| folder.join("nats-server")))
        .filter(|program| program.is_file());
    first_that(candidates, nats_server_at)
        .map_err(|refused| format!("nats-server 2.10.23 or newer is missing{refused}"))
}

/// Whether this folder holds what we use of PostgreSQL.
fn postgres_at(folder: &Path) -> Result<(), String> {
    for program in ["postgres", "initdb", "psql"] {
        if !folder.join(program).is_file() {
            return Err(format!("{} does not hold `{program}`", folder.display()));
        }
    }
    at_least(OLDEST_POSTGRES, &folder.join("postgres"))
}

/// Whether this is a NATS server that we can use.
pub(crate) fn nats_server_at(program: &Path) -> Result<(), String> {
    at_least(OLDEST_NATS, program)
}

fn at_least(oldest: &[u32], program: &Path) -> Result<(), String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .map_err(|error| format!("{} cannot start: {error}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match version(&said) {
        Some(version) if version.as_slice() >= oldest => Ok(()),
        Some(_) => Err(format!("{} is too old: {}", program.display(), said.trim())),
        None => Err(format!("{} tells no version", program.display())),
    }
}

/// The version in what a program answers to `--version`: `postgres (PostgreSQL) 15.14`, `nats-server: v2.10.23`.
fn version(said: &str) -> Option<Vec<u32>> {
    let word = said
        .split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    // `17beta1` is 17.
    let number = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    Some(word.split('.').map_while(number).collect())
}

/// The first candidate that serves; or why those that exist do not, to be put after a sentence.
fn first_that(
    candidates: impl Iterator<Item = PathBuf>,
    serves: impl Fn(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let mut refused = Vec::new();
    for candidate in candidates {
        match serves(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(reason) => refused.push(reason),
        }
    }
    Err(if refused.is_empty() { String::new() } else { format!(" ({})", refused.join("; ")) })
}

/// The folders of `PATH` that hold this program.
fn in_path(program: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.join(program).is_file()).collect();
    folders.into_iter()
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_versions_that_programs_tell() {
        assert_eq!(version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(vec![15, 14]));
        assert_eq!(version("postgres (PostgreSQL) 19beta1\n"), Some(vec![19]));
        assert_eq!(version("nats-server: v2.10.23\n"), Some(vec![2, 10, 23]));
        assert_eq!(version("no such thing"), None);
    }

    #[test]
    fn compares_versions_number_by_number() {
        let new_enough = |said: &str| version(said).is_some_and(|version| version.as_slice() >= OLDEST_NATS);
        assert!(new_enough("nats-server: v2.10.23"));
        assert!(new_enough("nats-server: v2.11.0"));
        assert!(new_enough("nats-server: v3.0.0"));
        assert!(!new_enough("nats-server: v2.10.7"));
        assert!(!new_enough("nats-server: v2.9.25"));
    }
}
