//! `rows.derived`: do the recorded rows, texts and documents come from the files they are said to come from?

use crate::check::derived::Asked;
use crate::check::{Case, Check, Finding, Target};
use crate::digest::DigestKind;

pub(in crate::check) const ENTRY: &dyn Check = &RowsDerived;
const ASKED: Asked = Asked { id: "rows.derived", kinds: &[DigestKind::Rows, DigestKind::Rowset], what: "rows" };

struct RowsDerived;

impl Check for RowsDerived {
    fn id(&self) -> &'static str {
        ASKED.id
    }

    fn question(&self) -> &'static str {
        "Read again from the files themselves, are the rows and documents the ones recorded?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        ASKED.judge(case)
    }
}
