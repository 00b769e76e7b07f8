//! What stdout and stderr are: a terminal or not, how wide, which symbols. The only file of
//! reports that asks the world.

use std::io::IsTerminal as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::args::Global;
use crate::report::style::{Services, Style};

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Answers.
    Out,
    /// Messages.
    Err,
}

/// Columns when a terminal does not say how many it has (cli.md is drawn at 100).
const USUAL_WIDTH: usize = 100;
/// A sentence is not folded wider than this: longer lines are hard to read.
const WIDEST: usize = 120;

/// How text for a stream is written, from what it is and what the person and the environment say.
pub(crate) fn style(global: &Global, stream: Stream) -> Style {
    let now = Timestamp::now();
    let is_terminal = match stream {
        Stream::Out => std::io::stdout().is_terminal(),
        Stream::Err => std::io::stderr().is_terminal(),
    };
    if !is_terminal {
        return Style { services: Services::named(global.service.clone()), ..Style::plain(now) };
    }
    let dumb = variable("TERM").is_none_or(|term| term == "dumb");
    Style {
        ascii: global.ascii || dumb || !is_utf8(),
        // https://no-color.org: set and not empty.
        colour: !global.no_color && !dumb && variable("NO_COLOR").is_none(),
        width: Some(columns(stream).unwrap_or(USUAL_WIDTH).min(WIDEST)),
        local_time_zone: Some(TimeZone::system()),
        now,
        services: Services::named(global.service.clone()),
    }
}

/// The same style at this moment.
pub(crate) fn now(style: &Style) -> Style {
    Style { now: Timestamp::now(), ..style.clone() }
}

/// Whether progress can be drawn in place: on a terminal that can move its cursor.
pub(crate) fn draws() -> bool {
    std::io::stderr().is_terminal() && variable("TERM").is_some_and(|term| term != "dumb")
}

/// Columns of the terminal; none when it does not say.
fn columns(stream: Stream) -> Option<usize> {
    let size = match stream {
        Stream::Out => rustix::termios::tcgetwinsize(std::io::stdout()),
        Stream::Err => rustix::termios::tcgetwinsize(std::io::stderr()),
    };
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// What the locale says (POSIX: `LC_ALL` before `LC_CTYPE` before `LANG`; the first that is set).
fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name));
    locale.is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
