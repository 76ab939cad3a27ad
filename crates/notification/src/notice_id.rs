//! Names a notice by its cause and its recipient, so that it cannot be sent twice.

use uuid::Uuid;

/// The 62 lowest bits of an id, which are its own in a UUIDv7.
const TAIL: u128 = (1 << 62) - 1;

/// The id of the notice that the event `cause` makes `recipient` receive: always the same one.
///
/// Its first half is the event's, so that notices sort by the millisecond of their causes; its tail is
/// hashed from both (UUIDv5's way), so that the recipients of one event differ.
pub(crate) fn notice_id(cause: Uuid, recipient: &str) -> Uuid {
    let hashed = Uuid::new_v5(&cause, recipient.as_bytes());
    Uuid::from_u128((cause.as_u128() & !TAIL) | (hashed.as_u128() & TAIL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_for_the_same_and_another_for_another() {
        let cause = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        assert_eq!(notice_id(cause, "customer"), notice_id(cause, "customer"));
        assert_ne!(notice_id(cause, "customer"), notice_id(cause, "owner"));
        let other = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002);
        assert_ne!(notice_id(cause, "customer"), notice_id(other, "customer"));
    }

    #[test]
    fn it_is_a_uuid_of_version_7_and_sorts_by_the_time_of_the_cause() {
        let earlier = notice_id(Uuid::from_u128(0x0190_0000_0000_7000_bfff_ffff_ffff_ffff), "rider");
        let later = notice_id(Uuid::from_u128(0x0190_0000_0001_7000_8000_0000_0000_0000), "rider");
        assert!(earlier < later);
        assert_eq!(earlier.get_version_num(), 7);
        assert_eq!(earlier.get_variant(), uuid::Variant::RFC4122);
    }
}
