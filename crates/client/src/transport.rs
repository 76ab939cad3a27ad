//! One address, many connections, kept alive.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Problem};
use crate::session::Session;

/// The longest that a call waits for its answer.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a connection waits for its next call: less than the platform keeps it (`keep_alive`).
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// The platform at one address. Cloning shares its connections.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
}

/// An answer that is no problem.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body, from JSON.
    ///
    /// # Errors
    /// [`Error::Unreadable`] where it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Unreadable {
            what: std::any::type_name::<T>().to_owned(),
            story: format!("{error} in {}", String::from_utf8_lossy(&self.body)),
        })
    }
}

impl Client {
    /// The platform at an address, as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(1024)
            .build(connector);
        Self { base: base_url.into().trim_end_matches('/').to_owned(), http }
    }

    /// Where it is.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// Signs in.
    ///
    /// # Errors
    /// A problem, as `unauthenticated`, or no answer.
    pub async fn sign_in(&self, phone: &str, password: &str) -> Result<Session, Error> {
        Session::begin(self.clone(), phone, password, None).await
    }

    /// Signs in on a device that has signed in before, with what it was given then ([`Session::device_token`]).
    ///
    /// # Errors
    /// As [`Client::sign_in`].
    pub async fn sign_in_on_device(&self, phone: &str, password: &str, device_token: &str) -> Result<Session, Error> {
        Session::begin(self.clone(), phone, password, Some(device_token)).await
    }

    /// Sends a request. An answer that is a problem comes as an error.
    ///
    /// # Errors
    /// A problem, or no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Error> {
        self.send_bytes(method, path, headers, body.map(Bytes::from)).await
    }

    /// The same; a body that may be sent again is shared.
    pub(crate) async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        let answer = self.exchange(method, path, headers, body).await?;
        if answer.status.is_client_error() || answer.status.is_server_error() {
            return Err(Error::Problem(Problem::read(answer.status, &answer.headers, &answer.body)));
        }
        Ok(answer)
    }

    /// Sends any request and gives any answer back, as it is: for what has no function of its own, and for
    /// tests of what nobody should send. A body that is not JSON comes as text, an empty one as `null`.
    ///
    /// # Errors
    /// No answer.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        json: Option<&Value>,
    ) -> Result<(StatusCode, HeaderMap, Value), Error> {
        let answer = self.exchange(method, path, headers, json.map(to_json).transpose()?).await?;
        let value = match serde_json::from_slice(&answer.body) {
            Ok(value) => value,
            Err(_) if answer.body.is_empty() => Value::Null,
            Err(_) => Value::String(String::from_utf8_lossy(&answer.body).into_owned()),
        };
        Ok((answer.status, answer.headers, value))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        let told = tokio::time::timeout(LIMIT, async {
            let (head, body) = self.open(method, path, headers, body).await?.into_parts();
            let body = body.collect().await.map_err(|error| self.no_answer(&error))?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        });
        told.await.map_err(|elapsed| self.no_answer(&elapsed))?
    }

    /// Sends a request and gives the answer back as soon as its head is there, within the time that an
    /// answer may take.
    pub(crate) async fn open_in_time(
        &self,
        path: &str,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<http::Response<Incoming>, Error> {
        let opened = tokio::time::timeout(LIMIT, self.open(Method::GET, path, headers, None));
        opened.await.map_err(|elapsed| self.no_answer(&elapsed))?
    }

    /// Sends a request and gives the answer back as soon as its head is there.
    async fn open(
        &self,
        method: Method,
        path: &str,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        body: Option<Bytes>,
    ) -> Result<http::Response<Incoming>, Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(all) = request.headers_mut() {
            all.extend(headers);
        }
        let request = request
            .body(Full::from(body.unwrap_or_default()))
            .map_err(|error| Error::Unreadable { what: path.to_owned(), story: error.to_string() })?;
        self.http.request(request).await.map_err(|error| self.no_answer(&error))
    }

    /// Calls without an account: JSON there and back.
    ///
    /// # Errors
    /// A problem, no answer, or an answer that is no `T`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        self.send_bytes(method, path, [], body.map(to_json).transpose()?).await?.read()
    }

    fn no_answer(&self, error: &dyn std::error::Error) -> Error {
        let mut story = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            story = format!("{story}: {cause}");
            source = cause.source();
        }
        Error::NoAnswer { address: self.base.clone(), story }
    }
}

pub(crate) fn to_json(body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|error| Error::Unreadable { what: "our own request".to_owned(), story: error.to_string() })
}
