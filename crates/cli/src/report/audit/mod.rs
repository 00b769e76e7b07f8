//! Whether a journal is as it was written, and what was signed or exported of it.

mod bundle;

use serde::Serialize;
use serde_json::{Value, json};
use towpath_audit::verify::{Finding, Report};
use towpath_audit::words::Counted;
use towpath_core::reason::Next;
use towpath_core::units::Timestamp;
use towpath_engine::CheckpointView;
use towpath_engine::views::FORMAT;
use towpath_ports::store::ChainReport;

use crate::report::block::{Block, next};
use crate::report::style::{Style, Symbol, counted, grouped, printable, stamp};

pub(crate) use bundle::{Bundled, bundle, bundled};

/// Findings that are told to people; `--json` has more of them.
const TOLD: usize = 10;

/// What was found in a journal on its own disk.
pub(crate) struct Whole {
    /// Its chain.
    pub(crate) chain: ChainReport,
    /// Its checkpoints; none where there is none.
    pub(crate) signed: Option<Report>,
    /// What people signed.
    pub(crate) words: Said,
}

/// What people signed in a journal.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// How many words.
    pub(crate) counted: Counted,
    /// Which are not so.
    pub(crate) findings: Vec<Finding>,
}

impl Whole {
    /// Whether everything is as it was written.
    pub(crate) fn is_whole(&self) -> bool {
        let signed = self.signed.as_ref().is_none_or(Report::is_whole);
        self.chain.broken.is_none() && signed && self.words.findings.is_empty()
    }

    /// As JSON.
    pub(crate) fn object(&self) -> Value {
        let ChainReport { events, span, broken } = &self.chain;
        let checkpoints = self.signed.as_ref().map(|signed| {
            let Report { checkpoints, right, covered, findings, .. } = signed;
            json!({ "given": checkpoints, "right": right, "covered": covered, "findings": findings })
        });
        json!({
            "format": FORMAT, "events": events, "span": span, "broken": broken,
            "checkpoints": checkpoints,
            "words": {
                "right": self.words.counted.right,
                "unproven": self.words.counted.unproven,
                "unasked": self.words.counted.unasked,
                "findings": self.words.findings,
            },
        })
    }
}

/// What was exported.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Exported {
    /// How many events.
    pub(crate) events: u64,
    /// The first and the last of them.
    pub(crate) range: Option<(i64, i64)>,
    /// Those whose content was withheld.
    pub(crate) withheld: Vec<i64>,
    /// Where they were written; none: to stdout.
    pub(crate) file: Option<String>,
}

/// The answer about a journal, and what helps.
pub(crate) fn text(found: &Whole, place: &str, style: &Style) -> (String, String) {
    let mut block = Block::default();
    let Whole { chain, signed, words } = found;
    let findings = signed.as_ref().map(|it| it.findings.as_slice()).unwrap_or_default();
    let findings = &[findings, &words.findings].concat();
    let Some(broken) = &chain.broken else {
        if !findings.is_empty() {
            return differs(found, findings, place, style);
        }
        let span = chain.span.map_or_else(String::new, |(first, last)| {
            let (first, last) = (style.minute(&stamp(first)), style.minute(&stamp(last)));
            format!(", 1 to {}, from {first} to {last}", chain.events)
        });
        let events = grouped(chain.events);
        let mark = style.symbol(Symbol::Passed);
        block.row("chain", "every event carries the hash of the one before it");
        said(&mut block, words.counted);
        let next = covered(&mut block, chain.events, signed.as_ref());
        let head = format!("{mark} the journal is whole: {events} events{span}\n");
        return (head + &block.written(4, style), next);
    };
    let head = format!(
        "{} the journal was changed: event {} is not the one that was written\n",
        style.symbol(Symbol::Failed),
        broken.seq
    );
    block.row("cause", printable(&broken.sentence));
    block.lines("signed", sentences(findings));
    block.row("place", format!("{place}, event {}", broken.seq));
    let before = i64::try_from(broken.seq).unwrap_or(i64::MAX) - 1;
    let trusted = findings.iter().filter_map(|finding| finding.seq).min();
    let trusted = trusted.map_or(before, |seq| before.min(seq - 1));
    if trusted > 0 {
        block.row("trusted", format!("events 1 to {trusted}"));
    }
    block.row("doubtful", format!("events from {} on", trusted + 1));
    block.row("now", "nothing was repaired and nothing was stopped; releases serve as before");
    (head + &block.written(4, style), investigate(trusted + 1))
}

/// How many words people signed, where any were.
fn said(block: &mut Block, words: Counted) {
    let Counted { right, unproven, unasked } = words;
    if unasked > 0 {
        let whose = "of people who have a key, under a program that asked for no signature then";
        block.row("unsigned", format!("{unasked} {whose}"));
    }
    if right + unproven == 0 {
        return;
    }
    let unproven = match unproven {
        0 => String::new(),
        many => format!("; {many} by keys of which it does not say whose they are"),
    };
    block.row("words", format!("{right} of people, signed by their keys{unproven}"));
}

fn covered(block: &mut Block, events: u64, signed: Option<&Report>) -> String {
    let sign =
        || next(&[Next::new("towpath audit checkpoint", format!("sign up to {events} now"))]);
    let Some((signed, last)) = signed.and_then(|it| Some((it, it.covered?))) else {
        block.row(
            "not covered",
            "a journal that was rewritten from some event to its end; only a signed checkpoint kept \
             elsewhere shows that",
        );
        return sign();
    };
    block.row(
        "checkpoints",
        format!(
            "{} of {} signatures right; the last covers {last}",
            signed.right, signed.checkpoints
        ),
    );
    if u64::try_from(last) == Ok(events) {
        return String::new();
    }
    let rest = format!("events {} to {events}, newer than the last checkpoint", last + 1);
    block.row("not covered", rest);
    sign()
}

/// The chain holds, and what was signed says something else.
fn differs(found: &Whole, findings: &[Finding], place: &str, style: &Style) -> (String, String) {
    let mut block = Block::default();
    let symbol = style.symbol(Symbol::Failed);
    let head = format!("{symbol} the journal is not the one that was signed\n");
    block.lines("cause", sentences(findings));
    block.row("place", place);
    let trusted = match &found.signed {
        Some(signed) => signed.trusted.unwrap_or(0),
        None => i64::try_from(found.chain.events).unwrap_or(i64::MAX),
    };
    let untrue = found.words.findings.iter().filter_map(|finding| finding.seq).min();
    let trusted = untrue.map_or(trusted, |seq| trusted.min(seq - 1));
    if trusted > 0 {
        block.row("trusted", format!("events 1 to {trusted}"));
    }
    block.row("now", "nothing was repaired and nothing was stopped; releases serve as before");
    (head + &block.written(4, style), investigate(trusted + 1))
}

fn investigate(from: i64) -> String {
    next(&[
        Next::new(
            "towpath audit verify --checkpoints FILE",
            "FILE: a list that was kept elsewhere",
        ),
        Next::new(
            format!("towpath audit export --from {from} --output FILE"),
            "keep the doubtful part for whoever investigates",
        ),
    ])
}

/// The answer about an export, and what helps.
pub(crate) fn export(found: &Report, place: &str, style: &Style) -> (String, String) {
    let mut block = Block::default();
    let whole = found.is_whole();
    let events = grouped(found.events);
    let head = if whole {
        let range =
            found.range.map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
        let span = found.span.map_or_else(String::new, |(first, last)| {
            let (first, last) = (stamp(Timestamp(first)), stamp(Timestamp(last)));
            format!(", from {} to {}", style.minute(&first), style.minute(&last))
        });
        format!(
            "{} the export is whole: {events} events{range}{span}\n",
            style.symbol(Symbol::Passed)
        )
    } else if found.findings.is_empty() {
        format!("{} the export is not proven: {events} events\n", style.symbol(Symbol::Failed))
    } else {
        format!("{} the export is not as it was written\n", style.symbol(Symbol::Failed))
    };
    block.lines("cause", sentences(&found.findings));
    block.optional(
        "journal",
        found.project.as_deref().map(|project| {
            let rehearsal = if found.speed == 1 { "" } else { ", a rehearsal" };
            format!("{}{rehearsal}", printable(project))
        }),
    );
    block.row("place", printable(place));
    if !found.withheld.is_empty() {
        block.row(
            "withheld",
            format!(
                "the content of {}, which holds secrets: only its place is proven ({})",
                counted(found.withheld.len(), "event"),
                few(&found.withheld)
            ),
        );
    }
    said(&mut block, found.words);
    if found.checkpoints > 0 {
        let last =
            found.covered.map(|last| format!("; the last covers {last}")).unwrap_or_default();
        let (right, all) = (found.right, found.checkpoints - found.before);
        let before = match found.before {
            0 => String::new(),
            before => format!("; {before} more end before the first event here"),
        };
        block.row("checkpoints", format!("{right} of {all} hold{last}{before}"));
    }
    if found.covered != found.range.map(|(_, last)| last) {
        let after = found.covered.map_or_else(String::new, |last| format!(" after event {last}"));
        block.row("not covered", format!(
            "whether more was written{after} and cut off, or anything there was written anew: only a \
             later checkpoint shows that"
        ));
    }
    if !whole {
        let trusted = found.trusted.filter(|_| !found.findings.is_empty());
        block.optional("trusted", trusted.map(|last| format!("up to event {last}")));
    }
    (head + &block.written(4, style), help_about(found))
}

/// What helps on, beside what was found.
fn help_about(found: &Report) -> String {
    if !found.withheld.is_empty() {
        next(&[Next::new(
            "towpath audit export --with-secrets",
            "has all of it, to be kept as a secret",
        )])
    } else if found.checkpoints == 0 {
        next(&[Next::new(
            "towpath audit verify EXPORT --key audit.pub --checkpoints FILE",
            "holds it against what was signed",
        )])
    } else {
        String::new()
    }
}

fn sentences(findings: &[Finding]) -> Vec<String> {
    let told = findings.iter().take(TOLD).map(|finding| match finding.line {
        Some(line) => format!("{} (line {line})", printable(&finding.sentence)),
        None => printable(&finding.sentence),
    });
    let more = findings.len().checked_sub(TOLD).filter(|more| *more > 0);
    told.chain(more.map(|more| format!("and {more} more; --json has them"))).collect()
}

fn few(events: &[i64]) -> String {
    let mut told: Vec<String> = events.iter().take(TOLD).map(ToString::to_string).collect();
    if events.len() > TOLD {
        told.push("…".to_owned());
    }
    told.join(", ")
}

/// What was signed, and what helps.
pub(crate) fn checkpoint(signed: &CheckpointView, style: &Style) -> (String, String) {
    let mut block = Block::default();
    let symbol = |symbol| style.symbol(symbol);
    let events = grouped(signed.events);
    let head = if signed.made {
        format!("{} signed up to event {events}\n", symbol(Symbol::Passed))
    } else {
        format!(
            "{} signed already up to event {events}, which is the last\n",
            symbol(Symbol::Passed)
        )
    };
    block.row("hash", &signed.hash);
    block.row("journal", &signed.origin);
    block.row("key", printable(&signed.key));
    let missing = signed.missing_at.iter().map(|why| printable(why)).collect();
    block.lines("missing at", missing);
    let help = if signed.missing_at.is_empty() {
        String::new()
    } else {
        next(&[Next::new("towpath doctor", "it is tried again until it arrives")])
    };
    (head + &block.written(4, style), help)
}

/// What was exported, as a message.
pub(crate) fn exported(exported: &Exported, style: &Style) -> String {
    let mut block = Block::default();
    let (first, last) = exported.range.unwrap_or_default();
    let events = grouped(exported.events);
    let head =
        format!("{} exported {events} events, {first} to {last}\n", style.symbol(Symbol::Passed));
    block.optional("file", exported.file.as_deref().map(printable));
    if !exported.withheld.is_empty() {
        block.row(
            "withheld",
            format!(
                "the content of {}, which holds secrets; --with-secrets writes it too",
                counted(exported.withheld.len(), "event")
            ),
        );
    }
    let file = exported.file.as_deref().map_or_else(|| "EXPORT".to_owned(), printable);
    let from = if first > 1 { format!(" --from {first}") } else { String::new() };
    let verify = format!("towpath audit verify {file}{from}");
    head + &block.written(4, style) + &next(&[Next::new(verify, "needs nothing but the file")])
}
