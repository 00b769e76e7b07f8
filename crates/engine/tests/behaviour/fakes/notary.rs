//! A notary that keeps what it is given, and fails when it is told to. Signs nothing.

use std::sync::Mutex;

use async_trait::async_trait;
use towpath_core::matrix::AuditRules;
use towpath_ports::notary::{Checkpoint, Notary};

#[derive(Default)]
pub(crate) struct FakeNotary {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    own: Vec<Checkpoint>,
    outside: Vec<Checkpoint>,
    rules: Option<AuditRules>,
    is_broken: bool,
    is_cut_off: bool,
}

impl FakeNotary {
    /// What is kept beside the journal.
    pub(crate) fn own(&self) -> Vec<Checkpoint> {
        self.kept.lock().unwrap().own.clone()
    }

    /// What is kept outside, and by which rules.
    pub(crate) fn outside(&self) -> (Vec<Checkpoint>, Option<AuditRules>) {
        let kept = self.kept.lock().unwrap();
        (kept.outside.clone(), kept.rules.clone())
    }

    /// Nothing can be signed.
    pub(crate) fn breaks(&self, is_broken: bool) {
        self.kept.lock().unwrap().is_broken = is_broken;
    }

    /// No place outside can be reached.
    pub(crate) fn is_cut_off(&self, is_cut_off: bool) {
        self.kept.lock().unwrap().is_cut_off = is_cut_off;
    }

    /// The list beside the journal is shortened.
    pub(crate) fn forgets(&self, left: usize) {
        self.kept.lock().unwrap().own.truncate(left);
    }

    /// A place outside has something else for what was signed last.
    pub(crate) fn outside_has(&self, change: impl FnOnce(&mut Checkpoint)) {
        change(self.kept.lock().unwrap().outside.last_mut().unwrap());
    }

    /// It says that it signed something else last.
    pub(crate) fn remembers(&self, change: impl FnOnce(&mut Checkpoint)) {
        change(self.kept.lock().unwrap().own.last_mut().unwrap());
    }
}

#[async_trait]
impl Notary for FakeNotary {
    async fn key(&self) -> Result<String, String> {
        Ok("a+key+".to_owned())
    }

    async fn attest(&self, statement: Vec<u8>) -> Result<String, String> {
        String::from_utf8(statement).map_err(|error| error.to_string())
    }

    async fn last(&self) -> Result<Option<Checkpoint>, String> {
        Ok(self.kept.lock().unwrap().own.last().cloned())
    }

    async fn kept(&self) -> Result<Vec<String>, String> {
        Ok(self.kept.lock().unwrap().own.iter().map(towpath_audit::text).collect())
    }

    async fn outside(&self, _: &AuditRules) -> Result<Vec<Checkpoint>, String> {
        let kept = self.kept.lock().unwrap();
        let is_new = |one: &&Checkpoint| !kept.is_cut_off && !kept.own.contains(one);
        Ok(kept.outside.iter().filter(is_new).cloned().collect())
    }

    async fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        let mut kept = self.kept.lock().unwrap();
        if kept.is_broken {
            return Err("the key cannot be read".to_owned());
        }
        kept.own.push(checkpoint.clone());
        Ok(())
    }

    async fn copy(&self, rules: &AuditRules) -> Result<(), Vec<String>> {
        let mut kept = self.kept.lock().unwrap();
        if kept.is_cut_off {
            return Err(vec!["there is no folder /mnt/audit for checkpoints".to_owned()]);
        }
        let missing: Vec<_> =
            kept.own.iter().filter(|one| !kept.outside.contains(one)).cloned().collect();
        kept.outside.extend(missing);
        kept.rules = Some(rules.clone());
        Ok(())
    }
}
