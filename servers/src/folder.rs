//! A server's own folder: a temporary one that goes with the server, or one that is kept.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::user::User;

/// Where a server keeps its files. A temporary one is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    /// A new folder under `base`, owned by `user`; under the system's temporary folder where that user cannot get
    /// to `base`.
    pub(crate) fn temporary(base: &Path, name: &str, user: Option<&User>) -> Result<Self, String> {
        fs::create_dir_all(base).map_err(|error| format!("{}: {error}", base.display()))?;
        let base = base.canonicalize().map_err(|error| format!("{}: {error}", base.display()))?;
        let base = if user.is_none_or(|user| user.reaches(&base)) { base } else { env::temp_dir() };
        let folder = Self { path: create_new(&base, name)?, kept: false };
        folder.give_to(user)?;
        Ok(folder)
    }

    /// This very folder, made where it is not there yet, and kept.
    pub(crate) fn kept(path: &Path, user: Option<&User>) -> Result<Self, String> {
        let said = |error| format!("{}: {error}", path.display());
        fs::create_dir_all(path).map_err(said)?;
        let folder = Self { path: path.canonicalize().map_err(said)?, kept: true };
        folder.give_to(user)?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// What the server keeps is here.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// What the server says goes here.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The port that the server had here before: who kept an address finds the server again.
    pub(crate) fn port(&self) -> Option<u16> {
        fs::read_to_string(self.path.join("port")).ok()?.trim().parse().ok()
    }

    /// Notes the port for the next time.
    pub(crate) fn note_port(&self, port: u16) -> Result<(), String> {
        let path = self.path.join("port");
        fs::write(&path, port.to_string()).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn give_to(&self, user: Option<&User>) -> Result<(), String> {
        let Some(user) = user else { return Ok(()) };
        user.own(&self.path)?;
        if user.reaches(&self.path) {
            return Ok(());
        }
        Err(format!(
            "the user {}, whom root runs PostgreSQL as, cannot get to {}: choose a folder that is open to others",
            user.name(),
            self.path.display()
        ))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            eprintln!("baedal-servers: {} stays behind: {error}", self.path.display());
        }
    }
}

fn create_new(base: &Path, name: &str) -> Result<PathBuf, String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("baedal-{name}-{}-{number}", std::process::id()));
        match fs::create_dir(&path) {
            Ok(()) => {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700))
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                return Ok(path);
            }
            // Left by a process that had our number before.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
}
