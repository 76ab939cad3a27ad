//! The connections to one replica: those that wait for a request, and new ones.
//!
//! hyper's own connections, because they give a request back that was never begun to be sent: so it can be sent
//! elsewhere, body and all, and a request that may have been received never is.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower::ServiceExt;

use super::authority::Authority;
use super::sending::Sending;
use crate::peers::PeerSecret;

/// How long a server keeps a connection for its next request: `timeout=75`, in seconds.
/// Source: <https://www.rfc-editor.org/rfc/rfc2068#section-19.7.1.1>
pub const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// How long a connection may take to be made, its name's resolution and TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// How long a connection waits for its next request. Less than a replica that is told to stop goes on serving:
/// so one that has waited through all of that, and is closed at its end, is not used any more. And never more than half
/// of what the replica announces, so that no request meets a connection that is just being closed.
const IDLE_LIMIT: Duration = Duration::from_secs(2);
/// The most connections that wait.
const MOST_IDLE: usize = 512;
/// How soon a connection whose other end has vanished is found out.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// How long the answer to a look may be.
const LOOK_BYTES: usize = 1 << 20;

/// An address that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WrongAddress {
    /// There is none at all.
    #[error("{0} has no address")]
    Missing(&'static str),
    /// It is not what an address looks like.
    #[error("{context} cannot be at {address:?}: an address looks like http://10.0.0.7:7101, or https://10.0.0.7:7101")]
    Strange {
        /// The context that is said to be there.
        context: &'static str,
        /// What was given.
        address: String,
    },
    /// Its certificate could not be verified: nobody is said to vouch for it.
    #[error("{context} is at {address:?}, and there is no authority that vouches for its certificate")]
    Unvouched {
        /// The context that is there.
        context: &'static str,
        /// What was given.
        address: String,
    },
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// No connection could be made: the request is as it was.
    NotSent { request: Box<Request>, why: String },
    /// The connection broke. The request may have been received.
    Broken { why: String },
}

/// The connections to one address.
pub(super) struct Connections {
    address: Uri,
    host: HeaderValue,
    connector: HttpConnector,
    /// Who vouches for whom, where it is spoken to over TLS.
    secure: Option<(Authority, ServerName<'static>)>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

struct Idle {
    connection: SendRequest<Body>,
    until: Instant,
}

impl Connections {
    /// None yet; over TLS where the address begins with `https://`.
    ///
    /// # Errors
    /// Where that is no address, or nobody vouches for the certificate that is shown there.
    pub(super) fn to(
        context: &'static str,
        address: &str,
        authority: Option<&Authority>,
    ) -> Result<Self, WrongAddress> {
        let strange = || WrongAddress::Strange { context, address: address.to_owned() };
        let unvouched = || WrongAddress::Unvouched { context, address: address.to_owned() };
        let uri: Uri = address.parse().map_err(|_| strange())?;
        let secure = match uri.scheme_str() {
            Some("http") => None,
            Some("https") => {
                let host = uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned());
                let host = host.and_then(|host| ServerName::try_from(host).ok()).ok_or_else(strange)?;
                Some((authority.ok_or_else(unvouched)?.clone(), host))
            }
            _ => return Err(strange()),
        };
        let is_whole = uri.path() == "/" && uri.query().is_none();
        let host = uri.authority().filter(|_| is_whole).and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        let host = host.ok_or_else(strange)?;
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE / 3));
        connector.set_keepalive_retries(Some(3));
        Ok(Self { address: uri, host, connector, secure, idle: Arc::default() })
    }

    pub(super) fn address(&self) -> &Uri {
        &self.address
    }

    /// Sends a request over a connection that waits, or over a new one.
    pub(super) async fn send(&self, mut request: Request, sending: &Sending) -> Result<Response, Unanswered> {
        request.headers_mut().insert(header::HOST, self.host.clone());
        while let Some(mut connection) = self.waiting() {
            sending.begins();
            match connection.try_send_request(request).await {
                Ok(response) => return Ok(self.keep(connection, response)),
                Err(mut error) => match error.take_message() {
                    // It was closed while it waited, and nothing of this was sent.
                    Some(unsent) => {
                        sending.came_back();
                        request = unsent;
                    }
                    None => return Err(Unanswered::Broken { why: in_full(error.error()) }),
                },
            }
        }
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(why) => return Err(Unanswered::NotSent { request: Box::new(request), why }),
        };
        sending.begins();
        match connection.try_send_request(request).await {
            Ok(response) => Ok(self.keep(connection, response)),
            Err(mut error) => {
                let why = in_full(error.error());
                Err(match error.take_message() {
                    Some(unsent) => {
                        sending.came_back();
                        Unanswered::NotSent { request: Box::new(unsent), why }
                    }
                    None => Unanswered::Broken { why },
                })
            }
        }
    }

    /// Asks for something over a connection made for that: what is answered then is true of new connections.
    pub(super) async fn look(
        &self,
        path: &'static str,
        context: &'static str,
        secret: &PeerSecret,
    ) -> Result<(StatusCode, Bytes), String> {
        let request = Request::get(path).header(header::HOST, &self.host).body(Body::empty());
        let mut request = request.map_err(|error| in_full(&error))?;
        secret.address(context, request.headers_mut());
        let mut connection = self.connect().await?;
        let answer = connection.send_request(request).await;
        let answer = answer.map_err(|error| in_full(&error))?;
        let status = answer.status();
        let body = axum::body::to_bytes(Body::new(answer.into_body()), LOOK_BYTES).await;
        Ok((status, body.map_err(|error| in_full(&error))?))
    }

    /// Closes those that wait.
    pub(super) fn close_idle(&self) {
        self.idle.lock().clear();
    }

    async fn connect(&self) -> Result<SendRequest<Body>, String> {
        let made = async {
            let stream = self.connector.clone().oneshot(self.address.clone()).await.map_err(|error| in_full(&error))?;
            match &self.secure {
                None => shaken(stream).await,
                Some((authority, host)) => {
                    let stream: TcpStream = stream.into_inner();
                    shaken(TokioIo::new(authority.agree(host.clone(), stream).await?)).await
                }
            }
        };
        let made = tokio::time::timeout(CONNECT_LIMIT, made).await;
        made.map_err(|_| format!("no connection within {CONNECT_LIMIT:?}"))?
    }

    /// The connection that has waited least; those that are of no use any more are let go.
    fn waiting(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock();
        while let Some(Idle { connection, until }) = idle.pop() {
            if until <= Instant::now() {
                // All others have waited longer.
                idle.clear();
            } else if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps the connection for another request, once the answer has come to its end.
    fn keep(&self, mut connection: SendRequest<Body>, response: hyper::Response<hyper::body::Incoming>) -> Response {
        let idle = Arc::clone(&self.idle);
        let limit = announced(response.headers()).map_or(IDLE_LIMIT, |announced| IDLE_LIMIT.min(announced / 2));
        tokio::spawn(async move {
            if connection.ready().await.is_ok() {
                let mut idle = idle.lock();
                if idle.len() < MOST_IDLE {
                    idle.push(Idle { connection, until: Instant::now() + limit });
                }
            }
        });
        response.map(Body::new)
    }
}

/// A connection over a stream, plain or not.
async fn shaken<Stream>(stream: Stream) -> Result<SendRequest<Body>, String>
where
    Stream: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(stream).await.map_err(|error| in_full(&error))?;
    // Ends with its last request, when nobody holds the other half any more.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = in_full(&error), "a connection to another context ended");
        }
    });
    Ok(sender)
}

/// How long the other end says that it keeps a connection.
fn announced(headers: &HeaderMap) -> Option<Duration> {
    let mut parameters = headers.get(KEEP_ALIVE)?.to_str().ok()?.split(',');
    let seconds = parameters.find_map(|parameter| parameter.trim().strip_prefix("timeout="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// An error with all that caused it.
fn in_full(error: &(dyn Error + 'static)) -> String {
    let (mut said, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_other_end_announces_is_read_and_nonsense_is_not() {
        let said =
            |value: &'static str| announced(&HeaderMap::from_iter([(KEEP_ALIVE, HeaderValue::from_static(value))]));
        assert_eq!(said("timeout=75"), Some(Duration::from_secs(75)));
        assert_eq!(said("max=100, timeout=5"), Some(Duration::from_secs(5)));
        assert_eq!((said("timeout=soon"), said("5"), announced(&HeaderMap::new())), (None, None, None));
    }

    #[test]
    fn an_address_is_a_host_and_nothing_more() {
        let to = |address: &str| Connections::to("order", address, None).map(drop);
        for address in ["http://127.0.0.1:7101", "http://order.baedal.svc:7101/", "http://[::1]:7101"] {
            assert_eq!(to(address), Ok(()), "{address}");
        }
        for address in ["", "127.0.0.1:7101", "/orders", "ftp://order", "http://order/api", "http://order/?x=1"] {
            let (context, given) = ("order", address.to_owned());
            assert_eq!(to(address), Err(WrongAddress::Strange { context, address: given }));
        }
    }

    #[test]
    fn nobody_is_believed_for_whom_nobody_vouches() {
        for address in ["https://127.0.0.1:7101", "https://order.baedal.svc:7101/", "https://[::1]:7101"] {
            let refused = Connections::to("order", address, None).map(drop);
            assert_eq!(refused, Err(WrongAddress::Unvouched { context: "order", address: address.to_owned() }));
        }
    }
}
