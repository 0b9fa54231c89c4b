//! Lines of a report, no wider than a screen: what does not fit goes on below, set under what it goes on from.

/// Columns of a screen.
pub(super) const COLUMNS: usize = 100;

/// A report as it is written.
pub(super) struct Page {
    text: String,
    columns: usize,
}

impl Page {
    /// A page of so many columns.
    pub(super) fn of(columns: usize) -> Self {
        Self { text: String::new(), columns }
    }

    /// A line as it is, however long.
    pub(super) fn whole(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A line; what does not fit goes on below, `indent` columns in. Words are never cut.
    pub(super) fn line(&mut self, indent: usize, line: &str) {
        let (mut rest, mut columns) = (line, self.columns);
        // What a line begins with is never alone on it.
        let mut least = indent;
        while let Some((at, _)) = rest.char_indices().nth(columns) {
            let within = &rest[..=at_boundary(rest, at)];
            let mut spaces = within.rmatch_indices(' ').map(|(space, _)| space);
            // An entry keeps its number.
            let space = spaces.find(|space| !rest[..*space].ends_with("entry"));
            let space = space.filter(|space| rest[..*space].chars().count() > least);
            let Some(space) = space.or_else(|| rest[at..].find(' ').map(|space| at + space)) else { break };
            self.whole(rest[..space].trim_end());
            self.text.extend(std::iter::repeat_n(' ', indent));
            rest = rest[space..].trim_start();
            columns = self.columns.saturating_sub(indent).max(1);
            least = 0;
        }
        self.whole(rest);
    }

    /// Whether a line fits as it is.
    pub(super) fn fits(&self, line: &str) -> bool {
        line.chars().nth(self.columns).is_none()
    }

    /// How many lines it takes on a screen, where what is too long is broken by the terminal.
    pub(super) fn height(&self) -> usize {
        self.text.lines().map(|line| line.chars().count().div_ceil(COLUMNS).max(1)).sum()
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// The last byte of the character at `at`.
fn at_boundary(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(0, |character| character.len_utf8() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(columns: usize, indent: usize, line: &str) -> String {
        let mut page = Page::of(columns);
        page.line(indent, line);
        page.into_text()
    }

    #[test]
    fn what_does_not_fit_goes_on_under_what_it_goes_on_from() {
        assert_eq!(written(20, 6, "name  one two three four five"), "name  one two three\n      four five\n");
        assert_eq!(written(20, 6, "name  one two three"), "name  one two three\n");
        // Exactly as wide as the page, with a space where it ends.
        assert_eq!(written(8, 2, "ab cd ef gh"), "ab cd ef\n  gh\n");
        assert_eq!(written(usize::MAX, 6, "name  one two three four five"), "name  one two three four five\n");
    }

    #[test]
    fn words_are_never_cut_and_labels_never_alone() {
        let digest = "d".repeat(30);
        assert_eq!(written(20, 6, &format!("key   {digest} more")), format!("key   {digest}\n      more\n"));
        assert_eq!(written(20, 6, &format!("by \"lab\", {digest}")), format!("by \"lab\",\n      {digest}\n"));
        assert_eq!(written(10, 4, "héé hé hééé hé"), "héé hé\n    hééé\n    hé\n");
        assert_eq!(written(10, 4, ""), "\n");
        assert_eq!(written(20, 4, "stands before entry 12"), "stands before\n    entry 12\n");
    }

    #[test]
    fn what_the_terminal_breaks_counts_as_the_lines_it_takes() {
        let mut page = Page::of(COLUMNS);
        page.whole(&"x".repeat(201));
        page.whole("");
        page.line(4, "y");
        assert_eq!(page.height(), 5);
    }
}
