//! Claims and protocols of every shape: each comes back from its one encoding.
//!
//! The parts are boxed: a strategy that holds them all by value is larger than a test thread's stack.

use super::body::{stated, word};
use super::*;
use crate::statement::plain;

fn arm() -> BoxedStrategy<Arm> {
    (text(), stated(word()), stated(word()), prop::collection::vec(digest(), 0..3))
        .prop_map(|(arm, kind, base, checkpoints)| Arm { arm, kind, base, checkpoints })
        .boxed()
}

fn printed() -> impl Strategy<Value = Printed> {
    (text(), any::<u64>()).prop_map(|(printed, decimals)| Printed { printed, decimals })
}

fn value() -> BoxedStrategy<ClaimedValue> {
    (printed(), any::<u64>(), stated(printed())).prop_map(|(rate, n, error)| ClaimedValue { rate, n, error }).boxed()
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn metric() -> BoxedStrategy<Metric> {
    (text(), stated(word()), one_of(Direction::ALL), stated(word()))
        .prop_map(|(scorer, key, direction, parser)| Metric { scorer, key, direction, parser })
        .boxed()
}

fn evaluation() -> BoxedStrategy<Evaluation> {
    let counts = (any::<u64>(), any::<u64>(), any::<u64>());
    let asked = (stated(word()), stated(any::<bool>()), stated(word()), stated(any::<u64>()));
    (stated(digest()), stated(digest()), counts, asked)
        .prop_map(
            |(
                suite,
                condition_ids,
                (conditions, samples, repeats),
                (temperature, prod, assistant_name, max_tokens),
            )| {
                Evaluation {
                    suite,
                    conditions,
                    condition_ids,
                    samples,
                    repeats,
                    temperature,
                    prod,
                    assistant_name,
                    max_tokens,
                }
            },
        )
        .boxed()
}

fn judge() -> BoxedStrategy<Judge> {
    (prop::collection::vec(text(), 0..3), stated(digest()))
        .prop_map(|(observed_models, prompt)| Judge { observed_models, prompt })
        .boxed()
}

fn averaging() -> impl Strategy<Value = (Vec<Step>, Denominator, Stated<ErrorRule>)> {
    let error = (one_of(ErrorUnit::ALL), one_of(ErrorStat::ALL), any::<u64>())
        .prop_map(|(unit, stat, ddof)| ErrorRule { unit, stat, ddof });
    (prop::collection::vec(one_of(Step::ALL), 0..4), one_of(Denominator::ALL), stated(error))
}

fn rule() -> BoxedStrategy<IntervalRule> {
    (one_of(IntervalTarget::ALL), one_of(IntervalMethod::ALL), text(), one_of(Sides::ALL))
        .prop_map(|(target, method, level, sides)| IntervalRule { target, method, level, sides })
        .boxed()
}

fn contrast() -> BoxedStrategy<Contrast> {
    let interval = (rule(), stated(printed()), stated(printed())).prop_map(|(rule, low, high)| ClaimedInterval {
        rule,
        low,
        high,
    });
    let other = (arm(), value()).prop_map(|(arm, value)| OtherArm { arm, value });
    let inside = (evaluation(), prop::collection::vec(digest(), 0..3))
        .prop_map(|(eval, inputs)| InDistribution { eval, inputs });
    let rest = (stated(interval), prop::collection::vec(other, 0..3), stated(inside));
    (one_of(ContrastKind::ALL), printed(), stated(one_of(Pairing::ALL)), rest)
        .prop_map(|(kind, value, pairing, (interval, others, in_distribution))| Contrast {
            kind,
            value,
            pairing,
            interval,
            others,
            in_distribution,
        })
        .boxed()
}

fn assertion() -> BoxedStrategy<Assertion> {
    let term = (one_of(Quantity::ALL), one_of(Relation::ALL), text(), rule()).prop_map(|(of, is, bound, by)| Term {
        of,
        is,
        bound,
        by,
    });
    prop::collection::vec(term, 0..3).prop_map(|terms| Assertion { terms }).boxed()
}

pub(super) fn claim() -> BoxedStrategy<Claim> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    let rest = (stated(digest()), prop::collection::vec(digest(), 0..3), prop::collection::vec(text(), 0..3));
    let words = (text(), text(), text());
    let compared = (stated(contrast()), stated(assertion()));
    let arms = (arm(), stated(arm()), compared);
    let rules = (averaging(), (value(), stated(value())));
    ((words, numbers, rest), arms, metric(), evaluation(), stated(judge()), rules)
        .prop_map(|((words, numbers, rest), (subject, comparator, compared), metric, eval, judge, (rules, values))| {
            Claim {
                claim_id: words.0,
                text: words.1,
                cell_family: words.2,
                subject,
                comparator,
                metric,
                eval,
                judge,
                seeds: Seeds { planned: numbers.0, used: numbers.1 },
                aggregation: rules.0,
                denominator: rules.1,
                error: rules.2,
                value: Values { subject: values.0, comparator: values.1 },
                contrast: compared.0,
                assertion: compared.1,
                plan: rest.0,
                attempts_disclosed: Attempts { train: numbers.2, eval: numbers.3 },
                inputs: rest.1,
                withheld: rest.2,
            }
        })
        .boxed()
}

fn planned_contrast() -> BoxedStrategy<PlannedContrast> {
    let arms = (text(), stated(word()), prop::collection::vec(text(), 0..3));
    (one_of(ContrastKind::ALL), arms, stated(one_of(Pairing::ALL)), stated(rule()))
        .prop_map(|(kind, (subject, comparator, others), pairing, interval)| PlannedContrast {
            kind,
            subject,
            comparator,
            others,
            pairing,
            interval,
        })
        .boxed()
}

pub(super) fn protocol() -> BoxedStrategy<Protocol> {
    let planned = (text(), stated(word()), stated(word()), prop::collection::vec(any::<u64>(), 0..4))
        .prop_map(|(arm, kind, base, seeds)| PlannedArm { arm, kind, base, seeds });
    let family = (text(), one_of(Correction::ALL), prop::collection::vec(planned_contrast(), 0..2))
        .prop_map(|(name, correction, contrasts)| Family { name, correction, contrasts });
    let margins = (stated(word()), stated(word()), stated(word()))
        .prop_map(|(tolerance, equivalence, non_inferiority)| Margins { tolerance, equivalence, non_inferiority });
    let texts = || prop::collection::vec(text(), 0..3);
    let arms =
        (prop::collection::vec(planned, 0..3), prop::collection::vec(one_of(SeedVaries::ALL), 0..3), texts(), texts());
    let gate = (text(), stated(word()), one_of(Relation::ALL), text()).prop_map(|(scorer, key, is, bound)| Gate {
        scorer,
        key,
        is,
        bound,
    });
    let gates = prop::collection::vec(gate, 0..3);
    let clusters = prop::collection::btree_map(text(), prop::collection::vec(text(), 1..3), 0..3);
    let evals = (metric(), evaluation(), stated(evaluation()), stated(judge()), gates, clusters);
    let contrasts = (planned_contrast(), prop::collection::vec(family, 0..2), stated(assertion()), margins);
    let ends = (one_of(Stopping::ALL), one_of(Retries::ALL));
    ((text(), text(), text(), text()), arms, evals, averaging(), contrasts, ends)
        .prop_map(|(words, arms, evals, rules, contrasts, ends)| Protocol {
            protocol_id: words.0,
            text: words.1,
            arms: arms.0,
            seeds_vary: arms.1,
            factors: arms.2,
            metric: evals.0,
            gates: evals.4,
            eval: evals.1,
            in_distribution: evals.2,
            judge: evals.3,
            aggregation: rules.0,
            denominator: rules.1,
            error: rules.2,
            alpha: words.2,
            primary: contrasts.0,
            families: contrasts.1,
            assertion: contrasts.2,
            margins: contrasts.3,
            stopping: ends.0,
            retries: ends.1,
            exclusions: words.3,
            held_out: arms.3,
            clusters: evals.5,
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_protocol_comes_back_from_its_one_encoding(protocol in protocol()) {
        let bytes = plain::to_bytes(&protocol).unwrap();
        let decoded: Protocol = plain::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&decoded, &protocol);
        let json = serde_json::to_string(&protocol).unwrap();
        prop_assert_eq!(serde_json::from_str::<Protocol>(&json).unwrap(), protocol);
    }
}
