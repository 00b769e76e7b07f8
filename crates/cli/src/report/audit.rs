//! Whether the journal is as it was written.

use towpath_core::reason::Next;
use towpath_ports::store::ChainReport;

use crate::report::block::{Block, next};
use crate::report::style::{Style, Symbol, grouped, printable, stamp};

/// The answer, and what helps.
pub(crate) fn text(report: &ChainReport, place: &str, style: &Style) -> (String, String) {
    let mut block = Block::default();
    let Some(broken) = &report.broken else {
        let span = report.span.map_or_else(String::new, |(first, last)| {
            let (first, last) = (style.minute(&stamp(first)), style.minute(&stamp(last)));
            format!(", 1 to {}, from {first} to {last}", report.events)
        });
        let events = grouped(report.events);
        let mark = style.symbol(Symbol::Passed);
        block.row("chain", "every event carries the hash of the one before it");
        block.row(
            "not covered",
            "a journal that was rewritten from some event to its end; only a signed checkpoint kept \
             elsewhere shows that",
        );
        let head = format!("{mark} the journal is whole: {events} events{span}\n");
        return (head + &block.written(4, style), String::new());
    };
    let head = format!(
        "{} the journal was changed: event {} is not the one that was written\n",
        style.symbol(Symbol::Failed),
        broken.seq
    );
    block.row("cause", printable(&broken.sentence));
    block.row("place", format!("{place}, event {}", broken.seq));
    if broken.seq > 1 {
        block.row("trusted", format!("events 1 to {}", broken.seq - 1));
    }
    block.row("doubtful", format!("events from {} on", broken.seq));
    block.row("now", "nothing was repaired and nothing was stopped; releases serve as before");
    let history = Next::new("towpath history --all", "what promotions are recorded");
    (head + &block.written(4, style), next(&[history]))
}
