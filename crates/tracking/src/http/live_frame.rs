//! A frame of a live stream, named by what it shows.

use std::hash::{DefaultHasher, Hash, Hasher};

use baedal_kit::Failure;
use baedal_kit::http::live::Frame;
use serde::Serialize;

/// The frame that shows this. Its id is a hash of it, so that it is the same in a view that was rebuilt,
/// whose documents were written another number of times.
pub(super) fn frame_of(shown: &impl Serialize) -> Result<Frame, Failure> {
    let data = serde_json::to_string(shown).map_err(|error| Failure::broken_by("a frame cannot be written", error))?;
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    Ok(Frame { id: format!("{:016x}", hasher.finish()), data })
}
