//! Runs cargo in the workspace.

use std::ffi::OsStr;
use std::process::Command;

/// Runs cargo with these variables, and waits for it.
pub(crate) fn cargo(arguments: &[&str], variables: &[(&str, &OsStr)]) -> Result<(), String> {
    let told = format!("cargo {}", arguments.join(" "));
    eprintln!("xtask: {told}");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(arguments)
        .envs(variables.iter().copied())
        .status()
        .map_err(|error| format!("{told} cannot start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{told} failed ({status})")) }
}
