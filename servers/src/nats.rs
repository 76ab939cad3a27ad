//! A NATS server with JetStream of our own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::authority::Certificate;
use crate::folder::Folder;
use crate::process::{Process, StartError};
use crate::programs::Programs;
use crate::server::{Kind, Server};

/// The contexts' users, as they are shipped.
const USERS: &str = include_str!("../../deploy/nats/users.conf");
/// How long a server that listens may take to greet.
const GREETING_PATIENCE: Duration = Duration::from_secs(5);

/// How a NATS server is to work.
#[derive(Clone, Debug, Default)]
pub struct NatsOptions {
    /// Whether every message is on the disk before it is acknowledged; otherwise the server syncs when it does by
    /// default (2 minutes), and what was acknowledged outlives its process but not the machine's power.
    pub sync_always: bool,
    /// The passwords of the contexts' users, each of which may publish its own subjects only, as
    /// `deploy/nats/users.conf` says; nothing: whoever comes may do everything.
    pub passwords: BTreeMap<&'static str, String>,
    /// The certificate that it shows: it then speaks to nobody who speaks no TLS.
    pub certificate: Option<Certificate>,
}

/// A NATS server on 127.0.0.1, open to everybody there unless it is told otherwise. Dropped, it stops; and a temporary one takes its data with it.
#[derive(Debug)]
pub struct Nats {
    server: Server<Installation>,
}

impl Nats {
    /// Starts a server with nothing in it, with default options, on a free port. Its files lie in a new folder
    /// under `folder` and are removed with it.
    pub fn start(programs: &Programs, folder: &Path) -> Result<Self, String> {
        Self::start_with(programs, folder, NatsOptions::default())
    }

    /// Like [`Nats::start`], with these options.
    pub fn start_with(programs: &Programs, folder: &Path, options: NatsOptions) -> Result<Self, String> {
        Self::open(programs, options, Folder::temporary(folder, "nats", None)?)
    }

    /// Starts the server whose data is kept in `folder`, on the port it had before if that is free; makes it where
    /// there is none yet.
    pub fn start_in(programs: &Programs, folder: &Path, options: NatsOptions) -> Result<Self, String> {
        Self::open(programs, options, Folder::kept(folder, None)?)
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        let scheme = if self.server.kind.options.certificate.is_some() { "tls" } else { "nats" };
        format!("{scheme}://127.0.0.1:{}", self.port())
    }

    /// The port of 127.0.0.1 it listens on: the same after [`Nats::start_again`].
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Stops it in good order. It can start again.
    pub fn stop(&mut self) -> Result<(), String> {
        self.server.stop()
    }

    /// Kills it at once, as a crash would; when this returns, it has gone and its port is free.
    pub fn kill(&mut self) -> Result<(), String> {
        self.server.kill()
    }

    /// Starts it on the same data and port, after [`Nats::stop`] or [`Nats::kill`].
    pub fn start_again(&mut self) -> Result<(), String> {
        self.server.start_again()
    }

    /// Stops it where it is: connections stay, nobody answers.
    pub fn pause(&self) -> Result<(), String> {
        self.server.process()?.pause().map(drop)
    }

    /// Lets it go on after [`Nats::pause`].
    pub fn resume(&self) -> Result<(), String> {
        self.server.process()?.resume()
    }

    /// Its process, while it runs.
    pub fn processes(&self) -> Result<BTreeSet<u32>, String> {
        self.server.processes()
    }

    /// Loses all streams and their messages, as if the disk were a new one; only while the server is stopped.
    pub fn delete_data(&mut self) -> Result<(), String> {
        if self.server.process().is_ok() {
            return Err("the data of a NATS server that is running cannot be deleted".into());
        }
        let store = self.server.folder().data();
        match fs::remove_dir_all(&store) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{}: {error}", store.display())),
            _ => Ok(()),
        }
    }

    fn open(programs: &Programs, options: NatsOptions, folder: Folder) -> Result<Self, String> {
        let kind = Installation { programs: programs.clone(), options };
        Server::open(kind, folder).map(|server| Self { server })
    }
}

/// The program, and how it is to work.
#[derive(Debug)]
struct Installation {
    programs: Programs,
    options: NatsOptions,
}

impl Kind for Installation {
    fn name(&self) -> &str {
        "the NATS server"
    }

    fn launch(&self, folder: &Folder, port: u16) -> Result<Process, StartError> {
        let name = format!("baedal-{}-{port}", std::process::id());
        let quoted = |path: &Path| path.display().to_string().replace('\\', r"\\").replace('"', r#"\""#);
        let store = quoted(&folder.data());
        let sync = if self.options.sync_always { "\n    sync_interval: always" } else { "" };
        let users = if self.options.passwords.is_empty() { "" } else { "include \"users.conf\"\n" };
        let tls = self.options.certificate.as_ref().map_or_else(String::new, |Certificate { file, key }| {
            format!("tls {{\n    cert_file: \"{}\"\n    key_file: \"{}\"\n}}\n", quoted(file), quoted(key))
        });
        let configuration = format!(
            "server_name: \"{name}\"\nlisten: \"127.0.0.1:{port}\"\njetstream {{\n    store_dir: \"{store}\"{sync}\n}}\n{tls}{users}"
        );
        let shipped = folder.path().join("users.conf");
        fs::write(&shipped, USERS).map_err(|error| StartError::Failed(format!("{}: {error}", shipped.display())))?;
        let path = folder.path().join("nats.conf");
        fs::write(&path, configuration).map_err(|error| StartError::Failed(format!("{}: {error}", path.display())))?;
        let mut command = Command::new(self.programs.nats_server());
        command.arg("--config").arg(&path).current_dir(folder.path());
        for (context, password) in &self.options.passwords {
            command.env(format!("NATS_{}_PASSWORD", context.to_uppercase()), password);
        }
        let farewell = if folder.is_kept() { "INT" } else { "KILL" };
        Process::start(&mut command, folder, farewell, |_| greets(port, &name))
    }
}

/// Whether the server of this name greets on this port: `INFO {"server_name":"…",…}` is its first line to everybody.
fn greets(port: u16, name: &str) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(stream) = TcpStream::connect_timeout(&address, GREETING_PATIENCE) else { return false };
    let mut greeting = String::new();
    stream.set_read_timeout(Some(GREETING_PATIENCE)).is_ok()
        && BufReader::new(stream).read_line(&mut greeting).is_ok()
        && greeting.starts_with("INFO ")
        && greeting.contains(&format!("\"{name}\""))
}
