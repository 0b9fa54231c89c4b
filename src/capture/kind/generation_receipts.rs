//! What a provider answered for each generated document.

bytes_kind!(GenerationReceipts, "what a provider answered: request, returned model, stop reason");
