//! One file per command, and what all of them share: where answers, messages and refusals go. Owns
//! no sentence of an answer; those are in `report`.

mod adapters;
mod approve;
mod attest;
mod audit;
mod completions;
mod confirm;
pub(crate) mod demo;
mod doctor;
pub(crate) mod engine;
mod evidence;
mod freeze;
mod health;
mod history;
mod hold;
pub(crate) mod init;
mod login;
mod logs;
pub(crate) mod matrix;
mod notify;
mod plan;
mod promote;
pub(crate) mod proxy;
mod quarantine;
mod release;
mod rollback;
pub(crate) use rollback::RollbackPlanView;
mod sample;
pub(crate) mod serve;
mod session;
mod settle;
mod signal;
mod signing;
mod simulate;
mod status;
pub(crate) mod supervise;
mod token;
mod validate;
mod waiting;
mod watch;
mod why;

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::args::{Command, Global};
use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;
use crate::report::attendance::Attendance;
use crate::report::style::Style;
use crate::report::{self, terminal};
use crate::server::Server;
use crate::token::Token;

/// Where a command was typed and how it may answer.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Options of every command.
    pub(crate) global: Global,
    /// How answers on stdout are written.
    pub(crate) out: Style,
    /// How messages on stderr are written.
    pub(crate) err: Style,
    /// Whether a person can be asked.
    pub(crate) asks: bool,
    /// Whether progress may be drawn in place.
    pub(crate) draws: bool,
    /// What is said on stderr after the answer.
    last_words: Arc<Mutex<String>>,
}

impl Context {
    /// From the options and from what stdin, stdout and stderr are.
    pub(crate) fn new(global: Global) -> Self {
        let out = terminal::style(&global, terminal::Stream::Out);
        let err = terminal::style(&global, terminal::Stream::Err);
        let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Self {
            asks: person && !global.no_input && !global.json,
            draws: terminal::draws() && !global.json,
            last_words: Arc::default(),
            global,
            out,
            err,
        }
    }

    /// Prints the answer on stdout. A reader that hung up is no error.
    #[expect(clippy::unused_self, reason = "said by whoever answers, as all the others")]
    pub(crate) fn answer(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // A reader such as `head` may have gone; there is nobody left to tell.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Prints bytes on stdout as they are. A reader that hung up is no error.
    #[expect(clippy::unused_self, reason = "said by whoever answers, as all the others")]
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// Prints a message on stderr; nothing with `--json`.
    pub(crate) fn aside(&self, text: &str) {
        if self.global.json {
            return;
        }
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Commands that are offered from now on name their service, if there are several.
    pub(crate) fn knows_services(&self, several: bool) {
        self.out.services.note(several);
        self.err.services.note(several);
    }

    /// Says on stderr after the answer who gave it, where it was no engine.
    pub(crate) fn at_the_end(&self, attendance: Attendance) {
        let note = attendance.note(&self.err);
        *self.last_words.lock().expect("no holder of this lock panics") = note;
    }

    /// Prints one object over several lines.
    pub(crate) fn object(&self, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).expect("views are plain data");
        self.answer(&format!("{text}\n"));
    }

    /// Prints one object on one line.
    pub(crate) fn object_line(&self, value: &impl Serialize) {
        let text = serde_json::to_string(value).expect("views are plain data");
        self.answer(&format!("{text}\n"));
    }

    /// Prints an answer as text with its commands on stderr, or as an object.
    pub(crate) fn either(&self, value: &impl Serialize, (text, next): (String, String)) {
        if self.global.json {
            self.object(value);
        } else {
            self.answer(&text);
            self.aside(&next);
        }
    }

    /// Prints a refusal, and says how the program ends. What is so already is an answer.
    pub(crate) fn refuse(&self, error: &CliError) -> ExitCode {
        let mut trouble = error.trouble().clone();
        trouble.next = trouble.next.into_iter().map(|next| self.err.naming(next)).collect();
        let trouble = &trouble;
        if self.global.json {
            self.object_line(&report::refusal::object(trouble));
        } else if trouble.exit == ExitCode::Done {
            self.answer(&report::refusal::already_so(trouble, &self.out));
            self.aside(&report::block::next(&trouble.next));
        } else {
            self.aside(&report::refusal::text(trouble, &self.err));
        }
        trouble.exit
    }

    /// The project that the current folder is in.
    pub(crate) fn project(&self) -> Result<ProjectFolder, CliError> {
        let here = std::env::current_dir().map_err(|error| {
            anyhow::Error::new(error).context("the current folder cannot be read")
        })?;
        self.project_in(&here)
    }

    /// The project that a folder is in.
    pub(crate) fn project_in(&self, folder: &std::path::Path) -> Result<ProjectFolder, CliError> {
        let given = Token::given(self.global.token_file.as_deref())?;
        let server = Server::meant(self.global.server.as_deref(), folder)?;
        let found = ProjectFolder::find(folder, self.global.rehearsal);
        let project = match &server {
            None => found?,
            // A server knows its projects whether or not their files are here.
            Some(_) => found.unwrap_or_else(|_| ProjectFolder::elsewhere(folder)),
        };
        let token = given.or_else(|| server.as_ref().and_then(|server| server.token.clone()));
        Ok(ProjectFolder { acting: self.global.acting.clone(), token, server, ..project })
    }
}

/// Runs one command to its end.
pub(crate) async fn run(command: Command, context: &Context) -> Result<ExitCode, CliError> {
    let ended = carry_out(command, context).await?;
    let last = context.last_words.lock().expect("no holder of this lock panics").clone();
    context.aside(&last);
    Ok(ended)
}

async fn carry_out(command: Command, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        Command::Init(arguments) => init::run(&arguments, context),
        Command::Matrix(arguments) => matrix::run(&arguments.command, context).await,
        Command::Release(arguments) => release::run(arguments.command, context).await,
        Command::Plan(arguments) => plan::run(&arguments, context).await,
        Command::Promote(arguments) => promote::run(&arguments, false, context).await,
        Command::BreakGlass(arguments) => promote::run(&arguments, true, context).await,
        Command::Rollback(arguments) => rollback::run(&arguments, context).await,
        Command::Signal(arguments) => signal::run(&arguments, context).await,
        Command::Pause(arguments) => hold::run(hold::Order::Pause, &arguments, context).await,
        Command::Resume(arguments) => hold::resume(&arguments, context).await,
        Command::Abort(arguments) => hold::run(hold::Order::Abort, &arguments, context).await,
        Command::Approve(arguments) => approve::approve(&arguments, context).await,
        Command::Reject(arguments) => approve::reject(&arguments, context).await,
        Command::Settle(arguments) => settle::run(&arguments, context).await,
        Command::Attest(arguments) => attest::run(&arguments, context).await,
        Command::Freeze(arguments) => freeze::freeze(&arguments, context).await,
        Command::Thaw(arguments) => freeze::thaw(&arguments, context).await,
        Command::Status => status::run(context).await,
        Command::Why(arguments) => why::run(&arguments.environment, context).await,
        Command::Waiting(arguments) => waiting::run(&arguments, context).await,
        Command::Watch(arguments) => watch::run(&arguments, context).await,
        Command::History(arguments) => history::run(&arguments, context).await,
        Command::Logs(arguments) => logs::run(&arguments, context).await,
        Command::Validate(arguments) => validate::run(&arguments.environment, context).await,
        Command::Health(arguments) => health::run(&arguments.environment, context).await,
        Command::Quarantine(arguments) => quarantine::run(&arguments.command, context).await,
        Command::Evidence(arguments) => evidence::run(&arguments.command, context).await,
        Command::Notify(arguments) => notify::run(&arguments.command, context).await,
        Command::Token(arguments) => token::run(&arguments.command, context).await,
        Command::Login(arguments) => login::run(&arguments, context).await,
        Command::Logout(arguments) => login::out(&arguments, context),
        Command::Audit(arguments) => audit::run(&arguments.command, context).await,
        Command::Simulate(arguments) => simulate::run(&arguments, context),
        Command::Adapters => Ok(adapters::run(context)),
        Command::Api => {
            let described = towpath_server::openapi::document();
            context.answer(&format!("{described:#}\n"));
            Ok(ExitCode::Done)
        }
        Command::Measures => {
            context.answer(&towpath_server::measures_described());
            Ok(ExitCode::Done)
        }
        Command::Doctor => doctor::run(context).await,
        Command::Completions(arguments) => Ok(completions::run(&arguments, context)),
        Command::Help(arguments) => report::usage::help(&arguments.topic).map(|text| {
            context.answer(&text);
            ExitCode::Done
        }),
        Command::Serve(arguments) => serve::run(arguments, context).await,
        Command::Engine(arguments) => engine::run(arguments, context).await,
        Command::SampleService => sample::run().await,
        Command::Demo(arguments) => demo::run(arguments, context).await,
        Command::Proxy(_) | Command::Supervise(_) => {
            unreachable!("`main` runs these without a runtime")
        }
    }
}
