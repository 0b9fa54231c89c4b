//! Two claims side by side, on one screen.

use crate::cli::diff::claim::Compared;
use crate::cli::render::put;
use crate::compare::{Bearing, Cell, Difference, Gap, Likeness};
use crate::report::{Shown, first_line};
use crate::stats::decimal::decimal_digits;

/// Characters of a value in the list of differences; `--json` has all of it.
const MAX_VALUE: usize = 44;

pub(super) fn text(compared: &Compared) -> String {
    let comparison = &compared.comparison;
    let mut out = String::new();
    let is_refused = matches!(comparison.likeness, Likeness::Contradicted | Likeness::Unreadable);
    let trust = if comparison.is_vouched || is_refused { "" } else { ", by files that nobody you trust vouches for" };
    put(&mut out, format_args!("{}{trust} — {}\n\n", comparison.likeness.name(), Shown(&comparison.reason)));
    for ((name, side), letter) in compared.names.iter().zip(&compared.sides).zip(["A", "B"]) {
        put(&mut out, format_args!("{letter}  {}\n   {}\n", Shown(name), first_line(&side.assessment)));
        if let Some(shown) = &side.shown {
            let (id, text) = (Shown(&shown.claim.claim_id), Shown(&shown.claim.text));
            put(&mut out, format_args!("   \"{id}\": \"{text}\" (the lab's words)\n"));
        }
    }
    if !comparison.cells.is_empty() {
        gaps(&mut out, compared);
        differences(&mut out, compared);
        put(
            &mut out,
            format_args!(
                "\nnot shown by any of this\n  that either evaluation measures what it is named after\n  that a judge errs alike on both sides: {}\n",
                match compared.rules.disagreement {
                    _ if comparison.cells.iter().all(|pair| pair.gap.according.is_none()) && any_audit(compared) => {
                        "what people found who read its verdicts again is in the intervals"
                    }
                    Some(_) => "the intervals are widened by the share that you gave",
                    None => "its error is in the intervals as far as it scatters over seeds (see --judges-differ-by)",
                }
            ),
        );
    }
    out
}

fn any_audit(compared: &Compared) -> bool {
    compared.sides.iter().all(|side| side.shown.as_ref().is_some_and(|shown| matches!(shown.audits, Some(Ok(_)))))
}

/// `0.3111 (6480, 4 seeds)`.
fn figure(cell: &Cell) -> String {
    let value = match cell.value().filter(|_| !cell.is_printed_only()) {
        Some(value) => decimal_digits(value, 4),
        None => Shown(&cell.printed).to_string(),
    };
    let seeds = if cell.seeds == 1 { "1 seed".to_owned() } else { format!("{} seeds", cell.seeds) };
    let only = if cell.is_printed_only() { ", printed only" } else { "" };
    format!("{value} ({}, {seeds}{only})", cell.n)
}

fn gap(gap: &Gap) -> String {
    let difference = gap.difference.as_ref().map_or_else(|| "no figure".to_owned(), |gap| decimal_digits(gap, 4));
    let noise = gap
        .noise
        .as_ref()
        .map_or(String::new(), |noise| format!(" [{}, {}]", noise.low.digits_below(4), noise.high.digits_above(4)));
    format!("{difference}{noise}")
}

fn gaps(out: &mut String, compared: &Compared) {
    let comparison = &compared.comparison;
    let level = compared.rules.level.percent_digits(3);
    let mut rows =
        vec![[String::new(), "A".to_owned(), "B".to_owned(), format!("A - B [{level} % for all]"), String::new()]];
    for pair in &comparison.cells {
        let name = Shown(&pair.a.arm).to_string();
        rows.push([name, figure(&pair.a), figure(&pair.b), gap(&pair.gap), pair.gap.judged.name().to_owned()]);
    }
    if let Some(effect) = &comparison.effect {
        let name = "subject - comparator".to_owned();
        rows.push([name, String::new(), String::new(), gap(effect), effect.judged.name().to_owned()]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    put(out, format_args!("\n"));
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            put(&mut line, format_args!("  {cell:<width$}"));
        }
        put(out, format_args!("{}\n", format!("{line}  {}", row[4]).trim_end()));
    }
    let pairs = comparison.cells.iter().map(|pair| &pair.gap).chain(&comparison.effect);
    let mut told: Vec<String> = Vec::new();
    for noise in pairs.filter_map(|gap| gap.noise.as_ref()) {
        let printed = if noise.is_printed { ", by printed error bars" } else { "" };
        let text = format!("{} for {}{printed}", noise.method, noise.target);
        if !told.contains(&text) {
            told.push(text);
        }
    }
    if !told.is_empty() {
        put(out, format_args!("  intervals: {}\n", told.join("; ")));
    }
}

fn short(value: Option<&String>) -> String {
    let Some(value) = value else { return "not said".to_owned() };
    let shown = Shown(value).to_string();
    if shown.chars().count() <= MAX_VALUE {
        shown
    } else {
        format!("{}…", shown.chars().take(MAX_VALUE).collect::<String>())
    }
}

fn differences(out: &mut String, compared: &Compared) {
    let comparison = &compared.comparison;
    put(out, format_args!("\n"));
    if comparison.differences.is_empty() {
        put(out, format_args!("both say the same of everything\n"));
    }
    for bearing in Bearing::ALL {
        let those: Vec<&Difference> = comparison.differences.iter().filter(|one| one.bearing == *bearing).collect();
        if those.is_empty() {
            continue;
        }
        put(out, format_args!("{bearing}\n"));
        for one in those {
            let of = one.arm.as_ref().map_or(String::new(), |arm| format!(" of {}", Shown(arm)));
            let (a, b) = (short(one.a.as_ref()), short(one.b.as_ref()));
            put(out, format_args!("  {:<28} {a}  |  {b}\n", format!("{}{of}", one.field)));
        }
    }
    if !comparison.same.is_empty() {
        put(out, format_args!("alike: {}\n", comparison.same.join(", ")));
    }
}
