//! What the draws came to, for a person who has to read them.

use crate::cli::render::put;
use crate::cli::sample::Sampled;
use crate::cli::sample::likelihoods::Taken;
use crate::report::{Shown, first_line};
use crate::sampling::{Draw, State};
use crate::stats::Enclosure;

/// Draws that are listed without `--verbose`, those to be asked for first.
const LISTED: usize = 12;

/// A bound in percent, rounded up.
fn percent(bound: &Enclosure) -> String {
    let hundred = Enclosure::exact(num_rational::BigRational::from_integer(100.into()));
    let zero = Enclosure::exact(num_rational::BigRational::from_integer(0.into()));
    // A bound lies between 0 and 1; 100 of it is the sum that this type has.
    let scaled = (0..100).fold(zero, |sum, _| &sum + bound);
    scaled.min(&hundred).digits_above(2)
}

pub(super) fn text(sampled: &Sampled, all: bool) -> String {
    let mut out = String::new();
    let (drawn, holding) = (sampled.draws.len(), sampled.draws.iter().filter(|draw| draw.holds()).count());
    let worst = sampled.bought.iter().map(|arm| &arm.bound).max_by(|a, b| a.high().cmp(b.high()));
    let bound = worst.map_or(String::new(), |bound| {
        format!("; no more than {} % of an arm's samples are bad, at 95 %", percent(bound))
    });
    put(&mut out, format_args!("{} — {holding} of {drawn} draws opened and hold{bound}\n\n", sampled.word()));
    put(&mut out, format_args!("evidence  {}\n", first_line(&sampled.assessment)));
    put(
        &mut out,
        format_args!(
            "nonce     \"{}\"  (yours; nobody may have known it before you had the evidence)\n",
            Shown(&sampled.nonce)
        ),
    );
    if !sampled.head.is_empty() {
        put(&mut out, format_args!("head      sha256 root {}\n", sampled.head));
    }
    for arm in &sampled.bought {
        put(
            &mut out,
            format_args!(
                "\n{}  {} drawn: {} in the log at hand, {} opened by record, {} do not hold, {} not opened, {} judged bad by you\n  counted as bad {} of {}: at most {} % of its samples, at 95 % (exact)\n",
                Shown(&arm.arm),
                arm.drawn,
                arm.in_log,
                arm.records,
                arm.failed,
                arm.missing,
                arm.judged_bad,
                arm.bad(),
                arm.drawn,
                percent(&arm.bound)
            ),
        );
    }
    for (file, why) in &sampled.refused {
        put(&mut out, format_args!("\nopening `{}` does not hold: {}\n", Shown(file), Shown(why)));
    }
    list(&mut out, sampled, all);
    if all {
        list_weights(&mut out, sampled);
    }
    if let Some(taken) = &sampled.likelihoods {
        put(&mut out, format_args!("\n{}\n", scored(taken)));
    }
    put(
        &mut out,
        format_args!(
            "\nnot shown by any of this\n  that the model wrote these samples: that is the lab's word\n  that a sample that is what was committed to was judged rightly: read it, and say --bad for what you find\n  anything of samples that were never recorded\n"
        ),
    );
    out
}

/// What was taken of a table, and where it was signed.
fn scored(taken: &Taken) -> String {
    let Taken { draws, checkpoints, tool, distribution, signed } = taken;
    let signed = signed.as_ref().map_or("not signed (--sign)".to_owned(), |signed| {
        let file = signed.attestation.as_ref().map_or(String::new(), |file| format!(", in {}", Shown(file)));
        format!("signed as entry {} of \"{}\"{file}", signed.entry, Shown(&signed.ledger))
    });
    format!(
        "likelihoods  {draws} draws under {checkpoints} sets of weights, {distribution}, by \"{}\"\n  {signed}",
        Shown(tool)
    )
}

fn list_weights(out: &mut String, sampled: &Sampled) {
    put(out, format_args!("\nweights on record, each under one of its digests (--likelihoods)\n"));
    for weights in &sampled.weights {
        let again = if weights.again.is_empty() { "" } else { "  recorded more than once" };
        let digest = weights.digests.first().map(ToString::to_string).unwrap_or_default();
        put(out, format_args!("  entry {:<6} {digest}{again}\n", weights.entry));
    }
}

fn list(out: &mut String, sampled: &Sampled, all: bool) {
    let rank = |draw: &Draw| match draw.state {
        State::Failed { .. } => 0,
        State::Missing => 1,
        State::Record | State::InLog { .. } => 2,
    };
    let mut draws: Vec<&Draw> = sampled.draws.iter().collect();
    if !all {
        draws.sort_by_key(|draw| rank(draw));
    }
    let shown = if all { usize::MAX } else { LISTED };
    if !draws.is_empty() {
        put(out, format_args!("\ndraws, as ENTRY:NUMBER\n"));
    }
    for draw in draws.iter().take(shown) {
        let state = match &draw.state {
            State::InLog { path } => format!("in {}", Shown(path)),
            State::Record => "record opened".to_owned(),
            State::Failed { why } => format!("does not hold: {}", Shown(why)),
            State::Missing => "not opened".to_owned(),
        };
        let key = draw.key.as_ref().map_or(String::new(), |key| format!("  {}", Shown(key)));
        let score = draw.score.as_ref().map_or(String::new(), |score| format!("  score {}", Shown(score)));
        let bad = if sampled.bad.contains(&draw.name()) { "  judged bad by you" } else { "" };
        put(out, format_args!("  {:<12} {state}{key}{score}{bad}\n", draw.name()));
    }
    if draws.len() > shown {
        put(out, format_args!("  and {} more (--verbose, --json)\n", draws.len() - shown));
    }
    if draws.iter().any(|draw| draw.state == State::Missing) {
        put(
            out,
            format_args!(
                "  ask the lab for the logs (--artifacts), or for each draw: reproledger prove --item ENTRY '#NUMBER' -o FILE (--opened)\n"
            ),
        );
    }
}
