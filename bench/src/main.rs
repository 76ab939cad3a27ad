//! Measures whole lifecycles over HTTP: how many a second, how long each command takes, how far live views
//! are behind, how much memory and processor time it takes; of the platform as one process, and of the same as a
//! process for each replica of each service.
//!
//! It runs the real program on this machine's disk, with its load generator on the same cores, and asserts
//! nothing: what comes out is a table, and a picture, of what this machine did.

mod crowd;
mod distributed;
mod embedded;
mod health;
mod lag;
mod load;
mod picture;
mod proc;
mod process;
mod report;
mod run;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

/// Measures whole lifecycles over HTTP on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Options {
    /// Measure a process for each replica of each service, on PostgreSQL and NATS, instead of one for all
    #[arg(long)]
    distributed: bool,
    /// How many processes each service has
    #[arg(long, default_value_t = 2, requires = "distributed")]
    replicas: usize,
    /// How many customers order at the same time [default: 64; distributed 192]
    #[arg(long)]
    customers: Option<usize>,
    /// How long the run at full load takes, in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How many events the history holds for the restart; 0 leaves the restart on what there is
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Where the table and the picture go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// A page whose part between the lines `<!-- measured -->` and `<!-- /measured -->` is to be what was measured
    #[arg(long, requires = "distributed")]
    page: Option<PathBuf>,
    /// The program to measure
    #[arg(long, default_value = "target/release/baedal")]
    program: PathBuf,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().context("cannot start");
    match runtime.and_then(|runtime| runtime.block_on(measure(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<()> {
    std::fs::create_dir_all(&options.out).with_context(|| format!("cannot make {}", options.out.display()))?;
    if options.distributed { distributed::measure(options).await } else { embedded::measure(options).await }
}

/// Removes a folder of ours, if it is there.
fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    Ok(())
}

/// Writes files into a folder, and says where they are.
fn write(folder: &Path, files: &[(&str, String)]) -> Result<()> {
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
