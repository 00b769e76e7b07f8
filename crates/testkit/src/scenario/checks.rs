//! What checks answer in a scenario, and a person's word for one. Owns the words; asks nothing.

use towpath_core::ids::Version;
use towpath_core::journal::Attested;
use towpath_core::release::ReleaseRef;

use super::Story;
use super::script::Says;
use super::words::Words;
use crate::declared;

impl Story {
    /// `check SLUG answers pass`.
    pub(super) fn check(&mut self, words: &Words) -> Result<(), String> {
        let says = match words.get(3)? {
            "pass" => Says::Pass,
            "fail" => Says::Fail,
            "pending" => Says::Pending(words.span(4)?),
            "inconclusive" => Says::Inconclusive,
            other => return Err(format!("`{other}` is not an answer")),
        };
        self.world.fate.answers.insert(words.get(1)?.to_owned(), says);
        Ok(())
    }

    /// `attest ENV TITLE --release V`.
    pub(super) fn attest(&mut self, words: &Words) -> Result<(), String> {
        let lane = declared::lane(words.get(1)?)?;
        let version = words.after("--release").ok_or("of which release? `--release V`")?;
        let version = Version::new(version).map_err(|error| error.to_string())?;
        let releases = &self.world.disk.project().common.releases;
        let release = releases.iter().find(|one| one.version == version);
        let release = release.ok_or_else(|| format!("there is no release {version}"))?;
        let attested = Attested {
            lane,
            release: ReleaseRef::from(release),
            title: words.get(2)?.to_owned(),
            by: words.by()?,
            at: self.world.now,
            note: words.because(),
            link: None,
            signed: None,
        };
        self.world.attest(attested);
        Ok(())
    }
}
