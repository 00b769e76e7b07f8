//! `freeze` and `thaw` in a scenario, and the day on which it happens. Owns their words.

use towpath_core::freezing::{Freeze, Scope, Thaw};
use towpath_core::promotion::{earliest, held};
use towpath_core::units::Timestamp;

use super::Story;
use super::telling;
use super::words::Words;
use crate::declared;
use crate::machine::BEGINNING;

impl Story {
    /// `freeze production [of app] [for 2h] [except hotfix] because "…"`, `freeze everything …`,
    /// `thaw production`.
    pub(super) fn freeze_or_thaw(&mut self, words: &Words) -> Result<(), String> {
        let environment = words.get(1)?;
        let environment = (environment != "everything").then(|| declared::name(environment));
        let scope = Scope {
            environment: environment.transpose()?,
            service: words.after("of").map(declared::name).transpose()?,
        };
        let (by, reason) = (words.by()?, words.because());
        let took = if words.get(0)? == "thaw" {
            self.world.order(|common, now| {
                let (scope, by, reason) = (scope.clone(), by.clone(), reason.clone());
                common.thaw(Thaw { scope, by, reason, signed: None }, now)
            })
        } else {
            let lasts = words.after("for").map(str::parse).transpose()?;
            let except = declared::types(words.after("except").unwrap_or_default())?;
            let reason = reason.unwrap_or_default();
            self.world.order(|common, now| {
                let freeze = Freeze {
                    scope: scope.clone(),
                    by: by.clone(),
                    reason: reason.clone(),
                    until: lasts.map(|lasts| now.plus(lasts)),
                    except: except.clone(),
                    since: Timestamp::default(),
                };
                common.freeze(freeze, now)
            })
        };
        if !took {
            self.world.tell("no engine answers; nothing was acknowledged");
        }
        Ok(())
    }

    /// Lets everything happen until a moment of the calendar, in UTC: `until 2027-01-04T09:00`.
    pub(super) fn until(&mut self, words: &Words) -> Result<(), String> {
        let moment = words.get(1)?;
        let at = declared::moment(moment)?;
        if at < self.world.now {
            return Err(format!("{moment} is over"));
        }
        self.world.run_for(at.since(self.world.now));
        Ok(())
    }

    /// Tells when each promotion that waits could start at the earliest.
    pub(super) fn earliest(&mut self) {
        let project = self.world.disk.project();
        let mut lines = Vec::new();
        for lane in project.lanes.values() {
            for promotion in lane.active.iter().chain(&lane.waiting) {
                let found = earliest::start(&project.common, lane, promotion, self.world.now);
                let Some(found) = found else { continue };
                let at = found.at.map(|at| format!("not before {}", declared::of_moment(at)));
                let after = found.after.iter().map(|one| format!("once {one}"));
                let said: Vec<_> = after.chain(at).collect();
                lines.push(format!(
                    "promotion {} could start {}",
                    promotion.number,
                    said.join(", ")
                ));
            }
        }
        for line in lines {
            self.write(&line);
        }
    }

    /// What holds each promotion, one a line.
    pub(super) fn holds(&self) -> Vec<String> {
        let project = self.world.disk.project();
        let open = project.lanes.values().flat_map(|lane| lane.active.iter().chain(&lane.waiting));
        let mut lines = Vec::new();
        for promotion in open {
            for blocker in held::blockers(&project.common, promotion, self.world.now) {
                let until = blocker.until.map(|at| {
                    let hours = at.since(BEGINNING).milliseconds() / 3_600_000;
                    format!(", until {} (day {} of the story)", telling::clock(at), hours / 24 + 1)
                });
                lines.push(format!(
                    "promotion {} waits for {}: {}{}",
                    promotion.number,
                    blocker.what,
                    blocker.sentence,
                    until.unwrap_or_default()
                ));
            }
        }
        lines
    }
}
