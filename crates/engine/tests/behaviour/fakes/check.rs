//! Checks that answer by their title, and the probes of health. Look at nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use towpath_core::check::CheckAnswer;
use towpath_core::units::Timestamp;
use towpath_ports::check::{Check, CheckRequest, SoakRecord};

/// What a check answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Pass,
    Fail,
    /// Never, whatever the time it was given.
    Hangs,
    /// Yes, once it has looked how the release does in the lane itself.
    LooksAtSoak,
}

/// All checks of a world; what was not told otherwise passes.
#[derive(Default)]
pub(crate) struct FakeChecks {
    answers: Mutex<BTreeMap<String, Answer>>,
    asked: Mutex<BTreeMap<String, u32>>,
    soaks: Mutex<Vec<SoakRecord>>,
}

impl FakeChecks {
    /// From now on the check with this title answers so.
    pub(crate) fn answers(&self, title: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(title.to_owned(), answer);
    }

    /// What the last look at a soak found.
    pub(crate) fn soak(&self) -> SoakRecord {
        self.soaks.lock().unwrap().last().cloned().expect("somebody looked")
    }

    /// How often the check was asked.
    pub(crate) fn asked(&self, title: &str) -> u32 {
        self.asked.lock().unwrap().get(title).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Check for FakeChecks {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        *self.asked.lock().unwrap().entry(request.title.clone()).or_default() += 1;
        let answer = self.answers.lock().unwrap().get(&request.title).copied();
        match answer.unwrap_or(Answer::Pass) {
            Answer::Pass => CheckAnswer::pass("as it should be"),
            Answer::Fail => CheckAnswer::fail("not as it should be"),
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
