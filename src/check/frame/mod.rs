//! Is this a ledger, and is this a whole claim: the frame every other check stands in.

pub(super) mod claim_complete;
pub(super) mod claim_prereg;
pub(super) mod item_content;
pub(super) mod item_inclusion;
pub(super) mod ledger_chain;
pub(super) mod ledger_keys;
pub(super) mod ledger_links;
