//! Lists in pages, and the parts of an address, with problems instead of plain text where they are wrong.

use std::str::FromStr;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use baedal_contracts::ID_FORM;
use http::request::Parts;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, RefOr, Required, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::problem::{MALFORMED, NOT_FOUND, Problem};

baedal_contracts::whole! {
    /// How many items; 20 unless said.
    pub struct PageSize(usize): [1, 100], 20;
}

impl Default for PageSize {
    fn default() -> Self {
        Self(20)
    }
}

/// Where a page of a list ended, as it stands in its `next`. Its form is what the description says, and whatever has
/// that form is a place in the list, whether or not anything is there.
pub trait Cursor: Sized {
    /// Its form, as a regular expression (ECMA-262) of the whole of it.
    fn pattern() -> String;

    /// From a text of that form; nothing where it has another.
    fn read(text: &str) -> Option<Self>;
}

/// A place in a list of things by their ids.
impl<T: From<Uuid>> Cursor for T {
    fn pattern() -> String {
        format!("^{ID_FORM}$")
    }

    fn read(text: &str) -> Option<Self> {
        Hyphenated::from_str(text).ok().map(|id| Self::from(id.into_uuid()))
    }
}

/// A whole number in a cursor: digits only, so many at the most.
#[must_use]
pub fn digits<T: FromStr>(text: &str, most: usize) -> Option<T> {
    let is_one = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_one { text.parse().ok() } else { None }
}

/// The `after` of a request: where the page before ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct After<C>(pub C);

impl<'de, C: Cursor> Deserialize<'de> for After<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        C::read(&text).map(Self).ok_or_else(|| D::Error::custom("must be the `next` of the page before"))
    }
}

impl<C: Cursor> PartialSchema for After<C> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(C::pattern())).into()
    }
}

/// The parameter `limit`.
#[must_use]
pub fn limit_parameter() -> Parameter {
    in_query("limit", "How many items; 20 unless said.", PageSize::schema())
}

/// The parameter `after`.
#[must_use]
pub fn after_parameter<C: Cursor>() -> Parameter {
    in_query("after", "The `next` of the page before.", After::<C>::schema())
}

fn in_query(name: &str, about: &str, schema: RefOr<Schema>) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::False);
    parameter.description(Some(about)).schema(Some(schema)).build()
}

/// Which page of a list, whose pages end at a `C`.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "C: Cursor")]
pub struct PageQuery<C> {
    /// How many items.
    #[serde(default)]
    limit: PageSize,
    /// The `next` of the page before.
    after: Option<After<C>>,
}

impl<C> PageQuery<C> {
    /// How many items to give.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Where the page before ended, if there was one.
    #[must_use]
    pub fn after(self) -> Option<C> {
        self.after.map(|After(place)| place)
    }
}

impl<C: Cursor> IntoParams for PageQuery<C> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![limit_parameter(), after_parameter::<C>()]
    }
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What `after` is for the page behind this one; nothing where this is the last.
    #[schema(required)]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page of the first `limit` of these, which must be one more where there is a page behind it.
    pub fn of(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }

    /// The same page, each item turned into another.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(turn).collect(), next: self.next }
    }
}

/// The variable parts of an address. One that is not what it should be is a malformed request.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match AxumPath::<T>::from_request_parts(parts, state).await {
            Ok(AxumPath(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                Err(Problem::new(&MALFORMED, error.body_text()))
            }
            Err(_) => Err(Problem::new(&NOT_FOUND, "there is no such address")),
        }
    }
}

/// What stands behind the `?` of an address.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        AxumQuery::<T>::from_request_parts(parts, state)
            .await
            .map(|AxumQuery(value)| Self(value))
            .map_err(|error| Problem::new(&MALFORMED, error.body_text()))
    }
}
