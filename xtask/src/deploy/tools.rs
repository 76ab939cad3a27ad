//! Programs from elsewhere: had, installed, run.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Does something in a folder unless it was done there for this very file.
pub(super) fn once(folder: &Path, file: &Path, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let (done, wanted) = (folder.join("done-for"), read(file)?);
    if fs::read_to_string(&done).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    anew(folder)?;
    work()?;
    fs::write(&done, wanted).map_err(|error| format!("{}: {error}", done.display()))
}

/// Sees to it that there is such a program.
pub(super) fn have(program: &str, package: &str) -> Result<(), String> {
    if Command::new(program).arg("--version").output().is_ok() { Ok(()) } else { install(package) }
}

/// Installs a package where there is apt and we may.
pub(super) fn install(package: &str) -> Result<(), String> {
    let sorry = |error| format!("the Debian package {package}, or what it is elsewhere, is needed ({error})");
    run(Command::new("apt-get").args(["update", "--quiet=2"])).map_err(sorry)?;
    let mut apt = Command::new("apt-get");
    run(apt.args(["install", "--quiet=2", "--yes", "--no-install-recommends", package])).map_err(sorry)
}

/// The cargo that runs us.
pub(super) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// What is in a file.
pub(super) fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// A folder, and those around it.
pub(super) fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// An empty folder.
pub(super) fn anew(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    make(folder)
}

/// Runs something whose output people may see.
pub(super) fn run(command: &mut Command) -> Result<(), String> {
    eprintln!("xtask: {command:?}");
    let status = command.status().map_err(|error| format!("{command:?} cannot start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed ({status})")) }
}

/// Runs something and gives back what it said.
pub(super) fn told(command: &mut Command) -> Result<String, String> {
    heard(command).map(|(said, _)| said)
}

/// Runs something and gives back what it said and what it complained of; where it fails, both are the reason.
pub(super) fn heard(command: &mut Command) -> Result<(String, String), String> {
    eprintln!("xtask: {command:?}");
    let output = command.output().map_err(|error| format!("{command:?} cannot start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok((said, complained))
    } else {
        Err(format!("{command:?} failed ({})\n{said}{complained}", output.status))
    }
}
