//! `ledger.keys`: are the keys ones that the reader trusts, and were they good when they signed?

use crate::check::{Case, Check, Finding, Outcome, Target};
use crate::verify::Voucher;

pub(in crate::check) const ENTRY: &dyn Check = &LedgerKeys;
const ID: &str = "ledger.keys";

struct LedgerKeys;

impl Check for LedgerKeys {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Are the signing keys ones that you pinned yourself, enrolled and not revoked when they signed?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let evidence = case.evidence;
        let disowned: Vec<_> = evidence.disowned.intersection(&evidence.links.reached).copied().collect();
        if !disowned.is_empty() {
            return Finding::new(
                ID,
                Outcome::Fail,
                "the claim rests on entries signed by a key after the point at which its owner says it was stolen",
            )
            .at(disowned);
        }
        match &evidence.voucher {
            Voucher::None => Finding::new(
                ID,
                Outcome::Unknown,
                "the signatures hold, but nobody you trust vouches for the keys: no trust policy was given",
            )
            .next("get the log's vkey from the lab by another way than this file and pass it in a policy with --trust"),
            Voucher::Pinned { key, witnesses, known_witnesses, .. } => {
                let finding = Finding::new(
                    ID,
                    Outcome::Pass,
                    format!(
                        "the head is signed by `{}`, the key you pinned; no signing key was revoked by then",
                        key.as_str()
                    ),
                );
                match known_witnesses {
                    0 => finding,
                    _ => finding
                        .note(format!("{} of your {known_witnesses} witnesses cosigned the head", witnesses.len())),
                }
            }
        }
    }
}
