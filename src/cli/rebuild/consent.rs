//! The recipe is shown, and nobody's command runs before somebody said yes to it.

use std::io::{self, BufRead, IsTerminal};

use crate::cli::render::{bytes, count, message, put, quoted};
use crate::cli::{Context, Failure, output};
use crate::rebuild::sandbox::Sandbox;
use crate::rebuild::{Choice, Class, Plan, Ready, Runner};

/// Shows what would be run, and asks; with `yes` it shows and does not ask.
pub(super) fn ask(
    context: &Context,
    plan: &Plan,
    choice: &Choice<'_>,
    ready: &Ready,
    sandbox: &Sandbox,
    yes: bool,
) -> Result<(), Failure> {
    let recipe = recipe(plan, choice, ready, sandbox);
    if yes {
        context.remark(&recipe);
        return Ok(());
    }
    // Whoever is asked sees what for, however quiet.
    output::remark(&recipe);
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::new("these are commands of somebody else, and there is no terminal to ask on")
            .hint("look at them, then run them with --yes"));
    }
    output::remark("Run these commands? [y/N]");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::new(format!("no answer: {error}")))?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new("nothing was run")),
    }
}

fn recipe(plan: &Plan, choice: &Choice<'_>, ready: &Ready, sandbox: &Sandbox) -> String {
    let mut text = String::from("These commands were recorded by somebody else and will be run here:\n");
    for build in &ready.builds {
        put(
            &mut text,
            format_args!("\n  build {} from the recorded {}\n", quoted(&build.program), message(&build.label)),
        );
        put(&mut text, format_args!("    {}\n", build.argv.join(" ")));
        build.said.iter().for_each(|line| put(&mut text, format_args!("    {}\n", message(line))));
    }
    for at in &choice.stages {
        let stage = &plan.stages[*at];
        put(&mut text, format_args!("\n  {}\n", quoted(&stage.label)));
        match (&stage.class, ready.programs.get(at)) {
            (Class::Frontier(frontier), _) => {
                put(&mut text, format_args!("    not run again: {}\n", message(&frontier.reason)));
            }
            (Class::Command(recipe), program) => {
                let words: Vec<_> = recipe.argv.iter().map(|word| quoted(word)).collect();
                put(&mut text, format_args!("    {}\n", words.join(" ")));
                match program {
                    Some(program) => {
                        for line in program.said.lines() {
                            put(&mut text, format_args!("    program {}\n", message(line.trim())));
                        }
                    }
                    None => put(&mut text, format_args!("    not run: its program is not at hand\n")),
                }
                for (name, value) in &recipe.rerun.variables {
                    put(&mut text, format_args!("    with {}={}\n", quoted(name), quoted(value)));
                }
                let (inputs, outputs) = (stage.inputs.len() as u64, stage.outputs.len() as u64);
                let read = count(inputs, "input", "inputs");
                put(&mut text, format_args!("    {read}, {}\n", count(outputs, "output", "outputs")));
            }
        }
    }
    let limits = choice.limits;
    put(&mut text, format_args!("\nkept by {}\n", sandbox.kept_by()));
    put(
        &mut text,
        format_args!(
            "each may take {} seconds, {} of memory, {} processes, and write {}\n",
            limits.seconds,
            bytes(limits.memory),
            limits.processes,
            bytes(limits.bytes)
        ),
    );
    for missing in &ready.missing {
        put(&mut text, format_args!("missing: {} {}\n", missing.what, quoted(&missing.name)));
    }
    for note in &ready.notes {
        put(&mut text, format_args!("note: {}\n", message(note)));
    }
    text
}
