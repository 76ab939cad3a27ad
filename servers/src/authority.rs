//! An authority of our own, and the certificates that it signs for what runs on this machine.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// The names of this machine to itself.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Somebody who signs certificates. The key for that is in no file: when this is dropped, nobody can sign any more.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    believers: Arc<ClientConfig>,
    folder: PathBuf,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The file with the certificate, as PEM.
    pub file: PathBuf,
    /// The file with its key, as PEM, which its owner alone may read.
    pub key: PathBuf,
}

impl Authority {
    /// A new one, whose files are in this folder, which its owner alone may enter.
    pub fn new_in(folder: &Path) -> Result<Self, String> {
        let said = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(said)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(said)?;
        let folder = folder.canonicalize().map_err(said)?;
        let mut params = named("authority", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(unsigned)?;
        let own = params.self_signed(&key).map_err(unsigned)?;
        let mut roots = RootCertStore::empty();
        roots.add(own.der().clone()).map_err(unsigned)?;
        let believers = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unsigned)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let authority = Self { issuer: Issuer::new(params, key), believers: Arc::new(believers), folder };
        write(&authority.certificate(), &own.pem())?;
        Ok(authority)
    }

    /// The file with its own certificate, which those have who believe it.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// A new certificate for 127.0.0.1 and `localhost`, kept under this name.
    pub fn sign(&self, name: &str) -> Result<Certificate, String> {
        let key = KeyPair::generate().map_err(unsigned)?;
        let signed = named(name, &NAMES)?.signed_by(&key, &self.issuer).map_err(unsigned)?;
        let certificate =
            Certificate { file: self.folder.join(format!("{name}.pem")), key: self.folder.join(format!("{name}.key")) };
        write(&certificate.file, &signed.pem())?;
        write(&certificate.key, &key.serialize_pem())?;
        Ok(certificate)
    }

    /// How those speak TLS who believe it.
    pub(crate) fn believers(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.believers)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What is to stand in a certificate.
fn named(name: &str, hosts: &[&str]) -> Result<CertificateParams, String> {
    let mut params =
        CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).map_err(unsigned)?;
    params.distinguished_name.push(DnType::CommonName, format!("Baedal on this machine: {name}"));
    Ok(params)
}

fn unsigned(error: impl std::fmt::Display) -> String {
    format!("no certificate can be made: {error}")
}

/// Writes a file anew that its owner alone may read.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    if path.exists() {
        fs::remove_file(path).map_err(said)?;
    }
    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(said)?;
    file.write_all(text.as_bytes()).map_err(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_their_owners_alone_and_the_authoritys_own_is_in_no_file() {
        let folder = std::env::temp_dir().join(format!("baedal-authority-{}", std::process::id()));
        let authority = Authority::new_in(&folder.join("tls")).unwrap();
        let signed = authority.sign("order").unwrap();
        // Signed again it is another one, in the same files.
        let before = fs::read_to_string(&signed.key).unwrap();
        authority.sign("order").unwrap();
        assert_ne!(fs::read_to_string(&signed.key).unwrap(), before);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.join("tls")), mode(&signed.key)), (0o700, 0o600));
        let mut files: Vec<_> =
            fs::read_dir(folder.join("tls")).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, ["authority.pem", "order.key", "order.pem"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
