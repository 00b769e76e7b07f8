//! Checks that answer by their title, and the probes of health. Look at nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use towpath_core::check::CheckAnswer;
use towpath_ports::check::{Check, CheckRequest};

/// What a check answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Pass,
    Fail,
    /// Never, whatever the time it was given.
    Hangs,
}

/// All checks of a world; what was not told otherwise passes.
#[derive(Default)]
pub(crate) struct FakeChecks {
    answers: Mutex<BTreeMap<String, Answer>>,
    asked: Mutex<BTreeMap<String, u32>>,
}

impl FakeChecks {
    /// From now on the check with this title answers so.
    pub(crate) fn answers(&self, title: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(title.to_owned(), answer);
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
        }
    }
}
