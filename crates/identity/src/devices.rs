//! Device tokens: on which devices an account has signed in before.
//!
//! One is given at each sign-in and sent back at the next. It opens nothing: it only has its device's wrong guesses
//! counted by themselves, so that an attack from elsewhere keeps nobody out. It names the account, the device, and
//! when it was given, and is marked with a key derived for that alone; nothing is kept, so every replica knows it.

use baedal_contracts::AccountId;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::keys::{Keys, Purpose};

/// The form of these tokens. Another form gets another word.
const FORM: &str = "device1";

/// A device that an account has signed in on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Device {
    pub(crate) account_id: AccountId,
    pub(crate) id: Uuid,
}

impl Device {
    /// The token that it is known again by.
    pub(crate) fn token(self, keys: &Keys, at: Timestamp) -> String {
        let said = format!("{FORM}.{}.{}.{}", self.account_id.0.simple(), self.id.simple(), at.as_second());
        let mark = keys.mark(Purpose::Devices, said.as_bytes());
        format!("{said}.{mark}")
    }

    /// The device that a token names, where it was given by us, to this account, and not too long ago.
    pub(crate) fn known(
        keys: &Keys,
        token: &str,
        account_id: AccountId,
        now: Timestamp,
        lasts: SignedDuration,
    ) -> Option<Self> {
        let (said, mark) = token.rsplit_once('.')?;
        if !keys.is_marked(Purpose::Devices, said.as_bytes(), mark) {
            return None;
        }
        let mut parts = said.split('.');
        let (FORM, account, id, at, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next())
        else {
            return None;
        };
        let device = Self { account_id: AccountId(account.parse().ok()?), id: id.parse().ok()? };
        let given = Timestamp::from_second(at.parse().ok()?).ok()?;
        (device.account_id == account_id && now.duration_since(given) < lasts).then_some(device)
    }
}

#[cfg(test)]
mod tests {
    use baedal_kit::scenario::NOON;

    use super::*;

    const LASTS: SignedDuration = SignedDuration::from_hours(24);

    #[test]
    fn a_device_is_known_by_its_token_to_its_account_for_as_long_as_that_lasts() {
        let keys = Keys::ephemeral().unwrap();
        let [mine, other] = [(); 2].map(|()| AccountId(Uuid::now_v7()));
        let device = Device { account_id: mine, id: Uuid::now_v7() };
        let token = device.token(&keys, NOON);
        let known = |token: &str, account_id, now| Device::known(&keys, token, account_id, now, LASTS);
        assert_eq!(known(&token, mine, NOON), Some(device));
        assert_eq!(known(&token, mine, NOON - SignedDuration::from_mins(5)), Some(device), "by a clock that is behind");
        assert_eq!(known(&token, mine, NOON + LASTS), None);
        assert_eq!(known(&token, other, NOON), None);
        assert_eq!(Device::known(&Keys::ephemeral().unwrap(), &token, mine, NOON, LASTS), None);
    }

    #[test]
    fn a_token_that_was_changed_is_none() {
        let keys = Keys::ephemeral().unwrap();
        let account_id = AccountId(Uuid::now_v7());
        let token = Device { account_id, id: Uuid::now_v7() }.token(&keys, NOON);
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(Device::known(&keys, &changed, account_id, NOON, LASTS), None, "{changed}");
        }
        for strange in ["", ".", "....", "device1", &token[1..], &format!("{token}."), "기기"] {
            assert_eq!(Device::known(&keys, strange, account_id, NOON, LASTS), None, "{strange}");
        }
    }
}
