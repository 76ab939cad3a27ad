//! Random days of the whole platform, with its processes stopped, paused and killed and their clocks apart; and at the
//! end of each the question whether every order ended as it must.
//!
//! ```text
//!   seed ─▶ script: who wishes what, when ─▶ people ───▶ the platform, two of everything
//!        └▶ mishap: what befalls whom, when ─▶ misfortune ──▲
//!   all is well again, deadlines pass ─▶ books: what differs from what must be ─▶ report
//! ```
//!
//! A seed says what people do and what befalls the processes, and when; what comes of it is up to the machine. So the
//! same seed is the same day again, and not always the same end: whoever looks for a fault runs it some times more.

mod books;
mod chance;
mod day;
mod evidence;
mod kitchen;
mod misfortune;
mod mishap;
mod people;
mod phone;
mod platform;
mod road;
mod script;
mod shelf;
mod table;

use std::path::PathBuf;
use std::time::Instant;

use baedal_servers::Clocks;

use self::day::Day;
use self::platform::Platform;

/// What a day comes of.
pub type Seed = u64;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program that `baedal` is.
    pub program: PathBuf,
    /// The seeds, each a day.
    pub seeds: Vec<Seed>,
    /// How long orders are placed and mishaps happen on a day, in seconds.
    pub seconds: u32,
    /// How many orders are placed on a day.
    pub orders: usize,
    /// Whether anything befalls the processes.
    pub mishaps: bool,
    /// Clocks of their own for the processes; nothing: no clock is apart from the others.
    pub clocks: Option<Clocks>,
    /// Where what runs is kept, and stays after a day that went wrong.
    pub folder: PathBuf,
}

/// Runs the seeds, one after the other, and says of each how it went.
///
/// # Errors
/// In how many something is not as it must be; what, has been printed.
pub async fn run(options: Options) -> Result<(), String> {
    let mut platform = None;
    let mut wrong = Vec::new();
    for seed in &options.seeds {
        let begun = Instant::now();
        let running = match platform.take() {
            Some(running) => running,
            None => Platform::start(&options, *seed).await?,
        };
        let day = Day::of(&options, *seed);
        let (running, findings, summary) = day.live(running).await?;
        let took = begun.elapsed().as_secs();
        if findings.is_empty() {
            println!("seed {seed}: all is well, after {took} s; {summary}");
            platform = Some(running);
        } else {
            println!("seed {seed}: {} things are wrong, after {took} s; {}", findings.len(), running.kept());
            println!("again: cargo xtask stress --seed {seed}");
            wrong.push(*seed);
            // What went wrong there would be seen again: the next day begins elsewhere.
            running.leave();
        }
    }
    if let Some(running) = platform {
        running.close();
    }
    match wrong.len() {
        0 => Ok(()),
        count => Err(format!("{count} of {} seeds went wrong: {wrong:?}", options.seeds.len())),
    }
}
