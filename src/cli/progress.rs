//! Progress on a terminal for work of more than a moment; nothing anywhere else.

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::capture::hash::Progress;

/// A bar over bytes.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(what: &str, quiet: bool) -> Self {
        let visible = !quiet && io::stderr().is_terminal() && env::var_os("CI").is_none();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg} {bytes} at {bytes_per_sec} ({elapsed})")
            .expect("the template is a constant");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style).with_message(what.to_owned());
        if visible {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self(bar)
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}
