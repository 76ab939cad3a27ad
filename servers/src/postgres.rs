//! A PostgreSQL server of our own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::process::{Process, StartError, tail};
use crate::programs::Programs;
use crate::server::{Kind, Server};
use crate::user::{self, User};

/// What every server of ours is told. What is committed is on the disk.
const SETTINGS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
];
/// What a server is told whose data goes with it.
const FOR_A_WHILE: [&str; 1] = ["shared_buffers=128MB"];
/// What a server is told that is kept: a whole installation works with it, and every page that changes after a
/// checkpoint is logged in full.
const FOR_LONG: [&str; 3] = ["shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=15min"];

/// How long a standby may take to know what its primary has committed.
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(60);

/// A PostgreSQL server on 127.0.0.1, whose superuser `baedal` needs no password. Dropped, it stops; and a temporary
/// one takes its data with it.
#[derive(Debug)]
pub struct Postgres {
    server: Server<Installation>,
}

impl Postgres {
    /// Starts a server with nothing in it, on a free port. Its files lie in a new folder under `folder`; or under
    /// the system's temporary folder, where we are root and the user that PostgreSQL then runs as cannot get to
    /// `folder`. They are removed with it.
    pub fn start(programs: &Programs, folder: &Path) -> Result<Self, String> {
        Self::open(programs, |user| Folder::temporary(folder, "postgres", user))
    }

    /// Starts the server whose data is kept in `folder`, on the port it had before if that is free; makes it where
    /// there is none yet.
    pub fn start_in(programs: &Programs, folder: &Path) -> Result<Self, String> {
        Self::open(programs, |user| Folder::kept(folder, user))
    }

    /// Starts a standby of this server, on a port of its own: a copy that goes on being told what is committed here,
    /// answers reads and takes no writes. It does not matter for how long this server still runs.
    pub fn start_standby(&self, programs: &Programs, folder: &Path) -> Result<Self, String> {
        let kind = Installation { programs: programs.clone(), user: user::for_postgres()? };
        let folder = Folder::temporary(folder, "postgres", kind.user.as_ref())?;
        kind.copy(&folder, self.port())?;
        Server::open(kind, folder).map(|server| Self { server })
    }

    /// Makes a standby that runs take writes; returns when it does.
    pub fn promote(&self) -> Result<(), String> {
        let programs = &self.server.kind.programs;
        let promoted = programs.psql(&self.url("postgres"), "SELECT pg_promote(true, 60)")?;
        if promoted == "t" { Ok(()) } else { Err(format!("the standby was not promoted: {promoted}")) }
    }

    /// Makes a server that does not run a standby of this other one, from its next start on. It must have ended
    /// before the other one was promoted, and have been told all.
    pub fn follow(&mut self, primary: &Self) -> Result<(), String> {
        if self.server.process().is_ok() {
            return Err("a server that runs cannot become a standby".to_owned());
        }
        let data = self.server.folder().data();
        let said = |error| format!("{}: {error}", data.display());
        let settings = data.join("postgresql.auto.conf");
        let mut text = fs::read_to_string(&settings).map_err(said)?;
        text.push_str(&format!("primary_conninfo = 'host=127.0.0.1 port={} user=baedal'\n", primary.port()));
        fs::write(&settings, text).map_err(said)?;
        fs::write(data.join("standby.signal"), "").map_err(said)
    }

    /// Waits until a standby knows all that has been committed here up to now.
    pub fn has_told(&self, standby: &Self) -> Result<(), String> {
        let programs = &self.server.kind.programs;
        let here = programs.psql(&self.url("postgres"), "SELECT pg_current_wal_flush_lsn()")?;
        let caught_up = format!("SELECT pg_last_wal_replay_lsn() >= '{here}'::pg_lsn");
        let deadline = Instant::now() + CATCH_UP_PATIENCE;
        while programs.psql(&standby.url("postgres"), &caught_up)? != "t" {
            if Instant::now() > deadline {
                return Err(format!("the standby does not get to {here}"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Copies what a server that does not run keeps, as a snapshot of its disk would.
    pub fn keep_copy(&self, to: &Path) -> Result<(), String> {
        self.at_rest()?;
        copied(&self.server.folder().data(), to)
    }

    /// Gives a server that does not run the data of an earlier copy, and nothing else.
    pub fn restore_copy(&self, from: &Path) -> Result<(), String> {
        self.at_rest()?;
        let data = self.server.folder().data();
        fs::remove_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        copied(from, &data)
    }

    fn at_rest(&self) -> Result<(), String> {
        match self.server.process() {
            Ok(_) => Err("the data of a server that runs cannot be copied".to_owned()),
            Err(_) => Ok(()),
        }
    }

    /// The address of a database, for the superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://baedal@127.0.0.1:{}/{database}", self.port())
    }

    /// The port of 127.0.0.1 it listens on: the same after [`Postgres::start_again`].
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Makes a database; it is no error if it is there already.
    pub fn create_database(&self, name: &str) -> Result<(), String> {
        create_database(&self.server.kind.programs, &self.url("postgres"), name)
    }

    /// Stops it in good order: transactions are rolled back, connections closed. It can start again.
    pub fn stop(&mut self) -> Result<(), String> {
        self.server.stop()
    }

    /// Kills all of it at once, as a crash would; when this returns, its processes have gone and its port is free.
    pub fn kill(&mut self) -> Result<(), String> {
        self.server.kill()
    }

    /// Starts it on the same data and port, after [`Postgres::stop`] or [`Postgres::kill`].
    pub fn start_again(&mut self) -> Result<(), String> {
        self.server.start_again()
    }

    /// Stops all of it where it is: connections stay, nobody answers.
    pub fn pause(&self) -> Result<(), String> {
        self.server.process()?.pause().map(drop)
    }

    /// Lets it go on after [`Postgres::pause`].
    pub fn resume(&self) -> Result<(), String> {
        self.server.process()?.resume()
    }

    /// Its processes: the server, and one for each connection.
    pub fn processes(&self) -> Result<BTreeSet<u32>, String> {
        self.server.processes()
    }

    fn open(programs: &Programs, folder: impl FnOnce(Option<&User>) -> Result<Folder, String>) -> Result<Self, String> {
        let kind = Installation { programs: programs.clone(), user: user::for_postgres()? };
        let folder = folder(kind.user.as_ref())?;
        if !folder.data().exists() {
            kind.init(&folder)?;
        }
        Server::open(kind, folder).map(|server| Self { server })
    }
}

/// PostgreSQL's programs, and who runs them.
#[derive(Debug)]
struct Installation {
    programs: Programs,
    user: Option<User>,
}

impl Installation {
    /// Makes the files of a standby: a copy of the server on that port.
    fn copy(&self, folder: &Folder, port: u16) -> Result<(), String> {
        let mut command = self.command("pg_basebackup", folder);
        command.arg("--pgdata").arg(folder.data());
        command.args(["--host=127.0.0.1", "--username=baedal", "--no-password", "--write-recovery-conf"]);
        command.args(["--checkpoint=fast", "--wal-method=stream", &format!("--port={port}")]);
        if !folder.is_kept() {
            command.arg("--no-sync");
        }
        succeed("pg_basebackup", &mut command)
    }

    /// Makes the files of a new server. They get their name last, so that a half-made one is never taken for whole.
    fn init(&self, folder: &Folder) -> Result<(), String> {
        let new = folder.path().join("data.new");
        let said = |error| format!("{}: {error}", new.display());
        if new.exists() {
            fs::remove_dir_all(&new).map_err(said)?;
        }
        let mut command = self.command("initdb", folder);
        command.arg("--pgdata").arg(&new);
        command.args(["--username=baedal", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"]);
        if !folder.is_kept() {
            command.arg("--no-sync");
        }
        succeed("initdb", &mut command)?;
        fs::rename(&new, folder.data()).map_err(said)
    }

    fn command(&self, program: &str, folder: &Folder) -> Command {
        let mut command = Command::new(self.programs.postgres().join(program));
        // (In English: we read what it says.)
        command.current_dir(folder.path()).env("LC_ALL", "C");
        if let Some(user) = &self.user {
            user.run(&mut command);
        }
        command
    }
}

impl Kind for Installation {
    fn name(&self) -> &str {
        "PostgreSQL"
    }

    fn launch(&self, folder: &Folder, port: u16) -> Result<Process, StartError> {
        let mut command = self.command("postgres", folder);
        command.arg("-D").arg(folder.data()).args(["-p", &port.to_string()]);
        let more: &[&str] = if folder.is_kept() { &FOR_LONG } else { &FOR_A_WHILE };
        for setting in SETTINGS.iter().chain(more) {
            command.args(["-c", setting]);
        }
        let farewell = if folder.is_kept() { "INT" } else { "QUIT" };
        let lock = folder.data().join("postmaster.pid");
        Process::start(&mut command, folder, farewell, |pid| is_ready(&lock, pid))
    }
}

/// Runs a program to its end, which must be a good one.
fn succeed(program: &str, command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{program} cannot start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let both = [output.stdout, output.stderr].concat();
    Err(format!("{program} failed; it said:\n{}", tail(&String::from_utf8_lossy(&both))))
}

/// A folder with all that is in it, and whose it is.
fn copied(from: &Path, to: &Path) -> Result<(), String> {
    succeed("cp", Command::new("cp").arg("-a").arg(from).arg(to))
}

/// Makes a database at the server whose database `url` is, unless it is there.
pub(crate) fn create_database(programs: &Programs, url: &str, name: &str) -> Result<(), String> {
    let literal = name.replace('\'', "''");
    let there = programs.psql(url, &format!("SELECT 1 FROM pg_database WHERE datname = '{literal}'"))?;
    if there.is_empty() {
        programs.psql(url, &format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\"")))?;
    }
    Ok(())
}

/// What PostgreSQL itself says of its state, in the file that `pg_ctl` looks at too: the first line is its process,
/// the eighth its state. (Whoever answers on the port may be somebody else.)
fn is_ready(lock: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(lock) else { return false };
    let mut lines = text.lines();
    let own = lines.next().is_some_and(|line| line.trim() == pid.to_string());
    own && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}
