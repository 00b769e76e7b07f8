//! The command line's grammar: names, options and what may stand in them. Owns no behaviour and no
//! help text; help is in `report/help.rs`.

mod agree;
mod audit;
mod evidence;
mod freezes;
mod login;
mod matrix;
mod notify;
mod release;
mod simulate;
mod token;
mod values;

use clap::{Args, Parser, Subcommand};
use towpath_core::ids::{Name, Person, Version};
use towpath_core::matrix::Signal;
use towpath_core::units::Span;

pub(crate) use crate::args::agree::{
    ApproveArguments, AttestArguments, RejectArguments, SettleArguments, Signing,
};
pub(crate) use crate::args::audit::{
    AuditArguments, AuditCommand, EvidenceBundleArguments, ExportArguments, VerifyArguments,
};
pub(crate) use crate::args::evidence::{
    EvidenceArguments, EvidenceCommand, EvidenceListArguments, EvidenceShowArguments,
    EvidenceWithdrawArguments,
};
pub(crate) use crate::args::freezes::{FreezeArguments, ThawArguments};
pub(crate) use crate::args::login::{LoginArguments, LogoutArguments};
pub(crate) use crate::args::matrix::{
    CheckArguments, MatrixApplyArguments, MatrixArguments, MatrixCommand, MatrixDiffArguments,
    MatrixWordArguments, ShowArguments, ShowForm,
};
pub(crate) use crate::args::notify::{
    NotifyArguments, NotifyCommand, NotifyListArguments, NotifyReplayArguments,
    NotifyRetryArguments, NotifyTestArguments,
};
pub(crate) use crate::args::release::{CreateArguments, ReleaseArguments, ReleaseCommand};
pub(crate) use crate::args::simulate::{Answers, SimulateArguments, Wrong};
pub(crate) use crate::args::token::{
    TokenArguments, TokenCommand, TokenCreateArguments, TokenListArguments, TokenRevokeArguments,
};
use crate::args::values::{
    name, number, person, plan_hash, reason, signal, speed, version, watched,
};
use crate::commands;

/// Everything that was typed.
#[derive(Debug, Parser)]
#[command(name = "towpath", version, disable_help_subcommand = true, infer_subcommands = false)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options of every command, in any place.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct Global {
    /// one JSON object instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// which service; needed where the matrix has several
    #[arg(long, global = true, value_name = "NAME", value_parser = name)]
    pub(crate) service: Option<Name>,
    /// never ask; refuse instead (exit 2)
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// only ASCII symbols
    #[arg(long, global = true)]
    pub(crate) ascii: bool,
    /// no colours
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// a journal of its own in which every declared time runs so many times faster
    #[arg(long, global = true, value_name = "60x", value_parser = speed)]
    pub(crate) rehearsal: Option<u32>,
    /// in a rehearsal: act as this person of the matrix
    #[arg(long = "act-as", global = true, value_name = "PERSON", env = "TOWPATH_ACT_AS", value_parser = person)]
    pub(crate) acting: Option<Person>,
    /// the project of this server: an address, a context of yours, or `none` for this machine
    #[arg(long, global = true, value_name = "SERVER", env = "TOWPATH_SERVER")]
    pub(crate) server: Option<String>,
    /// act by the token in this file, `-` for stdin; otherwise by the one in TOWPATH_TOKEN, if any
    #[arg(long = "token-file", global = true, value_name = "FILE")]
    pub(crate) token_file: Option<std::path::PathBuf>,
}

/// All commands. Those that are not in the overview start other parts of the same program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArguments),
    Matrix(MatrixArguments),
    Release(ReleaseArguments),
    Plan(PlanArguments),
    Promote(PromoteArguments),
    BreakGlass(PromoteArguments),
    Rollback(RollbackArguments),
    Signal(SignalArguments),
    Pause(HoldArguments),
    Resume(ResumeArguments),
    Abort(HoldArguments),
    Approve(ApproveArguments),
    Reject(RejectArguments),
    Attest(AttestArguments),
    Settle(SettleArguments),
    Freeze(FreezeArguments),
    Thaw(ThawArguments),
    Status,
    Why(EnvironmentArguments),
    Waiting(WaitingArguments),
    Watch(WatchArguments),
    History(HistoryArguments),
    Logs(LogsArguments),
    Validate(EnvironmentArguments),
    Health(EnvironmentArguments),
    Quarantine(QuarantineArguments),
    Evidence(EvidenceArguments),
    Notify(NotifyArguments),
    Token(TokenArguments),
    Login(LoginArguments),
    Logout(LogoutArguments),
    Audit(AuditArguments),
    Simulate(SimulateArguments),
    Adapters,
    Doctor,
    Completions(CompletionsArguments),
    Help(HelpArguments),
    Serve(commands::serve::Arguments),
    Engine(commands::engine::Arguments),
    /// what the API takes and gives, as OpenAPI 3.1
    #[command(hide = true)]
    Api,
    /// what /metrics has: names, kinds, units and labels
    #[command(hide = true)]
    Measures,
    #[command(hide = true)]
    Proxy(commands::proxy::Arguments),
    #[command(hide = true)]
    Supervise(commands::supervise::Arguments),
    #[command(hide = true)]
    SampleService,
    Demo(commands::demo::Arguments),
}

/// Names between commas, as one value of an option.
pub(crate) type Environments = std::vec::Vec<Name>;
/// A command, as one value of an option.
pub(crate) type Start = std::vec::Vec<String>;

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// read names, ports and health paths from files of another tool
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Option<commands::init::Source>,
    /// with --from: the file, or the folder that it is in
    #[arg(value_name = "PATH", requires = "from")]
    pub(crate) path: Option<std::path::PathBuf>,
    /// what the project is called
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) project: Option<Name>,
    /// the environments in their order, between commas
    #[arg(long, value_name = "NAMES", value_parser = commands::init::environments)]
    pub(crate) environments: Option<Environments>,
    /// the program that starts a release, and its arguments
    #[arg(long, value_name = "COMMAND", value_parser = commands::init::start)]
    pub(crate) start: Option<Start>,
    /// path that answers 2xx when a release is well
    #[arg(long, value_name = "PATH", value_parser = commands::init::health_path)]
    pub(crate) health_path: Option<String>,
    /// write this file instead of towpath.yaml
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<std::path::PathBuf>,
}

/// `[FROM] TO`: with one name it is where to, with two the first is where from.
#[derive(Clone, Debug, Args)]
pub(crate) struct Edge {
    /// environment the release is verified in; may be left out
    #[arg(value_name = "FROM", value_parser = name, required = true)]
    first: Option<Name>,
    /// environment it enters
    #[arg(value_name = "TO", value_parser = name)]
    second: Option<Name>,
}

impl Edge {
    /// The environment that was named as where it comes from.
    pub(crate) fn from(&self) -> Option<&Name> {
        self.second.as_ref().and(self.first.as_ref())
    }

    /// The environment that it enters.
    pub(crate) fn to(&self) -> &Name {
        self.second.as_ref().or(self.first.as_ref()).expect("the first name is required")
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) edge: Edge,
    /// this release; otherwise the newest verified in FROM
    #[arg(long, value_name = "VERSION", value_parser = version, allow_hyphen_values = true)]
    pub(crate) release: Option<Version>,
    /// go without a demand of the matrix that is not enforced yet
    #[arg(long, value_name = "NAME")]
    pub(crate) accept_unenforced: Vec<String>,
    /// as if it went past windows and freezes of the matrix
    #[arg(long)]
    pub(crate) override_window: bool,
}

#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct PromoteArguments {
    #[command(flatten)]
    pub(crate) edge: Edge,
    /// this release; otherwise the newest verified in FROM
    #[arg(long, value_name = "VERSION", value_parser = version, allow_hyphen_values = true)]
    pub(crate) release: Option<Version>,
    /// carry out this plan, or refuse (exit 6)
    #[arg(long, value_name = "HASH", value_parser = plan_hash)]
    pub(crate) plan: Option<String>,
    /// print the plan and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// go without a demand of the matrix that is not enforced yet
    #[arg(long, value_name = "NAME", requires = "reason")]
    pub(crate) accept_unenforced: Vec<String>,
    /// go past windows and freezes of the matrix, where you may break the glass
    #[arg(long, requires = "reason")]
    pub(crate) override_window: bool,
    /// kept in the journal; required with --accept-unenforced and --override-window
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
    /// do not ask for the environment's name
    #[arg(long)]
    pub(crate) yes: bool,
    /// start it and return (exit 0)
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) no_wait: bool,
    /// stop watching after this long (exit 7); the promotion goes on
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<Span>,
    #[command(flatten)]
    pub(crate) by: Signing,
}

#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct RollbackArguments {
    /// environment that goes back
    #[arg(value_name = "ENV", value_parser = name, required_unless_present = "amend")]
    pub(crate) environment: Option<Name>,
    /// the environment before it, as the old scripts name it; only checked
    #[arg(value_name = "BACK_TO", value_parser = name)]
    pub(crate) back_to: Option<Name>,
    /// kept in the journal; never demanded, because going back must work at once
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
    /// give the reason that this rollback still owes; nothing else changes
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "reason",
        conflicts_with_all = ["environment", "no_quarantine", "dry_run", "no_wait", "timeout"]
    )]
    pub(crate) amend: Option<u64>,
    /// the release that goes is sound and may return
    #[arg(long)]
    pub(crate) no_quarantine: bool,
    /// say what would happen and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// accepted for scripts; a rollback never asks
    #[arg(long)]
    pub(crate) yes: bool,
    /// start it and return (exit 0)
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) no_wait: bool,
    /// stop watching after this long (exit 7); the rollback goes on
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<Span>,
}

#[derive(Debug, Args)]
pub(crate) struct SignalArguments {
    /// where something is wrong
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Name,
    /// security-incident or business-impact
    #[arg(value_name = "SIGNAL", value_parser = signal)]
    pub(crate) signal: Signal,
    /// what is wrong; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct HoldArguments {
    /// the promotion's number
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub(crate) number: u64,
    /// kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    #[command(flatten)]
    pub(crate) held: HoldArguments,
    #[command(flatten)]
    pub(crate) by: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct EnvironmentArguments {
    /// which environment
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Name,
}

/// What is watched.
#[derive(Clone, Debug)]
pub(crate) enum Watched {
    /// A promotion.
    Number(u64),
    /// What is under way in an environment, else what waits for it the longest.
    Environment(Name),
}

#[derive(Debug, Args)]
pub(crate) struct WaitingArguments {
    /// only what you can do something about
    #[arg(long)]
    pub(crate) mine: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// the promotion's number, or its environment
    #[arg(value_name = "WHAT", value_parser = watched)]
    pub(crate) what: Watched,
    /// stop watching after this long (exit 7); the promotion goes on
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<Span>,
}

/// Promotions that `history` shows unless told otherwise: what fits on one screen.
pub(crate) const HISTORY_SHOWN: u32 = 20;

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// who was refused what, and why
    #[arg(long)]
    pub(crate) refused: bool,
    /// what this promotion was: who, how long, on what evidence, and what visitors met
    #[arg(
        long,
        value_name = "NUMBER",
        conflicts_with_all = ["environment", "all", "limit", "refused"]
    )]
    pub(crate) summary: Option<u64>,
    /// only this environment
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Option<Name>,
    /// everything that is kept
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    /// at most so many, 1 to 1000
    #[arg(long, value_name = "COUNT", default_value_t = HISTORY_SHOWN, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// the promotion that started the instances
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub(crate) number: u64,
    /// only this instance, from 1
    #[arg(long, value_name = "NUMBER")]
    pub(crate) instance: Option<u32>,
    /// at most so many lines, 1 to 10000; the newest
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineArguments {
    #[command(subcommand)]
    pub(crate) command: QuarantineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    List(QuarantineListArguments),
    Lift(LiftArguments),
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineListArguments {
    /// only this environment
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Option<Name>,
}

#[derive(Debug, Args)]
pub(crate) struct LiftArguments {
    /// where the release may enter again
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Name,
    /// which release
    #[arg(value_name = "VERSION", value_parser = version)]
    pub(crate) release: Version,
    /// why it is safe now; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// do not ask for the environment's name
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) by: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// bash, zsh, fish, powershell or elvish
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct HelpArguments {
    /// a command, `exit-codes` or `everything`
    #[arg(value_name = "TOPIC")]
    pub(crate) topic: Vec<String>,
}

#[cfg(test)]
mod tests;
