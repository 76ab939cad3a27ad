//! One connection for a process: made in the background, and made again for ever.

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::{Client, ClientError, ConnectOptions, Event, ServerAddr};
use baedal_kit::authority::{self, WrongAuthority};
use percent_encoding::percent_decode_str;
use tokio::sync::watch;

use crate::Settings;

/// How long the broker may take to answer anything.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How often it is asked whether it is there; it is taken for lost when it has missed two.
const PING_EVERY: Duration = Duration::from_secs(3);
/// How long an attempt to connect may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// The settings name no broker that could be connected to, ever.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A URL is none.
    #[error("nats.urls: {url:?} is no address of a NATS server")]
    Url {
        /// Which, without its secrets.
        url: String,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// The credentials file cannot be read.
    #[error("nats.credentials: {path} cannot be used")]
    Credentials {
        /// Which file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// Some of it would not be encrypted.
    #[error("nats.urls: {url:?} is not encrypted, and {because}: write tls://")]
    Plain {
        /// Which, without its secrets.
        url: String,
        /// What says that it should be.
        because: &'static str,
    },
    /// Nobody is named who vouches for the servers.
    #[error("nats.tls_root cannot be used")]
    Authority(#[from] WrongAuthority),
    /// The client refused the settings.
    #[error("the connection to NATS cannot be set up")]
    Client(#[from] async_nats::ConnectError),
}

/// The broker. Cloning shares the connection.
#[derive(Clone)]
pub struct Nats {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) settings: Arc<Settings>,
    /// How often we were connected anew, and lost the connection.
    changes: watch::Receiver<u64>,
}

/// Sets up the connection. It needs no broker to be there: connecting goes on in the background for ever.
///
/// # Errors
/// Where the settings cannot be right whatever the broker does.
pub async fn connect(settings: Settings) -> Result<Nats, ConnectError> {
    let mut addresses = Vec::with_capacity(settings.urls.len());
    for url in &settings.urls {
        let shown = || settings.without_secrets().urls.join(", ");
        let address: ServerAddr = url.parse().map_err(|source| ConnectError::Url { url: shown(), source })?;
        addresses.push(address);
    }
    let is_private = must_be_as_private_as_set(&settings, &addresses)?;
    let (changed, changes) = watch::channel(0);
    let mut options = ConnectOptions::new()
        .name("baedal")
        .retry_on_initial_connect()
        .connection_timeout(CONNECT_LIMIT)
        .request_timeout(Some(ANSWER_LIMIT))
        .ping_interval(PING_EVERY)
        // Also of the servers that it hears of from the first.
        .require_tls(is_private)
        .reconnect_delay_callback(|attempts| {
            Duration::from_millis(match attempts {
                0 | 1 => 50,
                2..5 => 250,
                _ => 1000,
            })
        })
        .event_callback(move |event| {
            match &event {
                Event::Connected => tracing::info!("the broker is there"),
                Event::Disconnected => tracing::warn!("the broker is away"),
                // The client does not say which it is.
                Event::ClientError(ClientError::Other(why)) if is_private => tracing::warn!(
                    why,
                    "the broker does not answer, or shows no certificate for its host by the authority in `nats.tls_root`"
                ),
                other => tracing::warn!(event = %other, "the connection to the broker"),
            }
            if matches!(event, Event::Connected | Event::Disconnected) {
                changed.send_modify(|count| *count += 1);
            }
            async {}
        });
    let named = addresses.iter().find(|address| address.has_user_pass()).map(|named| {
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        (named.username().map(plain).unwrap_or_default(), named.password().map(plain).unwrap_or_default())
    });
    let set = settings.user.clone().map(|user| (user, settings.password.expose().to_owned()));
    let known = set.or(named);
    let inbox = settings.inbox.clone().or_else(|| known.as_ref().map(|(user, _)| format!("_INBOX.{user}")));
    if let Some((user, password)) = known {
        options = options.user_and_password(user, password);
    }
    if let Some(inbox) = inbox {
        options = options.custom_inbox_prefix(inbox);
    }
    if let Some(path) = &settings.credentials {
        options = options.credentials_file(path).await.map_err(|source| {
            let path = path.display().to_string();
            ConnectError::Credentials { path, source }
        })?;
    }
    if let Some(root) = &settings.tls_root {
        // It is read again for every connection; so whether it can be is found out here.
        authority::read(root)?;
        options = options.add_root_certificates(root.clone());
    }
    let client = options.connect(addresses).await?;
    let jetstream = ContextBuilder::new().timeout(ANSWER_LIMIT).build(client.clone());
    Ok(Nats { client, jetstream, settings: Arc::new(settings), changes })
}

/// Whether everything that is said to the broker is encrypted; it may not be half of it.
fn must_be_as_private_as_set(settings: &Settings, addresses: &[ServerAddr]) -> Result<bool, ConnectError> {
    let shown = settings.without_secrets().urls;
    let plain = addresses.iter().zip(shown).find(|(address, _)| !address.tls_required());
    let because = match (&settings.tls_root, addresses.iter().any(ServerAddr::tls_required)) {
        (Some(_), _) => "`nats.tls_root` is set",
        (None, true) => "another is",
        (None, false) => return Ok(false),
    };
    plain.map_or(Ok(true), |(_, url)| Err(ConnectError::Plain { url, because }))
}

impl Nats {
    /// Whether the broker is there, as far as we know.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Changes whenever the broker comes or goes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Returns when the broker is there.
    pub(crate) async fn connected(&self) {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if self.is_connected() || changes.changed().await.is_err() {
                return;
            }
        }
    }
}
