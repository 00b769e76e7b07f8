//! `pause`, `resume` and `abort`. Ask nothing: to hold and to stop is the safe act, and to go on was
//! agreed to before.

use towpath_core::reason::Next;
use towpath_server::requests::{AcceptedView, HoldRequest};

use crate::args::HoldArguments;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Symbol;
use crate::{person, report};

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Hold it where it is.
    Pause,
    /// Let it go on.
    Resume,
    /// End it.
    Abort,
}

impl Order {
    fn verb(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
        }
    }

    fn done(self, number: u64) -> String {
        match self {
            Self::Pause => format!("promotion {number} is paused where it is; it is judged on"),
            Self::Resume => format!("promotion {number} goes on"),
            Self::Abort => format!("promotion {number} is being aborted; all traffic returns"),
        }
    }

    fn next(self, number: u64) -> Vec<Next> {
        let watch = Next::new(format!("towpath watch {number}"), "until it ends");
        match self {
            Self::Pause => vec![
                Next::new(format!("towpath resume {number}"), "lets it go on"),
                Next::new(format!("towpath abort {number}"), "returns all traffic"),
            ],
            Self::Resume | Self::Abort => vec![watch],
        }
    }
}

/// Runs one of them. Safe to repeat: the second time is refused (exit 6) and changes nothing.
pub(crate) async fn run(
    order: Order,
    arguments: &HoldArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let number = arguments.number;
    let request = HoldRequest { by: person::current(), reason: arguments.reason.clone() };
    let path = format!("/v1/promotions/{number}/{}", order.verb());
    let accepted: AcceptedView = session.client.post(&path, &request).await?;
    let text = format!("{} {}\n", context.out.symbol(Symbol::Passed), order.done(number));
    context.either(&accepted, (text, report::block::next(&order.next(number))));
    Ok(ExitCode::Done)
}
