//! The authority that vouches for other processes: who shows a certificate of another one is told nothing.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// All that we speak over it.
const HTTP_1: &[u8] = b"http/1.1";

/// A file that names no authority.
#[derive(Debug, thiserror::Error)]
pub enum WrongAuthority {
    /// It cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// Which.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no certificate in it.
    #[error("{0} holds no certificate as PEM")]
    Empty(String),
    /// What is in it is no certificate of an authority.
    #[error("{path} holds a certificate that cannot be used")]
    Unusable {
        /// Which.
        path: String,
        /// Why not.
        source: rustls::Error,
    },
}

/// Those whose certificates are believed; their own are read once, from a file. Cloning shares it.
#[derive(Clone)]
pub struct Authority {
    connector: TlsConnector,
}

impl Authority {
    /// Reads the certificates of those who vouch for others: PEM, one behind the other.
    ///
    /// # Errors
    /// Where there are none.
    pub fn read(file: &Path) -> Result<Self, WrongAuthority> {
        let path = || file.display().to_string();
        let unusable = |source| WrongAuthority::Unusable { path: path(), source };
        let pem = std::fs::read(file).map_err(|source| WrongAuthority::Unreadable { path: path(), source })?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|_| WrongAuthority::Empty(path()))?;
            roots.add(certificate).map_err(unusable)?;
        }
        if roots.is_empty() {
            return Err(WrongAuthority::Empty(path()));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![HTTP_1.to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// Agrees with a server how to speak, if it shows a certificate for this host that the authority vouches for.
    pub(super) async fn agree(
        &self,
        host: ServerName<'static>,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, String> {
        let shown = host.to_str().into_owned();
        self.connector.connect(host, stream).await.map_err(|error| told(&error, &shown))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// What an operator can make something of.
fn told(error: &std::io::Error, host: &str) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!(
                "its certificate is not believed: it must be for {host}, and of the authority in `peers.tls_root`: {why}"
            )
        }
        Some(rustls::Error::InvalidMessage(_)) => "it speaks no TLS: it has no certificate (`tls`)".to_owned(),
        _ => format!("no TLS could be agreed on: {error}"),
    }
}
