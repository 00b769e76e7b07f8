//! Channels and notices: what a test did, what is on its way, and what never arrived.

use std::fmt::Write as _;

use towpath_core::reason::Next;
use towpath_engine::views::{ChannelView, DeliveredNoticeView, NoticesView, TestView};

use crate::report::block::{next, table};
use crate::report::history::cut;
use crate::report::style::{Style, Symbol, counted, printable};

/// What became of each message.
pub(crate) fn tests(
    tried: &[TestView],
    channels: &[ChannelView],
    style: &Style,
) -> (String, String) {
    let mut text = String::new();
    if tried.is_empty() {
        let mark = style.symbol(Symbol::Warning);
        let _ = writeln!(
            text,
            "{mark} nothing was sent: the matrix has no channel that can be reached"
        );
    }
    for test in tried {
        let symbol = if test.arrived { Symbol::Passed } else { Symbol::Failed };
        let (mark, channel) = (style.symbol(symbol), style.bold(&test.channel));
        let _ = writeln!(text, "{mark} {channel} ({})   {}", test.kind, printable(&test.sentence));
    }
    for channel in channels.iter().filter(|_| tried.len() != 1) {
        if let Some(why) = &channel.missing {
            let mark = style.symbol(Symbol::ToCome);
            let _ = writeln!(text, "{mark} {} was not tried: {}", channel.name, printable(why));
        }
    }
    let failed = tried.iter().any(|test| !test.arrived);
    let help =
        failed.then(|| Next::new("towpath matrix check --verbose", "what the file says of it"));
    (text, next(help.as_slice()))
}

/// Channels, what is on its way, and what never arrived.
pub(crate) fn list(view: &NoticesView, style: &Style) -> (String, String) {
    let mut text = channels(&view.channels, style);
    let _ = writeln!(text, "\n{}", on_the_way(view.pending.len()));
    if !view.pending.is_empty() {
        let head = ["channel", "tells", "tried", "why not yet"].map(str::to_owned).to_vec();
        let rows = view.pending.iter().map(|one| {
            let why = one.sentence.as_deref().map(printable).unwrap_or_default();
            let tells = told(&one.occasion, one.promotion);
            vec![one.channel.clone(), tells, one.attempts.to_string(), cut(why, style)]
        });
        text.push_str(&table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    let _ = writeln!(text, "\n{}", never_arrived(view.dead.len(), style));
    if !view.dead.is_empty() {
        let head = ["id", "channel", "tells", "since", "why"].map(str::to_owned).to_vec();
        let rows = view.dead.iter().map(|one| {
            let tells = told(&one.occasion, one.promotion);
            let why = cut(printable(&one.sentence), style);
            vec![one.id.clone(), one.channel.clone(), tells, style.day(&one.since), why]
        });
        text.push_str(&table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    let again = view.dead.first();
    let again = again.map(|dead| {
        Next::new(format!("towpath notify retry {}", dead.id), "sends it again, under the same id")
    });
    (text, next(again.as_slice()))
}

/// What arrived, the newest first, and how it is sent once more.
pub(crate) fn arrived(arrived: &[DeliveredNoticeView], style: &Style) -> (String, String) {
    if arrived.is_empty() {
        return ("nothing has arrived anywhere yet\n".to_owned(), String::new());
    }
    let head = ["id", "channel", "tells", "arrived", "subject"].map(str::to_owned).to_vec();
    let rows = arrived.iter().map(|one| {
        let subject = one.subject.as_deref().map(printable).unwrap_or_default();
        let tells = told(&one.occasion, one.promotion);
        vec![one.id.clone(), one.channel.clone(), tells, style.day(&one.at), cut(subject, style)]
    });
    let text = table(0, &std::iter::once(head).chain(rows).collect::<Vec<_>>());
    let kept = arrived.iter().find(|one| one.subject.is_some());
    let again = kept.map(|one| {
        Next::new(format!("towpath notify replay {}", one.id), "sends it once more, under its id")
    });
    (text, next(again.as_slice()))
}

fn channels(channels: &[ChannelView], style: &Style) -> String {
    if channels.is_empty() {
        let mark = style.symbol(Symbol::ToCome);
        return format!("{mark} the matrix in force has no `notifiers`\n");
    }
    let head = ["channel", "kind", "secrets", "can be reached"].map(str::to_owned).to_vec();
    let rows = channels.iter().map(|channel| {
        let reached = match &channel.missing {
            None => "yes".to_owned(),
            Some(why) => cut(format!("no: {}", printable(why)), style),
        };
        vec![style.bold(&channel.name), channel.kind.clone(), channel.secrets.join(", "), reached]
    });
    table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

fn on_the_way(count: usize) -> String {
    match count {
        0 => "nothing is on its way".to_owned(),
        many => format!("{} on the way", counted(many, "notice")),
    }
}

fn never_arrived(count: usize, style: &Style) -> String {
    match count {
        0 => "nothing was given up".to_owned(),
        many => {
            let mark = style.symbol(Symbol::Failed);
            format!("{mark} {} never arrived", counted(many, "notice"))
        }
    }
}

fn told(occasion: &str, promotion: Option<u64>) -> String {
    match promotion {
        Some(number) => format!("{} {number}", occasion.replace('_', " ")),
        None => occasion.replace('_', " "),
    }
}
