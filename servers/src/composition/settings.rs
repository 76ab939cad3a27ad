//! What the processes of a composition share: a file of settings, and the key that access tokens are signed with.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::replica::{Replica, without_ours};
use super::{CONTEXTS, GATEWAY};
use crate::authority::{Authority, Certificate};
use crate::nats::Nats;
use crate::postgres::Postgres;

/// What each process shows the others, by its role.
pub(super) type Secrets = BTreeMap<&'static str, String>;

/// The certificates of the contexts' processes, where they speak TLS; all on one machine have the same names.
pub(super) type Certificates = BTreeMap<&'static str, Certificate>;

/// What a process of a role gets in its environment, and in no file: what it shows the others and the broker.
pub(super) fn shown(
    role: &str,
    secrets: &Secrets,
    passwords: &Secrets,
    certificates: &Certificates,
) -> Vec<(String, String)> {
    let named = |name: &str, value: &str| (name.to_owned(), quoted(value));
    let secret = secrets.get(role).map(|secret| named("BAEDAL_PEERS__SECRET", secret));
    let broker = passwords
        .get(role)
        .map(|password| [named("BAEDAL_NATS__USER", role), named("BAEDAL_NATS__PASSWORD", password)]);
    let certificate = certificates.get(role).map(|Certificate { file, key }| {
        let path = |path: &Path| path.display().to_string();
        [named("BAEDAL_TLS__CERTIFICATE", &path(file)), named("BAEDAL_TLS__KEY", &path(key))]
    });
    secret.into_iter().chain(broker.into_iter().flatten()).chain(certificate.into_iter().flatten()).collect()
}

/// The certificates of the contexts' processes.
pub(super) fn certificates(authority: Option<&Authority>) -> Result<Certificates, String> {
    let Some(authority) = authority else { return Ok(Certificates::new()) };
    CONTEXTS.into_iter().map(|context| Ok((context, authority.sign(context)?))).collect()
}

/// What each context shows the broker. It begins with a letter, since the broker reads some words as numbers.
pub(super) fn passwords() -> Result<Secrets, String> {
    let named = |context| Ok((context, format!("n{}", secret()?)));
    CONTEXTS.into_iter().map(named).collect::<io::Result<_>>().map_err(|error| format!("no password: {error}"))
}

/// Writes the settings. The secrets of the processes, which are answered, are new ones: they all start together.
pub(super) fn write(
    path: &Path,
    folder: &Path,
    postgres: &Postgres,
    nats: &Nats,
    authority: Option<&Authority>,
    contexts: &[(&str, Vec<Replica>)],
) -> Result<Secrets, String> {
    let said = |error| format!("{}: {error}", path.display());
    let mut text = String::from("# Made anew at every start.\n");
    let mut table = |name: &str, entries: &[(&str, String)]| {
        let lines: String = entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[{name}]\n{lines}");
    };
    table("postgres", &[("url", quoted(&postgres.url("baedal_{context}")))]);
    let root = authority.map(|authority| ("tls_root", quoted(&authority.certificate().display().to_string())));
    let broker = [("urls", format!("[{}]", quoted(&nats.url())))];
    table("nats", &broker.into_iter().chain(root.clone()).collect::<Vec<_>>());
    table("peers", root.as_slice());
    table("identity", &[("key_file", quoted(&key(folder).display().to_string()))]);
    // With another context away the others' routes still work.
    table("gateway", &[("needed", "[\"identity\"]".to_owned())]);
    let named = |name| Ok((name, secret()?));
    let secrets: Secrets = CONTEXTS.into_iter().chain([GATEWAY]).map(named).collect::<io::Result<_>>().map_err(said)?;
    let known: Vec<_> =
        secrets.iter().map(|(name, secret)| (*name, format!("[{}]", quoted(&fingerprint(secret))))).collect();
    table("peers.known", &known);
    let addresses: Vec<_> = contexts
        .iter()
        .map(|(context, replicas)| {
            let addresses: Vec<_> = replicas.iter().map(|replica| quoted(&replica.address())).collect();
            (*context, format!("[{}]", addresses.join(", ")))
        })
        .collect();
    table("peers.addresses", &addresses);
    write_secret(path, text.as_bytes()).map_err(said)?;
    Ok(secrets)
}

/// What a secret is known by to those it is shown to.
fn fingerprint(secret: &str) -> String {
    let hash = Sha256::digest(secret.as_bytes());
    hash.iter().fold(String::from("sha256:"), |text, byte| text + &format!("{byte:02x}"))
}

/// Makes the signing key where there is none yet.
pub(super) fn keep_key(program: &Path, folder: &Path) -> Result<(), String> {
    let path = key(folder);
    if path.exists() {
        return Ok(());
    }
    let made = without_ours(Command::new(program).arg("key"))
        .output()
        .map_err(|error| format!("{} cannot start: {error}", program.display()))?;
    if !made.status.success() {
        return Err(format!("there is no signing key: {}", String::from_utf8_lossy(&made.stderr).trim()));
    }
    write_secret(&path, &made.stdout).map_err(|error| format!("{}: {error}", path.display()))
}

fn key(folder: &Path) -> PathBuf {
    folder.join("identity-key.pem")
}

/// Writes a file that its owner alone may read; whoever looks sees all of it or nothing.
fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    if new.exists() {
        fs::remove_file(&new)?;
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Thirty-two random bytes, in hexadecimal.
fn secret() -> io::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}
