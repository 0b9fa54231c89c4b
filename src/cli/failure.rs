//! Why a command has no answer: a message, its causes, and what to do next.

use std::error::Error;
use std::fmt;

/// What a command concluded: its exit code, or why it could not conclude.
pub(super) type Outcome = Result<u8, Failure>;

/// No answer was reached. Never exit 0.
#[derive(Debug)]
pub(super) struct Failure {
    error: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
    code: u8,
}

impl Failure {
    /// A failure with a message of the command itself.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { error: message.into().into(), hints: Vec::new(), code: 2 }
    }

    /// With a next step: what to do, naming a command that exists.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Not usage or unreadable input, but something that could not be established (exit 3).
    #[must_use]
    pub(super) fn unestablished(mut self) -> Self {
        self.code = 3;
        self
    }

    /// What was found contradicts what was signed (exit 1): damage, a rollback, two histories.
    #[must_use]
    pub(super) fn contradicted(mut self) -> Self {
        self.code = 1;
        self
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        self.code
    }

    /// Next steps.
    pub(super) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The message and its causes, outermost first.
    pub(super) fn messages(&self) -> Vec<String> {
        let mut messages = vec![self.error.to_string()];
        let mut source = self.error.source();
        while let Some(error) = source {
            messages.push(error.to_string());
            source = error.source();
        }
        messages
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: Box::new(error), hints: Vec::new(), code: 2 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}
