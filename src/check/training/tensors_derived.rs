//! `tensors.derived`: do the recorded tensors come from the files they are said to come from?

use crate::check::derived::Asked;
use crate::check::{Case, Check, Finding, Target};
use crate::digest::DigestKind;

pub(in crate::check) const ENTRY: &dyn Check = &TensorsDerived;
const ASKED: Asked = Asked { id: "tensors.derived", kinds: &[DigestKind::Tensors], what: "tensors" };

struct TensorsDerived;

impl Check for TensorsDerived {
    fn id(&self) -> &'static str {
        ASKED.id
    }

    fn question(&self) -> &'static str {
        "Read again from the files themselves, are the tensors the ones recorded?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        ASKED.judge(case)
    }
}
