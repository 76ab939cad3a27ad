//! Schemathesis: calls the platform with what its own description allows and what it does not.
//!
//! It comes from PyPI, of a pinned version, into `target/schemathesis`, so that the second time is quick. Who it calls,
//! and as whom, is `journeys/src/bin/schemathesis.rs`; what it is told, `journeys/schemathesis.toml`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cargo::cargo;

/// The version whose checks the configuration was written for.
const PACKAGE: &str = "schemathesis==4.32.5";

/// Installs it where it is not there yet, and lets it call a platform.
pub(crate) fn run(options: &[&str]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask is in no workspace")?;
    let folder = root.join("target/schemathesis");
    install(&folder)?;
    let program = folder.join("bin/st");
    let variables: [(&str, &OsStr); 1] = [("SCHEMATHESIS", program.as_os_str())];
    let run = ["run", "--quiet", "--package", "baedal-journeys", "--bin", "schemathesis", "--"];
    cargo(&[&run, options].concat(), &variables)
}

fn install(folder: &Path) -> Result<(), String> {
    let done = folder.join("installed");
    if fs::read_to_string(&done).is_ok_and(|had| had == PACKAGE) {
        return Ok(());
    }
    eprintln!("xtask: installing {PACKAGE} to {}", folder.display());
    checked(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE];
    checked(Command::new(folder.join("bin/python")).args(pip))?;
    fs::write(&done, PACKAGE).map_err(|error| format!("{}: {error}", done.display()))
}

fn checked(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let needs = "Python 3.10 or newer with venv and pip is needed (Debian: apt-get install python3-venv)";
    let status = command.status().map_err(|error| format!("{name} cannot start ({error}): {needs}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed ({status}): {needs}")) }
}
