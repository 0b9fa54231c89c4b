//! Levels of a factor that training leaves out: names that no row of the training data may hold.
//!
//! A level is met where its words stand in a row, each whole: `Drum-kit` has the level `drum`, `drummer` has not.

use super::{Full, Items, Needles, Scan};
use crate::check::LevelMet;
use crate::evallog::{Item, ItemText, Role};

/// Levels that are told apart: factors of real experiments have tens of them.
const MAX_LEVELS: usize = 1000;

/// Longest level that is looked for. Each that is met is kept for each corpus, so that memory stays bounded.
const MAX_LEVEL_BYTES: usize = 500;

/// Levels, ready to be looked for.
#[derive(Debug)]
pub struct Levels(Needles);

impl Levels {
    /// Takes the levels; those that are too many or too long are not looked for.
    pub fn new<'l>(levels: impl IntoIterator<Item = &'l str>) -> Result<Self, Full> {
        let mut items = Items::default();
        for level in levels.into_iter().filter(|level| level.len() <= MAX_LEVEL_BYTES).take(MAX_LEVELS) {
            // Under a field of its own, so that two that are the same words are told of both.
            let text = ItemText { field: level.to_owned(), role: Role::Name, text: level.to_owned() };
            items.add(&Item { label: level.to_owned(), texts: vec![text] })?;
        }
        Ok(Self(Needles::new(items)))
    }

    /// Those that are looked for: they have words, and not too many.
    pub fn looked_for(&self) -> impl Iterator<Item = &str> {
        self.0.items.iter().filter(|item| !item.parts.is_empty()).map(|item| item.label.as_str())
    }

    /// Nothing met yet.
    pub fn scan(&self) -> Scan {
        Scan::new(&self.0)
    }

    /// Looks at a text of a row that is at `place`.
    pub fn text(&self, scan: &mut Scan, text: &str, place: &dyn Fn() -> String) {
        scan.text(&self.0, text, place);
    }

    /// The levels that were met, those in most rows first.
    pub fn met(&self, scan: &Scan) -> Vec<LevelMet> {
        let met = |item: &super::items::Item| {
            let (_, _, text) = item.parts.first()?;
            let place = scan.first.get(text)?.clone();
            Some(LevelMet { level: item.label.clone(), rows: scan.counts[*text as usize], place })
        };
        let mut met: Vec<LevelMet> = self.0.items.iter().filter_map(met).collect();
        met.sort_by(|left, right| right.rows.cmp(&left.rows).then_with(|| left.level.cmp(&right.level)));
        met
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn met(levels: &[&str], rows: &[&str]) -> Vec<(String, u64, String)> {
        let levels = Levels::new(levels.iter().copied()).unwrap();
        let mut scan = levels.scan();
        for (at, row) in rows.iter().enumerate() {
            scan.begin();
            levels.text(&mut scan, row, &|| format!("row {at}"));
        }
        levels.met(&scan).into_iter().map(|met| (met.level, met.rows, met.place)).collect()
    }

    #[test]
    fn a_level_is_met_by_its_words_whole_whatever_their_case() {
        let rows = ["the drummer", "A DRUM-kit, a drum", "a red  Bicycle", "red. bicycle", "bicycle red"];
        let found = met(&["drum", "red bicycle", "harp", "Drum"], &rows);
        let found: Vec<_> = found.iter().map(|(level, rows, place)| (level.as_str(), *rows, place.as_str())).collect();
        assert_eq!(found, [("red bicycle", 2, "row 2"), ("Drum", 1, "row 1"), ("drum", 1, "row 1")]);
    }

    #[test]
    fn a_level_without_words_or_of_too_many_is_not_looked_for() {
        let (long, endless) = ("word ".repeat(13), "word".repeat(200));
        let levels = Levels::new(["—", long.as_str(), endless.as_str(), "harp"]).unwrap();
        assert_eq!(levels.looked_for().collect::<Vec<_>>(), ["harp"]);
        // Of more levels than are told apart the rest are not said to have been looked for.
        let many: Vec<String> = (0..=MAX_LEVELS).map(|number| format!("level {number}")).collect();
        assert_eq!(Levels::new(many.iter().map(String::as_str)).unwrap().looked_for().count(), MAX_LEVELS);
    }
}
