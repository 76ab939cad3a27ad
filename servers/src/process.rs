//! One running server: started, waited for, signalled, ended.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::watchdog::Watchdog;

/// How long we wait for a server to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often we look whether what we wait for has come.
const LOOK: Duration = Duration::from_millis(10);

/// A server's process, and all that it started.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// `None` while it is being ended: see [`Process::end`].
    watchdog: Option<Watchdog>,
}

/// Why a server did not start.
pub(crate) enum StartError {
    /// Somebody else listens on its port.
    PortTaken,
    /// Anything else.
    Failed(String),
}

impl Process {
    /// Starts a server, and waits until it is `ready`. Should we go before it, it gets the signal `farewell`, and
    /// its folder is removed if it is a temporary one.
    pub(crate) fn start(
        command: &mut Command,
        folder: &Folder,
        farewell: &str,
        ready: impl Fn(u32) -> bool,
    ) -> Result<Self, StartError> {
        let name = command.get_program().display().to_string();
        let failed = |error: std::io::Error| StartError::Failed(format!("{name} cannot start: {error}"));
        let log = File::options().create(true).append(true).open(folder.log()).map_err(failed)?;
        let before = log.metadata().map_err(failed)?.len();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            // Ctrl-C in a terminal is for us; the server hears it from us.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let mut process = Self { child, watchdog: None };
        let remove = (!folder.is_kept()).then(|| folder.path());
        match Watchdog::over_us(process.pid(), farewell, remove) {
            Ok(watchdog) => process.watchdog = Some(watchdog),
            Err(error) => {
                process.kill().map_err(StartError::Failed)?;
                return Err(StartError::Failed(format!("{name} cannot be watched over: {error}")));
            }
        }

        let deadline = Instant::now() + PATIENCE;
        let problem = loop {
            if let Some(status) = process.child.try_wait().map_err(failed)? {
                break format!("ended while it was starting ({status})");
            }
            if ready(process.pid()) {
                return Ok(process);
            }
            if Instant::now() > deadline {
                process.kill().map_err(StartError::Failed)?;
                break format!("was not ready within {} seconds", PATIENCE.as_secs());
            }
            thread::sleep(LOOK);
        };
        let said = said_since(&folder.log(), before);
        if said.contains("ddress already in use") {
            return Err(StartError::PortTaken);
        }
        Err(StartError::Failed(format!("{name} {problem}; it said:\n{}", tail(&said))))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks for the end, and waits for it. `INT` is what both PostgreSQL and NATS take for: now, but in good order.
    pub(crate) fn stop(self) -> Result<(), String> {
        self.obey("INT").map(drop)
    }

    /// Asks for the end as a service manager does, and waits for it; it must be a good one.
    pub(crate) fn terminate(self) -> Result<(), String> {
        let status = self.obey("TERM")?;
        if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
    }

    fn obey(mut self, name: &str) -> Result<ExitStatus, String> {
        // One that was paused could not hear.
        self.resume()?;
        signal(name, &BTreeSet::from([self.pid()]))?;
        match self.end()? {
            Some(status) => Ok(status),
            None => {
                self.kill()?;
                Err(format!("a server did not stop within {} seconds, and was killed", PATIENCE.as_secs()))
            }
        }
    }

    /// How it ended, if it did so by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        self.child.try_wait().map_err(|error| format!("a server cannot be looked at: {error}"))
    }

    /// Kills the process and all that it started, without a chance to tidy up, and waits until all have gone.
    pub(crate) fn kill(mut self) -> Result<(), String> {
        // Stopped first, it starts no more while we look at what it has started.
        let family = self.pause()?;
        signal("KILL", &family)?;
        self.end()?.ok_or("a server that was killed did not end")?;
        let deadline = Instant::now() + PATIENCE;
        while running()?.iter().any(|process| family.contains(&process.pid)) {
            if Instant::now() > deadline {
                return Err(format!("of the processes {family:?}, which were killed, some are still there"));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Stops the process and all that it started where they are, until [`Process::resume`]; answers who they are.
    pub(crate) fn pause(&self) -> Result<BTreeSet<u32>, String> {
        let mut paused = BTreeSet::new();
        loop {
            let family = self.family()?;
            if family.is_subset(&paused) {
                return Ok(paused);
            }
            signal("STOP", &family)?;
            paused.extend(family);
        }
    }

    pub(crate) fn resume(&self) -> Result<(), String> {
        signal("CONT", &self.family()?)
    }

    /// Waits for the end, `None` when it does not come. The watchdog goes first: once we have taken note of the
    /// end, the number of the process may be another's.
    fn end(&mut self) -> Result<Option<ExitStatus>, String> {
        self.watchdog = None;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.child.try_wait().map_err(|error| format!("a server cannot be waited for: {error}"))?;
            if status.is_some() || Instant::now() > deadline {
                return Ok(status);
            }
            thread::sleep(LOOK);
        }
    }

    /// The process, what it started, and what those started.
    pub(crate) fn family(&self) -> Result<BTreeSet<u32>, String> {
        let running = running()?;
        let mut family = BTreeSet::from([self.pid()]);
        loop {
            let before = family.len();
            family.extend(
                running
                    .iter()
                    .filter(|process| family.contains(&process.parent))
                    .map(|process| process.pid)
                    .collect::<Vec<_>>(),
            );
            if family.len() == before {
                return Ok(family);
            }
        }
    }
}

struct Running {
    pid: u32,
    parent: u32,
}

/// The processes of this machine, but for those that have ended and were not taken note of.
fn running() -> Result<Vec<Running>, String> {
    if Path::new("/proc/self/stat").exists() { from_proc() } else { from_ps() }
}

fn from_proc() -> Result<Vec<Running>, String> {
    let entries = fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // `pid (name) state parent …`; a name may hold anything, brackets too.
            let (_, after) = stat.rsplit_once(") ")?;
            let mut words = after.split(' ');
            let (state, parent) = (words.next()?, words.next()?.parse().ok()?);
            (!matches!(state, "Z" | "X")).then_some(Running { pid, parent })
        })
        .collect())
}

/// Where there is no `/proc`.
fn from_ps() -> Result<Vec<Running>, String> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,stat="])
        .output()
        .map_err(|error| format!("ps cannot start: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (pid, parent, state) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?);
            (!state.starts_with('Z')).then_some(Running { pid, parent })
        })
        .collect())
}

/// Sends a signal to exactly these. One that has gone meanwhile needs none: what a signal was for is waited for.
/// (By the shell's own `kill`: small images have no program of that name.)
fn signal(name: &str, pids: &BTreeSet<u32>) -> Result<(), String> {
    Command::new("sh")
        .args(["-c", r#"kill -s "$@""#, "sh", name])
        .args(pids.iter().map(u32::to_string))
        .stderr(Stdio::null())
        .status()
        .map(drop)
        .map_err(|error| format!("no signal can be sent: {error}"))
}

fn said_since(log: &Path, start: u64) -> String {
    let mut said = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut said)
    });
    match read {
        Ok(_) => String::from_utf8_lossy(&said).into_owned(),
        Err(error) => format!("({} cannot be read: {error})", log.display()),
    }
}

/// The last lines of what a server said.
pub(crate) fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}
