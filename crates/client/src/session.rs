//! A signed-in account: sends its token, renews it, and reads what it wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use baedal_contracts::AccountId;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::RwLock;

use crate::error::Error;
use crate::live::Live;
use crate::transport::{Answer, Client, to_json};
use crate::types::{Credentials, Me, NewTokens, RefreshToken};

const POSITION: HeaderName = HeaderName::from_static("baedal-position");

/// A signed-in account. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    me: Me,
    tokens: RwLock<Tokens>,
    /// The last position of each context that an answer told, sent back with every read.
    positions: Mutex<BTreeMap<String, u64>>,
}

#[derive(Debug)]
struct Tokens {
    bearer: HeaderValue,
    refresh: String,
}

impl Tokens {
    fn new(tokens: NewTokens) -> Result<Self, Error> {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", tokens.access_token))
            .map_err(|error| Error::Unreadable { what: "the access token".to_owned(), story: error.to_string() })?;
        Ok(Self { bearer, refresh: tokens.refresh_token })
    }
}

impl Session {
    pub(crate) async fn begin(client: Client, phone: &str, password: &str) -> Result<Self, Error> {
        let credentials = Credentials { phone, password };
        let tokens = Tokens::new(client.call(Method::POST, "/api/token", Some(&credentials)).await?)?;
        let me = client.send(Method::GET, "/api/me", [(header::AUTHORIZATION, tokens.bearer.clone())], None).await?;
        let inner = Inner { client, me: me.read()?, tokens: RwLock::new(tokens), positions: Mutex::default() };
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
        let bearer = self.inner.tokens.read().await.bearer.clone();
        let first = self.send_as(&bearer, method.clone(), path, more.clone(), body.clone()).await;
        if !matches!(&first, Err(Error::Problem(problem)) if problem.status == 401) {
            return first;
        }
        let bearer = self.renew(&bearer).await?;
        self.send_as(&bearer, method, path, more, body).await
    }

    async fn send_as(
        &self,
        bearer: &HeaderValue,
        method: Method,
        path: &str,
        more: Option<(HeaderName, HeaderValue)>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Error> {
        let position = if method == Method::GET { self.positions() } else { None };
        let headers = [(header::AUTHORIZATION, bearer.clone())].into_iter().chain(position).chain(more);
        let answer = self.inner.client.send(method, path, headers, body).await?;
        self.remember(&answer.headers);
        Ok(answer)
    }

    /// A new access token, unless somebody else has just got one.
    async fn renew(&self, refused: &HeaderValue) -> Result<HeaderValue, Error> {
        let mut tokens = self.inner.tokens.write().await;
        if tokens.bearer == *refused {
            let refresh = RefreshToken { refresh_token: &tokens.refresh };
            *tokens = Tokens::new(self.inner.client.call(Method::POST, "/api/token/refresh", Some(&refresh)).await?)?;
        }
        Ok(tokens.bearer.clone())
    }

    /// Lets this session's reads see what another session has written.
    pub fn see_what_was_written_by(&self, other: &Self) {
        let theirs = other.inner.positions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut ours = self.inner.positions.lock().unwrap_or_else(PoisonError::into_inner);
        for (context, position) in theirs {
            let known = ours.entry(context).or_default();
            *known = (*known).max(position);
        }
    }

    fn positions(&self) -> Option<(HeaderName, HeaderValue)> {
        let positions = self.inner.positions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (context, position) in &*positions {
            let comma = if text.is_empty() { "" } else { "," };
            write!(text, "{comma}{context}:{position}").ok()?;
        }
        if text.is_empty() { None } else { Some((POSITION, HeaderValue::from_str(&text).ok()?)) }
    }

    fn remember(&self, headers: &HeaderMap) {
        let told = headers.get(POSITION).and_then(|value| value.to_str().ok()).and_then(|text| text.split_once(':'));
        if let Some((context, position)) = told
            && let Ok(position) = position.parse()
        {
            let mut positions = self.inner.positions.lock().unwrap_or_else(PoisonError::into_inner);
            let known = positions.entry(context.to_owned()).or_default();
            *known = (*known).max(position);
        }
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
        self.send(method, path, None, body.map(to_json).transpose()?).await?.read()
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

    /// Opens a live stream, from behind the frame named `last_event_id` where one is given.
    ///
    /// # Errors
    /// A problem, or no answer.
    pub async fn live(&self, path: &str, last_event_id: Option<&str>) -> Result<Live, Error> {
        let bearer = self.inner.tokens.read().await.bearer.clone();
        match Live::open(&self.inner.client, &bearer, path, last_event_id).await {
            Err(Error::Problem(problem)) if problem.status == 401 => {
                let bearer = self.renew(&bearer).await?;
                Live::open(&self.inner.client, &bearer, path, last_event_id).await
            }
            opened => opened,
        }
    }
}
