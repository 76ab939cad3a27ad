//! Text that people type: names, addresses, notes, reasons, phone numbers and passwords, normalized before
//! they are checked, counted, compared or hashed.
//!
//! A request body holds the types of this crate and never a plain `String` for what a person wrote. They
//! normalize while they are deserialized, so a value that exists is normalized and valid, and two values
//! that look the same are equal. From the HTTP edge on, contexts keep them as strings.
//!
//! | kind of field | rule | type |
//! |---|---|---|
//! | names, addresses | [`Rule::OneLine`] | [`Text`] of a [`Kind`], as [`StoreName`] |
//! | notes, reasons, descriptions, messages | [`Rule::Lines`] | [`Text`] of a [`Kind`], as [`Note`] |
//! | phone numbers | digits, however pasted | [`Phone`] for accounts, [`StorePhone`] for stores |
//! | passwords | RFC 8265 OpaqueString | [`NewPassword`], [`GivenPassword`] |
//! | codes sent to phones | six digits, however typed | [`PhoneCode`] |
//!
//! - [`kinds`]: every kind of text there is, with its rule and its limits;
//! - [`characters`]: what is dropped, what is refused, what can be seen;
//! - [`rule`]: the two rules;
//! - [`links`]: what is a link, which texts that are sent to phones must not hold;
//! - [`phone`], [`password`], [`code`]: those that are no prose.
//!
//! What machines chose (ids, cursors, tokens, idempotency keys) is compared byte by byte and does not
//! belong here.

pub mod characters;
pub mod code;
pub mod kinds;
pub mod links;
pub mod password;
mod pattern;
pub mod phone;
pub mod rule;
#[cfg(feature = "testing")]
pub mod testing;
mod text;

pub use code::{NotACode, PhoneCode};
pub use kinds::*;
pub use links::Links;
pub use password::{GivenPassword, NewPassword, Password, PasswordRefused};
pub use phone::{NotAPhone, NotAStorePhone, Phone, StorePhone};
pub use rule::Rule;
pub use text::{Kind, Text, TextRefused};

/// The OpenAPI extension that names the kind of a text field, as `x-text: one-line`.
pub const EXTENSION: &str = "x-text";
