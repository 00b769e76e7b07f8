//! `approve` and `reject`: a person's word about a plan. Ask nothing: whose plan it is stands in the
//! command, and the plan that was looked at is the one that the word is about.

use std::fmt::Write as _;
use std::path::Path;

use towpath_core::ids::{LaneId, Name, PromotionNumber};
use towpath_core::plan::SHORTEST_PREFIX;
use towpath_core::promotion::input::PromotionOrder;
use towpath_core::reason::Next;
use towpath_core::speaking::{Says, Signed};
use towpath_engine::views::{PlanView, PromotionView};
use towpath_server::requests::{ApprovalAnswer, ApprovalRequest};

use crate::args::{ApproveArguments, RejectArguments};
use crate::commands::Context;
use crate::commands::session::{Session, lane_path};
use crate::commands::signing::{self, Speaker, Words};
use crate::exit_code::{CliError, ExitCode};
use crate::report::style::{Symbol, printable};
use crate::{person, report};

/// Runs `approve`. Safe to repeat: the yes holds from the last time on.
pub(crate) async fn approve(
    arguments: &ApproveArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let found = subject(&session, "approve", &arguments.what, arguments.release.clone()).await?;
    let said = (Says::Approve, &arguments.note, &arguments.link);
    let signed = signed(&session, &found, arguments.by.key.as_deref(), said).await?;
    let request = ApprovalRequest {
        by: person::current(),
        agrees: true,
        plan: Some(found.plan().to_owned()),
        release: arguments.release.clone(),
        note: arguments.note.clone(),
        link: arguments.link.clone(),
        signed,
    };
    let said: ApprovalAnswer = session.client.post(&found.path(), &request).await?;
    let text = text(&said, "approved", &found, context);
    let (waits, next) = still(&session, &said, &found, context).await?;
    context.either(&said, (text + &waits, report::block::next(&next)));
    Ok(ExitCode::Done)
}

/// Runs `reject`. Not safe to repeat: the promotion has ended then (exit 6).
pub(crate) async fn reject(
    arguments: &RejectArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let found = subject(&session, "reject", &arguments.what, None).await?;
    let note = Some(arguments.reason.clone());
    let said = (Says::Reject, &note, &arguments.link);
    let signed = signed(&session, &found, arguments.by.key.as_deref(), said).await?;
    let request = ApprovalRequest {
        by: person::current(),
        agrees: false,
        plan: Some(found.plan().to_owned()),
        release: None,
        note,
        link: arguments.link.clone(),
        signed,
    };
    let said: ApprovalAnswer = session.client.post(&found.path(), &request).await?;
    let text = text(&said, "rejected", &found, context);
    let next = Next::new(format!("towpath history {}", found.to()), "what happened there");
    context.either(&said, (text, report::block::next(&[context.err.naming(next)])));
    Ok(ExitCode::Done)
}

/// The words as whoever has a key signs them; none of whoever has none.
async fn signed(
    session: &Session,
    found: &Subject,
    key: Option<&Path>,
    (says, note, link): (Says, &Option<String>, &Option<String>),
) -> Result<Option<Signed>, CliError> {
    let Some(speaker) = Speaker::of(session, key).await? else { return Ok(None) };
    let names = (Name::new(found.service()), Name::new(found.to()));
    let (Ok(service), Ok(environment)) = names else { return Ok(None) };
    let (promotion, plan) = match found {
        Subject::Promotion(promotion) => {
            let plan = signing::plan_of(session, promotion.number, &promotion.plan).await?;
            (Some(PromotionNumber(promotion.number)), Some(plan))
        }
        Subject::Plan(_, plan) => (None, signing::digest(&plan.hash)),
    };
    let release = signing::digest_of(session, &service, found.release()).await?;
    let words = Words {
        promotion,
        release: Some(release),
        plan,
        note: note.clone(),
        link: link.clone(),
        ..Words::about(&LaneId { service, environment })
    };
    speaker.sign(says, words).map(Some)
}

/// What a word is about.
enum Subject {
    /// A promotion that waits.
    Promotion(Box<PromotionView>),
    /// A plan that nobody has ordered.
    Plan(LaneId, Box<PlanView>),
}

impl Subject {
    fn plan(&self) -> &str {
        match self {
            Self::Promotion(promotion) => &promotion.plan,
            Self::Plan(_, plan) => plan.hash.trim_start_matches("sha256:"),
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Promotion(promotion) => format!("/v1/promotions/{}/approval", promotion.number),
            Self::Plan(lane, _) => lane_path(lane, "/approvals"),
        }
    }

    fn service(&self) -> &str {
        match self {
            Self::Promotion(promotion) => &promotion.service,
            Self::Plan(_, plan) => &plan.service,
        }
    }

    fn release(&self) -> &str {
        match self {
            Self::Promotion(promotion) => &promotion.release,
            Self::Plan(_, plan) => &plan.release,
        }
    }

    fn to(&self) -> &str {
        match self {
            Self::Promotion(promotion) => &promotion.to,
            Self::Plan(_, plan) => &plan.to,
        }
    }
}

async fn subject(
    session: &Session,
    verb: &str,
    what: &str,
    release: Option<towpath_core::ids::Version>,
) -> Result<Subject, CliError> {
    if what.len() < SHORTEST_PREFIX && what.bytes().all(|byte| byte.is_ascii_digit()) {
        let found = session.client.get(&format!("/v1/promotions/{what}")).await?;
        return Ok(Subject::Promotion(Box::new(found)));
    }
    let known =
        |name: &Name| session.status.lanes.iter().any(|lane| lane.environment == name.as_str());
    let digits = what.strip_prefix("sha256:").unwrap_or(what);
    let is_hash =
        digits.len() >= SHORTEST_PREFIX && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match Name::new(what) {
        Ok(name) if known(&name) || !is_hash => waits_in(session, verb, &name).await,
        _ if is_hash => planned(session, digits, release).await,
        _ => Err(CliError::new(
            ExitCode::Usage,
            "what",
            format!("`{}` names nothing", printable(what)),
        )
        .because("a promotion's number, an environment or the hash of a plan is needed")
        .next("towpath waiting", "what waits, with the commands")),
    }
}

/// The promotion that waits in an environment.
async fn waits_in(session: &Session, verb: &str, name: &Name) -> Result<Subject, CliError> {
    let retry = |name: &str| format!("towpath {verb} {name}");
    let (lane, _) = session.lane(name, retry)?;
    let all: Vec<PromotionView> =
        session.client.get(&lane_path(&lane, "/promotions?limit=50")).await?;
    let mut waiting = all.into_iter().filter(|one| one.state == "waiting");
    match (waiting.next(), waiting.next()) {
        (Some(only), None) => Ok(Subject::Promotion(Box::new(only))),
        (Some(one), Some(other)) => {
            let message = format!("several promotions wait in {name}");
            let error = CliError::new(ExitCode::Usage, "several-wait", message);
            let next = |error: CliError, one: &PromotionView| {
                error.next(format!("towpath {verb} {}", one.number), one.release.clone())
            };
            Err(next(next(error, &one), &other))
        }
        (None, _) => {
            let message = format!("nothing waits in {name}");
            Err(CliError::new(ExitCode::NotFound, "nothing-waits", message)
                .because("a plan can be approved by its hash before anybody has ordered it")
                .next(format!("towpath plan {name}"), "what would happen, with the hash")
                .next("towpath waiting", "what waits elsewhere"))
        }
    }
}

/// What has this plan: a promotion that waits, or what somebody may order.
async fn planned(
    session: &Session,
    digits: &str,
    release: Option<towpath_core::ids::Version>,
) -> Result<Subject, CliError> {
    let of_lanes = session.status.lanes.iter().filter_map(|lane| lane.promotion.as_ref());
    let is_it =
        |one: &&PromotionView| digits.starts_with(&one.plan) || one.plan.starts_with(digits);
    if let Some(promotion) = of_lanes.filter(|one| one.state == "waiting").find(is_it) {
        return Ok(Subject::Promotion(Box::new(promotion.clone())));
    }
    for lane in &session.status.lanes {
        let names = (Name::new(&lane.service), Name::new(&lane.environment));
        let (Ok(service), Ok(environment)) = names else { continue };
        let id = LaneId { service, environment };
        let order = PromotionOrder {
            release: release.clone(),
            plan: Some(digits.to_owned()),
            ..PromotionOrder::of(person::current())
        };
        // Anything else than this plan is refused.
        let found: Result<PlanView, _> = session.client.ask(&lane_path(&id, "/plan"), &order).await;
        if let Ok(plan) = found {
            return Ok(Subject::Plan(id, Box::new(plan)));
        }
    }
    let message = format!("no promotion waits under plan {digits}, and none would have it");
    Err(CliError::new(ExitCode::NotFound, "no-such-plan", message)
        .because("what is declared or what serves may have changed since; a release that is not the newest is named with --release")
        .next("towpath waiting", "what waits")
        .next("towpath plan ENV", "what would happen, with the hash"))
}

fn text(said: &ApprovalAnswer, verb: &str, found: &Subject, context: &Context) -> String {
    let number = said.promotion.map_or_else(String::new, |number| format!(" (promotion {number})"));
    let mut text = format!(
        "{} {} {verb} plan {}: {} {} {} {}{number}\n",
        context.out.symbol(Symbol::Passed),
        printable(&said.by),
        said.plan,
        found.service(),
        found.release(),
        context.out.arrow(),
        found.to(),
    );
    for note in &said.notes {
        let _ = writeln!(text, "    {}", printable(note));
    }
    text
}

/// What the promotion still waits for, and what comes next.
async fn still(
    session: &Session,
    said: &ApprovalAnswer,
    found: &Subject,
    context: &Context,
) -> Result<(String, Vec<Next>), CliError> {
    let to = found.to();
    let Some(number) = said.promotion else {
        let command =
            format!("towpath promote {to} --release {} --plan {}", found.release(), said.plan);
        let next = Next::new(command, "carries out this, or nothing");
        return Ok((String::new(), vec![context.err.naming(next)]));
    };
    let now: PromotionView = session.client.get(&format!("/v1/promotions/{number}")).await?;
    let mut text = String::new();
    for blocker in &now.waits_for {
        let who = if blocker.who.is_empty() {
            String::new()
        } else {
            format!(" ({})", blocker.who.join(", "))
        };
        let _ = writeln!(text, "    still waits for  {}{who}", printable(&blocker.sentence));
    }
    Ok((text, vec![Next::new(format!("towpath watch {number}"), "until it ends")]))
}
