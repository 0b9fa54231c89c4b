//! Another value of one option in recorded commands: whether what they write depends on it.

use crate::rebuild::plan::{Class, Plan};

impl Plan {
    /// Gives `--option` of these stages' commands another value, and says for each what it was. Of a command that has the
    /// option more than once every one is changed.
    pub fn vary(&mut self, stages: &[usize], option: &str, value: &str) -> Vec<String> {
        let mut said = Vec::new();
        for number in stages {
            let stage = &mut self.stages[*number];
            let Class::Command(recipe) = &mut stage.class else { continue };
            for old in vary(&mut recipe.argv, option, value) {
                said.push(format!("`{}` is run with --{option} {value}, recorded is {old}", stage.label));
            }
        }
        said
    }
}

/// Changes `--option VALUE` and `--option=VALUE` in a command; the values that it had.
fn vary(argv: &mut [String], option: &str, value: &str) -> Vec<String> {
    let mut had = Vec::new();
    let mut is_value = false;
    for word in argv.iter_mut().skip(1) {
        if word == "--" {
            break;
        }
        let of_option = word.strip_prefix("--").and_then(|word| word.strip_prefix(option));
        match of_option {
            _ if is_value => {
                had.push(std::mem::replace(word, value.to_owned()));
                is_value = false;
            }
            Some("") => is_value = true,
            Some(rest) if rest.starts_with('=') => {
                had.push(rest[1..].to_owned());
                *word = format!("--{option}={value}");
            }
            _ => {}
        }
    }
    had
}

#[cfg(test)]
mod tests {
    use super::vary;

    #[test]
    fn an_option_has_another_value_however_it_is_written() {
        let varied = |line: &str| {
            let mut argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let had = vary(&mut argv, "threads", "1");
            (argv.join(" "), had.join(" "))
        };
        let is = |line: &str, after: &str, had: &str| assert_eq!(varied(line), (after.to_owned(), had.to_owned()));
        is("train --threads 2 --out x", "train --threads 1 --out x", "2");
        is("train --threads=2 --threads 4", "train --threads=1 --threads 1", "2 4");
        is("train --threads-of 2 --thread 2 threads 2", "train --threads-of 2 --thread 2 threads 2", "");
        is("train -- --threads 2", "train -- --threads 2", "");
        is("train --threads", "train --threads", "");
        is("--threads 2", "--threads 2", "");
    }
}
