//! TLS: the certificate that a server shows its clients, read from files, and read again when they change.
//!
//! Whoever renews a certificate only writes the files: clients that come within seconds are shown the new one, and
//! connections that are open go on. Files that do not fit together, as while only one of them is written, change
//! nothing: the error is logged, and they are looked at again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use baedal_kit_runtime::lifecycle::Lifecycle;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a client may take until both sides have agreed how to speak.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// All that we speak over it.
const HTTP_1: &[u8] = b"http/1.1";

/// A certificate and its key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The file with the certificate, and behind it those that vouch for it, as PEM.
    pub certificate: PathBuf,
    /// The file with its private key, as PEM.
    pub key: PathBuf,
}

/// What a server shows. Cloning shares it.
#[derive(Clone)]
pub struct Tls {
    shown: watch::Receiver<Arc<ServerConfig>>,
}

impl Tls {
    /// Shows what the files hold, and looks at them again for as long as the process lives.
    ///
    /// # Errors
    /// Where they cannot be read, or do not fit together.
    pub fn start(files: TlsFiles, lifecycle: &Lifecycle) -> Result<Self> {
        let (tls, mut renewal) = Self::of(files)?;
        lifecycle.spawn(async move {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            loop {
                looks.tick().await;
                renewal.look();
            }
        });
        Ok(tls)
    }

    fn of(files: TlsFiles) -> Result<(Self, Renewal)> {
        let read = Read::of(&files)?;
        let (tell, shown) = watch::channel(Arc::new(read.config(&files)?));
        Ok((Self { shown }, Renewal { files, seen: Some(read), tell }))
    }

    /// Agrees with a client how to speak.
    ///
    /// # Errors
    /// Where that does not succeed, or takes more than five seconds.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let shown = Arc::clone(&self.shown.borrow());
        tokio::time::timeout(HANDSHAKE_LIMIT, TlsAcceptor::from(shown).accept(stream)).await?
    }
}

/// Looks whether the files have changed.
struct Renewal {
    files: TlsFiles,
    /// What they held when they were looked at last; nothing where they could not be read.
    seen: Option<Read>,
    tell: watch::Sender<Arc<ServerConfig>>,
}

impl Renewal {
    fn look(&mut self) {
        let read = Read::of(&self.files);
        if read.as_ref().ok() == self.seen.as_ref() {
            return;
        }
        match read.as_ref().map_or_else(|error| Err(anyhow::anyhow!("{error:#}")), |read| read.config(&self.files)) {
            Ok(config) => {
                tracing::info!(certificate = %self.files.certificate.display(), "clients are shown a new certificate");
                self.tell.send_replace(Arc::new(config));
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "clients are still shown the certificate from before");
            }
        }
        self.seen = read.ok();
    }
}

/// What the files hold.
#[derive(PartialEq, Eq)]
struct Read {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Read {
    fn of(files: &TlsFiles) -> Result<Self> {
        let read = |path: &Path| fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
        Ok(Self { certificate: read(&files.certificate)?, key: read(&files.key)? })
    }

    fn config(&self, TlsFiles { certificate, key }: &TlsFiles) -> Result<ServerConfig> {
        let no_pem = |path: &Path, what| format!("{} holds no {what} as PEM", path.display());
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.with_context(|| no_pem(certificate, "certificate"))?;
        if chain.is_empty() {
            bail!(no_pem(certificate, "certificate"));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key).with_context(|| no_pem(key, "private key"))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .with_context(|| format!("{} and {} do not fit together", certificate.display(), key.display()))?;
        config.alpn_protocols = vec![HTTP_1.to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, RootCertStore};
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    use super::*;

    /// A folder with a certificate for `localhost` that vouches for itself.
    struct Folder(TempDir);

    impl Folder {
        fn new() -> (Self, String) {
            let folder = Self(TempDir::new().unwrap());
            let certificate = folder.write_new();
            (folder, certificate)
        }

        fn write_new(&self) -> String {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            fs::write(self.files().key, made.signing_key.serialize_pem()).unwrap();
            fs::write(self.files().certificate, made.cert.pem()).unwrap();
            made.cert.pem()
        }

        fn files(&self) -> TlsFiles {
            TlsFiles { certificate: self.0.path().join("cert.pem"), key: self.0.path().join("key.pem") }
        }
    }

    /// What somebody is answered who trusts only this certificate.
    async fn asked(tls: &Tls, trusted: &str) -> Result<String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let lifecycle = Lifecycle::default();
        let patience = crate::server::Patience {
            keep_alive: Duration::from_secs(5),
            drain_for: Duration::ZERO,
            limit: Duration::from_secs(5),
        };
        let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
        let doors = crate::server::Doors::inside(&baedal_gateway::Settings::default());
        let served = crate::server::run(listener, router, lifecycle.clone(), patience, doors, Some(tls.clone()));
        let served = tokio::spawn(served);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted.as_bytes())?)?;
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await?;
        let mut stream =
            TlsConnector::from(Arc::new(client)).connect(ServerName::try_from("localhost")?, stream).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        lifecycle.drain();
        served.await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn who_trusts_the_certificate_is_answered_and_who_does_not_says_nothing() {
        let (folder, certificate) = Folder::new();
        let (tls, _renewal) = Tls::of(folder.files()).unwrap();
        let answer = asked(&tls, &certificate).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
        let (_, another) = Folder::new();
        assert!(asked(&tls, &another).await.is_err());
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_shown_and_a_broken_one_changes_nothing() {
        let (folder, before) = Folder::new();
        let (tls, mut renewal) = Tls::of(folder.files()).unwrap();
        fs::write(folder.files().key, "half of a key").unwrap();
        renewal.look();
        asked(&tls, &before).await.unwrap();
        fs::remove_file(folder.files().certificate).unwrap();
        renewal.look();
        asked(&tls, &before).await.unwrap();
        let after = folder.write_new();
        renewal.look();
        asked(&tls, &after).await.unwrap();
        assert!(asked(&tls, &before).await.is_err());
    }

    #[test]
    fn files_that_cannot_be_used_are_refused_in_one_line() {
        let refused = |folder: &Folder| format!("{:#}", Tls::of(folder.files()).err().unwrap());
        let (folder, _) = Folder::new();
        fs::write(folder.files().certificate, "nothing").unwrap();
        assert!(refused(&folder).contains("holds no certificate"), "{}", refused(&folder));
        let (folder, _) = Folder::new();
        fs::write(folder.files().key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(refused(&folder).contains("do not fit together"), "{}", refused(&folder));
        fs::remove_file(folder.files().key).unwrap();
        assert!(refused(&folder).contains("cannot be read"), "{}", refused(&folder));
    }
}
