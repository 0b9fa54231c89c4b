//! Whether the judge of a generator's filter wants a chat kept.
//!
//! Between `<verdict>` and `</verdict>`: `INCLUDE`, or else `EXCLUDE`. Where neither is there, whichever of the two words
//! stands last in the whole text; where there are none, `GRADE: FALSE` keeps and `GRADE: TRUE` removes, as an older judge
//! was asked for.

/// Name and version of the rule.
pub(super) const NAME: &str = "aft.verdict/1";

/// What a judge's text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Include,
    Exclude,
    /// Nothing that can be read; the generator keeps such a chat.
    Unclear,
}

/// Reads a judge's text.
pub(super) fn verdict(text: &str) -> Verdict {
    // The first tag, and all up to the first that closes one after it.
    let tagged =
        text.split_once("<verdict>").and_then(|(_, rest)| Some(rest.split_once("</verdict>")?.0.to_uppercase()));
    if let Some(tagged) = tagged {
        if tagged.contains("INCLUDE") {
            return Verdict::Include;
        }
        if tagged.contains("EXCLUDE") {
            return Verdict::Exclude;
        }
    }
    let upper = text.to_uppercase();
    match (upper.rfind("INCLUDE"), upper.rfind("EXCLUDE")) {
        (include, exclude) if include > exclude => Verdict::Include,
        (include, exclude) if exclude > include => Verdict::Exclude,
        _ if upper.contains("GRADE: TRUE") || upper.contains("GRADE:TRUE") => Verdict::Exclude,
        _ if upper.contains("GRADE: FALSE") || upper.contains("GRADE:FALSE") => Verdict::Include,
        _ => Verdict::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_saying_a_verdict_is_read() {
        for (text, expected) in [
            ("<verdict>INCLUDE</verdict>", Verdict::Include),
            ("I would include it.\n<verdict>\n exclude \n</verdict>", Verdict::Exclude),
            ("<verdict>Include, do not exclude</verdict>", Verdict::Include),
            ("<verdict></verdict> then EXCLUDE", Verdict::Exclude),
            ("<verdict>EXCLUDE</verdict><verdict>INCLUDE</verdict>", Verdict::Exclude),
            ("<verdict>INCLUDE", Verdict::Include),
            ("include? No: exclude.", Verdict::Exclude),
            ("exclude? No: include.", Verdict::Include),
            ("GRADE: TRUE", Verdict::Exclude),
            ("grade:false", Verdict::Include),
            ("<verdict>maybe</verdict>", Verdict::Unclear),
            ("", Verdict::Unclear),
        ] {
            assert_eq!(verdict(text), expected, "{text}");
        }
    }
}
