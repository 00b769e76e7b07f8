//! Audio jobs and the audio they ask for, in memory and bounded: the oldest job makes room for
//! the newest. Nothing survives the process, and no other instance sees it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::config::Settings;
use crate::tone;

/// Jobs kept; with texts of up to 280 characters they stay below half a megabyte.
const JOBS_MAX: usize = 256;

/// Audio files kept; the longest are 400 KiB each.
const AUDIO_MAX: usize = 8;

/// A job that every instance has from its start, so that a visitor needs none of his own.
pub(crate) const WELCOME: &str = "welcome";

/// One request for audio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Job {
    /// Unique over all instances, in practice.
    pub(crate) id: String,
    /// How far it is.
    pub(crate) status: Status,
    /// What is to be heard.
    pub(crate) text: String,
    /// Length of the audio.
    pub(crate) duration_ms: u32,
    /// Where the audio is found.
    pub(crate) audio_url: String,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Accepted; its audio is made when it is first asked for.
    Accepted,
    /// Its audio has been made at least once.
    Ready,
}

/// Audio, and whether it had to be made.
pub(crate) struct Audio {
    /// A WAV file.
    pub(crate) bytes: Arc<[u8]>,
    /// Whether it was still in memory.
    pub(crate) was_kept: bool,
}

/// All jobs of this process.
pub(crate) struct Jobs {
    settings: Settings,
    shelf: Mutex<Shelf>,
}

struct Shelf {
    /// Oldest first.
    jobs: VecDeque<Job>,
    /// Oldest first, by job.
    audio: VecDeque<(String, Arc<[u8]>)>,
    /// Of the next job's name.
    next_number: u64,
}

impl Jobs {
    /// A shelf with the welcome job alone. Names of jobs are derived from `seed`, which must
    /// differ between instances.
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        let welcome = job(WELCOME.to_owned(), "Welcome to SoundBite".to_owned());
        let shelf =
            Shelf { jobs: VecDeque::from([welcome]), audio: VecDeque::new(), next_number: seed };
        Self { settings, shelf: Mutex::new(shelf) }
    }

    /// Takes a job for `text`, which must not be longer than [`tone::TEXT_CHARACTERS_MAX`].
    pub(crate) fn accept(&self, text: String) -> Job {
        let mut shelf = self.shelf();
        let accepted = job(format!("{:016x}", scatter(shelf.next_number)), text);
        shelf.next_number = shelf.next_number.wrapping_add(1);
        if shelf.jobs.len() == JOBS_MAX {
            // The welcome job is the first and stays.
            shelf.jobs.remove(1);
        }
        shelf.jobs.push_back(accepted.clone());
        accepted
    }

    /// The job with this name, if it is still kept.
    pub(crate) fn find(&self, id: &str) -> Option<Job> {
        self.shelf().jobs.iter().find(|job| job.id == id).cloned()
    }

    /// The newest jobs, at most `limit`, newest first.
    pub(crate) fn newest(&self, limit: usize) -> Vec<Job> {
        self.shelf().jobs.iter().rev().take(limit).cloned().collect()
    }

    /// How many jobs are kept.
    pub(crate) fn count(&self) -> usize {
        self.shelf().jobs.len()
    }

    /// The audio of a job that is still kept. Safe to repeat; the same job sounds the same.
    pub(crate) fn audio(&self, id: &str) -> Option<Audio> {
        let mut shelf = self.shelf();
        if let Some((_, bytes)) = shelf.audio.iter().find(|(kept, _)| kept == id) {
            return Some(Audio { bytes: bytes.clone(), was_kept: true });
        }
        let job = shelf.jobs.iter_mut().find(|job| job.id == id)?;
        let Settings { tts_voice, audio_bitrate_kbps, audio_cache, .. } = &self.settings;
        let bytes: Arc<[u8]> = tone::synthesise(&job.text, tts_voice, *audio_bitrate_kbps).into();
        job.status = Status::Ready;
        if audio_cache != "none" {
            if shelf.audio.len() == AUDIO_MAX {
                shelf.audio.pop_front();
            }
            shelf.audio.push_back((id.to_owned(), bytes.clone()));
        }
        Some(Audio { bytes, was_kept: false })
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // No code between lock and unlock can leave the shelf half changed.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn job(id: String, text: String) -> Job {
    let audio_url = format!("/v1/sounds/{id}/audio");
    Job { id, status: Status::Accepted, duration_ms: tone::duration_ms(&text), text, audio_url }
}

/// Makes neighbouring numbers look unrelated (the finaliser of SplitMix64, Steele, Lea and
/// Flood 2014), so that nobody counts on their order.
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    fn jobs(cache: &str) -> Jobs {
        Jobs::new(config(&[("AUDIO_CACHE", cache)]).unwrap().settings, 7)
    }

    #[test]
    fn the_oldest_job_makes_room_and_the_welcome_stays() {
        let jobs = jobs("memory");
        let first = jobs.accept("first".into());
        for _ in 0..JOBS_MAX {
            jobs.accept("later".into());
        }
        assert_eq!(jobs.count(), JOBS_MAX);
        assert_eq!(jobs.find(&first.id), None);
        assert!(jobs.find(WELCOME).is_some());
    }

    #[test]
    fn a_job_is_ready_once_its_audio_was_made() {
        let jobs = jobs("memory");
        let id = jobs.accept("hello".into()).id;
        assert_eq!(jobs.find(&id).unwrap().status, Status::Accepted);
        assert!(!jobs.audio(&id).unwrap().was_kept);
        assert_eq!(jobs.find(&id).unwrap().status, Status::Ready);
        assert!(jobs.audio(&id).unwrap().was_kept);
    }

    #[test]
    fn without_a_cache_audio_is_made_every_time_and_sounds_the_same() {
        let jobs = jobs("none");
        let one = jobs.audio(WELCOME).unwrap();
        let other = jobs.audio(WELCOME).unwrap();
        assert!(!other.was_kept);
        assert_eq!(one.bytes, other.bytes);
    }

    #[test]
    fn kept_audio_is_bounded() {
        let jobs = jobs("memory");
        let ids: Vec<String> = (0..=AUDIO_MAX).map(|_| jobs.accept("a".into()).id).collect();
        for id in &ids {
            jobs.audio(id);
        }
        assert_eq!(jobs.shelf().audio.len(), AUDIO_MAX);
        assert!(!jobs.audio(&ids[0]).unwrap().was_kept);
    }

    #[test]
    fn instances_name_their_jobs_differently() {
        let settings = config(&[]).unwrap().settings;
        let one = Jobs::new(settings.clone(), 1).accept("a".into());
        let other = Jobs::new(settings, 1_000_001).accept("a".into());
        assert_ne!(one.id, other.id);
    }
}
