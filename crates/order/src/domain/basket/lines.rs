//! The lines of a basket that changes: what was sold first is kept first, and what was added last goes first.

use baedal_contracts::order::{Choice, Line};
use baedal_contracts::store::MenuItem;
use baedal_contracts::{ItemId, Won};

use super::{WishRefused, WishedChoice, WishedLine};

/// What makes lines the same to a customer: the item and the choices made, in whatever order, at whatever price.
type Key<'a> = (ItemId, Vec<(&'a str, &'a str)>);

fn key_of_line(line: &Line) -> Key<'_> {
    let mut choices: Vec<_> = line.options.iter().map(|made| (made.name.as_str(), made.choice.as_str())).collect();
    choices.sort_unstable();
    (line.item_id, choices)
}

fn key_of_wished(line: &WishedLine) -> Key<'_> {
    let mut choices: Vec<_> = line.options.iter().map(|made| (made.name.as_str(), made.choice.as_str())).collect();
    choices.sort_unstable();
    (line.item_id, choices)
}

/// How many of each key; there are few, so that looking through them is quickest.
#[derive(Default)]
struct Counts<'a>(Vec<(Key<'a>, u32)>);

impl<'a> Counts<'a> {
    fn add(&mut self, key: Key<'a>, quantity: u32) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count = count.saturating_add(quantity),
            None => self.0.push((key, quantity)),
        }
    }

    /// Takes up to `quantity`, and returns how many that were.
    fn take(&mut self, key: &Key<'_>, quantity: u32) -> u32 {
        let Some((_, count)) = self.0.iter_mut().find(|(known, _)| known == key) else { return 0 };
        let taken = quantity.min(*count);
        *count -= taken;
        taken
    }

    fn of_lines(lines: &'a [Line]) -> Self {
        let mut counts = Self::default();
        for line in lines {
            counts.add(key_of_line(line), line.quantity);
        }
        counts
    }

    fn of_wished(lines: &'a [WishedLine]) -> Self {
        let mut counts = Self::default();
        for line in lines {
            counts.add(key_of_wished(line), line.quantity);
        }
        counts
    }
}

/// Whether these lines are what is wished, in whatever order and at whatever price.
pub(super) fn are_the_same(wished: &[WishedLine], lines: &[Line]) -> bool {
    let (mut wished, mut held) = (Counts::of_wished(wished).0, Counts::of_lines(lines).0);
    wished.sort_unstable();
    held.sort_unstable();
    wished == held
}

/// Whether lines of the same key are called and priced alike, down to each choice.
fn are_sold_alike(line: &Line, other: &Line) -> bool {
    (&line.name, line.unit_price_krw) == (&other.name, other.unit_price_krw)
        && line.options.iter().all(|choice| other.options.contains(choice))
}

/// The lines of a basket under way.
pub(super) struct Lines<'a> {
    lines: Vec<Line>,
    /// What of the kept no wished line has claimed yet.
    kept: Counts<'a>,
}

impl<'a> Lines<'a> {
    /// What of the held lines is still wished. Of the same item and choices, the first lines are kept.
    pub(super) fn keep(held: &'a [Line], wished: &[WishedLine]) -> Self {
        let mut wished = Counts::of_wished(wished);
        let mut kept = Counts::default();
        let mut lines = Vec::with_capacity(held.len());
        for line in held {
            let key = key_of_line(line);
            let quantity = wished.take(&key, line.quantity);
            if quantity > 0 {
                kept.add(key, quantity);
                lines.push(Line { quantity, ..line.clone() });
            }
        }
        Self { lines, kept }
    }

    /// How many of a wished line are not among the kept, each of which covers one only.
    pub(super) fn not_covered(&mut self, wished: &WishedLine) -> u32 {
        wished.quantity - self.kept.take(&key_of_wished(wished), wished.quantity)
    }

    /// Adds a line behind the last of its kind; to that line, where it was sold in the same way.
    pub(super) fn add(&mut self, added: Line) {
        let key = key_of_line(&added);
        let last = self.lines.iter().rposition(|line| key_of_line(line) == key);
        let Some(last) = last else {
            self.lines.push(added);
            return;
        };
        let line = &mut self.lines[last];
        if are_sold_alike(line, &added) {
            line.quantity = line.quantity.saturating_add(added.quantity);
        } else {
            self.lines.insert(last + 1, added);
        }
    }
}

impl From<Lines<'_>> for Vec<Line> {
    fn from(lines: Lines<'_>) -> Self {
        lines.lines
    }
}

/// So many of a wished line at today's price, if today's menu allows the choices made.
pub(super) fn priced(line: usize, wished: &WishedLine, quantity: u32, item: &MenuItem) -> Result<Line, WishRefused> {
    let mut options: Vec<Choice> = Vec::with_capacity(wished.options.len());
    for (option, WishedChoice { name, choice }) in wished.options.iter().enumerate() {
        let known = item.options.iter().find(|known| known.name == *name);
        let known = known.ok_or_else(|| WishRefused::UnknownOption { line, option, item: item.name.clone() })?;
        let chosen = known.choices.iter().find(|chosen| chosen.name == *choice);
        let chosen = chosen.ok_or_else(|| WishRefused::UnknownChoice { line, option, name: name.clone() })?;
        if options.iter().any(|made| made.name == *name && made.choice == *choice) {
            return Err(WishRefused::DuplicateChoice { line, option });
        }
        options.push(Choice { name: name.clone(), choice: choice.clone(), price_krw: chosen.price_krw });
    }
    for option in &item.options {
        let made = options.iter().filter(|choice| choice.name == option.name).count();
        if made < option.min as usize || made > option.max as usize {
            let (min, max) = (option.min, option.max);
            return Err(WishRefused::WrongNumberOfChoices { line, name: option.name.clone(), min, max, made });
        }
    }
    let unit_price_krw = options.iter().map(|choice| choice.price_krw).sum::<Won>().plus(item.price_krw);
    Ok(Line { item_id: item.item_id, name: item.name.clone(), quantity, unit_price_krw, options })
}
