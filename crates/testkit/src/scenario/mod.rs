//! Runs a story that is told in a few words a line, in virtual time, and writes down all that
//! happens. A new story needs no Rust: `scenarios/README.md` has the words. Judges nothing itself;
//! the golden file beside the story does.

mod checks;
mod freezes;
mod owners;
pub mod script;
pub mod telling;
mod words;

use towpath_core::units::Timestamp;

use crate::machine::World;
use script::Script;
use words::Words;

/// A story while it is being told.
pub struct Story {
    world: World<Script>,
    written: String,
    is_quiet: bool,
    last_plan: Option<String>,
}

/// Tells the story in `text`, and answers what happened, line by line.
///
/// # Errors
/// One sentence that names the first line which is not understood.
pub fn run(text: &str) -> Result<String, String> {
    let mut story = Story {
        world: World::new(Script::default()),
        written: String::new(),
        is_quiet: false,
        last_plan: None,
    };
    story.world.boot(0);
    story.world.told.clear();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            story.write(line);
            continue;
        }
        let result = if line == "matrix" {
            let block =
                lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "end");
            let block: Vec<_> = block.collect();
            story.apply_matrix(&block)
        } else {
            let at = telling::clock(story.world.now);
            story.write(&format!("{at} > {line}"));
            Words::of(line).and_then(|words| story.perform(&words))
        };
        result.map_err(|error| format!("line {}: {error}", number + 1))?;
        story.flush();
    }
    story.write("");
    story.show();
    Ok(story.written)
}

impl Story {
    fn write(&mut self, line: &str) {
        self.written.push_str(line.trim_end());
        self.written.push('\n');
    }

    /// Writes down what was told since the last time.
    fn flush(&mut self) {
        let told: Vec<(Timestamp, _)> = std::mem::take(&mut self.world.told);
        for (at, told) in told {
            if self.is_quiet {
                continue;
            }
            if let Some(line) = telling::line(&told) {
                self.write(&format!("{} {line}", telling::clock(at)));
            }
        }
    }

    fn show(&mut self) {
        let lanes = self.world.disk.project().lanes.values();
        let mut lines: Vec<String> = Vec::new();
        for lane in lanes {
            let mut facts =
                telling::lane_lines(&self.world.disk.project().common, lane).into_iter();
            lines.extend(facts.next());
            lines.extend(facts.map(|fact| format!("  {fact}")));
            if let Some(router) = self.world.routers.get(&lane.id) {
                let ready = |number| self.world.target.ready(&lane.id, number);
                let beside = match (router.candidate, router.held_back) {
                    (Some((number, _)), _) => Some((number, router.weight(ready(number)))),
                    (None, Some((number, ..))) => Some((number, router.kept(ready(number)))),
                    (None, None) => None,
                };
                let candidate = beside.map(|(number, weight)| format!(", {number} at {weight}"));
                let default = router.default.map_or("none".to_owned(), |number| number.to_string());
                lines.push(format!("  router: default {default}{}", candidate.unwrap_or_default()));
            }
        }
        let running: Vec<String> = self
            .world
            .target
            .running()
            .map(|(lane, number, copies)| {
                format!(
                    "{}: {number} ({} of {} ready)",
                    lane.environment, copies.ready, copies.wanted
                )
            })
            .collect();
        lines.push(format!("running: {}", running.join(", ")));
        lines.extend(self.holds());
        for line in lines {
            self.write(&line);
        }
    }
}
