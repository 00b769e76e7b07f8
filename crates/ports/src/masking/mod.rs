//! Takes secrets out of what others wrote: whole texts, and what comes in parts. Owns what is covered;
//! reads no store, and the forms that are looked for are in `forms.rs`.

mod forms;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use aho_corasick::AhoCorasick;

use crate::secret::Secret;

/// What stands where a secret stood.
pub const MASK: &str = "***";
/// What stands where a text was cut.
pub const CUT: &str = "…";

/// The shortest value whose encoded forms are looked for, in bytes: of shorter ones these are so short
/// that they stand in any text. A release is handed none that is shorter.
pub const SHORTEST: usize = 6;

/// Takes secrets out of texts that others wrote: as they are, in Base64 wherever they begin in it, in
/// hexadecimal digits, with the escapes of addresses, forms and JSON, and line by line where a secret has several.
/// Every byte that belongs to any of these goes, also where two of them overlap, and so does the beginning of
/// one that was cut: what stands directly before a [`CUT`].
#[derive(Clone, Default)]
pub struct Masker {
    /// None when there is nothing to look for.
    search: Option<AhoCorasick>,
    /// What is looked for, in order.
    forms: Arc<[String]>,
    /// Bytes of the longest form.
    longest: usize,
}

impl fmt::Debug for Masker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forms = self.search.as_ref().map_or(0, AhoCorasick::patterns_len);
        write!(formatter, "Masker of {forms} forms")
    }
}

impl Masker {
    /// For these secrets.
    ///
    /// # Panics
    /// When the secrets have more than 2 GiB of forms in all.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let forms: BTreeSet<String> = secrets.into_iter().flat_map(forms::of).collect();
        let longest = forms.iter().map(String::len).max().unwrap_or(0);
        let search = (!forms.is_empty()).then(|| {
            AhoCorasick::new(&forms).expect("stores bound secrets, and their forms with them")
        });
        Self { search, forms: forms.into_iter().collect(), longest }
    }

    /// `text` without them. A text that came in parts is put together first, or goes through
    /// [`Masker::stream`]: a secret may stand on both sides of a cut.
    pub fn mask(&self, text: &str) -> String {
        match self.mask_bytes(text.as_bytes()) {
            // Forms are texts, so that what is left is one as well.
            Cow::Owned(masked) => String::from_utf8_lossy(&masked).into_owned(),
            Cow::Borrowed(_) => text.to_owned(),
        }
    }

    /// `bytes` without them; borrowed when there are none.
    pub fn mask_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(search) = &self.search else { return Cow::Borrowed(bytes) };
        if !search.is_match(bytes) {
            return self.without_halves(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned);
        }
        let mut masked = Vec::with_capacity(bytes.len());
        let mut stream = self.stream();
        stream.push(bytes, &mut masked);
        stream.finish(&mut masked);
        Cow::Owned(self.without_halves(&masked).unwrap_or(masked))
    }

    /// The same without beginnings of forms that end where the text was cut; none where there is none.
    fn without_halves(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut whole: Option<Vec<u8>> = None;
        let (mut taken, mut begin) = (0, 0);
        for cut in cuts(bytes) {
            // None lies on two cuts, so that each byte is looked at once.
            let part = &bytes[begin.max(cut.saturating_sub(self.longest))..cut];
            begin = cut + CUT.len();
            let Some(half) = self.half(part) else { continue };
            let whole = whole.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
            whole.extend_from_slice(&bytes[taken..cut - half]);
            whole.extend_from_slice(MASK.as_bytes());
            taken = cut;
        }
        let mut whole = whole?;
        whole.extend_from_slice(&bytes[taken..]);
        Some(whole)
    }

    /// How many bytes at the end of `part` begin a form; none where fewer than [`SHORTEST`] do.
    fn half(&self, part: &[u8]) -> Option<usize> {
        let begins = |half: &&[u8]| {
            let at = self.forms.partition_point(|form| form.as_bytes() < *half);
            self.forms.get(at).is_some_and(|form| form.as_bytes().starts_with(half))
        };
        let last = (part.len() + 1).saturating_sub(SHORTEST);
        (0..last).map(|from| &part[from..]).find(begins).map(<[u8]>::len)
    }

    /// For bytes that come in parts.
    pub fn stream(&self) -> MaskedStream {
        MaskedStream { masker: self.clone(), ..MaskedStream::default() }
    }

    /// What belongs to a form, in order and without overlaps.
    fn covered(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let Some(search) = &self.search else { return Vec::new() };
        let mut found: Vec<Range<usize>> =
            search.find_overlapping_iter(bytes).map(|one| one.range()).collect();
        found.sort_by_key(|one| one.start);
        let mut covered: Vec<Range<usize>> = Vec::new();
        for one in found {
            match covered.last_mut() {
                Some(last) if one.start <= last.end => last.end = last.end.max(one.end),
                _ => covered.push(one),
            }
        }
        covered
    }
}

/// Where [`CUT`] stands.
fn cuts(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let first = CUT.as_bytes()[0];
    let maybe = bytes.iter().enumerate().filter(move |(_, byte)| **byte == first);
    maybe.map(|(at, _)| at).filter(|at| bytes[*at..].starts_with(CUT.as_bytes()))
}

/// Masks bytes that come in parts: whatever the parts, the result is that of the whole. Holds back at
/// most one byte less than the longest form has, until more comes or nothing does.
#[derive(Debug, Default)]
pub struct MaskedStream {
    masker: Masker,
    held: Vec<u8>,
    /// How many of the held bytes belong to a form that began before them.
    covered: usize,
    /// Whether the last byte that left belonged to a form: its mask stands already.
    is_masking: bool,
}

impl MaskedStream {
    /// Takes some bytes, and adds to `out` what is decided now.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        let open = self.masker.longest.saturating_sub(1);
        self.pass(self.held.len().saturating_sub(open), out);
    }

    /// Adds what was held back to `out`: nothing follows that belongs to it. What is pushed afterwards
    /// is the beginning of something else.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.pass(self.held.len(), out);
        (self.covered, self.is_masking) = (0, false);
    }

    /// Lets the first `decided` bytes go. Whatever form has one of them is held whole, or is over.
    fn pass(&mut self, decided: usize, out: &mut Vec<u8>) {
        if decided == 0 {
            return;
        }
        let before = Some(0..self.covered).filter(|begun| !begun.is_empty());
        let mut position = 0;
        for form in before.into_iter().chain(self.masker.covered(&self.held)) {
            if form.start >= decided {
                break;
            }
            self.plain(position..form.start, out);
            if form.end > position {
                if !self.is_masking {
                    out.extend_from_slice(MASK.as_bytes());
                }
                self.is_masking = true;
                position = form.end;
            }
        }
        self.plain(position..decided, out);
        self.covered = position.saturating_sub(decided);
        self.held.drain(..decided);
    }

    fn plain(&mut self, bytes: Range<usize>, out: &mut Vec<u8>) {
        if bytes.start < bytes.end {
            out.extend_from_slice(&self.held[bytes]);
            self.is_masking = false;
        }
    }
}

/// Every secret that a program has come to know while it runs, for whatever it prints, writes or sends.
/// Cheap to clone; all clones know the same. A value that was replaced meanwhile stays known: what was
/// started with it may still say it.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<RwLock<Learned>>);

#[derive(Debug, Default)]
struct Learned {
    secrets: BTreeSet<Secret>,
    masker: Masker,
}

impl Known {
    /// Masks these from now on, too; but none that is shorter than [`SHORTEST`], without which no text
    /// would be left. Safe to repeat.
    pub fn learn<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) {
        let mut learned = self.0.write().expect("no holder of this lock panics");
        let before = learned.secrets.len();
        let secrets = secrets.into_iter().filter(|one| one.reveal().len() >= SHORTEST);
        learned.secrets.extend(secrets.cloned());
        if learned.secrets.len() > before {
            learned.masker = Masker::new(&learned.secrets);
        }
    }

    /// What masks all that are known now.
    pub fn masker(&self) -> Masker {
        self.0.read().expect("no holder of this lock panics").masker.clone()
    }

    /// `text` without any of them.
    pub fn mask(&self, text: &str) -> String {
        self.masker().mask(text)
    }
}
