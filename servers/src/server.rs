//! What all servers have in common: a folder, a port, and a life of starts and ends.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::port;
use crate::process::{Process, StartError};

/// How often a server is started on another port because its port was taken.
const ATTEMPTS: u32 = 20;
/// How long a server that starts again waits for its port.
const PORT_PATIENCE: Duration = Duration::from_secs(20);

/// One kind of server.
pub(crate) trait Kind: Debug {
    /// What it is called in errors.
    fn name(&self) -> &str;

    /// Starts it on this port, with its files in this folder, and waits until it is ready.
    fn launch(&self, folder: &Folder, port: u16) -> Result<Process, StartError>;
}

/// A server that runs, or could. Dropped, it stops; a temporary one is killed, and its folder goes with it.
#[derive(Debug)]
pub(crate) struct Server<K: Kind> {
    pub(crate) kind: K,
    folder: Folder,
    port: u16,
    process: Option<Process>,
}

impl<K: Kind> Server<K> {
    /// Starts it on the port it had in this folder before, else on any that is free.
    pub(crate) fn open(kind: K, folder: Folder) -> Result<Self, String> {
        let mut port = folder.port().filter(|port| port::is_free(*port)).map_or_else(port::free, Ok)?;
        for _ in 0..ATTEMPTS {
            match kind.launch(&folder, port) {
                Ok(process) => {
                    folder.note_port(port)?;
                    return Ok(Self { kind, folder, port, process: Some(process) });
                }
                Err(StartError::PortTaken) => port = port::free()?,
                Err(StartError::Failed(error)) => return Err(error),
            }
        }
        Err(format!("{} found no free port in {ATTEMPTS} attempts", kind.name()))
    }

    /// One that has yet to be started, on this port.
    pub(crate) fn at_rest(kind: K, folder: Folder, port: u16) -> Self {
        Self { kind, folder, port, process: None }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Its process, while it runs.
    pub(crate) fn process(&self) -> Result<&Process, String> {
        self.process.as_ref().ok_or_else(|| format!("{} is not running", self.kind.name()))
    }

    /// Its process, while it runs, and all that this has started.
    pub(crate) fn processes(&self) -> Result<BTreeSet<u32>, String> {
        self.process.as_ref().map_or(Ok(BTreeSet::new()), Process::family)
    }

    /// How it ended, if it did so by itself since it was started; it does not run any more then.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        let status = self.process.as_mut().map_or(Ok(None), Process::ended)?;
        if status.is_some() {
            self.process = None;
        }
        Ok(status)
    }

    pub(crate) fn stop(&mut self) -> Result<(), String> {
        self.process.take().map_or(Ok(()), Process::stop)
    }

    /// Asks for the end with `SIGTERM`, and insists that it ends well.
    pub(crate) fn terminate(&mut self) -> Result<(), String> {
        let ended = self.process.take().map_or(Ok(()), Process::terminate);
        ended.map_err(|error| format!("{}: {error}", self.kind.name()))
    }

    pub(crate) fn kill(&mut self) -> Result<(), String> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// Starts it on its port; somebody else may hold that for a moment.
    pub(crate) fn start_again(&mut self) -> Result<(), String> {
        if self.process.is_some() {
            return Ok(());
        }
        let deadline = Instant::now() + PORT_PATIENCE;
        loop {
            match self.kind.launch(&self.folder, self.port) {
                Ok(process) => {
                    self.process = Some(process);
                    return Ok(());
                }
                Err(StartError::PortTaken) if Instant::now() < deadline => thread::sleep(Duration::from_millis(100)),
                Err(StartError::PortTaken) => return Err(format!("port {} is taken by somebody else", self.port)),
                Err(StartError::Failed(error)) => return Err(error),
            }
        }
    }
}

impl<K: Kind> Drop for Server<K> {
    fn drop(&mut self) {
        // Of data that nobody will see again there is nothing to tidy up.
        let ended = if self.folder.is_kept() { self.stop() } else { self.kill() };
        if let Err(error) = ended {
            eprintln!("baedal-servers: {} did not end well: {error}", self.kind.name());
        }
    }
}
