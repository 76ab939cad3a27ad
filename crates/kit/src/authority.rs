//! The file that names those whose certificates are believed.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

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

/// Reads the certificates of those who vouch for others: PEM, one behind the other.
///
/// # Errors
/// Where there are none.
pub fn read(file: &Path) -> Result<RootCertStore, WrongAuthority> {
    let path = || file.display().to_string();
    let pem = std::fs::read(file).map_err(|source| WrongAuthority::Unreadable { path: path(), source })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| WrongAuthority::Empty(path()))?;
        roots.add(certificate).map_err(|source| WrongAuthority::Unusable { path: path(), source })?;
    }
    if roots.is_empty() {
        return Err(WrongAuthority::Empty(path()));
    }
    Ok(roots)
}
