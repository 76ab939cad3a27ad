//! A signed-in account: sends its token, renews it, and reads what it wrote.

use std::sync::Arc;
use std::time::Duration;

use baedal_contracts::AccountId;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::RwLock;
use tokio::time::Instant;

use crate::error::Error;
use crate::following::Following;
use crate::live::Live;
use crate::positions::Positions;
use crate::transport::{Answer, Client, to_json};
use crate::types::{Credentials, Me, NewTokens, RefreshToken};

/// A token is renewed when this part of its life has passed.
const RENEWED_AFTER: f64 = 0.9;

/// A signed-in account. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    me: Me,
    /// To sign in anew where the refresh token is no longer good, as after its answer was lost.
    password: String,
    tokens: RwLock<Tokens>,
    /// What this device is known again by at the next sign-in.
    device_token: Mutex<Option<String>>,
    /// What answers told, sent back with every read.
    positions: Mutex<Positions>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("me", &self.me).field("client", &self.client).finish_non_exhaustive()
    }
}

struct Tokens {
    bearer: HeaderValue,
    refresh: String,
    renew_at: Option<Instant>,
}

impl Tokens {
    fn new(tokens: NewTokens) -> Result<Self, Error> {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", tokens.access_token))
            .map_err(|error| Error::Unreadable { what: "the access token".to_owned(), story: error.to_string() })?;
        let life = tokens.expires_in.map(|seconds| Duration::from_secs(seconds).mul_f64(RENEWED_AFTER));
        Ok(Self { bearer, refresh: tokens.refresh_token, renew_at: life.map(|life| Instant::now() + life) })
    }

    /// Tokens, and what the device is known again by.
    async fn for_password(
        client: &Client,
        phone: &str,
        password: &str,
        device_token: Option<&str>,
    ) -> Result<(Self, Option<String>), Error> {
        let credentials = Credentials { phone, password, device_token };
        let mut tokens: NewTokens = client.call(Method::POST, "/api/token", Some(&credentials)).await?;
        let device_token = tokens.device_token.take();
        Ok((Self::new(tokens)?, device_token))
    }

    async fn for_refresh(client: &Client, refresh_token: &str) -> Result<Self, Error> {
        Self::new(client.call(Method::POST, "/api/token/refresh", Some(&RefreshToken { refresh_token })).await?)
    }
}

impl Session {
    pub(crate) async fn begin(
        client: Client,
        phone: &str,
        password: &str,
        device_token: Option<&str>,
    ) -> Result<Self, Error> {
        let (tokens, device_token) = Tokens::for_password(&client, phone, password, device_token).await?;
        let me = client.send(Method::GET, "/api/me", [(header::AUTHORIZATION, tokens.bearer.clone())], None).await?;
        let (me, password) = (me.read()?, password.to_owned());
        let (tokens, device_token) = (RwLock::new(tokens), Mutex::new(device_token));
        let inner = Inner { client, me, password, tokens, device_token, positions: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whose session it is.
    #[must_use]
    pub fn me(&self) -> &Me {
        &self.inner.me
    }

    /// Which account it is.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        self.inner.me.account_id
    }

    /// What this device is known again by: to be kept, and sent with the next sign-in
    /// ([`Client::sign_in_on_device`]).
    #[must_use]
    pub fn device_token(&self) -> Option<String> {
        self.inner.device_token.lock().clone()
    }

    /// Whom it speaks to.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.inner.client
    }

    /// Sends a request of this account, once more with a new token where the old one has run out.
    ///
    /// # Errors
    /// A problem, or no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        more: Option<(HeaderName, HeaderValue)>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Error> {
        self.send_bytes(method, path, more, body.map(Bytes::from)).await
    }

    /// The same; the body is shared between the first time and the second.
    pub(crate) async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        more: Option<(HeaderName, HeaderValue)>,
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        let bearer = self.bearer().await;
        let mut first = self.send_as(&bearer, method.clone(), path, more.clone(), body.clone()).await;
        if self.was_ahead(&first) {
            first = self.send_as(&bearer, method.clone(), path, more.clone(), body.clone()).await;
        }
        if !matches!(&first, Err(Error::Problem(problem)) if problem.status == 401) {
            return first;
        }
        let bearer = self.renew(&bearer).await?;
        self.send_as(&bearer, method, path, more, body).await
    }

    /// Whether an answer was that a position is asked for which is not there, as after a restore. It is forgotten.
    fn was_ahead<T>(&self, answer: &Result<T, Error>) -> bool {
        let is_ahead = answer.as_ref().is_err_and(|error| error.is("position_ahead"));
        if is_ahead {
            self.positions().forget();
        }
        is_ahead
    }

    async fn send_as(
        &self,
        bearer: &HeaderValue,
        method: Method,
        path: &str,
        more: Option<(HeaderName, HeaderValue)>,
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        let position = if method == Method::GET { self.positions().header() } else { None };
        let headers = [(header::AUTHORIZATION, bearer.clone())].into_iter().chain(position).chain(more);
        let answer = self.inner.client.send_bytes(method, path, headers, body).await?;
        self.positions().remember(&answer.headers);
        Ok(answer)
    }

    /// Sends any request with this account's token and gives any answer back, as [`Client::request`] does:
    /// a token that has run out is not renewed, and no position is sent.
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
        let headers = [(header::AUTHORIZATION, self.bearer().await)].into_iter().chain(headers);
        let answer = self.inner.client.request(method, path, headers, json).await?;
        self.positions().remember(&answer.1);
        Ok(answer)
    }

    /// The access token, renewed where it is about to run out.
    async fn bearer(&self) -> HeaderValue {
        let bearer = {
            let tokens = self.inner.tokens.read().await;
            let bearer = tokens.bearer.clone();
            if tokens.renew_at.is_none_or(|at| Instant::now() < at) {
                return bearer;
            }
            bearer
        };
        // Where that fails the old one may still do; if not, the answer says so and it is renewed then.
        self.renew(&bearer).await.unwrap_or(bearer)
    }

    /// A new access token, unless somebody else has just got one.
    async fn renew(&self, refused: &HeaderValue) -> Result<HeaderValue, Error> {
        let Inner { client, me, password, tokens, .. } = &*self.inner;
        let mut tokens = tokens.write().await;
        if tokens.bearer == *refused {
            *tokens = match Tokens::for_refresh(client, &tokens.refresh).await {
                Err(Error::Problem(problem)) if problem.status == 401 => {
                    let known = self.device_token();
                    let (tokens, device_token) =
                        Tokens::for_password(client, &me.phone, password, known.as_deref()).await?;
                    *self.inner.device_token.lock() = device_token;
                    tokens
                }
                renewed => renewed?,
            };
        }
        Ok(tokens.bearer.clone())
    }

    /// Lets this session's reads see what another session has written.
    pub fn see_what_was_written_by(&self, other: &Self) {
        let theirs = other.positions().clone();
        self.positions().join(&theirs);
    }

    fn positions(&self) -> MutexGuard<'_, Positions> {
        self.inner.positions.lock()
    }

    /// Calls with this account: JSON there and back.
    ///
    /// # Errors
    /// A problem, no answer, or an answer that is no `T`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        self.send_bytes(method, path, None, body.map(to_json).transpose()?).await?.read()
    }

    /// Reads.
    ///
    /// # Errors
    /// As [`Session::call`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.call(Method::GET, path, None::<&()>).await
    }

    /// Commands.
    ///
    /// # Errors
    /// As [`Session::call`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Error> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Commands, and has no use for what is answered.
    ///
    /// # Errors
    /// A problem, or no answer.
    pub async fn tell(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<(), Error> {
        self.send_bytes(method, path, None, body.map(to_json).transpose()?).await.map(drop)
    }

    /// Opens a live stream, from behind the frame named `last_event_id` where one is given.
    ///
    /// # Errors
    /// A problem, or no answer.
    pub async fn live(&self, path: &str, last_event_id: Option<&str>) -> Result<Live, Error> {
        let (client, bearer) = (&self.inner.client, self.bearer().await);
        let position = self.positions().header();
        let mut opened = Live::open(client, &bearer, position.clone(), path, last_event_id).await;
        if self.was_ahead(&opened) {
            opened = Live::open(client, &bearer, None, path, last_event_id).await;
        }
        match opened {
            Err(Error::Problem(problem)) if problem.status == 401 => {
                let bearer = self.renew(&bearer).await?;
                Live::open(client, &bearer, position, path, last_event_id).await
            }
            opened => opened,
        }
    }

    /// Looks at a live stream, again and again where it ends, going on where it ended.
    #[must_use]
    pub fn follow(&self, path: impl Into<String>) -> Following {
        Following::new(self.clone(), path.into())
    }
}
