//! The chores: `cargo xtask test`, `cargo xtask check`, `cargo xtask bench`.
//!
//! It needs nothing but Rust, so that it runs before anything else is there.

use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask <chore>

  test          do all that the tests need, and run them
  check         formatting, lints and documentation, warnings denied
  bench [...]   build the platform and its load generator in release mode and measure whole
                lifecycles; `cargo xtask bench --help` tells the options
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let chore = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let done = match chore.as_deref() {
        Some("test") => test(&rest),
        Some("check") => check(),
        Some("bench") => bench(&rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Every test of the workspace: scenarios, the suites of the ports, journeys, the program itself.
fn test(filters: &[String]) -> Result<(), String> {
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    cargo(&[&["test", "--workspace", "--all-targets", "--no-fail-fast"], filters.as_slice()].concat(), &[])?;
    cargo(&["test", "--workspace", "--doc"], &[])
}

fn check() -> Result<(), String> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"], &[])?;
    // A front page may link to its private rooms: we document those too.
    let flags = "--deny warnings --allow rustdoc::private_intra_doc_links";
    cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"], &[("RUSTDOCFLAGS", flags)])
}

fn bench(options: &[String]) -> Result<(), String> {
    cargo(&["build", "--release", "--package", "baedal", "--package", "baedal-bench"], &[])?;
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    cargo(&[&["run", "--quiet", "--release", "--package", "baedal-bench", "--"], options.as_slice()].concat(), &[])
}

/// Runs cargo in the workspace and waits for it.
fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), String> {
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
