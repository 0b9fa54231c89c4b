//! A claim as a picture: a forest plot of what was computed again from verified evidence, with the verdict in words.
//!
//! It shows each arm's rate seed by seed with its interval, the contrast with the line at which the arms do not differ, and
//! beside each figure what was printed. It has no script and fetches nothing, the same assessment gives the same bytes, a
//! screen reader finds all figures in its description, and it is legible on white, in dark mode and in print.

mod axis;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::fmt::Write as _;

use num_bigint::BigInt;
use num_rational::BigRational;

use crate::check::{Bar, Figure, Figures, Outcome};
use crate::claim::Assessment;
use crate::digest::hex;
use crate::report::drawing::{cut, escape, wrap};
use crate::report::forest::axis::{Axis, near};
use crate::report::{Shown, first_line};
use crate::stats::decimal::decimal_digits;
use crate::stats::{Enclosure, Printed};

const WIDTH: f64 = 840.0;
const MARGIN: f64 = 18.0;

/// Where labels end, the plot begins and ends, and figures begin.
const LABELS: f64 = 226.0;
const LEFT: f64 = 244.0;
const RIGHT: f64 = 560.0;
const WORDS: f64 = 584.0;

/// Height of a row and of what stands below the rows of a plot.
const ROW: f64 = 40.0;
const AXIS: f64 = 44.0;

/// Columns of ordinary letters that fit a label, the words beside a row, and a line of the page.
const LABEL_COLUMNS: usize = 30;
const WORD_COLUMNS: usize = 42;
const LINE_COLUMNS: usize = 128;

/// Notes above the plot; the report has all of them.
const MAX_NOTES: usize = 4;

/// Digits of the head's root that tell one history from another; the report has all of them.
const ROOT_DIGITS: usize = 16;

/// How texts look, by the classes below.
const INK: &str = "class=\"ink\"";
const INK_LARGE: &str = "class=\"ink\" font-size=\"16\" font-weight=\"700\"";
const INK_BOLD: &str = "class=\"ink\" font-weight=\"600\"";
const INK_END: &str = "class=\"ink\" text-anchor=\"end\"";
const SOFT: &str = "class=\"soft\"";
const SOFT_SMALL: &str = "class=\"soft\" font-size=\"11\"";
const SOFT_MIDDLE: &str = "class=\"soft\" font-size=\"11\" text-anchor=\"middle\"";

/// Colours by class, on white; and what changes on dark.
const STYLE: [(&str, &str, &str); 8] = [
    ("ground", "fill:#ffffff", "fill:#0d1117"),
    ("ink", "fill:#1b1f24", "fill:#e6edf3"),
    ("soft", "fill:#57606a", "fill:#9da7b1"),
    ("rule", "stroke:#d8dee4", "stroke:#30363d"),
    ("zero", "stroke:#57606a", "stroke:#9da7b1"),
    ("first", "fill:#1b6ca8;stroke:#1b6ca8", "fill:#58a6ff;stroke:#58a6ff"),
    ("other", "fill:#a8440e;stroke:#a8440e", "fill:#f0883e;stroke:#f0883e"),
    ("whole", "fill:#1b1f24;stroke:#1b1f24", "fill:#e6edf3;stroke:#e6edf3"),
];

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForestError {
    /// Nothing that was verified has a number.
    #[error("there is no number to draw: {0}")]
    NoNumber(String),
    /// A page has no place for it.
    #[error("a number of the claim is too large to be drawn")]
    TooLarge,
}

/// Draws the figures of an assessed claim.
pub fn to_forest(assessment: &Assessment, figures: Option<&Result<Figures, String>>) -> Result<String, ForestError> {
    let figures = match figures {
        Some(Ok(figures)) => figures,
        Some(Err(why)) => return Err(ForestError::NoNumber(why.clone())),
        None => return Err(ForestError::NoNumber(first_line(assessment))),
    };
    let mut page = Page { body: String::new(), y: 0.0, id: id(assessment) };
    let heading = first_line(assessment);
    let (verdict, voucher) = heading.split_once(" — ").unwrap_or((&heading, ""));
    page.line(34.0, INK_LARGE, verdict);
    for line in wrap(voucher, LINE_COLUMNS, 2) {
        page.line(18.0, SOFT, &line);
    }
    let claim = format!("claim \"{}\"", Shown(&figures.claim));
    page.line(30.0, INK_BOLD, &cut(&claim, LINE_COLUMNS));
    for line in noted(assessment).iter().flat_map(|note| wrap(note, LINE_COLUMNS, 2)) {
        page.line(18.0, INK, &line);
    }
    page.y += 12.0;
    page.plot(&figures.rates, &Shown(&figures.score).to_string(), None)?;
    if let Some((kind, contrast)) = &figures.contrast {
        page.y += 14.0;
        let caption = format!("{}; the dashed line is where they do not differ", Shown(&contrast.of));
        page.plot(std::slice::from_ref(contrast), &caption, Some(near(&Figures::nothing(*kind))))?;
    }
    page.legend(figures, assessment);
    Ok(page.finish(&format!("{verdict}: {claim}"), &described(figures, voucher)))
}

/// An id that is the same for the same claim at the same head, so that several pictures can stand in one document.
fn id(assessment: &Assessment) -> String {
    let evidence = assessment.evidence.as_ref();
    let root = evidence.map_or(String::new(), |evidence| hex(evidence.head.root.as_bytes()));
    let entry = evidence.map_or(0, |evidence| evidence.claim.0);
    format!("claim{entry}-{}", root.get(..8).unwrap_or_default())
}

/// What a reader must see beside the numbers: what differs or contradicts, and what the checks warn of.
fn noted(assessment: &Assessment) -> Vec<String> {
    // What contradicts comes first: differences before it must not push it off the page.
    let against = [Outcome::Fail, Outcome::Differs].into_iter().flat_map(|outcome| {
        let found = assessment.findings.iter().filter(move |finding| finding.outcome == outcome);
        found.map(|finding| {
            let reason = finding.reason.lines().next().unwrap_or_default();
            format!("{} {}: {}", finding.outcome.name(), finding.check, Shown(reason))
        })
    });
    let warnings = assessment.findings.iter().flat_map(|finding| &finding.warnings);
    against.chain(warnings.map(|warning| format!("note well: {}", Shown(warning)))).take(MAX_NOTES).collect()
}

/// The picture while it is drawn, from the top.
struct Page {
    body: String,
    y: f64,
    id: String,
}

impl Page {
    fn put(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{line}").expect("writing to a String cannot fail");
    }

    /// Foreign words; the attributes are ours.
    fn text(&mut self, (x, y): (f64, f64), attributes: &str, words: &str) {
        let words = escape(words);
        self.put(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{words}</text>"));
    }

    /// A line of the page, some way below what stands there.
    fn line(&mut self, below: f64, attributes: &str, words: &str) {
        self.y += below;
        self.text((MARGIN, self.y), attributes, words);
    }

    /// Rows of figures over one axis; `nothing` is where no difference lies.
    fn plot(&mut self, rows: &[Figure], caption: &str, nothing: Option<f64>) -> Result<(), ForestError> {
        let mut values: Vec<f64> = rows.iter().flat_map(reach).chain(nothing).collect();
        // Shares are shown between 0 and 1, so that a small difference looks small.
        if nothing.is_none() && values.iter().all(|value| (0.0..=1.0).contains(value)) {
            values.extend([0.0, 1.0]);
        }
        let axis = Axis::over(&values, LEFT, RIGHT - LEFT).ok_or(ForestError::TooLarge)?;
        let in_percent = rows.iter().all(is_percent);
        let (top, rows_height) = (self.y, ROW * u32::try_from(rows.len()).map_or(0.0, f64::from));
        let bottom = top + rows_height;
        for (at, words) in axis.ticks(in_percent) {
            self.put(format_args!("<path d=\"M{at:.1} {top}V{bottom}\" class=\"rule\"/>"));
            self.text((at, bottom + 16.0), SOFT_MIDDLE, &words);
        }
        if let Some(at) = nothing.map(|nothing| axis.at(nothing)) {
            self.put(format_args!(
                "<path d=\"M{at:.1} {top}V{bottom}\" class=\"zero\" stroke-width=\"1.5\" stroke-dasharray=\"5 3\"/>"
            ));
        }
        for (number, row) in rows.iter().enumerate() {
            let y = top + ROW * u32::try_from(number).map_or(0.0, f64::from) + ROW / 2.0;
            self.row(row, y, &axis, ["first", "other"].get(number).filter(|_| nothing.is_none()).unwrap_or(&"whole"));
        }
        self.text((f64::midpoint(LEFT, RIGHT), bottom + 32.0), SOFT_MIDDLE, &cut(caption, 2 * WORD_COLUMNS));
        self.y = bottom + AXIS;
        Ok(())
    }

    fn row(&mut self, row: &Figure, y: f64, axis: &Axis, class: &str) {
        self.text((LABELS, y + 4.0), INK_END, &cut(&Shown(&row.label).to_string(), LABEL_COLUMNS));
        let line = y - 3.0;
        self.put(format_args!("<g class=\"{class}\">"));
        if let Ok(bar) = &row.interval {
            let (low, high) = (axis.at(near(bar.low.low())), axis.at(near(bar.high.high())));
            let (up, down) = (line - 5.0, line + 5.0);
            self.put(format_args!(
                "<path d=\"M{low:.1} {up:.1}V{down:.1}M{low:.1} {line:.1}H{high:.1}M{high:.1} {up:.1}V{down:.1}\" \
                 fill=\"none\" stroke-width=\"1.6\"/>"
            ));
        }
        let at = axis.at(near(&row.value));
        self.put(format_args!("<path d=\"M{at:.1} {:.1}l5.5 5.5-5.5 5.5-5.5-5.5z\"/>", line - 5.5));
        for seed in &row.seeds {
            let (at, y) = (axis.at(near(seed)), y + 10.0);
            self.put(format_args!("<circle cx=\"{at:.1}\" cy=\"{y:.1}\" r=\"3\" fill-opacity=\"0.25\"/>"));
        }
        self.put(format_args!("</g>"));
        let (first, second) = words(row);
        self.text((WORDS, y - 3.0), INK, &cut(&first, WORD_COLUMNS));
        self.text((WORDS, y + 13.0), SOFT_SMALL, &cut(&second, WORD_COLUMNS));
    }

    /// What the signs mean, how sure the bars are, and where all of it comes from.
    fn legend(&mut self, figures: &Figures, assessment: &Assessment) {
        self.y += 20.0;
        let (y, middle) = (self.y, self.y - 4.0);
        self.put(format_args!(
            "<g class=\"ink\" stroke=\"none\"><path d=\"M24 {:.1}l5.5 5.5-5.5 5.5-5.5-5.5z\"/>\
             <circle cx=\"218\" cy=\"{middle}\" r=\"3\"/></g>",
            middle - 5.5
        ));
        self.text((36.0, y), SOFT, "computed again, all seeds");
        self.text((228.0, y), SOFT, "one seed, or one pair of seeds, computed again");
        let mut lines = Vec::new();
        if let Some(bar) = figures.rates.iter().find_map(|figure| figure.interval.as_ref().ok()) {
            lines.push(format!("bars of the arms: {}", bar.rule));
        }
        if let Some(Ok(bar)) = figures.contrast.as_ref().map(|(_, figure)| &figure.interval) {
            lines.push(format!("bar of the contrast: {}", bar.rule));
        }
        if let Some(evidence) = &assessment.evidence {
            let root = hex(evidence.head.root.as_bytes());
            lines.push(format!(
                "ledger {}, {} entries, head {}…",
                Shown(&evidence.origin),
                evidence.head.size,
                root.get(..ROOT_DIGITS).unwrap_or(&root)
            ));
        }
        lines.push(
            "not proven by this: that the lab is honest about what it ran, and what the evaluation measures".to_owned(),
        );
        for line in lines.iter().flat_map(|line| wrap(line, LINE_COLUMNS, 2)) {
            self.line(17.0, SOFT, &line);
        }
        self.y += MARGIN;
    }

    fn finish(self, title: &str, description: &str) -> String {
        let Self { body, y: height, id } = self;
        let css = |rules: [(&str, &str); 8]| {
            rules.iter().fold(String::new(), |css, (class, rule)| format!("{css}#{id} .{class}{{{rule}}}"))
        };
        let light = css(STYLE.map(|(class, light, _)| (class, light)));
        let dark = css(STYLE.map(|(class, _, dark)| (class, dark)));
        let (title, description) = (escape(title), escape(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{id}\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
             font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"12\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{description}</desc>\n\
             <style>{light}@media screen and (prefers-color-scheme:dark){{{dark}}}</style>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" class=\"ground\"/>\n{body}</svg>\n"
        )
    }
}

/// Every value that a row draws.
fn reach(row: &Figure) -> Vec<f64> {
    let ends = row.interval.iter().flat_map(|bar| [bar.low.low(), bar.high.high()]);
    ends.chain(&row.seeds).chain([&row.value]).map(near).collect()
}

fn is_percent(row: &Figure) -> bool {
    row.printed.as_ref().is_none_or(|printed| Printed::parse(printed).is_ok_and(|printed| printed.is_percent()))
}

/// A number as the claim prints its own: in percent, or plain.
fn figure(value: &BigRational, in_percent: bool) -> String {
    if in_percent {
        format!("{}%", decimal_digits(&(value * BigRational::from_integer(BigInt::from(100))), 2))
    } else {
        decimal_digits(value, 4)
    }
}

/// Both ends, rounded outward.
fn ends(bar: &Bar, in_percent: bool) -> String {
    let end = |value: &BigRational, is_low: bool| {
        let (scaled, places, unit) = if in_percent {
            (value * BigRational::from_integer(BigInt::from(100)), 2, "%")
        } else {
            (value.clone(), 4, "")
        };
        let scaled = Enclosure::exact(scaled);
        let digits = if is_low { scaled.digits_below(places) } else { scaled.digits_above(places) };
        format!("{digits}{unit}")
    };
    format!("{} to {}", end(bar.low.low(), true), end(bar.high.high(), false))
}

/// What stands beside a row: what was printed, and what was computed.
fn words(row: &Figure) -> (String, String) {
    let in_percent = is_percent(row);
    let printed =
        row.printed.as_ref().map_or("not printed".to_owned(), |printed| format!("printed {}", Shown(printed)));
    let computed = format!("computed {}", figure(&row.value, in_percent));
    match &row.interval {
        Ok(bar) => (format!("{printed}, {computed}"), ends(bar, in_percent)),
        Err(why) => (format!("{printed}, {computed}"), format!("no bar: {}", Shown(why))),
    }
}

/// All figures in words.
fn described(figures: &Figures, voucher: &str) -> String {
    let row = |row: &Figure| {
        let in_percent = is_percent(row);
        let (first, second) = words(row);
        let seeds: Vec<String> = row.seeds.iter().map(|seed| figure(seed, in_percent)).collect();
        let seeds = if seeds.is_empty() { String::new() } else { format!("; seed by seed {}", seeds.join(", ")) };
        let of = if row.of.is_empty() { String::new() } else { format!(" ({})", Shown(&row.of)) };
        format!("{}{of}: {first}, {second}{seeds}.", Shown(&row.label))
    };
    let rows = figures.rates.iter().chain(figures.contrast.iter().map(|(_, contrast)| contrast)).map(row);
    std::iter::once(format!("{voucher}. {}.", Shown(&figures.score))).chain(rows).collect::<Vec<_>>().join(" ")
}
