//! One process of a service: `baedal serve --roles order`, asked over HTTP whether it is ready.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::Running;
use crate::clock::{self, Clocks};
use crate::folder::Folder;
use crate::port;
use crate::process::{Process, StartError};
use crate::server::{Kind, Server};

/// How long a process may take to say whether it is ready.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// A process of a service, which may run or not. Dropped, it is killed.
#[derive(Debug)]
pub struct Replica {
    server: Server<Service>,
}

impl Replica {
    pub(super) fn at_rest(service: Service, folder: Folder, port: u16) -> Self {
        Self { server: Server::at_rest(service, folder, port) }
    }

    /// These variables it gets, too.
    pub(super) fn give(&mut self, variables: impl Fn(&str) -> Vec<(String, String)>) {
        let service = &mut self.server.kind;
        service.variables.extend(variables(service.role));
    }

    /// Its name, as `order-1`.
    pub fn name(&self) -> &str {
        self.server.kind.name()
    }

    /// Where it listens, as `http://127.0.0.1:7101`; always the same.
    pub fn address(&self) -> String {
        let scheme = if self.server.kind.believer.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.server.port())
    }

    /// Where it tells operators how it is, and its metrics.
    pub fn admin_address(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port() + port::ADMIN)
    }

    /// The number of its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.server.process().ok().map(Process::pid)
    }

    /// Where what it says is kept.
    pub fn log(&self) -> PathBuf {
        self.server.folder().log()
    }

    /// Kills it at once, as a crash would (`SIGKILL`); when this returns, it has gone.
    pub fn kill(&mut self) -> Result<(), String> {
        let id = self.id();
        self.server.kill()?;
        if let Some(id) = id {
            clock::tidy_after(id);
        }
        Ok(())
    }

    /// Tells it to end (`SIGTERM`), and waits until it has. It is an error if it does not in time, or not well.
    pub fn terminate(&mut self) -> Result<(), String> {
        self.server.terminate()
    }

    /// Starts it where it does not run, on the same address; returns when it is ready.
    pub fn start_again(&mut self) -> Result<(), String> {
        let started = self.server.start_again();
        started.map_err(|error| format!("{}: {error}", self.name()))
    }

    /// Stops it where it is: connections stay, nobody answers.
    pub fn pause(&self) -> Result<(), String> {
        self.server.process()?.pause().map(drop)
    }

    /// Whether it has a clock of its own.
    pub fn has_clock(&self) -> bool {
        self.server.kind.clocks.is_some()
    }

    /// Sets its clock so many seconds ahead of the machine's, or behind it; it notices within two seconds, or when it
    /// starts. Only where the plan gives each process a clock of its own.
    pub fn set_clock(&self, ahead_seconds: i64) -> Result<(), String> {
        if !self.has_clock() {
            return Err(format!("{} has no clock of its own", self.name()));
        }
        clock::set(&clock_file(self.server.folder()), ahead_seconds)
    }

    /// Lets it go on after [`Replica::pause`].
    pub fn resume(&self) -> Result<(), String> {
        self.server.process()?.resume()
    }

    pub(super) fn running(&self) -> Option<Running> {
        let processes = BTreeSet::from([self.id()?]);
        Some(Running { name: self.name().to_owned(), role: self.server.kind.role, processes })
    }

    /// What there is to say, where it has ended by itself; it is said once.
    pub(super) fn ended(&mut self) -> Result<Option<String>, String> {
        let Some(status) = self.server.ended()? else { return Ok(None) };
        Ok(Some(format!("{} has ended by itself ({status}): see {}", self.name(), self.log().display())))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("baedal-servers: {} stays behind: {error}", self.name());
        }
    }
}

/// What a process is to be.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) program: PathBuf,
    pub(super) settings: PathBuf,
    pub(super) variables: Vec<(String, String)>,
    pub(super) options: Vec<String>,
    pub(super) clocks: Option<Clocks>,
    /// How it is asked over TLS; nothing: it speaks none.
    pub(super) believer: Option<Arc<ClientConfig>>,
}

/// What its clock shows, where it has one of its own.
fn clock_file(folder: &Folder) -> PathBuf {
    folder.path().join("clock")
}

impl Kind for Service {
    fn name(&self) -> &str {
        &self.name
    }

    fn launch(&self, folder: &Folder, port: u16) -> Result<Process, StartError> {
        let mut command = Command::new(&self.program);
        command.args(["serve", "--roles", self.role, "--listen", &format!("127.0.0.1:{port}"), "--config"]);
        command.arg(&self.settings).args(&self.options).current_dir(folder.path());
        without_ours(&mut command).envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(clocks) = &self.clocks {
            clocks.give(&mut command, &clock_file(folder)).map_err(StartError::Failed)?;
        }
        Process::start(&mut command, folder, "TERM", |_| is_ready(port, self.believer.as_ref()))
    }
}

/// The command, without the settings that are meant for us or for others.
pub(super) fn without_ours(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("BAEDAL_") {
            command.env_remove(name);
        }
    }
    command
}

/// Whether the process there says that it is ready.
fn is_ready(port: u16, believer: Option<&Arc<ClientConfig>>) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let ask = || {
        let stream = TcpStream::connect_timeout(&address, ANSWER_PATIENCE)?;
        stream.set_read_timeout(Some(ANSWER_PATIENCE))?;
        let Some(believer) = believer else { return asked(stream) };
        let connection = ClientConnection::new(Arc::clone(believer), ServerName::from(address.ip()));
        asked(StreamOwned::new(connection.map_err(std::io::Error::other)?, stream))
    };
    ask().is_ok_and(|status| status.starts_with("HTTP/1.1 200 "))
}

/// The first line of what is answered.
fn asked(mut stream: impl Read + Write) -> std::io::Result<String> {
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status)?;
    Ok(status)
}
