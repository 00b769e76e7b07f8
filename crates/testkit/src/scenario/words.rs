//! The words of a scenario and what each does. One line is one deed.

use towpath_core::debts::DebtKind;
use towpath_core::ids::{LaneId, Person, PromotionNumber, Version};
use towpath_core::journal::Event;
use towpath_core::matrix::Signal;
use towpath_core::promotion::input::{ApprovalOrder, DebtOrder, Input, PromotionOrder};
use towpath_core::promotion::plan;
use towpath_core::release::ChangeType;
use towpath_core::units::Span;
use towpath_guard::{Evidence, Standing, Verdict};

use super::Story;
use crate::declared::{self, ReleaseWords};

/// A line, split: plain words, quoted sentences, and pairs such as `--release 1.0.0` or `as ada`.
pub(super) struct Words {
    words: Vec<String>,
}

impl Words {
    pub(super) fn of(line: &str) -> Result<Self, String> {
        let mut words = Vec::new();
        for (index, part) in line.split('"').enumerate() {
            if index % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        if line.matches('"').count() % 2 == 1 {
            return Err("a quotation does not end".to_owned());
        }
        Ok(Self { words })
    }

    pub(super) fn get(&self, index: usize) -> Result<&str, String> {
        let missing = || format!("`{}` needs more words", self.words.join(" "));
        self.words.get(index).map(String::as_str).ok_or_else(missing)
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|one| one == word)
    }

    /// The word after `key`.
    pub(super) fn after(&self, key: &str) -> Option<&str> {
        let position = self.words.iter().position(|one| one == key)?;
        self.words.get(position + 1).map(String::as_str)
    }

    /// All of them from a position on.
    pub(super) fn from(&self, position: usize) -> &[String] {
        self.words.get(position..).unwrap_or_default()
    }

    /// Every word after `key`, which may be said several times.
    fn all_after(&self, key: &str) -> Vec<String> {
        let pairs = self.words.windows(2).filter(|pair| pair[0] == key);
        pairs.map(|pair| pair[1].clone()).collect()
    }

    pub(super) fn by(&self) -> Result<Person, String> {
        person(self.after("as").unwrap_or("ada"))
    }

    pub(super) fn because(&self) -> Option<String> {
        self.after("because").map(str::to_owned)
    }

    /// Everything from a position on as a span, such as `1h 30m`.
    pub(super) fn span(&self, from: usize) -> Result<Span, String> {
        self.words.get(from..).unwrap_or_default().join(" ").trim_start_matches('+').parse()
    }

    fn number(&self, index: usize) -> Result<PromotionNumber, String> {
        let word = self.get(index)?;
        word.parse().map(PromotionNumber).map_err(|_| format!("`{word}` is not a number"))
    }
}

fn person(name: &str) -> Result<Person, String> {
    Person::new(name).map_err(|error| error.to_string())
}

/// The type of a release, which stands after its version; a feature where none is named.
fn change_type(words: &Words) -> Result<ChangeType, String> {
    let named = ChangeType::ALL.into_iter().filter(|one| words.has(one.as_str()));
    match named.collect::<Vec<_>>().as_slice() {
        [] => Ok(ChangeType::Feature),
        [one] => Ok(*one),
        _ => Err("a release has one type".to_owned()),
    }
}

impl Story {
    pub(super) fn apply_matrix(&mut self, lines: &[&str]) -> Result<(), String> {
        let matrix = Box::new(declared::matrix(&lines.join("\n"))?);
        for line in std::iter::once(&"matrix").chain(lines) {
            self.write(&format!("         > {line}"));
        }
        let by = Person::new("ada").map_err(|error| error.to_string())?;
        self.world.declare(&Event::MatrixApplied {
            matrix,
            by,
            changes: Vec::new(),
            approved: Vec::new(),
            signed: None,
        });
        Ok(())
    }

    pub(super) fn perform(&mut self, words: &Words) -> Result<(), String> {
        match words.get(0)? {
            "release" => self.create(words),
            "promote" | "plan" | "rollback" | "pause" | "resume" | "abort" | "amend" | "signal"
            | "break-glass" | "settle" | "lift" | "approve" | "reject" => self.press(words),
            "freeze" | "thaw" => self.freeze_or_thaw(words),
            "until" => self.until(words),
            "at" | "wait" => {
                let span = words.span(1)?;
                self.world.run_for(span);
                Ok(())
            }
            "show" => {
                self.flush();
                self.show();
                Ok(())
            }
            "earliest" => {
                self.flush();
                self.earliest();
                Ok(())
            }
            "quiet" | "aloud" => {
                self.flush();
                self.is_quiet = words.get(0)? == "quiet";
                Ok(())
            }
            "owners" => self.owners(words),
            "attest" => self.attest(words),
            "check" => self.check(words),
            "traffic" | "guard" | "health" => self.evidence(words),
            "engine" | "crash" | "outcome" => self.engine(words),
            "router" | "lease" | "store" => self.connection(words),
            "target" => self.target(words),
            other => Err(format!("`{other}` is not a word of a scenario")),
        }
    }

    fn create(&mut self, words: &Words) -> Result<(), String> {
        let version = words.get(1)?;
        let service = declared::name(words.after("of").unwrap_or(declared::ONLY_SERVICE))?;
        let content = words.after("same-as").unwrap_or(version).to_owned();
        let kind = ReleaseWords {
            content,
            change_type: change_type(words)?,
            author: words.after("by").map(person).transpose()?,
            creator: words.after("as").map(person).transpose()?,
            irreversible: words.has("irreversible"),
            snapshot: words.has("snapshot"),
            commit: words.after("commit").map(str::to_owned),
            settings: words
                .all_after("setting")
                .iter()
                .filter_map(|pair| pair.split_once('='))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        };
        let release = declared::release(&service, version, &kind, self.world.now)?;
        let event = Event::ReleaseCreated { release: Box::new(release), by: words.by()? };
        self.world.declare(&event);
        Ok(())
    }

    fn press(&mut self, words: &Words) -> Result<(), String> {
        let (lane, input) = self.button(words)?;
        if let Input::PromotionOrdered(order) = &input
            && words.get(0)? == "plan"
        {
            self.plan(&lane, order);
            return Ok(());
        }
        if !self.world.press(&lane, input) {
            self.world.tell("no engine answers; nothing was acknowledged");
        }
        Ok(())
    }

    fn button(&self, words: &Words) -> Result<(LaneId, Input), String> {
        let by = words.by()?;
        let reason = words.because();
        let said = reason.clone().unwrap_or_else(|| "no reason given".to_owned());
        let verb = words.get(0)?;
        if matches!(verb, "approve" | "reject") {
            return self.word(words, verb == "approve", by, reason);
        }
        if verb == "settle" {
            return self.settles(words, by, reason);
        }
        if matches!(verb, "pause" | "resume" | "abort" | "amend") {
            let number = words.number(1)?;
            let input = match verb {
                "pause" => Input::PauseOrdered { number, by, reason },
                "resume" => Input::ResumeOrdered { number, by, signed: None },
                "amend" => Input::ReasonGiven { number, by, reason: said },
                _ => Input::AbortOrdered { number, by, reason },
            };
            return Ok((self.lane_of(number)?, input));
        }
        let lane = declared::lane(words.get(1)?)?;
        let input = match verb {
            "promote" | "plan" | "break-glass" => {
                Input::PromotionOrdered(self.order(words, by, reason)?)
            }
            "rollback" => {
                let quarantine = !words.has("--no-quarantine");
                Input::RollbackOrdered { by, reason, quarantine }
            }
            "signal" => {
                let word = words.get(2)?;
                let signal = Signal::ALL.into_iter().find(|one| one.as_str() == word);
                let signal = signal.ok_or_else(|| format!("`{word}` is not a signal"))?;
                Input::Signalled { signal, by, reason: said }
            }
            _ => {
                let version = words.get(2)?;
                let releases = &self.world.disk.project().common.releases;
                let release = releases.iter().find(|one| one.version.as_str() == version);
                let release = release.ok_or_else(|| format!("there is no release {version}"))?;
                Input::QuarantineLiftOrdered {
                    digest: release.digest.clone(),
                    by,
                    reason: said,
                    signed: None,
                }
            }
        };
        Ok((lane, input))
    }

    /// `settle N review`, `settle N backport`.
    fn settles(
        &self,
        words: &Words,
        by: Person,
        note: Option<String>,
    ) -> Result<(LaneId, Input), String> {
        let (number, what) = (words.number(1)?, words.get(2)?);
        let kind = DebtKind::ALL.into_iter().find(|one| one.as_str() == what);
        let kind = kind.ok_or_else(|| format!("`{what}` is not owed by anybody"))?;
        let found_in = words.after("found-in").map(Version::new).transpose();
        let found_in = found_in.map_err(|error| error.to_string())?;
        let order = DebtOrder { by, number, kind, note, link: None, found_in, signed: None };
        Ok((self.lane_of(number)?, Input::DebtSettled(order)))
    }

    /// A yes or no to promotion N, or to the last plan of an environment.
    fn word(
        &self,
        words: &Words,
        agrees: bool,
        by: Person,
        note: Option<String>,
    ) -> Result<(LaneId, Input), String> {
        let number = words.number(1).ok();
        let lane = match number {
            Some(number) => self.lane_of(number)?,
            None => declared::lane(words.get(1)?)?,
        };
        let plan = match words.after("--plan") {
            Some("last") => self.last_plan.clone(),
            other => other.map(str::to_owned),
        };
        let release = words.after("--release").map(Version::new).transpose();
        let release = release.map_err(|error| error.to_string())?;
        let order =
            ApprovalOrder { by, agrees, number, plan, release, note, link: None, signed: None };
        Ok((lane, Input::ApprovalOrdered(order)))
    }

    /// The lane of a promotion; the only lane for a number that nobody knows.
    fn lane_of(&self, number: PromotionNumber) -> Result<LaneId, String> {
        let all = &self.world.disk.project().lanes;
        let only = all.keys().next().filter(|_| all.len() == 1);
        let lanes = all.values();
        let mut holding = lanes.filter(|lane| {
            lane.promotion(number).is_some() || lane.ended.iter().any(|one| one.number == number)
        });
        let lane = holding.next().map(|lane| &lane.id).or(only);
        lane.cloned().ok_or_else(|| format!("there is no promotion {number}"))
    }

    fn order(
        &self,
        words: &Words,
        by: Person,
        reason: Option<String>,
    ) -> Result<PromotionOrder, String> {
        let version = words.after("--release").map(Version::new).transpose();
        let plan = match words.after("--plan") {
            Some("last") => self.last_plan.clone(),
            other => other.map(str::to_owned),
        };
        Ok(PromotionOrder {
            release: version.map_err(|error| error.to_string())?,
            from: words.after("--from").map(declared::name).transpose()?,
            plan,
            accept_unenforced: words.all_after("--accept-unenforced"),
            reason,
            override_window: words.has("--override-window"),
            break_glass: words.get(0)? == "break-glass" || words.has("--break-glass"),
            ..PromotionOrder::of(by)
        })
    }

    fn plan(&mut self, lane: &LaneId, order: &PromotionOrder) {
        let line = match plan(self.world.disk.project(), lane, order) {
            Ok((plan, release)) => {
                self.last_plan = Some(plan.hash().hex().to_owned());
                let steps: Vec<_> = plan
                    .steps
                    .iter()
                    .map(|step| format!("{}/{}", step.weight, step.bake_max))
                    .collect();
                let blue = plan.blue.map_or("nothing".to_owned(), |one| one.version.to_string());
                let retires = self.world.disk.project().lane(lane).standby.map(|standby| {
                    format!(", retires the standby of {}", standby.deployment.release.version)
                });
                let sets = plan.sets_up.iter().map(|one| {
                    let said = |value: &Option<String>| value.clone().unwrap_or("unset".to_owned());
                    format!(", {} {} becomes {}", one.name, said(&one.before), said(&one.after))
                });
                format!(
                    "the plan: {}, now {blue}, steps {}{}{}",
                    release.version,
                    steps.join(" "),
                    retires.unwrap_or_default(),
                    sets.collect::<String>()
                )
            }
            Err(refusal) => format!("no plan: {}", refusal.message),
        };
        self.world.tell(line);
    }

    /// Green's deployment, or what serves, or what stands by.
    fn deployment(&self, lane: &LaneId, which: &str) -> Result<PromotionNumber, String> {
        let state = self.world.disk.project().lane(lane);
        let number = match which {
            "green" => state.active.and_then(|one| one.green).map(|one| one.number),
            "blue" => state.serving.map(|one| one.deployment.number),
            "standby" => state.standby.map(|one| one.deployment.number),
            other => return Err(format!("`{other}` is neither green, blue nor standby")),
        };
        number.ok_or_else(|| format!("{lane} has no {which}"))
    }

    /// `traffic ENV green fails 20%`, `traffic ENV green takes 900ms`, `traffic 10 a second`,
    /// `guard ENV green unhealthy "…"`, `health ENV green lost "…"`.
    fn evidence(&mut self, words: &Words) -> Result<(), String> {
        if words.get(0)? == "traffic" && words.has("second") {
            let rate = words.get(1)?;
            self.world.traffic.per_second =
                rate.parse().map_err(|_| format!("`{rate}` a second"))?;
            return Ok(());
        }
        let lane = declared::lane(words.get(1)?)?;
        let deployment = self.deployment(&lane, words.get(2)?)?;
        match words.get(0)? {
            "traffic" => {
                let traffic = &mut self.world.traffic;
                traffic.forget(&lane);
                match words.get(3)? {
                    "takes" => traffic.slow(&lane, deployment, words.span(4)?),
                    "fails" => traffic.fail(&lane, deployment, words.get(4)?.parse()?),
                    other => return Err(format!("`{other}` is neither `fails` nor `takes`")),
                }
                self.world.judge_soon(&lane);
                Ok(())
            }
            "guard" => {
                let standing = match words.get(3)? {
                    "healthy" => Standing::Healthy,
                    "unhealthy" => Standing::Unhealthy,
                    "undecided" => Standing::Undecided,
                    "blind" => Standing::Blind,
                    other => return Err(format!("`{other}` is not a standing")),
                };
                let sentence = words.get(4)?.to_owned();
                let verdict = Verdict { standing, sentence, evidence: Evidence::default() };
                self.world.press(&lane, Input::Judged { deployment, verdict });
                Ok(())
            }
            _ => {
                let sentence = words.get(4)?.to_owned();
                self.world.press(&lane, Input::HealthLost { deployment, sentence });
                Ok(())
            }
        }
    }

    /// `engine dies`, `engine starts`, `engine sleeps 5m`, `crash before effect`,
    /// `crash after effect`, `outcome is lost`, `outcome comes twice`.
    fn engine(&mut self, words: &Words) -> Result<(), String> {
        let last = self.world.engines.len() - 1;
        match (words.get(0)?, words.get(1)?) {
            ("engine", "dies") => self.world.kill(last),
            ("engine", "starts") => {
                self.world.boot(0);
            }
            ("engine", "sleeps") => {
                let until = self.world.now.plus(words.span(2)?);
                self.world.engines[last].paused_until = until;
                self.world.look_until(until);
            }
            ("crash", "before") => self.world.dies_before_effect = true,
            ("crash", "after") => self.world.dies_after_effect = true,
            ("outcome", "is") => self.world.fate.loses_next_outcome = true,
            ("outcome", "comes") => self.world.fate.repeats_next_outcome = true,
            _ => {
                return Err(
                    "engine dies|starts|sleeps, crash before|after, outcome is|comes".into()
                );
            }
        }
        Ok(())
    }

    /// `router ENV silent for 40s`, `router ENV restarts`,
    /// `router ENV goes back`, `lease lapses ENV`, `store down for 5m`.
    fn connection(&mut self, words: &Words) -> Result<(), String> {
        if words.get(0)? == "store" {
            let until = self.world.now.plus(words.span(3)?);
            self.world.disk.down_until = until;
            self.world.look_until(until);
            return Ok(());
        }
        let lapses = words.get(0)? == "lease";
        let lane = declared::lane(words.get(if lapses { 2 } else { 1 })?)?;
        let missing = || format!("{lane} has no router yet");
        let router = self.world.routers.get_mut(&lane).ok_or_else(missing)?;
        if lapses || words.get(2)? == "restarts" {
            router.restart();
            self.world.look_until(self.world.now);
            return Ok(());
        }
        if words.get(2)? == "goes" {
            router.went_back = true;
            return Ok(());
        }
        let until = self.world.now.plus(words.span(4)?);
        router.silent_until = until;
        self.world.look_until(until);
        Ok(())
    }

    /// `target fails [once] "…" says "…"`, `target works`, `target starts in 30s`,
    /// `target cannot stop "…"`, `target ENV blue dies`, `target ENV green loses 1`.
    fn target(&mut self, words: &Words) -> Result<(), String> {
        match words.get(1)? {
            "fails" => {
                let said = words.after("says").map(str::to_owned).into_iter().collect();
                let once = words.get(2)? == "once";
                let sentence = words.get(if once { 3 } else { 2 })?.to_owned();
                self.world.fate.start_fails = Some((sentence, said));
                self.world.fate.start_fails_once = once;
            }
            "works" => {
                self.world.fate.start_fails = None;
                self.world.fate.stop_fails = None;
                self.world.target.revive();
            }
            "starts" => self.world.fate.start_takes = words.span(3)?,
            "cannot" => self.world.fate.stop_fails = Some(words.get(3)?.to_owned()),
            environment => {
                let lane = declared::lane(environment)?;
                let deployment = self.deployment(&lane, words.get(2)?)?;
                let copies = match words.get(3)? {
                    "loses" => words.get(4)?.parse().map_err(|_| "loses how many?".to_owned())?,
                    _ => u32::MAX,
                };
                self.world.target.crash(&lane, deployment, copies);
                self.world.look_until(self.world.now);
            }
        }
        Ok(())
    }
}
