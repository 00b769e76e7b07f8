//! Kept evidence, by digest, and what hands it over from a check. Owns how much one answer may keep;
//! knows no disk.

use std::sync::{Arc, Mutex};

use towpath_core::evidence::Evidence;
use towpath_core::ids::Digest;

use crate::masking::Known;

/// The largest piece in bytes: the largest report that is read.
pub const PIECE_BYTES_MOST: u64 = 64 << 20;
/// The most bytes of one answer: as many as one question reads.
pub const ANSWER_BYTES_MOST: u64 = 256 << 20;
/// Pieces that an answer names one by one. More of them are named by one list, which is a piece
/// itself, so that a project with a report for each class of tests keeps a small journal.
pub const NAMED_MOST: usize = 16;
/// What such a list is.
pub const LIST_TYPE: &str = "application/vnd.towpath.evidence+json";
/// The largest piece that waits in memory for its answer; a larger one is written at once.
const WAITING_MOST: usize = 1 << 20;

/// Keeps bytes under their digest, for ever. All methods wait for the disk.
pub trait EvidenceStore: Send + Sync {
    /// Keeps the bytes; they are on the disk when it returns. Safe to repeat: the same bytes are
    /// kept once.
    ///
    /// # Errors
    /// One sentence, when they could not be written.
    fn keep(&self, bytes: &[u8]) -> Result<Digest, String>;

    /// The bytes under a digest, compared with it; none where nothing is kept under it.
    ///
    /// # Errors
    /// One sentence, when they cannot be read or are others.
    fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, String>;

    /// As [`Self::read`], and none as well where there are more than `most` bytes. A store that knows
    /// how many there are need not read those.
    ///
    /// # Errors
    /// As of [`Self::read`].
    fn read_at_most(&self, digest: &Digest, most: u64) -> Result<Option<Vec<u8>>, String> {
        Ok(self.read(digest)?.filter(|bytes| bytes.len() as u64 <= most))
    }
}

/// Where a check puts what its answer rests on. Cheap to clone; all clones are of one answer.
#[derive(Clone, Default)]
pub struct Keeper(Option<Arc<Kept>>);

struct Kept {
    store: Arc<dyn EvidenceStore>,
    known: Known,
    pieces: Mutex<Pieces>,
}

#[derive(Default)]
struct Pieces {
    all: Vec<Piece>,
    bytes: u64,
    failed: Option<String>,
}

struct Piece {
    name: String,
    media_type: &'static str,
    digest: Digest,
    size: u64,
    /// None when they are written already.
    waits: Option<Vec<u8>>,
}

impl Keeper {
    /// Keeps in `store`, without the secrets that are `known` by then.
    pub fn of(store: Arc<dyn EvidenceStore>, known: Known) -> Self {
        Self(Some(Arc::new(Kept { store, known, pieces: Mutex::default() })))
    }

    /// Keeps nothing: for questions whose answers decide nothing.
    pub fn nowhere() -> Self {
        Self(None)
    }

    /// Keeps one piece under `name`, which must be safe to print. What cannot be kept makes a pass
    /// inconclusive in the end. Of more than 1 MiB the disk is waited for: call it where
    /// waiting is allowed. Safe to repeat.
    pub fn keep(&self, name: impl Into<String>, media_type: &'static str, bytes: &[u8]) {
        let Some(kept) = &self.0 else { return };
        let masker = kept.known.masker();
        let (name, bytes) = (masker.mask(&name.into()), &*masker.mask_bytes(bytes));
        let size = bytes.len() as u64;
        let digest = Digest::of(bytes);
        let is_small = bytes.len() <= WAITING_MOST;
        let written = if size > PIECE_BYTES_MOST {
            Err(format!("{name} is larger than {} MiB", PIECE_BYTES_MOST >> 20))
        } else if is_small {
            Ok(())
        } else {
            kept.store.keep(bytes).map(drop)
        };
        let mut pieces = kept.pieces.lock().expect("no holder of this lock panics");
        if pieces.all.iter().any(|known| known.digest == digest && known.name == name) {
            return;
        }
        pieces.bytes += size;
        if pieces.bytes > ANSWER_BYTES_MOST {
            let most = ANSWER_BYTES_MOST >> 20;
            pieces.failed.get_or_insert(format!("it is more than {most} MiB in all"));
            return;
        }
        match written {
            Ok(()) => {
                let waits = is_small.then(|| bytes.to_vec());
                pieces.all.push(Piece { name, media_type, digest, size, waits });
            }
            Err(why) => drop(pieces.failed.get_or_insert(why)),
        }
    }

    /// Whether there is nothing to finish.
    pub fn is_empty(&self) -> bool {
        let Some(kept) = &self.0 else { return true };
        let pieces = kept.pieces.lock().expect("no holder of this lock panics");
        pieces.all.is_empty() && pieces.failed.is_none()
    }

    /// Writes what waits, and answers what is kept. Waits for the disk; safe to repeat.
    ///
    /// # Errors
    /// One sentence, when some of it could not be kept.
    pub fn finish(&self) -> Result<Vec<Evidence>, String> {
        let Some(kept) = &self.0 else { return Ok(Vec::new()) };
        let mut pieces = kept.pieces.lock().expect("no holder of this lock panics");
        if let Some(why) = &pieces.failed {
            return Err(why.clone());
        }
        for piece in &mut pieces.all {
            if let Some(bytes) = &piece.waits {
                kept.store.keep(bytes)?;
                piece.waits = None;
            }
        }
        let named = pieces.all.iter().map(|piece| Evidence {
            name: piece.name.clone(),
            digest: piece.digest.clone(),
            size: piece.size,
            media_type: piece.media_type.to_owned(),
        });
        let named: Vec<Evidence> = named.collect();
        if named.len() <= NAMED_MOST {
            return Ok(named);
        }
        let list = serde_json::to_vec_pretty(&named).expect("names and digests are plain data");
        let digest = kept.store.keep(&list)?;
        let name = format!("{} pieces", named.len());
        let size = list.len() as u64;
        Ok(vec![Evidence { name, digest, size, media_type: LIST_TYPE.to_owned() }])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Default)]
    struct Memory(Mutex<BTreeMap<Digest, Vec<u8>>>);

    impl EvidenceStore for Memory {
        fn keep(&self, bytes: &[u8]) -> Result<Digest, String> {
            if bytes == b"no room" {
                return Err("the disk is full".to_owned());
            }
            let digest = Digest::of(bytes);
            self.0.lock().unwrap().insert(digest.clone(), bytes.to_vec());
            Ok(digest)
        }

        fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, String> {
            Ok(self.0.lock().unwrap().get(digest).cloned())
        }
    }

    #[test]
    fn small_pieces_are_written_at_the_end_and_large_ones_at_once() {
        let store = Arc::new(Memory::default());
        let keeper = Keeper::of(store.clone(), Known::default());
        let large = vec![b'x'; WAITING_MOST + 1];
        keeper.keep("answer.json", "application/json", b"{}");
        keeper.keep("report.xml", "application/xml", &large);
        assert_eq!(store.read(&Digest::of(b"{}")), Ok(None));
        assert_eq!(store.read(&Digest::of(&large)), Ok(Some(large)));
        let kept = keeper.finish().unwrap();
        assert_eq!(
            kept.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
            ["answer.json", "report.xml"]
        );
        assert_eq!(store.read(&kept[0].digest), Ok(Some(b"{}".to_vec())));
        assert_eq!(keeper.finish().unwrap(), kept);
    }

    #[test]
    fn many_pieces_are_named_by_one_list_that_names_each() {
        let store = Arc::new(Memory::default());
        let keeper = Keeper::of(store.clone(), Known::default());
        for index in 0..=NAMED_MOST {
            keeper.keep(format!("{index}.xml"), "application/xml", &index.to_be_bytes());
        }
        let [list] = keeper.finish().unwrap().try_into().unwrap();
        assert_eq!((list.name.as_str(), list.media_type.as_str()), ("17 pieces", LIST_TYPE));
        let bytes = store.read(&list.digest).unwrap().unwrap();
        let named: Vec<Evidence> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(named.len(), 17);
        assert!(named.iter().all(|one| store.read(&one.digest).unwrap().is_some()));
    }

    #[test]
    fn what_could_not_be_kept_is_said_and_nowhere_keeps_nothing() {
        let keeper = Keeper::of(Arc::new(Memory::default()), Known::default());
        keeper.keep("a", "text/plain", b"no room");
        assert_eq!(keeper.finish().unwrap_err(), "the disk is full");
        let keeper = Keeper::of(Arc::new(Memory::default()), Known::default());
        keeper.keep("a", "text/plain", &vec![0; usize::try_from(PIECE_BYTES_MOST).unwrap() + 1]);
        assert_eq!(keeper.finish().unwrap_err(), "a is larger than 64 MiB");
        let keeper = Keeper::nowhere();
        keeper.keep("a", "text/plain", b"no room");
        assert_eq!(keeper.finish(), Ok(Vec::new()));
    }
}
