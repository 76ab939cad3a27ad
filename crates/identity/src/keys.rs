//! The keys that access tokens are signed with: made at the first start and kept in the data folder, or given,
//! so that several replicas sign with the same.
//!
//! The first key signs. The others are published and believed beside it, so that what they signed stays valid while
//! keys are rotated. From each, other keys are derived for what only identity reads ([`Purpose`]).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use aws_lc_rs::{hkdf, hmac};
use baedal_contracts::identity::Claims;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use pem::Pem;

/// The file in the data folder: PKCS#8 in PEM.
const FILE: &str = "identity-key.pem";
/// The permissions that a file only for its owner must not have,
const OWNER_ONLY: u32 = 0o077;
/// and one for its owner and group.
const OWNER_AND_GROUP: u32 = 0o007;
/// What such a file holds, by its first line.
const TAG: &str = "PRIVATE KEY";

/// The key pairs that access tokens are signed with. Cloning shares them.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
}

struct Inner {
    signing: EncodingKey,
    header: Header,
    published: JwkSet,
    derived: Vec<Derived>,
}

/// What a derived key is for. One that is for one thing can do no other: no device token is an access token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Device tokens.
    Devices,
    /// Hashes of the codes that are sent to phones.
    PhoneCodes,
}

/// The keys derived from one key pair (HKDF, RFC 5869).
#[derive(Clone)]
struct Derived {
    devices: hmac::Key,
    phone_codes: hmac::Key,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the signing key {} cannot be read or made", path.display())]
    Unreachable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than its owner can read the file.
    #[error(
        "the signing key {path} can be read by others (mode {mode:03o}); whoever reads it can be anybody here. \
         Run `chmod 600 {path}`, or remove it to have a new one made, which signs everybody out",
        path = path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds no Ed25519 private key in PKCS#8.
    #[error(
        "the signing key {} is damaged ({what}). Restore it, or remove it to have a new one made, \
         which signs everybody out",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// No key can be made.
    #[error("no signing key can be made ({0})")]
    NotMade(String),
}

impl Keys {
    /// The key in a folder, made if there is none.
    ///
    /// # Errors
    /// Where the file cannot be read or made, others can read it, or it is damaged.
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(FILE);
        let unreachable = |source| KeyError::Unreachable { path: path.clone(), source };
        match fs::metadata(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder).map_err(unreachable)?;
                write_new(folder, &path, Self::new_pem()?.as_bytes()).map_err(unreachable)?;
                tracing::info!(path = %path.display(), "made a new key to sign access tokens with");
            }
            Err(error) => return Err(unreachable(error)),
        }
        Self::read(&path, OWNER_ONLY)
    }

    /// The key in a file that somebody has put there. Its group may read it, as is usual where secrets are
    /// mounted.
    ///
    /// # Errors
    /// Where the file cannot be read, everybody can read it, or it is damaged.
    pub fn given(path: &Path) -> Result<Self, KeyError> {
        Self::read(path, OWNER_AND_GROUP)
    }

    /// These, and beside them the keys in other files, which sign nothing here and are published and believed all
    /// the same: those of before or after a rotation.
    ///
    /// # Errors
    /// As [`Keys::given`].
    pub fn beside(self, others: &[PathBuf]) -> Result<Self, KeyError> {
        let mut published = self.inner.published.clone();
        let mut derived = self.inner.derived.clone();
        for path in others {
            let other = Self::given(path)?;
            let is_new = |jwk: &Jwk| published.keys.iter().all(|known| known.common.key_id != jwk.common.key_id);
            if other.inner.published.keys.iter().all(is_new) {
                published.keys.extend(other.inner.published.keys.iter().cloned());
                derived.extend(other.inner.derived.iter().cloned());
            }
        }
        let (signing, header) = (self.inner.signing.clone(), self.inner.header.clone());
        Ok(Self { inner: Arc::new(Inner { signing, header, published, derived }) })
    }

    fn read(path: &Path, refused: u32) -> Result<Self, KeyError> {
        let path = path.to_owned();
        let unreachable = |source| KeyError::Unreachable { path: path.clone(), source };
        refuse_exposed(&path, &fs::metadata(&path).map_err(unreachable)?, refused)?;
        let text = fs::read(&path).map_err(unreachable)?;
        let damaged = |what: String| KeyError::Damaged { path: path.clone(), what };
        let pem = pem::parse(text).map_err(|error| damaged(error.to_string()))?;
        if pem.tag() != TAG {
            return Err(damaged(format!("it holds a {}", pem.tag())));
        }
        Self::of(pem.contents()).map_err(damaged)
    }

    /// A new key as the text of such a file: PKCS#8 in PEM.
    ///
    /// # Errors
    /// Where the machine has no randomness to give.
    pub fn new_pem() -> Result<String, KeyError> {
        Ok(pem::encode(&Pem::new(TAG, generate()?)))
    }

    /// A key that is kept nowhere, for tests and simulated worlds.
    ///
    /// # Errors
    /// Where the machine has no randomness to give.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Self::of(&generate()?).map_err(KeyError::NotMade)
    }

    fn of(pkcs8: &[u8]) -> Result<Self, String> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|error| error.to_string())?;
        let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
        let mut jwk = Jwk::from_decoding_key(&public, Some(Algorithm::EdDSA)).map_err(|error| error.to_string())?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|error| error.to_string())?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid);
        let signing = EncodingKey::from_ed_der(pkcs8);
        let derived = vec![derived_from(&pair).map_err(|error| error.to_string())?];
        Ok(Self { inner: Arc::new(Inner { signing, header, published: JwkSet { keys: vec![jwk] }, derived }) })
    }

    /// An access token that says this.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&self.inner.header, claims, &self.inner.signing)
    }

    /// Marks a message for a purpose, in hex: nobody else can.
    pub(crate) fn mark(&self, purpose: Purpose, message: &[u8]) -> String {
        self.inner
            .derived
            .first()
            .map_or_else(String::new, |derived| hex(hmac::sign(derived.key(purpose), message).as_ref()))
    }

    /// Whether one of the keys marked this message for this purpose. Takes as long wherever a mark is wrong.
    pub(crate) fn is_marked(&self, purpose: Purpose, message: &[u8], mark: &str) -> bool {
        let Some(mark) = bytes(mark) else { return false };
        self.inner.derived.iter().any(|derived| hmac::verify(derived.key(purpose), message, &mark).is_ok())
    }

    /// The public keys, for whoever checks tokens.
    pub(crate) fn published(&self) -> &JwkSet {
        &self.inner.published
    }
}

impl Derived {
    fn key(&self, purpose: Purpose) -> &hmac::Key {
        match purpose {
            Purpose::Devices => &self.devices,
            Purpose::PhoneCodes => &self.phone_codes,
        }
    }
}

/// The same for the same key pair, in whatever file it lies.
fn derived_from(pair: &Ed25519KeyPair) -> Result<Derived, aws_lc_rs::error::Unspecified> {
    let seed = pair.seed()?.as_be_bytes()?;
    let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"baedal identity").extract(seed.as_ref());
    let key = |purpose: &[u8]| -> Result<hmac::Key, aws_lc_rs::error::Unspecified> {
        Ok(root.expand(&[purpose], hmac::HMAC_SHA256)?.into())
    };
    Ok(Derived { devices: key(b"device tokens")?, phone_codes: key(b"phone codes")? })
}

/// Bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that hex stands for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

fn generate() -> Result<Vec<u8>, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|error| KeyError::NotMade(error.to_string()))?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|error| KeyError::NotMade(error.to_string()))?;
    Ok(pkcs8.as_ref().to_vec())
}

/// Puts the whole file there at once, durably, unless somebody else was faster.
fn write_new(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{FILE}.{}", std::process::id()));
    let written = write_private(&draft, text).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    fs::remove_file(&draft)?;
    written?;
    fs::File::open(folder)?.sync_all()
}

fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, found: &fs::Metadata, refused: u32) -> Result<(), KeyError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777;
    if mode & refused == 0 { Ok(()) } else { Err(KeyError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "where files have no mode, nothing can be refused by it")]
fn refuse_exposed(_path: &Path, _found: &fs::Metadata, _refused: u32) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kid(keys: &Keys) -> Option<&str> {
        keys.published().keys[0].common.key_id.as_deref()
    }

    #[test]
    fn the_key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let made = Keys::open(&folder.path().join("data")).unwrap();
        let found = Keys::open(&folder.path().join("data")).unwrap();
        assert_eq!(kid(&made), kid(&found));
        assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), 1, "no draft is left behind");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join("data").join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Keys::open(folder.path()).unwrap();
        fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Keys::open(folder.path()).err().unwrap();
        assert!(matches!(refused, KeyError::Exposed { mode: 0o640, .. }));
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }

    #[test]
    fn a_damaged_key_is_refused_and_kept() {
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n";
        let cut = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";
        for text in ["", "not a key", public, cut] {
            let folder = tempfile::tempdir().unwrap();
            write_private(&folder.path().join(FILE), text.as_bytes()).unwrap();
            let refused = Keys::open(folder.path()).err().unwrap();
            assert!(matches!(refused, KeyError::Damaged { .. }), "{text:?}: {refused}");
            assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), text);
        }
    }

    #[test]
    fn while_keys_are_rotated_the_first_signs_and_all_are_published_and_believed() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["old.pem", "new.pem"].map(|name| folder.path().join(name));
        for path in &paths {
            write_private(path, Keys::new_pem().unwrap().as_bytes()).unwrap();
        }
        let [old, new] = paths.each_ref().map(|path| Keys::given(path).unwrap());
        let both = Keys::given(&paths[1]).unwrap().beside(&paths).unwrap();
        let kids: Vec<_> = both.published().keys.iter().map(|key| key.common.key_id.as_deref()).collect();
        assert_eq!(kids, [kid(&new), kid(&old)], "each once, the one that signs first");
        let mark = old.mark(Purpose::Devices, b"before");
        assert!(both.is_marked(Purpose::Devices, b"before", &mark));
        assert!(!new.is_marked(Purpose::Devices, b"before", &mark), "once the old one is removed");
        assert_eq!(both.mark(Purpose::Devices, b"now"), new.mark(Purpose::Devices, b"now"));
    }

    #[test]
    fn a_mark_holds_for_its_message_and_its_purpose_only() {
        let keys = Keys::ephemeral().unwrap();
        let mark = keys.mark(Purpose::Devices, b"message");
        assert!(keys.is_marked(Purpose::Devices, b"message", &mark));
        assert!(!keys.is_marked(Purpose::PhoneCodes, b"message", &mark));
        assert!(!keys.is_marked(Purpose::Devices, b"another", &mark));
        assert!(!Keys::ephemeral().unwrap().is_marked(Purpose::Devices, b"message", &mark));
        for wrong in ["", "0", "zz", "한글", &mark[2..], &format!("+{}", &mark[1..])] {
            assert!(!keys.is_marked(Purpose::Devices, b"message", wrong), "{wrong}");
        }
    }

    /// The key and its thumbprint are those of RFC 8037, appendix A.
    #[test]
    fn the_kid_is_the_keys_thumbprint() {
        let pem = "-----BEGIN PRIVATE KEY-----\n\
                   MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
                   -----END PRIVATE KEY-----\n";
        let folder = tempfile::tempdir().unwrap();
        write_private(&folder.path().join(FILE), pem.as_bytes()).unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        assert_eq!(kid(&keys), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    }
}
