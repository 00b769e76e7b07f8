//! What is seen while the story goes on: on a terminal a table that is redrawn in place, elsewhere
//! one line per promotion.

use std::io::Write;

use towpath_core::promotion::state::Outcome;
use towpath_engine::views::PromotionView;

use crate::demo::Shown;
use crate::demo::matrix::{CHAPTERS, ENVIRONMENTS};
use crate::demo::story::Walked;
use crate::demo::visitors::Met;

/// Redraws at most this often.
const REDRAW: std::time::Duration = std::time::Duration::from_millis(100);

/// The screen while the story goes on.
pub(super) struct Screen {
    live: bool,
    quiet: bool,
    ascii: bool,
    walked: Vec<Walked>,
    now: Option<(PromotionView, Met)>,
    drawn: usize,
    last: Option<std::time::Instant>,
}

impl Screen {
    /// An empty screen.
    pub(super) fn new(shown: &Shown) -> Self {
        Self {
            live: shown.live && !shown.json,
            quiet: shown.json,
            ascii: shown.style.ascii,
            walked: Vec::new(),
            now: None,
            drawn: 0,
            last: None,
        }
    }

    /// Where it can be watched, and whether a browser was told so.
    pub(super) fn pages(&self, link: &str, opened: bool) {
        if self.quiet {
            return;
        }
        let how = if opened {
            "opened in your browser"
        } else {
            "in a browser; this link signs you in, once"
        };
        say(&format!("pages  {link}\n       {how}\n\n"));
    }

    /// A promotion is under way.
    pub(super) fn progress(&mut self, view: &PromotionView, met: Met) {
        self.now = Some((view.clone(), met));
        if self.live && self.last.is_none_or(|last| last.elapsed() >= REDRAW) {
            self.last = Some(std::time::Instant::now());
            self.draw();
        }
    }

    /// A promotion has ended.
    pub(super) fn ended(&mut self, one: &Walked) {
        self.walked.push(one.clone());
        self.now = None;
        if self.live {
            self.draw();
        } else if !self.quiet {
            let ended = match one.outcome {
                Outcome::Succeeded => format!("succeeded in {:.1}s", one.seconds),
                Outcome::RolledBack => {
                    format!("went back at {}: {}", share(one.weight), one.sentence)
                }
                other => format!("{}: {}", other.as_str(), one.sentence),
            };
            say(&format!("{} -> {:<16} {ended}\n", one.release, one.to));
        }
    }

    /// Nothing more is drawn.
    pub(super) fn end(&mut self) {
        if self.live {
            self.erase();
        }
    }

    fn erase(&mut self) {
        if self.drawn > 0 {
            say(&format!("\x1b[{}A\x1b[J", self.drawn));
            self.drawn = 0;
        }
    }

    fn draw(&mut self) {
        let mut lines = vec![table_head()];
        lines.extend(CHAPTERS.iter().map(|chapter| self.row(chapter.version)));
        lines.push(String::new());
        lines.extend(self.doing());
        let text = lines.join("\n") + "\n";
        self.erase();
        say(&text);
        self.drawn = lines.len();
    }

    fn row(&self, version: &str) -> String {
        let cells = ENVIRONMENTS.iter().map(|environment| {
            let cell = self.cell(version, environment);
            format!("{cell:<width$}", width = environment.len().max(8))
        });
        format!("  {version:<9} {}", cells.collect::<Vec<_>>().join("   "))
    }

    fn cell(&self, version: &str, environment: &str) -> String {
        let mark = |symbol: &str, ascii: &str| if self.ascii { ascii } else { symbol }.to_owned();
        let is_it = |one: &&Walked| one.release == version && one.to == environment;
        if let Some(one) = self.walked.iter().find(is_it) {
            return match one.outcome {
                Outcome::Succeeded => mark("✓", "+"),
                _ => format!("{} at {}", mark("✗", "x"), share(one.weight)),
            };
        }
        match &self.now {
            Some((now, _)) if now.release == version && now.to == environment => {
                format!("{} {}", mark("▸", ">"), share(now.weight))
            }
            _ => mark("·", "."),
        }
    }

    fn doing(&self) -> Vec<String> {
        let Some((view, met)) = &self.now else { return vec![String::new(); 3] };
        let verdict = view.verdict.as_ref().map_or("", |verdict| verdict.sentence.as_str());
        vec![
            format!(
                "  promotion {}   {} into {}   {}",
                view.number, view.release, view.to, view.state
            ),
            format!("  {verdict}"),
            format!(
                "  visitors  {} requests   harmed {}   lost {}",
                met.requests, met.harmed, met.lost
            ),
        ]
    }
}

fn say(text: &str) {
    // A terminal that has gone away is no reason to end the story.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// The names of the environments above their columns.
pub(super) fn table_head() -> String {
    let names = ENVIRONMENTS.iter().map(|name| format!("{name:<8}")).collect::<Vec<_>>();
    format!("  {:<9} {}", "release", names.join("   "))
}

/// A share as people write it.
pub(super) fn share(share: f64) -> String {
    format!("{}%", (share * 1000.0).round() / 10.0)
}
