//! Lineage in the DOT language of Graphviz: every entry by itself, for whoever lays it out.
//!
//! Language: <https://graphviz.org/doc/info/lang.html>. Arrows lead from what went in to what was made.

use std::fmt::Write as _;

use crate::report::picture::{Card, Picture, Scene};

/// The graph as DOT. The same entries give the same bytes.
pub fn to_dot(scene: &Scene<'_>) -> String {
    let picture = Picture::whole(scene);
    let mut out =
        String::from("digraph lineage {\n  rankdir=TB;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    for card in &picture.cards {
        let label = [&format!("{} {}", card.kind, name(card)), &card.title, &card.place].map(|line| escape(line));
        let lines = label.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\\n");
        let bold = if card.members.contains(&scene.root) { ", penwidth=2" } else { "" };
        put(&mut out, &format!("  {} [label=\"{lines}\"{bold}];", id(card)));
    }
    for tie in &picture.ties {
        let (from, to) = (id(&picture.cards[tie.from]), id(&picture.cards[tie.to]));
        put(&mut out, &format!("  {from} -> {to} [label=\"{}\"];", tie.relation.name()));
    }
    out.push_str("}\n");
    out
}

fn put(out: &mut String, line: &str) {
    writeln!(out, "{line}").expect("writing to a String cannot fail");
}

fn id(card: &Card) -> String {
    card.members.first().map(|index| format!("e{index}")).unwrap_or_default()
}

fn name(card: &Card) -> String {
    card.members.first().map(|index| format!("#{index}")).unwrap_or_default()
}

/// Inside quotes a backslash begins one of Graphviz's own escapes; doubled it is itself.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
