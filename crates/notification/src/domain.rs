//! The aggregate of notification.

pub(crate) mod notice;

pub(crate) use notice::Notice;
