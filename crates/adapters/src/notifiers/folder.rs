//! Notifier `folder`: one Markdown file for each notice. Owns how it is written, whole or not at all;
//! removes none.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use towpath_core::notices::Notice;
use towpath_ports::notifier::{Delivery, Failure, Notifier, Taken};
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

/// Where the files go when the matrix says nothing, below the folder of the journal.
const DEFAULT: &str = "summaries";

pub(super) const KIND: Kind<dyn Notifier> = Kind {
    entry: KindEntry {
        family: Family::Notifier,
        name: "folder",
        summary: "A Markdown file for each notice, called by its promotion where it holds a summary.",
        example: "{ kind: folder, path: releases/notes }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[Field::optional(
            "path",
            FieldType::Path,
            "The folder, which is made when it is missing; left out, `summaries` beside the journal.",
        )],
        validate: |_| Vec::new(),
    },
    build: Some(|settings, site| Ok(Arc::new(Folder::new(settings, site)))),
};

struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(settings: &Value, site: &Site) -> Self {
        let path = match settings.get("path").and_then(Value::as_str) {
            Some(path) => site.root.join(path),
            None => site.state.join(DEFAULT),
        };
        Self { path }
    }
}

#[async_trait]
impl Notifier for Folder {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Taken, Failure> {
        let (folder, name) = (self.path.clone(), name(delivery.notice));
        let text = page(delivery.notice);
        let shown = folder.join(&name).display().to_string();
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &text)).await;
        match written {
            Ok(Ok(())) => Ok(Taken { sentence: format!("{shown} was written") }),
            Ok(Err(error)) => Err(Failure::later(format!("{shown} was not written: {error}"))),
            Err(error) => Err(Failure::later(format!("{shown} was not written: {error}"))),
        }
    }
}

/// The same however often it is written, so that a second time replaces the first.
fn name(notice: &Notice) -> String {
    let stem = match (notice.promotion, &notice.summary) {
        (Some(number), Some(_)) => number.to_string(),
        _ => notice.id.clone(),
    };
    let safe = |it: char| if it.is_ascii_alphanumeric() || it == '-' { it } else { '_' };
    format!("{}.md", stem.chars().map(safe).collect::<String>())
}

/// The text is indented, which Markdown shows as it is: no reason that somebody gave becomes markup.
fn page(notice: &Notice) -> String {
    let indented: Vec<String> = notice
        .text()
        .lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("    {line}") })
        .collect();
    let escape =
        |it: char| if it.is_ascii_punctuation() { format!("\\{it}") } else { it.to_string() };
    let subject: String = notice.subject.chars().map(escape).collect();
    format!("# {subject}\n\n{}\n", indented.join("\n"))
}

fn write(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{name}.new"));
    let mut file = std::fs::File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, folder.join(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::notifiers::testing::{build, deliver, notice};

    #[tokio::test]
    async fn a_summary_is_a_file_that_is_called_by_its_promotion_and_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let notifier = build("folder", &json!({}), folder.path()).unwrap();
        for _ in 0..2 {
            deliver(&*notifier, &[]).await.unwrap();
        }
        let files: Vec<_> = std::fs::read_dir(folder.path().join("state/summaries"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(files, ["17.md"]);
        let text = std::fs::read_to_string(folder.path().join("state/summaries/17.md")).unwrap();
        assert!(text.starts_with("# \\[soundbite\\] production went back to 1\\.3\\.2"), "{text}");
        assert!(text.contains("\n    harmed 3, rescued 12\n"), "{text}");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("taken"), "").unwrap();
        let notifier = build("folder", &json!({ "path": "taken" }), folder.path()).unwrap();
        assert!(deliver(&*notifier, &[]).await.unwrap_err().may_help_later);
    }

    #[test]
    fn no_name_leaves_the_folder() {
        let notice = Notice { id: "../../etc/x".to_owned(), summary: None, ..notice() };
        assert_eq!(name(&notice), "______etc_x.md");
    }
}
