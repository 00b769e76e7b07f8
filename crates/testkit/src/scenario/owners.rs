//! What the repository says of owners in a scenario. Owns the words for it.

use towpath_core::code_owners::{OwnedFiles, OwnersTold};
use towpath_core::ids::Version;
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::{owning, plan};

use super::Story;
use super::words::Words;
use crate::declared;

impl Story {
    /// `owners ENV V FILE @a,@b …` or `owners ENV V unknown "…"`: what the repository says of a change.
    pub(super) fn owners(&mut self, words: &Words) -> Result<(), String> {
        let lane = declared::lane(words.get(1)?)?;
        let version = Version::new(words.get(2)?).map_err(|error| error.to_string())?;
        let order = PromotionOrder { release: Some(version), ..PromotionOrder::of(words.by()?) };
        let project = self.world.disk.project();
        let found = plan(project, &lane, &order).map_err(|refusal| refusal.message.clone())?;
        let change = owning::change(&project.common, &project.lane(&lane), &found.0, &found.1);
        let change = change.ok_or("nobody asks whose files it changes")??;
        let trouble = words.after("unknown").map(str::to_owned);
        let pairs = if trouble.is_none() { words.from(3) } else { &[] };
        let one = |pair: &[String]| OwnedFiles {
            owners: pair[1].split(',').map(str::to_owned).collect(),
            file: pair[0].clone(),
            files: 1,
        };
        let files = pairs.chunks_exact(2).map(one).collect();
        let told = OwnersTold { change, files, trouble };
        self.world.press(&lane, Input::OwnersTold(Box::new(told)));
        Ok(())
    }
}
