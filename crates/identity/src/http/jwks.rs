//! `GET /.well-known/jwks.json`: the public keys that access tokens can be checked with.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use utoipa::ToSchema;

use super::App;

/// A set of public keys (RFC 7517), as OpenAPI describes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used; jsonwebtoken's own type is what is written")]
pub(crate) struct JwkSet {
    /// The keys.
    keys: Vec<Jwk>,
}

/// A public key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used; jsonwebtoken's own type is what is written")]
pub(crate) struct Jwk {
    /// `OKP`.
    #[schema(example = "OKP")]
    kty: String,
    /// `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: String,
    /// The key itself, base64url.
    x: String,
    /// `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: String,
    /// `sig`.
    #[schema(rename = "use", example = "sig")]
    r#use: String,
    /// Names the key: its RFC 7638 thumbprint.
    kid: String,
}

/// The public keys
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "accounts", responses(
    (status = 200, description = "The keys that access tokens are signed with", body = JwkSet),
))]
pub(crate) async fn public_keys(State(app): State<App>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(app.keys.published().clone()))
}
