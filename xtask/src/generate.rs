//! `cargo xtask generate`: files that are derived from code, so that they cannot drift from it.
//! Each is a function from the program to a text; nothing here reads what it writes, and what the
//! texts look like is in `reference.rs`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{api, events, matrix_reference, metrics, reference, rights};

/// Makes the text of a generated file from the workspace.
type Render = Box<dyn Fn(&Path) -> Result<String>>;

/// A generated file: its path below the workspace root, and what makes its text.
struct Entry {
    path: String,
    render: Render,
}

impl Entry {
    fn of(path: &str, render: fn(&Path) -> Result<String>) -> Self {
        Self { path: path.to_owned(), render: Box::new(render) }
    }
}

/// Every generated file: `Entry::of("docs/NAME.md", module::function)`, one line each, and a page for
/// each group of the matrix.
fn entries() -> Vec<Entry> {
    let mut entries = vec![
        Entry::of("docs/schema/towpath.schema.json", reference::matrix_schema),
        Entry::of("docs/src/reference/adapters.md", reference::adapters),
        Entry::of("docs/src/reference/cli.md", reference::command_line),
        Entry::of("docs/src/reference/rights.md", rights::page),
        Entry::of("docs/src/reference/api.md", api::page),
        Entry::of("docs/src/reference/events.md", events::page),
        Entry::of("docs/src/reference/metrics.md", metrics::page),
        Entry::of("docs/src/reference/matrix.md", matrix_reference::overview),
    ];
    entries.extend(matrix_reference::GROUPS.iter().map(|group| Entry {
        path: format!("docs/src/reference/matrix/{}.md", group.page),
        render: Box::new(|root| matrix_reference::page(root, group.page)),
    }));
    entries
}

/// Writes every generated file that differs. Safe to repeat.
///
/// # Errors
/// When a text cannot be made or a file cannot be written.
pub(crate) fn write(root: &Path) -> Result<()> {
    api::write(root, api::Breaking::Refused)?;
    write_entries(root, &entries())
}

/// The same; a description of the API that no longer keeps what the one before promised is written too.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_breaking(root: &Path) -> Result<()> {
    api::write(root, api::Breaking::Meant)?;
    write_entries(root, &entries())
}

/// Compares every generated file with what would be written; changes nothing.
///
/// # Errors
/// When a file differs, naming each with its first differing line.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut entries = entries();
    entries.push(Entry::of(api::PLACE, api::document));
    check_entries(root, &entries)
}

fn write_entries(root: &Path, entries: &[Entry]) -> Result<()> {
    for Entry { path, render } in entries {
        let wanted = render(root).with_context(|| format!("cannot generate {path}"))?;
        let target = root.join(path);
        if read(&target)?.as_ref() == Some(&wanted) {
            continue;
        }
        if let Some(directory) = target.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&target, wanted).with_context(|| format!("cannot write {path}"))?;
        println!("generate: wrote {path}");
    }
    Ok(())
}

fn check_entries(root: &Path, entries: &[Entry]) -> Result<()> {
    let mut stale = Vec::new();
    for Entry { path, render } in entries {
        let wanted = render(root).with_context(|| format!("cannot generate {path}"))?;
        match read(&root.join(path))? {
            None => stale.push(format!("{path}: is missing")),
            Some(found) if found != wanted => {
                stale.push(format!("{path}:{}: differs", first_difference(&found, &wanted)));
            }
            Some(_) => {}
        }
    }
    if stale.is_empty() {
        println!("generate: {} files, all as the code says", entries.len());
        return Ok(());
    }
    bail!("{}\nrun `cargo xtask generate` and commit the result", stale.join("\n"))
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The first line, from 1, at which the two texts differ.
fn first_difference(found: &str, wanted: &str) -> usize {
    let same = found.lines().zip(wanted.lines()).take_while(|(one, other)| one == other);
    same.count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> [Entry; 1] {
        [Entry::of("docs/sample.md", |_| Ok("one\ntwo\n".to_owned()))]
    }

    #[test]
    fn a_missing_and_a_changed_file_are_found_and_written() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let problem = |root: &Path| check_entries(root, &sample()).unwrap_err().to_string();
        assert!(problem(root).contains("docs/sample.md: is missing"));

        write_entries(root, &sample()).unwrap();
        check_entries(root, &sample()).unwrap();

        fs::write(root.join("docs/sample.md"), "one\n2\n").unwrap();
        assert!(problem(root).contains("docs/sample.md:2: differs"));
        write_entries(root, &sample()).unwrap();
        check_entries(root, &sample()).unwrap();
    }
}
