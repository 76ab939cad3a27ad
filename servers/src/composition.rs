//! The whole distributed composition on this machine: PostgreSQL, a NATS server, a process for each replica of each
//! context, and the gateway in front of them.
//!
//! ```text
//!   folder/lock                 one composition at a time
//!   folder/postgres, nats       the servers' data, logs and ports
//!   folder/order-1, gateway-1   a process's log and port, and its clock where it has one of its own
//!   folder/baedal.toml          the settings that all processes share
//!   folder/identity-key.pem     what access tokens are signed with
//!   folder/tls                  where all speak TLS: the authority's certificate, and those that it has signed
//! ```
//!
//! The broker syncs its files when it does by default, in tests and benchmarks too: what is true is in the contexts'
//! databases, and what the broker loses is told again from there.

mod replica;
mod settings;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;

use self::replica::Service;
use self::settings::{Certificates, Secrets};
use crate::authority::Authority;
use crate::clock::Clocks;
use crate::folder::Folder;
use crate::nats::{Nats, NatsOptions};
use crate::port;
use crate::postgres::Postgres;
use crate::programs::Programs;

pub use self::replica::Replica;

/// The contexts, each a service with a database of its own.
pub const CONTEXTS: [&str; 7] = ["identity", "order", "payment", "store", "delivery", "notification", "tracking"];
/// The entry.
pub const GATEWAY: &str = "gateway";

/// What is to run, and where it is kept.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program `baedal`.
    pub program: PathBuf,
    /// Where everything is kept, and found again; made where it is not there. Where root starts it, the user that
    /// PostgreSQL then runs as must be able to get there.
    pub folder: PathBuf,
    /// How many processes each context has.
    pub replicas: usize,
    /// How many gateways there are.
    pub gateways: usize,
    /// The port of 127.0.0.1 that the first gateway listens on; nothing: the one it had before, or any.
    pub gateway_port: Option<u16>,
    /// Further settings, as `BAEDAL_LOG` and its value. Of our own variables no process hears.
    pub variables: Vec<(String, String)>,
    /// What else `baedal serve` is told.
    pub options: Vec<String>,
    /// Gives each process a clock of its own, for [`Replica::set_clock`]; nothing: all have the machine's.
    pub clocks: Option<Clocks>,
    /// Whether the gateway, the contexts and the broker speak TLS with each other, by an authority made at every start;
    /// to the gateway itself people speak plainly.
    pub encrypted: bool,
}

impl Plan {
    /// Two processes for each context and one gateway, on free ports, and nothing encrypted.
    pub fn new(program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            folder: folder.into(),
            replicas: 2,
            gateways: 1,
            gateway_port: None,
            variables: Vec::new(),
            options: Vec::new(),
            clocks: None,
            encrypted: false,
        }
    }
}

/// One of the servers or services that run, with all its processes.
#[derive(Clone, Debug)]
pub struct Running {
    /// As `order-1`, `postgres`.
    pub name: String,
    /// As `order`, `postgres`.
    pub role: &'static str,
    /// The numbers of its processes.
    pub processes: BTreeSet<u32>,
}

/// A composition that runs. Dropped, its services are killed and its servers stop.
#[derive(Debug)]
pub struct Composition {
    // Whoever stands on others ends before them: fields are dropped in order.
    gateways: Vec<Replica>,
    contexts: Vec<(&'static str, Vec<Replica>)>,
    nats: Nats,
    postgres: Postgres,
    settings: PathBuf,
    secrets: Secrets,
    passwords: Secrets,
    certificates: Certificates,
    _lock: File,
}

impl Composition {
    /// Starts all of it, and returns when every process says that it is ready.
    pub fn start(programs: &Programs, plan: Plan) -> Result<Self, String> {
        let folder = Folder::kept(&plan.folder, None)?.path().to_owned();
        let lock = take(&folder)?;
        let program = plan.program.canonicalize().map_err(|error| format!("{}: {error}", plan.program.display()))?;
        let postgres = Postgres::start_in(programs, &folder.join("postgres"))?;
        let passwords = settings::passwords()?;
        let authority = plan.encrypted.then(|| Authority::new_in(&folder.join("tls"))).transpose()?;
        let authority = authority.as_ref();
        let certificates = settings::certificates(authority)?;
        let certificate = authority.map(|authority| authority.sign("nats")).transpose()?;
        let options = NatsOptions { passwords: passwords.clone(), certificate, ..NatsOptions::default() };
        let nats = Nats::start_in(programs, &folder.join("nats"), options)?;
        for context in CONTEXTS {
            postgres.create_database(&database(context))?;
        }
        settings::keep_key(&program, &folder)?;
        let path = folder.join("baedal.toml");
        let (mut contexts, mut gateways, mut held) = (Vec::new(), Vec::new(), Vec::new());
        let mut prepare = |role: &'static str, number: usize, wanted: Option<u16>| {
            let name = format!("{role}-{number}");
            let kept = Folder::kept(&folder.join(&name), None)?;
            let listener = port::hold(wanted.or_else(|| kept.port()))?;
            let port = listener.local_addr().map_err(|error| format!("a port is unknown: {error}"))?.port();
            if wanted.is_some_and(|wanted| wanted != port) {
                return Err(format!("port {} of 127.0.0.1, where {name} is to listen, is taken", wanted.unwrap_or(0)));
            }
            kept.note_port(port)?;
            held.push(listener);
            let (program, settings, plan) = (program.clone(), path.clone(), plan.clone());
            let Plan { variables, options, clocks, .. } = plan;
            let believer = authority.filter(|_| role != GATEWAY).map(Authority::believers);
            let service = Service { name, role, program, settings, variables, options, clocks, believer };
            Ok(Replica::at_rest(service, kept, port))
        };
        for context in CONTEXTS {
            let replicas = (1..=plan.replicas).map(|number| prepare(context, number, None));
            contexts.push((context, replicas.collect::<Result<Vec<_>, String>>()?));
        }
        for number in 1..=plan.gateways {
            gateways.push(prepare(GATEWAY, number, plan.gateway_port.filter(|_| number == 1))?);
        }
        let secrets = settings::write(&path, &folder, &postgres, &nats, authority, &contexts)?;
        drop(held);
        for replica in contexts.iter_mut().flat_map(|(_, replicas)| replicas).chain(&mut gateways) {
            replica.give(|role| settings::shown(role, &secrets, &passwords, &certificates));
        }
        let mut composition =
            Self { gateways, contexts, nats, postgres, settings: path, secrets, passwords, certificates, _lock: lock };
        // The gateway's readiness asks all contexts.
        at_once(composition.contexts.iter_mut().flat_map(|(_, replicas)| replicas), Replica::start_again)?;
        at_once(&mut composition.gateways, Replica::start_again)?;
        Ok(composition)
    }

    /// The address of the (first) gateway, as `http://127.0.0.1:8080`.
    pub fn gateway(&self) -> String {
        self.gateways.first().map(Replica::address).unwrap_or_default()
    }

    /// The gateways.
    pub fn gateways(&mut self) -> &mut [Replica] {
        &mut self.gateways
    }

    /// The processes of a context, running or not; none, where there is no such context.
    pub fn replicas(&mut self, context: &str) -> &mut [Replica] {
        let found = self.contexts.iter_mut().find(|(name, _)| *name == context);
        found.map_or(&mut [], |(_, replicas)| replicas)
    }

    /// The processes of each context, running or not.
    pub fn contexts(&mut self) -> impl Iterator<Item = (&'static str, &mut [Replica])> {
        self.contexts.iter_mut().map(|(name, replicas)| (*name, &mut replicas[..]))
    }

    /// Stops all processes of a context, as a service manager does.
    pub fn stop_context(&mut self, context: &str) -> Result<(), String> {
        at_once(self.replicas(context), Replica::terminate)
    }

    /// Starts all processes of a context that do not run.
    pub fn start_context(&mut self, context: &str) -> Result<(), String> {
        at_once(self.replicas(context), Replica::start_again)
    }

    /// The server of the databases.
    pub fn postgres(&mut self) -> &mut Postgres {
        &mut self.postgres
    }

    /// The broker.
    pub fn nats(&mut self) -> &mut Nats {
        &mut self.nats
    }

    /// The settings that all processes share: `baedal operator create --config` needs them.
    pub fn settings(&self) -> &Path {
        &self.settings
    }

    /// What the processes of a role show the others in `baedal-secret`: who shows it may ask what they may.
    pub fn secret(&self, role: &str) -> &str {
        self.secrets.get(role).map_or("", String::as_str)
    }

    /// What a process of a role needs in its environment besides the settings: what it shows the others and the broker,
    /// and the files of its certificate.
    pub fn environment(&self, role: &str) -> Vec<(String, String)> {
        settings::shown(role, &self.secrets, &self.passwords, &self.certificates)
    }

    /// The address of a context's database.
    pub fn database_url(&self, context: &str) -> String {
        self.postgres.url(&database(context))
    }

    /// Everything that runs now.
    pub fn processes(&self) -> Result<Vec<Running>, String> {
        let services = self.contexts.iter().flat_map(|(_, replicas)| replicas).chain(&self.gateways);
        let mut running: Vec<_> = services.filter_map(Replica::running).collect();
        let servers = [("postgres", self.postgres.processes()?), ("nats", self.nats.processes()?)];
        running.extend(servers.map(|(role, processes)| Running { name: role.to_owned(), role, processes }));
        Ok(running)
    }

    /// The services that have ended by themselves since this was asked, and how.
    pub fn ended(&mut self) -> Result<Vec<String>, String> {
        let services = self.contexts.iter_mut().flat_map(|(_, replicas)| replicas).chain(&mut self.gateways);
        services.filter_map(|replica| replica.ended().transpose()).collect()
    }

    /// Stops all services in good order: the contexts, then the gateway, which answers for them meanwhile.
    pub fn stop_services(&mut self) -> Result<(), String> {
        let contexts = self.contexts.iter_mut().flat_map(|(_, replicas)| replicas);
        told([at_once(contexts, Replica::terminate), at_once(&mut self.gateways, Replica::terminate)])
    }

    /// Stops all of it in good order: the services, then the broker and the databases.
    pub fn stop(mut self) -> Result<(), String> {
        told([self.stop_services(), self.nats.stop(), self.postgres.stop()])
    }
}

/// The name of a context's database.
fn database(context: &str) -> String {
    format!("baedal_{context}")
}

/// Takes the folder for us alone, for as long as the file is open.
fn take(folder: &Path) -> Result<File, String> {
    let path = folder.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(|error| format!("{}: {error}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(format!("{} is in use by another process", folder.display())),
        Err(fs::TryLockError::Error(error)) => Err(format!("{}: {error}", path.display())),
    }
}

/// Does the same with all of them at the same time.
fn at_once<'a>(
    replicas: impl IntoIterator<Item = &'a mut Replica>,
    act: impl Fn(&mut Replica) -> Result<(), String> + Sync,
) -> Result<(), String> {
    thread::scope(|scope| {
        let act = &act;
        let acting: Vec<_> = replicas.into_iter().map(|replica| scope.spawn(move || act(replica))).collect();
        told(acting.into_iter().map(|acting| acting.join().unwrap_or_else(|_| Err("a thread panicked".into()))))
    })
}

/// The first thing that went wrong, and how much else did: mostly it is the same for all.
fn told(done: impl IntoIterator<Item = Result<(), String>>) -> Result<(), String> {
    let mut errors = done.into_iter().filter_map(Result::err);
    let Some(first) = errors.next() else { return Ok(()) };
    match errors.count() {
        0 => Err(first),
        more => Err(format!("{first}\n(and {more} more failed)")),
    }
}
