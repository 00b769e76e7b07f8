//! A bundle about one promotion: that it was written, and whether one is true.

use serde_json::{Value, json};
use towpath_audit::bundle::Checked;
use towpath_core::ids::Digest;
use towpath_core::reason::Next;
use towpath_engine::views::FORMAT;

use super::{few, sentences};
use crate::report::block::{Block, next};
use crate::report::style::{Style, Symbol, counted, printable};

/// What was written.
pub(crate) struct Bundled {
    /// About which promotion.
    pub(crate) promotion: u64,
    /// Where.
    pub(crate) file: String,
    /// How many files are in it.
    pub(crate) files: usize,
    /// The part of the journal.
    pub(crate) events: (i64, i64),
    /// Events whose content was withheld.
    pub(crate) withheld: Vec<i64>,
    /// Pieces of evidence that are not kept any more.
    pub(crate) lost: Vec<Digest>,
}

impl Bundled {
    /// As JSON.
    pub(crate) fn object(&self) -> Value {
        let Self { promotion, file, files, events, withheld, lost } = self;
        json!({
            "format": FORMAT, "promotion": promotion, "file": file, "files": files,
            "events": events, "withheld": withheld, "lost": lost,
        })
    }
}

/// What was written, and what helps.
pub(crate) fn bundled(told: &Bundled, style: &Style) -> (String, String) {
    let mut block = Block::default();
    let mark = if told.lost.is_empty() { Symbol::Passed } else { Symbol::Failed };
    let head = format!(
        "{} wrote what happened to promotion {}: {}\n",
        style.symbol(mark),
        told.promotion,
        counted(told.files, "file")
    );
    block.row("file", printable(&told.file));
    block.row("journal", format!("events {} to {}", told.events.0, told.events.1));
    if !told.withheld.is_empty() {
        block.row(
            "withheld",
            format!(
                "the content of {}, which holds secrets ({})",
                counted(told.withheld.len(), "event"),
                few(&told.withheld)
            ),
        );
    }
    let lost = told.lost.iter().map(|digest| format!("{digest} is not kept any more")).collect();
    block.lines("lost", lost);
    let mut helps = vec![Next::new(
        format!("towpath audit verify {} --key audit.pub", told.file),
        "as whoever gets it does",
    )];
    if !told.withheld.is_empty() {
        let command = format!("towpath audit evidence {} --with-secrets", told.promotion);
        helps.push(Next::new(command, "has all of it, to be kept as a secret"));
    }
    (head + &block.written(4, style), next(&helps))
}

/// Whether a bundle is true, and what helps.
pub(crate) fn bundle(found: &Checked, place: &str, style: &Style) -> (String, String) {
    let mut block = Block::default();
    let mark = style.symbol(if found.is_true() { Symbol::Passed } else { Symbol::Failed });
    let word = if found.is_true() { "true" } else { "not proven" };
    let head = format!("{mark} the bundle is {word}\n");
    let mut causes = sentences(&found.findings);
    causes.extend(sentences(&found.journal.findings));
    block.lines("cause", causes);
    if let Some(account) = &found.account {
        let lane = format!("{} -> {}", account.service, account.environment);
        block.row(
            "promotion",
            printable(&format!(
                "{}, {} {}, {lane}",
                account.promotion, account.service, account.release.version
            )),
        );
        block.row(
            "ended",
            printable(&format!("{}: {}", account.outcome.as_str(), account.sentence)),
        );
        let words = account.agreed.iter().flat_map(|asked| &asked.by);
        let words: Vec<String> = words.map(ToString::to_string).collect();
        block.row(
            "ordered",
            format!("by {} at {}", printable(account.ordered_by.as_str()), account.requested_at),
        );
        if !words.is_empty() {
            block.row("agreed", printable(&words.join(", ")));
        }
    }
    let rehearsal = if found.journal.speed > 1 { ", a rehearsal" } else { "" };
    if let Some(project) = &found.journal.project {
        block.row("journal", format!("{}{rehearsal}", printable(project)));
    }
    super::said(&mut block, found.journal.words);
    block.row("evidence", format!("{} as the checks read it", counted(found.evidence, "piece")));
    if !found.journal.withheld.is_empty() {
        let many = counted(found.journal.withheld.len(), "event");
        block.row(
            "withheld",
            format!(
                "the content of {many}, which holds secrets ({})",
                few(&found.journal.withheld)
            ),
        );
    }
    block.row("place", printable(place));
    (head + &block.written(4, style), String::new())
}
