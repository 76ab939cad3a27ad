//! Runs days of the whole platform with everything going wrong, and looks whether every order ended as it must:
//! see `baedal_journeys::stress`. It is also the program that it starts, so that both are always of one build.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use baedal::cli::{Cli, Command};
use baedal_journeys::stress::{self, Options};
use baedal_servers::Clocks;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
usage: cargo xtask stress [options]

  --seeds N        run so many seeds [default: 20]
  --first N        the first of them [default: 0]
  --seed N         run this one only; it may stand there several times
  --seconds N      how long orders are placed and things go wrong [default: 12]
  --orders N       how many orders are placed in that time [default: 40]
  --calm           nothing befalls the processes
  --one-clock      all processes have the machine's clock; otherwise libfaketime is needed
  --folder FOLDER  where what runs is kept, and stays where something is wrong
                   [default: a new one in the system's temporary folder]
";

fn main() -> ExitCode {
    // What is started to be the platform is told so first.
    if let Some("serve" | "operator" | "key") = env::args().nth(1).as_deref() {
        return be_the_platform();
    }
    let done = read(env::args().skip(1).collect()).and_then(|options| {
        let Some(options) = options else {
            print!("{USAGE}");
            return Ok(());
        };
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        runtime.block_on(stress::run(options))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stress: {error}");
            ExitCode::FAILURE
        }
    }
}

fn be_the_platform() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => baedal::serve::run(&serve),
        Command::Operator(operator) => baedal::operator::run(&operator),
        Command::Key => baedal::operator::print_key(),
        Command::Consumer(_) | Command::Demo(_) | Command::Config(_) => return ExitCode::from(2),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("baedal: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What the arguments ask for; nothing where they ask for help.
fn read(arguments: Vec<String>) -> Result<Option<Options>, String> {
    let program = env::current_exe().map_err(|error| format!("our own program is unknown: {error}"))?;
    let (mut seeds, mut first, mut chosen) = (20, 0, Vec::new());
    let (mut one_clock, mut folder) = (false, None);
    let mut options = Options {
        program,
        seeds: Vec::new(),
        seconds: 12,
        orders: 40,
        mishaps: true,
        clocks: None,
        folder: PathBuf::new(),
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
            value.ok_or_else(|| format!("{argument} needs a number"))
        };
        match argument.as_str() {
            "--help" => return Ok(None),
            "--seeds" => seeds = number()?,
            "--first" => first = number()?,
            "--seed" => chosen.push(number()?),
            "--seconds" => options.seconds = u32::try_from(number()?).map_err(|error| error.to_string())?,
            "--orders" => options.orders = usize::try_from(number()?).map_err(|error| error.to_string())?,
            "--calm" => options.mishaps = false,
            "--one-clock" => one_clock = true,
            "--folder" => folder = Some(arguments.next().map(PathBuf::from).ok_or("--folder needs a folder")?),
            unknown => return Err(format!("there is no option {unknown}\n{USAGE}")),
        }
    }
    options.seeds = if chosen.is_empty() { (first..first + seeds).collect() } else { chosen };
    options.folder = folder.unwrap_or_else(|| env::temp_dir().join(format!("baedal-stress-{}", std::process::id())));
    if !one_clock {
        options.clocks = Some(Clocks::find().map_err(|error| format!("{error}: install it, or use --one-clock"))?);
    }
    Ok(Some(options))
}
