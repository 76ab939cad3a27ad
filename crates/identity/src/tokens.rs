//! Access tokens, and refresh tokens that work once.
//!
//! Signing in begins a family of refresh tokens. Using one gives the next; using one again means that two
//! have it, the owner and a thief, and nobody can tell which is which: the family ends, and its owner
//! signs in anew (RFC 9700, section 4.14.2). Only a token's SHA-256 is kept.
//!
//! ```text
//!   family ──── first (used) ──▶ second (used) ──▶ third          used again: the family goes,
//!   whose, until when                                              and every token of it with it
//! ```
//!
//! An answer may be lost, and then its owner sends the same token again. So for a short [`Grace`] the token that was
//! used last gives the same next token again, as long as that has not been used itself: then its owner has it. The
//! next token is made from the one before and a salt, and only the salt is kept, so that whoever reads the database
//! has neither.

use aws_lc_rs::{digest, hmac, rand};
use baedal_contracts::AccountId;
use baedal_contracts::identity::{Claims, Role, TOKEN_AUDIENCE, TOKEN_ISSUER};
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::{Service, UnitOfWork};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::grace::Grace;
use crate::jobs::FORGET_TOKENS;
use crate::keys::{Keys, hex};
use crate::settings::Settings;

/// The documents of families, by their ids.
pub(crate) const FAMILIES: &str = "refresh_families";
/// The documents of refresh tokens, by their SHA-256.
pub(crate) const TOKENS: &str = "refresh_tokens";
/// How long a day is, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// Whose tokens they are. There is none any more once it is revoked.
#[derive(Serialize, Deserialize)]
struct Family {
    account_id: AccountId,
}

/// A refresh token, but for the token itself.
#[derive(Serialize, Deserialize)]
struct Token {
    family: Uuid,
    used: Option<Use>,
    expires_at: Timestamp,
}

/// That a refresh token was used.
#[derive(Serialize, Deserialize)]
struct Use {
    at: Timestamp,
    /// Makes the next token, together with the one that was used.
    salt: String,
}

/// What became of a refresh token that was sent.
pub(crate) enum Refreshed {
    /// It was good, or its grace holds: this is the next.
    Next { account_id: AccountId, refresh_token: String },
    /// It had been used before: its family is revoked.
    UsedBefore,
    /// It is none of ours, it expired, or its family is revoked.
    Unknown,
}

/// Begins a family and gives its first token.
pub(crate) fn begin(work: &mut UnitOfWork, account_id: AccountId, lasts: SignedDuration) -> Result<String, Failure> {
    let family = work.new_id();
    let secret = random()?;
    add(work, family, account_id, &secret, lasts)?;
    Ok(secret)
}

/// Uses a refresh token. Of two that use the same one at the same time, one commits first; the other
/// finds it used.
pub(crate) async fn refresh(
    work: &mut UnitOfWork,
    sent: &str,
    lasts: SignedDuration,
    grace: &Grace,
) -> Result<Refreshed, Failure> {
    let id = fingerprint(sent);
    let Some(mut token) = work.document::<Token>(TOKENS, &id).await? else { return Ok(Refreshed::Unknown) };
    let family_id = token.family.to_string();
    let Some(family) = work.document::<Family>(FAMILIES, &family_id).await? else { return Ok(Refreshed::Unknown) };
    let account_id = family.account_id;
    if let Some(used) = token.used {
        let refresh_token = next(sent, &used.salt);
        let follower = work.document::<Token>(TOKENS, &fingerprint(&refresh_token)).await?;
        if grace.holds(&id, used.at) && follower.is_some_and(|follower| follower.used.is_none()) {
            return Ok(Refreshed::Next { account_id, refresh_token });
        }
        work.delete(FAMILIES, &family_id);
        return Ok(Refreshed::UsedBefore);
    }
    if token.expires_at <= work.at() {
        return Ok(Refreshed::Unknown);
    }
    let salt = random()?;
    let refresh_token = next(sent, &salt);
    token.used = Some(Use { at: work.at(), salt });
    work.put(TOKENS, &id, &token, [day_tag(token.expires_at)])?;
    add(work, token.family, account_id, &refresh_token, lasts)?;
    grace.begins(&id);
    Ok(Refreshed::Next { account_id, refresh_token })
}

/// Adds a token to a family, which lasts as long as its last token, and has both forgotten afterwards.
fn add(
    work: &mut UnitOfWork,
    family: Uuid,
    account_id: AccountId,
    secret: &str,
    lasts: SignedDuration,
) -> Result<(), Failure> {
    let expires_at = work.at().saturating_add(lasts).unwrap_or(Timestamp::MAX);
    let token = Token { family, used: None, expires_at };
    work.put(TOKENS, &fingerprint(secret), &token, [day_tag(expires_at)])?;
    work.put(FAMILIES, &family.to_string(), &Family { account_id }, [day_tag(expires_at)])?;
    forget_after_the_day_of(work, expires_at);
    Ok(())
}

/// Has all that is tagged with a day forgotten when the day is over.
pub(crate) fn forget_after_the_day_of(work: &mut UnitOfWork, expires_at: Timestamp) {
    let day = day_of(expires_at);
    let day_is_over = Timestamp::from_second((day + 1) * DAY).unwrap_or(Timestamp::MAX);
    work.schedule(Job::new(FORGET_TOKENS, day, day_is_over));
}

/// The token that follows one that is used.
fn next(token: &str, salt: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    hex(hmac::sign(&key, salt.as_bytes()).as_ref())
}

/// 32 bytes that nobody can guess, in hex.
fn random() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|error| Failure::broken_by("the machine has no randomness", error))?;
    Ok(hex(&bytes))
}

/// The day on which something expires, counted from 1970; what expires on the same day is forgotten
/// together.
fn day_of(expires_at: Timestamp) -> i64 {
    expires_at.as_second().div_euclid(DAY)
}

pub(crate) fn day_tag(expires_at: Timestamp) -> String {
    tag_of_day(&day_of(expires_at).to_string())
}

/// The tag of what expires on a day.
pub(crate) fn tag_of_day(day: &str) -> String {
    format!("expires:{day}")
}

/// An access token for an account, and for how many seconds it is valid.
pub(crate) fn access_token(
    service: &Service,
    keys: &Keys,
    settings: &Settings,
    account_id: AccountId,
    role: Role,
) -> Result<(String, i64), Failure> {
    let lasts = settings.access_token_lasts.as_secs();
    let iat = service.clock().now().as_second();
    let claims = Claims {
        iss: TOKEN_ISSUER.to_owned(),
        aud: TOKEN_AUDIENCE.to_owned(),
        sub: account_id,
        role,
        iat,
        exp: iat.saturating_add(lasts),
        jti: service.ids().new_id(),
    };
    let token = keys.sign(&claims).map_err(|error| Failure::broken_by("a token cannot be signed", error))?;
    Ok((token, lasts))
}

fn fingerprint(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}
