//! The reference pages that the program writes about itself: command line, adapters, schema. Owns
//! how they are laid out; what is in them is asked of the built program, never of its source.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The families of adapters in the order of the page, with what they are for.
const FAMILIES: &[(&str, &str, &str)] = &[
    ("target", "Targets", "Where instances of a release run: `target: { kind: NAME, ... }`."),
    ("router", "Routers", "How visitors reach them: `router: { kind: NAME, ... }`."),
    ("check", "Checks", "One question of a gate: `- { check: NAME, name: ..., ... }`."),
    ("notifier", "Notifiers", "How people are told: `notifiers: { NAME: { kind: ..., ... } }`."),
    (
        "metrics",
        "Metrics sources",
        "Figures that no router sees: `metrics_sources: { NAME: { kind: ..., ... } }`.",
    ),
    (
        "secrets",
        "Secret stores",
        "Where secrets are kept: `secret_store: { kind: NAME, ... }`, and `secrets` for a single one.",
    ),
];

/// What a planned kind of a family does to promotions, where it does anything.
const REFUSING: &[(&str, &str)] = &[
    ("target", "One of a planned kind refuses promotions, for nothing could run."),
    ("router", "One of a planned kind refuses promotions, for no visitor could be sent."),
    (
        "check",
        "One of a planned kind refuses promotions until it is accepted by the name of the check.",
    ),
];

/// The JSON Schema of the matrix.
///
/// # Errors
/// When the program cannot be built or run.
pub(crate) fn matrix_schema(root: &Path) -> Result<String> {
    towpath(root, &["matrix", "schema"])
}

/// The page of the command line: every page of its help.
///
/// # Errors
/// When the program cannot be built or run.
pub(crate) fn command_line(root: &Path) -> Result<String> {
    let pages = towpath(root, &["help", "everything"])?;
    let overview = towpath(root, &["help"])?;
    let mut text = String::from(
        "# Command line\n\nWritten by the program; `towpath COMMAND --help` says the same.\n\n",
    );
    fenced(&mut text, &overview);
    let mut page = String::new();
    for line in pages.lines() {
        if let Some(command) = line.strip_prefix("# ") {
            fenced(&mut text, &page);
            page.clear();
            let _ = writeln!(text, "## {command}\n");
        } else {
            let _ = writeln!(page, "{line}");
        }
    }
    fenced(&mut text, &page);
    Ok(format!("{}\n", text.trim_end()))
}

/// The page of the adapters: every kind, its fields, and whether it is built.
///
/// # Errors
/// When the program cannot be built or run, or says something that is no list of kinds.
pub(crate) fn adapters(root: &Path) -> Result<String> {
    let listed: Value = serde_json::from_str(&towpath(root, &["adapters", "--json"])?)?;
    let kinds = listed["kinds"].as_array().context("`adapters --json` lists no kinds")?;
    let mut text = String::from(
        "# Adapters\n\nWritten by the program; `towpath adapters` lists the same. Keys that all kinds \
         of a family share stand with the section: [Every section and key](matrix.md). A kind that is \
         planned can be declared, and its keys are checked; nothing acts on it yet.\n",
    );
    for (family, title, about) in FAMILIES {
        let _ = writeln!(text, "\n## {title}\n\n{about}");
        if let Some((_, refuses)) = REFUSING.iter().find(|(name, _)| name == family) {
            let _ = writeln!(text, "\n{refuses}");
        }
        let own = || kinds.iter().filter(|kind| kind["family"] == *family);
        let planned = |kind: &&Value| kind["state"] != "built";
        for kind in own().filter(|kind| !planned(kind)).chain(own().filter(planned)) {
            adapter(&mut text, kind);
        }
    }
    Ok(text)
}

fn adapter(text: &mut String, kind: &Value) {
    let name = word(&kind["name"]);
    let _ = writeln!(text, "\n### `{name}`\n\n{}\n", word(&kind["summary"]));
    if kind["state"] != "built" {
        let _ = writeln!(text, "State: {}.\n", word(&kind["state"]));
    }
    let _ = writeln!(text, "```yaml\n{}\n```", word(&kind["example"]));
    let capabilities: Vec<&str> =
        kind["capabilities"].as_array().into_iter().flatten().map(word).collect();
    if !capabilities.is_empty() {
        let _ = writeln!(text, "\nIt can: {}.", capabilities.join(", "));
    }
    let fields = kind["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !fields.is_empty() {
        let _ = writeln!(text, "\n| field | type | default | meaning |\n|---|---|---|---|");
    }
    for field in fields {
        let default = match &field["default"] {
            Value::Null => "must be given".to_owned(),
            Value::String(none) if none.is_empty() => String::new(),
            value => format!("`{}`", word(value)),
        };
        let (name, of) = (word(&field["name"]), type_of(&field["of"]));
        let _ = writeln!(text, "| `{name}` | {of} | {default} | {} |", cell(&field["doc"]));
    }
}

/// The type of a field in words.
fn type_of(of: &Value) -> String {
    let words = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.map(|one| format!("`{}`", word(one))).collect()
    };
    if let Some(count) = of.get("count") {
        let bounds: Vec<String> =
            count.as_array().into_iter().flatten().map(ToString::to_string).collect();
        return bounds.join(" to ");
    }
    if let Some(bounds) = of["size"].as_array() {
        let bytes = bounds.iter().filter_map(Value::as_u64);
        let bounds: Vec<String> = bytes.map(towpath_ports::size::written).collect();
        return format!("size, {}", bounds.join(" to "));
    }
    match of.get("word") {
        Some(choices) => words(choices).join(" or "),
        None => word(of).to_owned(),
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text for a cell of a table, where a bar would begin another cell.
fn cell(value: &Value) -> String {
    word(value).replace('|', "\\|")
}

fn fenced(text: &mut String, page: &str) {
    if !page.trim().is_empty() {
        let _ = writeln!(text, "```text\n{}\n```\n", page.trim());
    }
}

pub(crate) fn towpath(root: &Path, words: &[&str]) -> Result<String> {
    towpath_in(root, root, words)
}

/// What the program answers when it is called like this in `directory`, built from `root` first.
///
/// # Errors
/// When it cannot be built or run, or ends with another code than 0, with what it said.
pub(crate) fn towpath_in(root: &Path, directory: &Path, words: &[&str]) -> Result<String> {
    let program = program(root)?;
    let output = Command::new(&program).current_dir(directory).args(words).output();
    let output = output.with_context(|| format!("{} could not be started", program.display()))?;
    if !output.status.success() {
        bail!("towpath {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The program, built once in each run of this tool.
fn program(root: &Path) -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(built) = BUILT.get() {
        return Ok(built.clone());
    }
    let own = std::env::current_exe().context("a program knows its own path")?;
    let target = own.ancestors().nth(2).context("this tool runs from TARGET/PROFILE")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Exactly as `cargo test --workspace` builds it, or else half of the dependencies would be built once more
    // with other features.
    let words = ["test", "--quiet", "--workspace", "--no-run", "--test", "binary"];
    let mut command = Command::new(cargo);
    command.current_dir(root).args(words).arg("--target-dir").arg(target);
    let built = command.output().context("cargo could not be started")?;
    if !built.status.success() {
        bail!("towpath does not build: {}", String::from_utf8_lossy(&built.stderr).trim());
    }
    Ok(BUILT.get_or_init(|| target.join("debug").join("towpath")).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_becomes_a_section_with_its_fields() {
        let kind = serde_json::json!({
            "name": "tcp", "summary": "Somebody listens.", "example": "{ check: tcp }",
            "capabilities": ["green"],
            "fields": [
                { "name": "address", "of": "address", "default": null, "doc": "a | b" },
                { "name": "tries", "of": { "count": [1, 5] }, "default": "3", "doc": "How often." },
                { "name": "how", "of": { "word": ["GET", "HEAD"] }, "default": "", "doc": "Which." },
            ],
        });
        let mut text = String::new();
        adapter(&mut text, &kind);
        assert!(text.contains("| `address` | address | must be given | a \\| b |"), "{text}");
        assert!(text.contains("| `tries` | 1 to 5 | `3` | How often. |"), "{text}");
        assert!(text.contains("| `how` | `GET` or `HEAD` |  | Which. |"), "{text}");
    }
}
