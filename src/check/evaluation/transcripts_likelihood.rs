//! `transcripts.likelihood`: did these transcripts come from these weights, by somebody who holds the weights?
//!
//! Two things can show it. Somebody made the logs again from the weights, transcript by transcript. Or somebody who holds
//! all weights on record scored transcripts that a nonce drew: what is decided then, and how sure it is, is in
//! [`crate::stats::likelihood`]. Either is a party's word, and counts as a rebuild does.

use std::collections::BTreeSet;

use num_rational::BigRational;

use super::logs::{Log, logs};
use super::scored::{Comparison, Scored, Sources, scored, weights_of};
use crate::check::arms::escaped;
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::Relation;
use crate::merkle::EntryIndex;
use crate::statement::EdgeType;
use crate::stats::decimal::decimal_digits;
use crate::stats::{ERROR_PERCENT, Source, more_needed, threshold, weigh};

pub(in crate::check) const ENTRY: &dyn Check = &TranscriptsLikelihood;
const ID: &str = "transcripts.likelihood";

/// Statements that are told of one by one.
const MAX_TOLD: usize = 20;

/// What anybody can do where nobody has done anything.
const ASK: &str = "ask who holds the weights to score transcripts that you draw, under every checkpoint on record (sample --likelihoods)";

struct TranscriptsLikelihood;

impl Check for TranscriptsLikelihood {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Did somebody who holds the weights see that these transcripts are theirs, and not those of another model?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        if case.claim.is_none() {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        }
        let Ok((_, logs)) = logs(case, ID) else { return asserted(case, None).next(ASK) };
        let again: BTreeSet<EntryIndex> =
            logs.iter().map(|log| log.entry).filter(|log| is_made_again(case, *log)).collect();
        if again.len() == logs.iter().map(|log| log.entry).collect::<BTreeSet<_>>().len() {
            return made_again(case, &again);
        }
        let finding = of_likelihoods(case, &logs);
        if again.is_empty() || finding.outcome != Outcome::Unknown {
            return finding;
        }
        finding.note(format!(
            "{} of {} logs were made again from the weights that they are of",
            again.len(),
            logs.len()
        ))
    }
}

/// UNKNOWN, with whose word it is and what was lacking.
fn asserted(case: &Case<'_>, but: Option<String>) -> Finding {
    let logs = case.input_entries().filter_map(|index| case.evidence.entries.get(&index));
    let issuers: BTreeSet<String> = logs.map(|entry| escaped(&entry.claims().issuer)).collect();
    let issuers: Vec<String> = issuers.into_iter().map(|issuer| format!("\"{issuer}\"")).collect();
    let who = if issuers.is_empty() { "nobody here".to_owned() } else { issuers.join(" and ") };
    let but = but.map(|but| format!("; {but}")).unwrap_or_default();
    let reason = format!("that these transcripts came from these weights is the word of {who}{but}");
    Finding::new(ID, Outcome::Unknown, reason).at(case.input_entries())
}

/// True where enough parties made a log again, exactly, by a run that read the weights that it is of.
fn is_made_again(case: &Case<'_>, log: EntryIndex) -> bool {
    let weights = weights_of(case, log);
    let reads = |start: EntryIndex| {
        let mut used = case.graph().links(start).filter(|(of, _)| *of == Relation::Edge(EdgeType::Used));
        used.any(|(_, used)| weights.iter().any(|weights| case.graph().is_same(used, *weights)))
    };
    let rebuilds = case.rebuilds();
    let counted = rebuilds.all.iter().filter(|attested| attested.why_not.is_none());
    let mut runs = counted.flat_map(|attested| &attested.runs);
    rebuilds.is_again(log) && runs.any(|run| run.exact.contains(&log) && reads(run.start))
}

fn made_again(case: &Case<'_>, again: &BTreeSet<EntryIndex>) -> Finding {
    let names: BTreeSet<&str> = again.iter().flat_map(|log| case.rebuilds().by(*log)).collect();
    let names: Vec<String> = names.into_iter().map(|name| format!("{name:?}")).collect();
    let all = match again.len() {
        1 => "the one log was".to_owned(),
        n => format!("all {n} logs were"),
    };
    let reason =
        format!("{all} made again from the weights they are of, transcript by transcript, by {}", names.join(", "));
    Finding::new(ID, Outcome::Pass, reason).at(again.iter().copied())
}

fn of_likelihoods(case: &Case<'_>, logs: &[Log<'_>]) -> Finding {
    let sources = match Sources::of(case, logs) {
        Ok(sources) => sources,
        Err(why) => return asserted(case, Some(why)).next("ask the lab for logs that say which weights they evaluate"),
    };
    let all = scored(case, logs, &sources);
    let mut finding = judged(case, &sources, &all);
    finding.notes.extend(all.iter().take(MAX_TOLD).map(told));
    if let Some(more) = all.len().checked_sub(MAX_TOLD).filter(|more| *more > 0) {
        finding.notes.push(format!("and {more} more statements of likelihoods"));
    }
    // Whom nobody knows contradicts nothing, and is not passed over in silence either.
    let unknown: Vec<&Scored> = all.iter().filter(|scored| !scored.standing.is_known()).collect();
    if let Some((scored, against)) = Tests::of(&unknown).against() {
        let why = scored.why_not.unwrap_or("nobody you named");
        finding.warnings.push(format!("{against}, scored by {}; {why}", scored.who));
    }
    finding
}

/// Statements that are looked at together, with how many comparisons they make.
struct Tests<'s> {
    all: Vec<&'s Scored>,
    sums: u64,
    singles: u64,
}

impl<'s> Tests<'s> {
    fn of(all: &[&'s Scored]) -> Self {
        let all: Vec<&Scored> = all.iter().copied().filter(|scored| !scored.is_void).collect();
        let pairs = || all.iter().flat_map(|scored| &scored.comparisons);
        let (sums, singles) = (pairs().count() as u64, pairs().map(|pair| pair.texts).sum());
        Self { all, sums, singles }
    }

    /// The first statement by which transcripts are of other weights than they are said to be.
    fn against(&self) -> Option<(&'s Scored, String)> {
        self.all.iter().filter(|scored| scored.is_as_sampled).find_map(|scored| {
            let said = scored.comparisons.iter().find_map(|pair| self.speaks_against(pair))?;
            Some((*scored, said))
        })
    }

    fn speaks_against(&self, pair: &Comparison) -> Option<String> {
        let Comparison { named, other, texts, sum, least: (text, ratio) } = pair;
        if weigh(sum, self.sums) == Source::Other {
            let by = nats(&-sum);
            return Some(format!(
                "{texts} drawn transcripts of the weights of entry {named} are more likely under those of entry {other}, by {by} nats"
            ));
        }
        // One that was put among others does not turn their sum.
        (weigh(ratio, self.singles) == Source::Other).then(|| {
            let by = nats(&-ratio);
            format!("transcript {text}, drawn as one of the weights of entry {named}, is more likely under those of entry {other}, by {by} nats")
        })
    }

    /// The comparison that says the least for the named weights, of one statement.
    fn least(scored: &Scored) -> Option<&Comparison> {
        scored.comparisons.iter().min_by(|left, right| left.sum.cmp(&right.sum))
    }

    fn holds(&self, scored: &Scored) -> bool {
        let pairs = &scored.comparisons;
        let is_whole = scored.why_not.is_none() && scored.is_as_sampled && scored.lacks.is_none();
        is_whole && !pairs.is_empty() && pairs.iter().all(|pair| weigh(&pair.sum, self.sums) == Source::Named)
    }
}

fn judged(case: &Case<'_>, sources: &Sources, all: &[Scored]) -> Finding {
    let known: Vec<&Scored> = all.iter().filter(|scored| scored.standing.is_known()).collect();
    let tests = Tests::of(&known);
    if let Some((scored, against)) = tests.against() {
        let reason = format!("{against}, scored by {}", scored.who);
        return Finding::new(ID, Outcome::Fail, reason)
            .at(case.input_entries())
            .next("ask both sides what they ran: a transcript of other weights is no result of these");
    }
    if let Some((scored, least)) =
        tests.all.iter().find(|scored| tests.holds(scored)).and_then(|scored| Some((scored, Tests::least(scored)?)))
    {
        let reason = format!(
            "transcripts drawn by a nonce are more likely under the weights that they are said to be of than under any other of {} on record, scored by {}",
            sources.count() - scored.later,
            scored.who
        );
        let note = format!("the least: {}; {}", margin(least), asked(tests.sums));
        return Finding::new(ID, Outcome::Pass, reason).at(case.input_entries()).note(note);
    }
    if sources.count() < 2 {
        let why = "no other weights are on record, so that there is nothing to compare with";
        return asserted(case, Some(why.to_owned())).next("ask for a rebuild of its logs from the weights");
    }
    let Some(scored) = all.iter().min_by_key(|scored| scored.why_not.is_some()) else {
        return asserted(case, None).next(ASK);
    };
    let (but, next) = undecided(&tests, scored);
    let finding = asserted(case, Some(but)).next(next);
    if tests.sums > 0 { finding.note(asked(tests.sums)) } else { finding }
}

/// Why a statement decides nothing, and what would.
fn undecided(tests: &Tests<'_>, scored: &Scored) -> (String, String) {
    let who = &scored.who;
    if let Some(why) = scored.why_not {
        return (format!("what {who} scored lifts nothing: {why}"), ASK.to_owned());
    }
    if !scored.is_as_sampled {
        let but = format!("{who} scored at temperature 1 what is not said to be sampled so");
        return (but, "ask for likelihoods of the distribution that was sampled from".to_owned());
    }
    if let Some((lack, next)) = &scored.lacks {
        return (format!("of what {who} scored, {lack}"), (*next).to_owned());
    }
    let open = scored.comparisons.iter().filter(|pair| weigh(&pair.sum, tests.sums) != Source::Named);
    let Some(pair) = open.min_by(|left, right| left.sum.cmp(&right.sum)) else {
        return (format!("{who} compared nothing"), ASK.to_owned());
    };
    let but = format!("what {who} scored is too close to call: {}", margin(pair));
    let next = match more_needed(&pair.sum, pair.texts, tests.sums) {
        Some(more) => format!("about {more} more transcripts of entry {} would do, if they are like these", pair.named),
        None => format!("these do not speak for entry {} at all: draw more", pair.named),
    };
    (but, next)
}

fn margin(pair: &Comparison) -> String {
    let Comparison { named, other, texts, sum, .. } = pair;
    format!("{} nats for entry {named} over entry {other}, of {texts} transcripts", nats(sum))
}

fn asked(comparisons: u64) -> String {
    let needed = threshold(comparisons).digits_above(2);
    format!("{needed} are asked for, that all {comparisons} comparisons together err in {ERROR_PERCENT} % at most")
}

fn nats(sum: &BigRational) -> String {
    decimal_digits(sum, 2)
}

fn told(scored: &Scored) -> String {
    let worth = scored.why_not.map_or_else(|| "counts".to_owned(), |why| format!("lifts nothing: {why}"));
    let nonce = if scored.is_drawn_by_reader { "your nonce" } else { "a nonce that is not yours" };
    let later = match scored.later {
        0 => String::new(),
        n => format!("; not compared with {n} that are on record since"),
    };
    format!(
        "what {} scored {worth}; drawn by {nonce}{later}; {}, with \"{}\"",
        scored.who,
        scored.place,
        escaped(&scored.tool)
    )
}
