//! The picture of a claim: what it says, that nothing foreign leaves its place, and that the same figures are the same bytes.

use num_rational::BigRational;

use super::{ForestError, to_forest};
use crate::check::tests::{evidence, pinned};
use crate::check::{Bar, CHECKS, Figure, Figures, Finding, Outcome, Rebuilds};
use crate::claim::{Assessment, Assurance, Level, NUMBER, Verdict};
use crate::statement::ContrastKind;
use crate::stats::Enclosure;

fn share(of_thousand: i64) -> BigRational {
    BigRational::new(of_thousand.into(), 1000.into())
}

fn bar(low: i64, high: i64) -> Bar {
    let end = |of| Enclosure::exact(share(of));
    Bar { low: end(low), high: end(high), rule: "95% for new training seeds by student-t".to_owned() }
}

fn arm(label: &str, value: i64, interval: Result<Bar, String>) -> Figure {
    Figure {
        label: label.to_owned(),
        of: String::new(),
        printed: Some(format!("{}%", decimal(value))),
        value: share(value),
        seeds: vec![share(value - 20), share(value + 20)],
        interval,
    }
}

fn decimal(of_thousand: i64) -> String {
    format!("{}.{}", of_thousand / 10, of_thousand.abs() % 10)
}

fn figures(name: &str) -> Figures {
    let contrast = Figure { of: format!("{name} minus plain"), ..arm("difference", 288, Ok(bar(199, 377))) };
    Figures {
        claim: name.to_owned(),
        score: format!("mean of `{name}`; higher is better"),
        rates: vec![arm(name, 571, Ok(bar(489, 653))), arm("plain", 283, Err("it has one seed".to_owned()))],
        contrast: Some((ContrastKind::Difference, contrast)),
    }
}

fn assessment(verdict: Verdict) -> Assessment {
    let findings = CHECKS.iter().map(|check| Finding::new(check.id(), Outcome::Pass, "holds")).collect();
    let (level, assurance) = (Level::L0, Assurance::none());
    let (rebuilds, evidence) = (Rebuilds::default(), Some(evidence(pinned())));
    Assessment { verdict, level, assurance, rebuilds, profile: NUMBER, findings, evidence }
}

fn draw(figures: &Figures) -> String {
    to_forest(&assessment(Verdict::Verified), Some(&Ok(figures.clone()))).unwrap()
}

/// Every text that is shown or read out.
fn texts(svg: &str) -> Vec<&str> {
    svg.split('>')
        .filter_map(|part| part.split_once("</"))
        .map(|(text, _)| text)
        .filter(|text| !text.is_empty())
        .collect()
}

#[test]
fn the_picture_says_the_verdict_every_figure_and_what_is_not_proven() {
    let svg = draw(&figures("midtrained"));
    let texts = texts(&svg);
    let has = |wanted: &str| assert!(texts.iter().any(|text| text.contains(wanted)), "{wanted}: {texts:#?}");
    assert!(texts.contains(&"VERIFIED·L0·number"), "{texts:#?}");
    has("self-asserted: nobody outside the lab has seen this ledger");
    has("claim &quot;midtrained&quot;");
    has("printed 57.1%, computed 57.10%");
    has("48.90% to 65.30%");
    has("no bar: it has one seed");
    has("midtrained minus plain; the dashed line is where they do not differ");
    has("bars of the arms: 95% for new training seeds by student-t");
    has("not proven by this: that the lab is honest");
    // The description alone has all figures, seed by seed.
    let description = texts.iter().find(|text| text.contains("seed by seed")).unwrap();
    for figure in ["57.10%", "seed by seed 55.10%, 59.10%", "difference (midtrained minus plain): printed 28.8%"] {
        assert!(description.contains(figure), "{figure}: {description}");
    }
    assert!(svg.contains("role=\"img\" aria-labelledby=\"claim") && svg.contains("<title id=\"claim"), "{svg}");
    // A dashed line for the contrast, no other; a mark for each seed of each row.
    assert_eq!(svg.matches("class=\"zero\"").count(), 1);
    assert_eq!(svg.matches("<circle").count(), 1 + 6);
}

#[test]
fn what_differs_contradicts_or_warns_stands_above_the_numbers() {
    let mut contradicted = assessment(Verdict::Contradicted);
    let found = |id| CHECKS.iter().position(|check| check.id() == id).unwrap();
    contradicted.findings[found("stat.recompute")] = Finding::new("stat.recompute", Outcome::Fail, "it is 0.5");
    contradicted.findings[found("stat.gates")] = Finding::new("stat.gates", Outcome::Differs, "not met");
    contradicted.findings[found("stat.sensitivity")].warnings.push("by another metric".to_owned());
    let svg = to_forest(&contradicted, Some(&Ok(figures("midtrained")))).unwrap();
    let texts = texts(&svg);
    for wanted in ["CONTRADICTED·L0·number", "FAIL stat.recompute: it is 0.5", "DIFFERS stat.gates: not met"] {
        assert!(texts.contains(&wanted), "{wanted}: {texts:#?}");
    }
    assert!(texts.contains(&"note well: by another metric"), "{texts:#?}");
    // However much differs, what contradicts is on the page.
    for finding in contradicted.findings.iter_mut().filter(|finding| finding.outcome == Outcome::Pass) {
        finding.outcome = Outcome::Differs;
    }
    let svg = to_forest(&contradicted, Some(&Ok(figures("midtrained")))).unwrap();
    assert!(svg.contains("FAIL stat.recompute: it is 0.5"), "{svg}");
}

#[test]
fn r05_nothing_foreign_is_markup_moves_the_cursor_or_hides() {
    let hostile =
        "</text><script>alert(1)</script>\"><img src=x onerror=alert(1)>]]>\u{1b}[2J\u{202e}\u{0}javascript:'&amp;";
    let mut hostile_figures = figures(hostile);
    hostile_figures.rates[0].printed = Some(hostile.to_owned());
    hostile_figures.rates[1].interval = Err(hostile.to_owned());
    let mut judged = assessment(Verdict::Verified);
    judged.evidence.as_mut().unwrap().origin = hostile.to_owned();
    judged.findings[0].warnings.push(hostile.to_owned());
    let svg = to_forest(&judged, Some(&Ok(hostile_figures))).unwrap();
    let plain = draw(&figures("midtrained"));
    for markup in ["<script", "<img", "</text><", "<!", "<foreignObject", "<a ", "<use", "<image", "onerror=alert(1)>"]
    {
        assert!(!svg.contains(markup), "{markup}");
    }
    // Our own elements and no other: texts may take more lines, and nothing else is more.
    let others = |svg: &str| svg.matches('<').count() - svg.matches("<text").count() - svg.matches("</text").count();
    assert_eq!(others(&svg), others(&plain));
    let bad = svg.chars().find(|character| {
        (character.is_control() && *character != '\n') || ('\u{202a}'..='\u{202e}').contains(character)
    });
    assert_eq!(bad, None);
    assert!(!svg.contains("http://") || svg.matches("http://").count() == 1, "the name of the format, and no address");
    assert!(!svg.contains("url(") && !svg.contains("@import") && !svg.contains("href"));
}

#[test]
fn the_same_figures_are_the_same_bytes_and_other_figures_are_not() {
    assert_eq!(draw(&figures("midtrained")), draw(&figures("midtrained")));
    assert_ne!(draw(&figures("midtrained")), draw(&figures("other")));
}

#[test]
fn numbers_beyond_shares_have_an_axis_and_those_beyond_a_page_have_none() {
    let mut scores = figures("score");
    scores.contrast = None;
    scores.rates = vec![Figure { printed: Some("7.25".to_owned()), ..arm("a", 7250, Ok(bar(6900, 7600))) }];
    let svg = draw(&scores);
    assert!(svg.contains(">7.0<") && svg.contains("printed 7.25, computed 7.2500"), "{svg}");
    scores.rates[0].value = BigRational::from_integer(num_bigint::BigInt::from(10).pow(400));
    let refused = to_forest(&assessment(Verdict::Verified), Some(&Ok(scores)));
    assert_eq!(refused, Err(ForestError::TooLarge));
}

#[test]
fn what_was_not_verified_or_has_no_number_has_no_picture() {
    let none = to_forest(&assessment(Verdict::NotRecomputable), Some(&Err("the samples are withheld".to_owned())));
    assert_eq!(none.unwrap_err().to_string(), "there is no number to draw: the samples are withheld");
    let mut refused = assessment(Verdict::Contradicted);
    refused.evidence = None;
    refused.findings = vec![Finding::new("ledger.chain", Outcome::Fail, "the root is another")];
    let none = to_forest(&refused, None).unwrap_err().to_string();
    assert_eq!(none, "there is no number to draw: CONTRADICTED·L0·number — the root is another");
}
