//! The only place that writes to standard output and standard error.

use std::io::{self, Write};

use crate::cli::Failure;
use crate::report::legible;

/// Writes an answer. A reader that went away (`| head`) is no error and changes no exit code.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes something for the person at the terminal that no program depends on.
pub(super) fn remark(text: &str) {
    // Whoever closed standard error does not want remarks.
    let _ = writeln!(io::stderr().lock(), "{}", legible(text));
}

/// Writes why a command has no answer.
pub(super) fn print_failure(failure: &Failure) {
    let mut messages = failure.messages().into_iter();
    let mut text = format!("error: {}", messages.next().unwrap_or_default());
    for message in messages {
        text.push_str("\n  because: ");
        text.push_str(&message);
    }
    for hint in failure.hints() {
        text.push_str("\n  hint: ");
        text.push_str(hint);
    }
    remark(&text);
}
