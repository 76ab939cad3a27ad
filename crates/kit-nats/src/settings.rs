//! Where the broker is, and how much it keeps.

use std::fmt;
use std::path::PathBuf;

use baedal_kit::secret::Secret;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The broker's settings.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The servers of one cluster, as `nats://127.0.0.1:4222`, or all as `tls://…`, which insists on TLS. A user and a
    /// password may stand in the first.
    pub urls: Vec<String>,
    /// Who we are to the broker: of one context, a user that may publish what is that context's and nothing else.
    /// Instead of a user in `urls`.
    pub user: Option<String>,
    /// Its password.
    pub password: Secret,
    /// What the answers to us are sent to, as `_INBOX.order`: a user may be kept from hearing others' answers. Not set:
    /// the user's own, `_INBOX.` and its name, or where there is no user, the usual `_INBOX`.
    pub inbox: Option<String>,
    /// A credentials file (`.creds`: a JWT and its key).
    pub credentials: Option<PathBuf>,
    /// The certificates of those who vouch for the servers' certificates, PEM, instead of the machine's; read again for
    /// every connection. The servers are then spoken to over TLS only.
    pub tls_root: Option<PathBuf>,
    /// On how many servers a stream is kept.
    pub stream_replicas: usize,
    /// How long a stream keeps an event; whoever needs older ones asks the source.
    pub keep_for: SignedDuration,
    /// How many bytes each stream keeps at the most.
    pub keep_bytes: u64,
    /// After how long without a word from a source's relay the source itself is asked how far it is.
    pub doubt_after: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            user: None,
            password: Secret::default(),
            inbox: None,
            credentials: None,
            tls_root: None,
            stream_replicas: 1,
            keep_for: SignedDuration::from_hours(72),
            keep_bytes: 256 * 1024 * 1024,
            doubt_after: SignedDuration::from_secs(2),
        }
    }
}

impl Settings {
    /// The same, fit to be shown: without what is secret.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        Self { urls: self.urls.iter().map(|url| without_user(url)).collect(), ..self.clone() }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            urls: _,
            user,
            password,
            inbox,
            credentials,
            tls_root,
            stream_replicas,
            keep_for,
            keep_bytes,
            doubt_after,
        } = self;
        f.debug_struct("Settings")
            .field("urls", &self.without_secrets().urls)
            .field("user", user)
            .field("password", password)
            .field("inbox", inbox)
            .field("credentials", credentials)
            .field("tls_root", tls_root)
            .field("stream_replicas", stream_replicas)
            .field("keep_for", keep_for)
            .field("keep_bytes", keep_bytes)
            .field("doubt_after", doubt_after)
            .finish()
    }
}

fn without_user(url: &str) -> String {
    let is_scheme = |scheme: &&str| scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
    let split = url.split_once("://").filter(|(scheme, _)| is_scheme(scheme));
    let (scheme, rest) = split.unwrap_or(("", url));
    let Some((_, address)) = rest.rsplit_once('@') else { return url.to_owned() };
    if scheme.is_empty() { format!("***@{address}") } else { format!("{scheme}://***@{address}") }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn secrets_are_not_shown() {
        let urls = ["nats://baedal:s3cret@10.0.0.1:4222", "s3cret@10.0.0.2", "nats://10.0.0.3:4222", "u:s3cret://x@h"];
        let urls = urls.map(str::to_owned).to_vec();
        let settings = Settings { urls, password: "s3cret".into(), ..Settings::default() };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("s3cret") && shown.contains("nats://***@10.0.0.1:4222"), "{shown}");
        assert_eq!(settings.without_secrets().urls[2], "nats://10.0.0.3:4222");
    }
}
