//! Mixing: rows of several sources one after the other, shuffled together where a seed says so.

use crate::replay::params::{ParamError, Params, cut, read_number};
use crate::replay::subsample::RowWriter;
use crate::replay::{Function, Input, Made, ReplayError, Sink, Takes};

pub(super) const ENTRY: &dyn Function = &Mix;

struct Mix;

impl Function for Mix {
    fn id(&self) -> &'static str {
        "mix/1"
    }

    fn about(&self) -> &'static str {
        "several sources one after the other, shuffled with a seed"
    }

    fn takes(&self) -> Takes {
        Takes::ManyRows
    }

    fn params(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("seed", "seed of the shuffle; without one the sources keep their order"),
            ("take", "rows of each source, between commas: a number or `all`"),
            ("pick", "how they are taken: head unless given, or sample (drawn before the shuffle, source by source)"),
            ("json", "how rows are written: verbatim unless given, utf8, ascii, utf8-compact, ascii-compact"),
        ]
    }

    fn replay(&self, inputs: &[Input<'_>], params: &Params, sink: &mut dyn Sink) -> Result<Made, ReplayError> {
        let mut random = params.random()?;
        let wanted = wanted(inputs, params)?;
        let samples = match params.get("pick") {
            None | Some("head") => false,
            Some("sample") => true,
            Some(found) => {
                let expected = "head or sample";
                return Err(ParamError::Value { name: "pick", found: cut(found), expected }.into());
            }
        };
        let mut made = Made::default();
        let mut rows: Vec<(usize, usize)> = Vec::new();
        for (source, (input, wanted)) in inputs.iter().zip(wanted).enumerate() {
            let found = input.items.count();
            let too_few = |wanted| ReplayError::TooFew { input: input.name.to_owned(), wanted, found };
            let wanted = wanted.unwrap_or(found);
            if wanted > found {
                return Err(too_few(wanted));
            }
            match &mut random {
                Some(random) if samples => {
                    let drawn = random.sample(found, wanted).ok_or_else(|| too_few(wanted))?;
                    rows.extend(drawn.into_iter().map(|item| (source, item)));
                }
                None if samples => {
                    return Err(ParamError::Missing { name: "seed", about: "what the sampling was seeded with" }.into());
                }
                _ => rows.extend((0..wanted).map(|item| (source, item))),
            }
            made.count(&format!("rows.source.{}", source + 1), wanted);
        }
        if let Some(random) = &mut random {
            random.shuffle(&mut rows);
        }
        let mut writer = RowWriter::new(params.style(None)?);
        for (source, item) in &rows {
            writer.write(&inputs[*source], *item, sink)?;
        }
        made.count("rows", rows.len());
        Ok(made)
    }
}

/// How many rows of each source: nothing means all.
fn wanted(inputs: &[Input<'_>], params: &Params) -> Result<Vec<Option<usize>>, ReplayError> {
    let Some(take) = params.names("take")? else { return Ok(vec![None; inputs.len()]) };
    if take.len() != inputs.len() {
        let expected = "as many numbers as there are sources";
        return Err(ParamError::Value { name: "take", found: cut(&take.join(",")), expected }.into());
    }
    let number = |text: &str| if text == "all" { Ok(None) } else { read_number("take", text).map(Some) };
    Ok(take.into_iter().map(number).collect::<Result<_, ParamError>>()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::replay::tests::{Memory, made};

    fn mixed(params: &str) -> Result<String, String> {
        let sources = [Memory::rows("0\n1\n2\n3"), Memory::rows("4\n5\n6\n7\n8\n9")];
        Ok(made("mix/1", &sources, params)?.0.replace('\n', ""))
    }

    // CPython 3.11 mixes the same.
    #[test]
    fn sources_are_put_together_and_shuffled_as_python_does() {
        for (params, rows) in [
            ("", "0123456789"),
            ("seed=42", "7328569401"),
            ("take=2,3", "01456"),
            ("take=all,1", "01234"),
            ("seed=42 take=2,3", "51460"),
            ("seed=42 take=2,3 pick=sample", "60953"),
        ] {
            assert_eq!(mixed(params).unwrap(), rows, "{params}");
        }
        let counts = made("mix/1", &[Memory::rows("a\nb"), Memory::rows("c")], "take=1,1").unwrap().1.counts;
        assert_eq!((counts["rows"], counts["rows.source.1"], counts["rows.source.2"]), (2, 1, 1));
    }

    #[test]
    fn what_cannot_be_taken_is_refused() {
        for (params, refusal) in [
            ("take=5,1", "5 rows are wanted of `in1`, which has 4"),
            ("take=1", "the parameter `take` is `1`, expected as many numbers as there are sources"),
            ("take=1,+2", "the parameter `take` is `+2`, expected a number of rows"),
            ("pick=sample", "the parameter `seed` is missing: what the sampling was seeded with"),
            ("pick=best", "the parameter `pick` is `best`, expected head or sample"),
        ] {
            assert_eq!(mixed(params).unwrap_err(), refusal);
        }
    }
}
