//! Checks that answer by their title, and the probes of health. Look at nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::PromotionNumber;
use towpath_core::units::Timestamp;
use towpath_ports::check::{Check, CheckRequest, SoakRecord};

/// What a check answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Pass,
    Fail,
    /// Never, whatever the time it was given.
    Hangs,
    /// Yes, by what it read.
    Reads(&'static str),
    /// Yes, once it has looked how the release does in the lane itself.
    LooksAtSoak,
}

/// Who is asked what: a deployment, and the title of the check.
type Key = (PromotionNumber, String);

/// All checks of a world; what was not told otherwise passes.
#[derive(Default)]
pub(crate) struct FakeChecks {
    answers: Mutex<BTreeMap<String, Answer>>,
    /// What one deployment answers next, in order; goes before what holds for all.
    in_turn: Mutex<BTreeMap<Key, VecDeque<Answer>>>,
    asked: Mutex<Vec<(Key, Timestamp)>>,
    soaks: Mutex<Vec<SoakRecord>>,
}

impl FakeChecks {
    /// From now on the check with this title answers so.
    pub(crate) fn answers(&self, title: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(title.to_owned(), answer);
    }

    /// So this deployment answers the check with this title the next times.
    pub(crate) fn answers_in_turn(&self, of: PromotionNumber, title: &str, answers: &[Answer]) {
        self.in_turn
            .lock()
            .unwrap()
            .insert((of, title.to_owned()), answers.iter().copied().collect());
    }

    /// What the last look at a soak found.
    pub(crate) fn soak(&self) -> SoakRecord {
        self.soaks.lock().unwrap().last().cloned().expect("somebody looked")
    }

    /// How often the check was asked.
    pub(crate) fn asked(&self, title: &str) -> u32 {
        let asked = self.asked.lock().unwrap();
        let own = asked.iter().filter(|((_, own), _)| own == title);
        u32::try_from(own.count()).unwrap()
    }

    /// When this deployment was asked the check with this title, in order.
    pub(crate) fn asked_at(&self, of: PromotionNumber, title: &str) -> Vec<Timestamp> {
        let asked = self.asked.lock().unwrap();
        let own = asked.iter().filter(|((number, own), _)| *number == of && own == title);
        own.map(|(_, at)| *at).collect()
    }
}

#[async_trait]
impl Check for FakeChecks {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let key = (request.promotion, request.title.clone());
        let next = self.in_turn.lock().unwrap().get_mut(&key).and_then(VecDeque::pop_front);
        self.asked.lock().unwrap().push((key, request.now));
        let always = self.answers.lock().unwrap().get(&request.title).copied();
        match next.or(always).unwrap_or(Answer::Pass) {
            Answer::Pass => CheckAnswer::pass("as it should be"),
            Answer::Fail => CheckAnswer::fail("not as it should be"),
            Answer::Reads(text) => {
                request.keeper.keep("report", "text/plain", text.as_bytes());
                CheckAnswer::pass("as it was read")
            }
            Answer::Hangs => std::future::pending().await,
            Answer::LooksAtSoak => {
                let (lane, evidence) = (&request.lane, &request.evidence);
                let (service, environment) = (&lane.service, &lane.environment);
                let soak = evidence.soak(service, environment, &request.release, Timestamp(0));
                let soak = soak.await.unwrap();
                self.soaks.lock().unwrap().push(soak);
                CheckAnswer::pass("looked")
            }
        }
    }
}
