//! `watch`, and the watching that follows `promote` and `rollback`. The engine advances promotions;
//! this only looks, so leaving changes nothing.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use towpath_core::ids::Name;
use towpath_core::units::Span;
use towpath_engine::views::PromotionView;
use towpath_ports::store::EventRow;

use crate::args::{WatchArguments, Watched};
use crate::background;
use crate::client::{Client, Lines};
use crate::commands::session::Session;
use crate::commands::{Context, notify};
use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;
use crate::report::screen::Screen;
use crate::report::story::Story;
use crate::report::{self, ending, lines, objects, tree};

/// How often the tree is drawn again, and the least often that an end is noticed (cli.md section 4).
const REDRAWN_EVERY: Duration = Duration::from_secs(1);
/// How often a step that bakes gives a sign of life off a terminal (cli.md section 4).
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);
/// How many looks in a row may fail while no engine is there at all: one that is replaced takes the
/// lock again within a second or two.
const MISSED_WITHOUT_ENGINE: u32 = 10;
/// How many looks in a row may fail before watching ends: the time in which an engine that was
/// restarted is back, at one look a second.
const MISSED_LOOKS: u32 = 30;

/// Runs `watch`. Safe to repeat.
pub(crate) async fn run(
    arguments: &WatchArguments,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let session = Session::looking(context).await?;
    let number = match &arguments.what {
        Watched::Number(number) => *number,
        Watched::Environment(name) => under_way(&session, name)?,
    };
    started(&session, number, false, arguments.timeout, context).await
}

fn under_way(session: &Session, name: &Name) -> Result<u64, CliError> {
    let (_, lane) = session.lane(name, |name| format!("towpath watch {name}"))?;
    lane.promotion.as_ref().map(|promotion| promotion.number).ok_or_else(|| {
        CliError::new(ExitCode::NotFound, "nothing-under-way", format!("nothing moves in {name}"))
            .because("no promotion is under way or waits there")
            .next(format!("towpath history {name}"), "those that ended, with their numbers")
    })
}

/// Watches promotion `number` to its end, or says at once how to, with `no_wait`.
pub(crate) async fn started(
    session: &Session,
    number: u64,
    no_wait: bool,
    timeout: Option<Span>,
    context: &Context,
) -> Result<ExitCode, CliError> {
    let view: PromotionView = session.client.get(&format!("/v1/promotions/{number}")).await?;
    if no_wait {
        report_left(&view, ExitCode::Done, context);
        return Ok(ExitCode::Done);
    }
    let watching = Watching {
        client: session.client.at_once(),
        project: &session.project,
        context,
        story: Story::of_service(session.named_service(&view.service)),
        view,
        screen: Screen::default(),
        stream: None,
        missed: 0,
        next_sign: Instant::now() + SIGN_OF_LIFE,
    };
    watching.follow(timeout).await
}

struct Watching<'a> {
    client: Client,
    project: &'a ProjectFolder,
    context: &'a Context,
    view: PromotionView,
    story: Story,
    screen: Screen,
    stream: Option<Lines>,
    missed: u32,
    next_sign: Instant,
}

impl Watching<'_> {
    async fn follow(mut self, timeout: Option<Span>) -> Result<ExitCode, CliError> {
        let far = Duration::from_hours(24 * 365);
        let until = Instant::now() + timeout.map_or(far, Duration::from);
        let mut tick = tokio::time::interval(REDRAWN_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.view.outcome.is_some() && self.story.knows_the_end() {
                notify::only_the_told(&self.client, &mut self.view).await;
                return Ok(self.end());
            }
            tokio::select! {
                biased;
                interrupted = tokio::signal::ctrl_c() => {
                    interrupted.map_err(|error| anyhow::Error::new(error).context("Ctrl-C cannot be heard"))?;
                    return Ok(self.leave(ExitCode::Interrupted));
                }
                () = tokio::time::sleep_until(until) => {
                    return Ok(self.leave(ExitCode::StoppedWaiting));
                }
                row = next_row(&mut self.stream) => self.heard(row).await?,
                _ = tick.tick() => self.look().await?,
            }
        }
    }

    /// One look a second: the stream if it is gone, the promotion, the tree.
    async fn look(&mut self) -> Result<(), CliError> {
        if self.stream.is_none() && !self.story.knows_the_end() {
            let path = format!(
                "/v1/events?after={}&promotion={}&follow=true",
                self.story.last_event(),
                self.view.number
            );
            match self.client.lines(&path).await {
                Ok(stream) => self.stream = Some(stream),
                Err(error) => return self.missed(error),
            }
        }
        if self.context.draws || self.story.knows_the_end() || Instant::now() >= self.next_sign {
            self.refresh().await?;
            self.draw();
            self.sign();
        }
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), CliError> {
        match self.client.get(&format!("/v1/promotions/{}", self.view.number)).await {
            Ok(view) => {
                self.view = view;
                self.missed = 0;
                Ok(())
            }
            Err(error) => self.missed(error),
        }
    }

    /// An engine that restarts is not the end of a promotion.
    fn missed(&mut self, error: CliError) -> Result<(), CliError> {
        self.missed += 1;
        let gone = Some(()).filter(|()| self.missed > MISSED_WITHOUT_ENGINE);
        if let Some(gone) = gone.and_then(|()| background::gone(self.project)) {
            self.screen.leave();
            let number = self.view.number;
            return Err(gone.next(format!("towpath watch {number}"), "then look again"));
        }
        if error.trouble().code != "engine-silent" || self.missed > MISSED_LOOKS {
            self.screen.leave();
            let number = self.view.number;
            return Err(error.next(format!("towpath watch {number}"), "look again"));
        }
        Ok(())
    }

    async fn heard(&mut self, row: Option<EventRow>) -> Result<(), CliError> {
        let Some(row) = row else {
            self.stream = None;
            return Ok(());
        };
        if self.context.global.json {
            if let Some(object) = objects::of(&row, &self.story) {
                self.context.object_line(&object);
            }
        } else if !self.context.draws
            && let Some(line) = lines::of(&row, &self.story, &self.context.err)
        {
            self.context.aside(&line);
        }
        self.story.apply(&row);
        self.next_sign = Instant::now() + SIGN_OF_LIFE;
        if self.story.knows_the_end() {
            self.refresh().await?;
        }
        Ok(())
    }

    fn draw(&mut self) {
        if self.context.draws && self.view.outcome.is_none() {
            let style = report::terminal::now(&self.context.err);
            self.screen.draw(&tree::text(&self.view, &self.story, true, &style), &style);
        }
    }

    /// Off a terminal a step that bakes says each minute what it has seen.
    fn sign(&mut self) {
        if self.context.draws || Instant::now() < self.next_sign {
            return;
        }
        self.next_sign = Instant::now() + SIGN_OF_LIFE;
        let style = report::terminal::now(&self.context.err);
        if self.context.global.json {
            self.context.object_line(&objects::evidence(&self.view, &style));
        } else {
            self.context.aside(&lines::sign_of_life(&self.view, &style));
        }
    }

    fn end(mut self) -> ExitCode {
        let outcome = self.view.outcome.expect("only what has ended is ended");
        let exit = ExitCode::from(outcome);
        if self.context.global.json {
            self.context.object_line(&objects::ended(&self.view, &self.story, exit));
            return exit;
        }
        if self.context.draws {
            let style = report::terminal::now(&self.context.err);
            self.screen.draw(&tree::text(&self.view, &self.story, false, &style), &style);
            self.screen.leave();
            self.context.aside("\n");
        }
        let style = report::terminal::now(&self.context.out);
        let (answer, next) = if self.context.draws {
            ending::text(&self.view, &self.story, &style)
        } else {
            (lines::ended(&self.view, &style), lines::next(&self.view, &self.story))
        };
        self.context.answer(&answer);
        self.context.aside(&next);
        exit
    }

    fn leave(mut self, exit: ExitCode) -> ExitCode {
        self.screen.leave();
        if self.context.draws {
            // The terminal has written ^C at the beginning of this line.
            self.context.aside("\n");
        }
        report_left(&self.view, exit, self.context);
        exit
    }
}

/// Says that nobody watches any more, and how to look again.
fn report_left(view: &PromotionView, exit: ExitCode, context: &Context) {
    if context.global.json {
        context.object_line(&objects::left(view, exit));
        return;
    }
    let (answer, next) = ending::left(view, exit, &context.out);
    context.answer(&answer);
    context.aside(&next);
}

/// The next event; none when the stream broke. Without a stream it waits until it is dropped.
async fn next_row(stream: &mut Option<Lines>) -> Option<EventRow> {
    match stream {
        // A broken line is a broken stream: the next look opens another, after the last good event.
        Some(lines) => lines.next().await.ok().flatten(),
        None => std::future::pending().await,
    }
}
