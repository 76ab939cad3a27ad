//! The chores: `cargo xtask test`, `stress`, `schemathesis`, `check`, `deploy`, `up`, `bench`.
//!
//! It needs nothing but Rust, so that it runs before anything else is there; what the chores need, they fetch.

mod asyncapi;
mod cargo;
mod deploy;
mod schemathesis;
mod suites;
mod up;

use std::process::ExitCode;

use crate::cargo::cargo;

const USAGE: &str = "\
usage: cargo xtask <chore>

  test [...]    install and start what the tests need, and run them: all, or those with these words in
                their names
  stress [...]  spend days of the whole platform with its processes stopped, paused and killed and their
                clocks apart, and look how every order ended; `cargo xtask stress --help` tells the options
  schemathesis [...]
                call the platform for two minutes with what its OpenAPI document allows and what it does
                not, as every role and as nobody; `--seconds N` for each of these, `--as ROLE` for one
  check         formatting, lints and documentation, warnings denied; the description of the events
  deploy        check what `deploy/` ships: manifests, container recipe, units, settings
  up [...]      run all of it on this machine, a process for each replica of each service, on
                PostgreSQL and NATS, until Ctrl-C; `cargo xtask up --help` tells the options
  bench [...]   build the platform and its load generator in release mode and measure whole
                lifecycles; `cargo xtask bench --help` tells the options
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let chore = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let done = match chore.as_deref() {
        Some("test") => suites::run(&rest),
        Some("stress") => suites::stress(&rest),
        Some("schemathesis") => schemathesis::run(&rest),
        Some("check") => check(),
        Some("deploy") => deploy::check(),
        Some("up") => up::run(&rest),
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

fn check() -> Result<(), String> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"], &[])?;
    // A front page may link to its private rooms: we document those too.
    let flags = "--deny warnings --allow rustdoc::private_intra_doc_links";
    cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"], &[("RUSTDOCFLAGS", flags.as_ref())])?;
    asyncapi::check()
}

fn bench(options: &[&str]) -> Result<(), String> {
    cargo(&["build", "--release", "--package", "baedal", "--package", "baedal-bench"], &[])?;
    cargo(&[&["run", "--quiet", "--release", "--package", "baedal-bench", "--"], options].concat(), &[])
}
