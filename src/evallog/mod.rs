//! evallog
