//! The names of what is rebuilt: a view's documents and its projection's cursors carry the generation they are of.

/// The name of a view's documents, or of its projection's cursors, in a generation; the first is plain.
#[must_use]
pub fn generation_name(name: &str, generation: u32) -> String {
    if generation == 0 { name.to_owned() } else { format!("{name}@{generation}") }
}

/// The generation in a name.
#[must_use]
pub fn generation_of(name: &str) -> u32 {
    name.split_once('@').and_then(|(_, generation)| generation.parse().ok()).unwrap_or(0)
}

/// The name without the generation.
#[must_use]
pub fn plain_name(name: &str) -> &str {
    name.split_once('@').map_or(name, |(plain, _)| plain)
}
