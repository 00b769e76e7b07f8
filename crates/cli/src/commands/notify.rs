//! `notify test`, `notify list`, `notify retry` and `notify replay`: whether people can be told, what they were not
//! told, and telling them again. Changes no promotion.

use towpath_core::ids::Name;
use towpath_engine::views::{
    ChannelView, DeliveredNoticeView, FORMAT, NoticesView, PromotionView, TestView,
};
use towpath_server::requests::{AcceptedView, NoticeRetryRequest, NoticeTestRequest};

use crate::args::{
    NotifyCommand, NotifyListArguments, NotifyReplayArguments, NotifyRetryArguments,
    NotifyTestArguments,
};
use crate::client::Client;
use crate::commands::Context;
use crate::commands::session::Session;
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::Symbol;
use crate::{person, report};

/// Runs `notify …`.
pub(crate) async fn run(command: &NotifyCommand, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        NotifyCommand::Test(arguments) => test(arguments, context).await,
        NotifyCommand::List(arguments) => list(arguments, context).await,
        NotifyCommand::Retry(arguments) => retry(arguments, context).await,
        NotifyCommand::Replay(arguments) => replay(arguments, context).await,
    }
}

/// Sends one message to each channel, as the file has them now. Exit 1 when one did not take it.
async fn test(arguments: &NotifyTestArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::following(context).await?;
    let known = notices(&session.client).await?;
    let channels = match &arguments.channel {
        Some(name) => vec![name.clone()],
        None => reachable(&known.channels),
    };
    let mut tried: Vec<TestView> = Vec::new();
    for channel in channels {
        let request = NoticeTestRequest { channel, by: person::current() };
        tried.push(session.client.patient().post("/v1/notices/test", &request).await?);
    }
    let all_arrived = tried.iter().all(|test| test.arrived);
    let view = serde_json::json!({ "format": FORMAT, "tests": tried });
    context.either(&view, report::notify::tests(&tried, &known.channels, &context.out));
    Ok(if all_arrived { ExitCode::Done } else { ExitCode::Failed })
}

fn reachable(channels: &[ChannelView]) -> Vec<Name> {
    let all = channels.iter().filter(|channel| channel.missing.is_none());
    all.filter_map(|channel| Name::new(&channel.name).ok()).collect()
}

/// Channels, and all that did not arrive.
async fn notices(client: &Client) -> Result<NoticesView, CliError> {
    let (mut all, mut way): (NoticesView, _) = client.page("/v1/notices?limit=200").await?;
    while let Some(path) = way {
        let (page, next): (NoticesView, _) = client.page(&path).await?;
        all.pending.extend(page.pending);
        all.dead.extend(page.dead);
        way = next;
    }
    Ok(all)
}

/// Deliveries that are shown: the journal has all of them.
const SHOWN: &str = "/v1/notices/delivered?limit=50";

async fn list(arguments: &NotifyListArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::reading(context).await?;
    if arguments.arrived {
        let (arrived, _): (Vec<DeliveredNoticeView>, _) = session.client.page(SHOWN).await?;
        let view = serde_json::json!({ "format": FORMAT, "arrived": arrived });
        context.either(&view, report::notify::arrived(&arrived, &context.out));
        return Ok(ExitCode::Done);
    }
    let view = notices(&session.client).await?;
    context.either(&view, report::notify::list(&view, &context.out));
    Ok(ExitCode::Done)
}

/// Safe to repeat: a second time no such notice is kept any more (exit 5).
async fn retry(arguments: &NotifyRetryArguments, context: &Context) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let request = NoticeRetryRequest { id: arguments.id.clone(), by: person::current() };
    let accepted: AcceptedView = session.client.post("/v1/notices/retry", &request).await?;
    let mark = context.out.symbol(Symbol::Passed);
    let text = format!("{mark} {} is sent again\n", report::style::printable(&arguments.id));
    let next = towpath_core::reason::Next::new("towpath notify list", "whether it arrived");
    context.either(&accepted, (text, report::block::next(&[next])));
    Ok(ExitCode::Done)
}

/// Not safe to repeat: each time it is sent once more, unless it is on its way (exit 6).
async fn replay(
    arguments: &NotifyReplayArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let request = NoticeRetryRequest { id: arguments.id.clone(), by: person::current() };
    let accepted: AcceptedView = session.client.post("/v1/notices/replay", &request).await?;
    let mark = context.out.symbol(Symbol::Passed);
    let id = report::style::printable(&arguments.id);
    let text = format!("{mark} {id} is sent once more, under the same id\n");
    let next = towpath_core::reason::Next::new("towpath notify list", "whether it is on its way");
    context.either(&accepted, (text, report::block::next(&[next])));
    Ok(ExitCode::Done)
}

/// How long the end of a promotion waits to say who heard of it: what is well takes a moment.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
/// How often it looks meanwhile.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// Leaves in `told` those who have their notice; whose is still on its way, or never arrived, is not told
/// yet, with why. What nobody answers is left as it is.
pub(crate) async fn only_the_told(client: &Client, view: &mut PromotionView) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !view.told.is_empty() {
        let Ok(notices) = notices(client).await else { return };
        let number = Some(view.number);
        let waits = notices.pending.iter().any(|one| {
            one.promotion == number && one.attempts == 0 && view.told.contains(&one.channel)
        });
        if waits && tokio::time::Instant::now() < until {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        sort_out(view, &notices);
        return;
    }
}

fn sort_out(view: &mut PromotionView, notices: &NoticesView) {
    let number = Some(view.number);
    let outcome = view.outcome.map(towpath_core::promotion::state::Outcome::as_str);
    // An ordered rollback that succeeded is told as one.
    let is_end = |occasion: &str| outcome == Some(occasion) || occasion == "rolled_back";
    let on_the_way = notices.pending.iter().filter(|one| one.promotion == number);
    let why = |sentence: Option<&String>| match sentence {
        Some(sentence) => format!("on its way: {sentence}"),
        None => "on its way".to_owned(),
    };
    let mut missing: Vec<(String, String)> = on_the_way
        .filter(|one| is_end(&one.occasion))
        .map(|one| (one.channel.clone(), why(one.sentence.as_ref())))
        .collect();
    let dead = notices.dead.iter().filter(|one| one.promotion == number);
    missing.extend(
        dead.filter(|one| is_end(&one.occasion))
            .map(|one| (one.channel.clone(), format!("given up: {}", one.sentence))),
    );
    view.told.retain(|channel| !missing.iter().any(|(own, _)| own == channel));
    let named = missing.into_iter().filter(|(channel, _)| !channel.contains(':'));
    view.not_told.extend(named.map(|(channel, why)| format!("{channel} ({why})")));
}
