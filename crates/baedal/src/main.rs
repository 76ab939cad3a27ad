//! The program's entry: reads the command line, does it, and says in one line what went wrong.

use std::process::ExitCode;

use baedal::cli::{Cli, Command};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(serve) => baedal::serve::run(&serve),
        Command::Demo(demo) => baedal::demo::run(&demo),
        Command::Operator(operator) => baedal::operator::run(&operator),
        Command::Consumer(consumer) => baedal::consumers::run(&consumer),
        Command::Key => baedal::operator::print_key(),
        Command::Config(config) => baedal::settings::print(&config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole story in one line: `cannot listen on …: address already in use`.
            eprintln!("baedal: {error:#}");
            ExitCode::FAILURE
        }
    }
}
