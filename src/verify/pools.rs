//! What there is to draw from: the samples of the logs that a claim rests on.

use std::collections::BTreeMap;

use crate::draw::{Pool, pools};
use crate::verify::VerifiedEvidence;

impl VerifiedEvidence<'_> {
    /// The logs of each arm of the claim; none where it is not disclosed.
    pub fn pools(&self) -> BTreeMap<String, Vec<Pool>> {
        let claim = self.bodies.get(&self.claim).and_then(|body| body.claim.as_deref());
        let links = self.entries.get(&self.claim).map(|entry| entry.payload().edges.as_slice());
        let (Some(claim), Some(links)) = (claim, links) else { return BTreeMap::new() };
        pools(claim, links, |index| Some(self.entries.get(&index)?.payload()))
    }
}
