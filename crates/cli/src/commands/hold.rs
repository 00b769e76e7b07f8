//! `pause`, `resume` and `abort`. Ask nothing: to hold and to stop is the safe act, and to go on was
//! agreed to before.

use serde::Serialize;
use towpath_core::reason::Next;
use towpath_core::speaking::Says;
use towpath_engine::views::PromotionView;
use towpath_server::requests::{AcceptedView, HoldRequest, ResumeRequest};

use crate::args::{HoldArguments, ResumeArguments};
use crate::commands::Context;
use crate::commands::session::Session;
use crate::commands::signing::{self, Words};
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

/// Runs `pause` or `abort`. Safe to repeat: the second time is refused (exit 6) and changes nothing.
pub(crate) async fn run(
    order: Order,
    arguments: &HoldArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let request = HoldRequest { by: person::current(), reason: arguments.reason.clone() };
    ordered(&session, order, arguments.number, &request, context).await
}

/// Runs `resume`, which whoever has a key signs. Safe to repeat, as the others are.
pub(crate) async fn resume(
    arguments: &ResumeArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let HoldArguments { number, reason } = arguments.held.clone();
    let promotion: PromotionView = session.client.get(&format!("/v1/promotions/{number}")).await?;
    // What is over is refused before anybody asks who says so.
    let signed = if promotion.ended_at.is_none() {
        let words = Words::of_promotion(&promotion);
        signing::said(&session, &arguments.by, Says::Resume, words).await?
    } else {
        None
    };
    let request = ResumeRequest { by: person::current(), reason, signed };
    ordered(&session, Order::Resume, number, &request, context).await
}

async fn ordered(
    session: &Session,
    order: Order,
    number: u64,
    request: &impl Serialize,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let path = format!("/v1/promotions/{number}/{}", order.verb());
    let accepted: AcceptedView = session.client.post(&path, request).await?;
    let text = format!("{} {}\n", context.out.symbol(Symbol::Passed), order.done(number));
    context.either(&accepted, (text, report::block::next(&order.next(number))));
    Ok(ExitCode::Done)
}
