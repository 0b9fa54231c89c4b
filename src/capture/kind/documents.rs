//! Generated midtraining documents.

bytes_kind!(Documents, "generated midtraining documents");
