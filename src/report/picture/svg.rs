//! Lineage as an SVG: cards on no background, legible on white and on dark, with no script and nothing fetched.
//!
//! Cards bring their own light ground and dark text; what stands between them is of a grey that is at least 4 to 1 against
//! white and against near-black.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::lineage::Relation;
use crate::report::drawing::{columns, cut, escape};
use crate::report::picture::layout::{CARD_HEIGHT, CARD_WIDTH, Layout, MARGIN, lay_out};
use crate::report::picture::{Card, Picture, PictureError, Scene, Tie};
use crate::statement::{EdgeType, Kind};

const INK: &str = "#1b1f24";
const GREY: &str = "#6e7781";
const WEIGHTS: &str = "#3b7dd8";

/// Stripes of the arms, in the order of their names.
const ARMS: [&str; 6] = ["#0f8b8d", "#d9662b", "#7b5cc9", "#b8860b", "#c2497f", "#4c8c2b"];

/// Room for the legend below the cards.
const LEGEND: f64 = 30.0;

/// Characters of ordinary width that fit a card, in its title and in its smaller lines.
const TITLE_WIDTH: usize = 23;
const SMALL_WIDTH: usize = 31;

/// The graph as SVG. The same entries give the same bytes.
pub fn to_svg(scene: &Scene<'_>) -> Result<String, PictureError> {
    let picture = Picture::stacked(scene);
    let layout = lay_out(&picture)?;
    let mut arms: BTreeMap<&str, &str> = BTreeMap::new();
    for arm in picture.cards.iter().filter_map(|card| card.arm.as_deref()) {
        arms.insert(arm, "");
    }
    // One colour would say nothing.
    if arms.len() < 2 {
        arms.clear();
    }
    arms.values_mut().zip(ARMS.iter().cycle()).for_each(|(colour, next)| *colour = next);

    let legend = legend(&picture, &arms);
    let (width, height) = (layout.width.max(legend.1 + 2.0 * MARGIN), layout.height + LEGEND);
    let shift = ((width - layout.width) / 2.0).round();
    let mut out = String::new();
    put(
        &mut out,
        &format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"11\">"
        ),
    );
    put(&mut out, &format!("<title>Lineage of entry #{}</title>", scene.root));
    put(&mut out, &marker("made", GREY));
    put(&mut out, &marker("weights", WEIGHTS));
    put(&mut out, &format!("<g transform=\"translate({shift} 0)\">"));
    let ports = Ports::of(&picture, &layout);
    put(&mut out, "<g fill=\"none\">");
    let mut drawn: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (number, tie) in picture.ties.iter().enumerate() {
        // Several relations between the same two are one line, drawn as the first says.
        if drawn.insert((tie.from, tie.to)) {
            put(&mut out, &line(&picture, tie, &ports.way(number, tie, &layout)));
        }
    }
    put(&mut out, "</g>");
    for (card, place) in picture.cards.iter().zip(&layout.cards) {
        draw(&mut out, card, *place, card.arm.as_deref().and_then(|arm| arms.get(arm)).copied(), scene);
    }
    put(&mut out, "</g>");
    put(
        &mut out,
        &format!(
            "<g fill=\"{GREY}\" transform=\"translate({MARGIN} {})\">{}</g>\n</svg>",
            height - MARGIN + 4.0,
            legend.0
        ),
    );
    Ok(out)
}

fn put(out: &mut String, line: &str) {
    writeln!(out, "{line}").expect("writing to a String cannot fail");
}

fn marker(id: &str, colour: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"{colour}\"/></marker>"
    )
}

/// Ground and edge of a card.
fn colours(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Spec | Kind::SpecRendering | Kind::PromptTemplate => ("#efe9fb", "#7b5cc9"),
        Kind::Documents | Kind::GenerationReceipts | Kind::Dataset | Kind::Mix => ("#fff4d9", "#b98a1d"),
        Kind::BaseModel | Kind::Checkpoint | Kind::Tokenizer => ("#e4eefc", WEIGHTS),
        Kind::EvalLog | Kind::EvalSuite | Kind::JudgeConfig => ("#e4f5e8", "#3d9457"),
        Kind::Claim | Kind::Protocol => ("#fde9e7", "#cf4b40"),
        _ => ("#eef0f3", "#848d97"),
    }
}

fn draw(out: &mut String, card: &Card, (x, y): (f64, f64), stripe: Option<&str>, scene: &Scene<'_>) {
    let (ground, edge) = colours(card.kind);
    let left = x - CARD_WIDTH / 2.0;
    let is_root = card.members.contains(&scene.root);
    let rect = |shift: f64, width: f64| {
        format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{CARD_WIDTH}\" height=\"{CARD_HEIGHT}\" rx=\"6\" fill=\"{ground}\" \
             stroke=\"{edge}\" stroke-width=\"{width}\"/>",
            left + shift,
            y + shift
        )
    };
    let numbers: Vec<String> = card.members.iter().map(|index| format!("#{index}")).collect();
    put(out, &format!("<g><title>{}</title>", escape(&format!("{} {}: {}", card.kind, summary(&numbers), card.title))));
    if card.members.len() > 1 {
        put(out, &rect(8.0, 1.0));
        put(out, &rect(4.0, 1.0));
    }
    put(out, &rect(0.0, if is_root { 2.5 } else { 1.2 }));
    if let Some(colour) = stripe {
        let (top, height) = (y + 7.0, CARD_HEIGHT - 14.0);
        put(
            out,
            &format!(
                "<rect x=\"{}\" y=\"{top}\" width=\"4\" height=\"{height}\" rx=\"2\" fill=\"{colour}\"/>",
                left + 5.0
            ),
        );
    }
    let number = match card.members.as_slice() {
        [one] => format!("#{one}"),
        several if card.distinct < several.len() => format!("×{}, {} distinct", several.len(), card.distinct),
        several => format!("×{}", several.len()),
    };
    let text = |x: f64, dy: f64, more: &str, words: &str| {
        format!("<text x=\"{x}\" y=\"{}\"{more}>{}</text>", y + dy, escape(words))
    };
    let (start, end) = (left + 15.0, left + CARD_WIDTH - 9.0);
    put(out, &format!("<g fill=\"{INK}\">"));
    put(out, &text(start, 17.0, " font-size=\"10\" fill=\"#57606a\"", card.kind.name()));
    put(out, &text(end, 17.0, " font-size=\"10\" fill=\"#57606a\" text-anchor=\"end\"", &number));
    put(out, &text(start, 33.0, " font-size=\"12\" font-weight=\"600\"", &cut(&card.title, TITLE_WIDTH)));
    if !card.place.is_empty() {
        put(out, &text(start, 48.0, " font-size=\"10\"", &cut(&card.place, SMALL_WIDTH)));
    }
    put(out, "</g></g>");
}

/// At most a few of many.
fn summary(numbers: &[String]) -> String {
    const FEW: usize = 12;
    match numbers.get(..FEW) {
        Some(few) if numbers.len() > FEW => format!("{} and {} more", few.join(" "), numbers.len() - FEW),
        _ => numbers.join(" "),
    }
}

/// How a tie is drawn: colour, width, dashes, arrow.
fn stroke(relation: Relation) -> (&'static str, &'static str, &'static str, &'static str) {
    match relation {
        Relation::Edge(EdgeType::Continues | EdgeType::InitialisedFrom) => (WEIGHTS, "2.4", "", "weights"),
        Relation::Edge(
            EdgeType::Supersedes | EdgeType::Retracts | EdgeType::Excludes | EdgeType::Concerns | EdgeType::Locates,
        ) => (GREY, "1.3", " stroke-dasharray=\"7 4\"", "made"),
        Relation::Edge(EdgeType::Used) | Relation::Under => (GREY, "1.3", " stroke-dasharray=\"2 3\"", "made"),
        _ => (GREY, "1.3", "", "made"),
    }
}

fn line(picture: &Picture, tie: &Tie, way: &[(f64, f64)]) -> String {
    let (colour, width, dashes, arrow) = stroke(tie.relation);
    let mut path = String::new();
    for (number, (x, y)) in way.iter().enumerate() {
        match number.checked_sub(1).and_then(|before| way.get(before)) {
            None => write!(path, "M{x} {y}"),
            Some((before_x, before_y)) => {
                let half = f64::midpoint(*before_y, *y);
                write!(path, "C{before_x} {half} {x} {half} {x} {y}")
            }
        }
        .expect("writing to a String cannot fail");
    }
    let (from, to) = (&picture.cards[tie.from], &picture.cards[tie.to]);
    format!(
        "<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes} marker-end=\"url(#{arrow})\">\
         <title>{} {} {}</title></path>",
        to.kind,
        tie.relation.name(),
        from.kind
    )
}

/// Where ties leave and enter their cards: side by side, in the order of where they go, so that they do not lie on each other.
struct Ports {
    leave: BTreeMap<(usize, usize), f64>,
    enter: BTreeMap<(usize, usize), f64>,
}

impl Ports {
    fn of(picture: &Picture, layout: &Layout) -> Self {
        let (mut leaving, mut entering): (BTreeMap<usize, Vec<_>>, BTreeMap<usize, Vec<_>>) = Default::default();
        for (tie, way) in picture.ties.iter().zip(&layout.ties) {
            let (Some(next), Some(last)) = (way.get(1), way.len().checked_sub(2).and_then(|at| way.get(at))) else {
                continue;
            };
            leaving.entry(tie.from).or_default().push((next.0, tie.to));
            entering.entry(tie.to).or_default().push((last.0, tie.from));
        }
        let spread = |ends: BTreeMap<usize, Vec<(f64, usize)>>| {
            let mut ports = BTreeMap::new();
            for (card, mut others) in ends {
                others.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
                others.dedup();
                let count = u32::try_from(others.len()).map_or(f64::MAX, f64::from);
                let step = (0.7 * CARD_WIDTH / count).min(18.0);
                let mut offset = -step * (count - 1.0) / 2.0;
                for (_, other) in others {
                    ports.insert((card, other), offset.round());
                    offset += step;
                }
            }
            ports
        };
        Self { leave: spread(leaving), enter: spread(entering) }
    }

    /// The way of a tie from port to port; in rows that it crosses it runs straight past the cards.
    fn way(&self, number: usize, tie: &Tie, layout: &Layout) -> Vec<(f64, f64)> {
        let points = &layout.ties[number];
        let last = points.len().saturating_sub(1);
        let mut way = Vec::new();
        for (at, (x, y)) in points.iter().enumerate() {
            if at == 0 {
                way.push((x + self.leave.get(&(tie.from, tie.to)).copied().unwrap_or_default(), y + CARD_HEIGHT));
            } else if at == last {
                way.push((x + self.enter.get(&(tie.to, tie.from)).copied().unwrap_or_default(), *y));
            } else {
                way.extend([(*x, *y), (*x, y + CARD_HEIGHT)]);
            }
        }
        way
    }
}

/// What the lines and stripes mean, as far as they occur; and how wide that is.
fn legend(picture: &Picture, arms: &BTreeMap<&str, &str>) -> (String, f64) {
    let (mut out, mut x) = (String::new(), 0.0);
    let mut add = |sign: &str, words: &str| {
        let words = cut(words, SMALL_WIDTH);
        write!(out, "<g transform=\"translate({x} 0)\">{sign}<text x=\"30\" y=\"4\">{}</text></g>", escape(&words))
            .expect("writing to a String cannot fail");
        x += 30.0 + 6.6 * u32::try_from(columns(&words)).map_or(f64::MAX, f64::from) + 18.0;
        x = x.round();
    };
    for (arm, colour) in arms {
        let sign = format!("<rect x=\"20\" y=\"-8\" width=\"4\" height=\"16\" rx=\"2\" fill=\"{colour}\"/>");
        add(&sign, &format!("arm {}", crate::report::Shown(arm)));
    }
    for (relation, words) in [
        (Relation::Edge(EdgeType::Continues), "weights go on"),
        (Relation::Edge(EdgeType::DerivedFrom), "went into"),
        (Relation::Edge(EdgeType::Used), "read by the run, or registered before"),
        (Relation::Edge(EdgeType::Supersedes), "replaced by, or spoken of in"),
    ] {
        let (colour, width, dashes, _) = stroke(relation);
        if picture.ties.iter().any(|tie| stroke(tie.relation) == stroke(relation)) {
            let sign = format!("<path d=\"M0 0H24\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>");
            add(&sign, words);
        }
    }
    (out, x)
}
