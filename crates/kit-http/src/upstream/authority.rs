//! The authority that vouches for other processes: who shows a certificate of another one is told nothing.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use baedal_kit::authority::{self, WrongAuthority};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// All that we speak over it.
const HTTP_1: &[u8] = b"http/1.1";

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
        let roots = authority::read(file)?;
        let unusable = |source| WrongAuthority::Unusable { path: file.display().to_string(), source };
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
