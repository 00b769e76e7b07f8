//! Keys and signed notes in the form of C2SP (signed-note, <https://c2sp.org/signed-note>, v1.0.0):
//! Ed25519 alone. Owns the texts of both; knows nothing of journals.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The type of a signature, of which a key's id is made too (signed-note, "Signature types").
const ED25519_TYPE: u8 = 0x01;
/// What a line with a signature begins with: an em dash and a space.
const SIGNED_BY: &str = "\u{2014} ";
/// What the text form of a private key begins with, as Go's `sumdb/note` writes it.
const PRIVATE: &str = "PRIVATE+KEY+";
/// Bytes of a seed and of a public key (RFC 8032, section 5.1.5).
const KEY_BYTES: usize = 32;

/// Something that is no key, or no signed note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotSigned(pub String);

/// A key that signs. Shows nothing of itself but its public half.
pub struct SigningKey {
    public: PublicKey,
    seed: [u8; KEY_BYTES],
    pair: Ed25519KeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.public)
    }
}

impl SigningKey {
    /// A new key called `name`, from the chance of the system.
    ///
    /// # Errors
    /// The system gives no random numbers, or `name` cannot be one ([`PublicKey::parse`]).
    pub fn generate(name: &str) -> Result<Self, NotSigned> {
        let mut seed = [0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut seed)
            .map_err(|_| NotSigned("the system gives no random numbers".to_owned()))?;
        Self::of_seed(name, seed)
    }

    /// The key of `seed`, 32 bytes that nobody may know.
    ///
    /// # Errors
    /// As [`Self::generate`].
    pub fn of_seed(name: &str, seed: [u8; KEY_BYTES]) -> Result<Self, NotSigned> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|_| NotSigned("it is no Ed25519 key".to_owned()))?;
        let public = PublicKey::new(name, pair.public_key().as_ref())?;
        Ok(Self { public, seed, pair })
    }

    /// Reads what [`Self::text`] wrote. What is wrong with it is said without a part of it.
    ///
    /// # Errors
    /// It is no private key.
    pub fn parse(text: &str) -> Result<Self, NotSigned> {
        let wrong = || NotSigned("it is no private key of a signed note".to_owned());
        let mut parts = text.trim_end().strip_prefix(PRIVATE).ok_or_else(wrong)?.splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let bytes = BASE64.decode(key.ok_or_else(wrong)?).map_err(|_| wrong())?;
        let [ED25519_TYPE, seed @ ..] = bytes.as_slice() else { return Err(wrong()) };
        let seed = seed.try_into().map_err(|_| wrong())?;
        let key = Self::of_seed(name.ok_or_else(wrong)?, seed)?;
        if id == Some(hex(&key.public.id).as_str()) { Ok(key) } else { Err(wrong()) }
    }

    /// The private key as it is kept. Whoever has it can sign.
    pub fn text(&self) -> String {
        let mut bytes = vec![ED25519_TYPE];
        bytes.extend(self.seed);
        let PublicKey { name, id, .. } = &self.public;
        format!("{PRIVATE}{name}+{}+{}\n", hex(id), BASE64.encode(bytes))
    }

    /// The half that everybody may know.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature over `message`, 64 bytes (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// `text`, which ends with a line break and has no empty line at its end, as a signed note.
    pub fn signed(&self, text: &str) -> String {
        let mut bytes = self.public.id.to_vec();
        bytes.extend(self.sign(text.as_bytes()));
        format!("{text}\n{SIGNED_BY}{} {}\n", self.public.name, BASE64.encode(bytes))
    }
}

/// A key that proves signatures. Its text form is `name+id+key`: the id in hexadecimal digits, the key
/// in base64 with the type before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    id: [u8; 4],
    bytes: [u8; KEY_BYTES],
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519_TYPE];
        bytes.extend(self.bytes);
        write!(formatter, "{}+{}+{}", self.name, hex(&self.id), BASE64.encode(bytes))
    }
}

impl PublicKey {
    fn new(name: &str, bytes: &[u8]) -> Result<Self, NotSigned> {
        if name.is_empty() || name.chars().any(|it| it.is_whitespace() || it == '+') {
            let cause = format!("`{}` cannot be a key's name", name.escape_debug());
            return Err(NotSigned(cause));
        }
        let bytes = bytes
            .try_into()
            .map_err(|_| NotSigned(format!("an Ed25519 key has {KEY_BYTES} bytes")))?;
        Ok(Self { name: name.to_owned(), id: key_id(name, &bytes), bytes })
    }

    /// Reads the text form. The name has at least one character, no blank and no `+`.
    ///
    /// # Errors
    /// It is no such key, or its id is that of another one.
    pub fn parse(text: &str) -> Result<Self, NotSigned> {
        let wrong = |why: &str| {
            let start: String = text.chars().take(80).flat_map(char::escape_debug).collect();
            NotSigned(format!("`{start}` is no public key in the form name+id+key: {why}"))
        };
        let mut parts = text.trim_end().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("a part is missing"));
        };
        let bytes = BASE64.decode(key).map_err(|_| wrong("its last part is no base64"))?;
        let [ED25519_TYPE, bytes @ ..] = bytes.as_slice() else {
            return Err(wrong("it is of another type than Ed25519"));
        };
        let found = Self::new(name, bytes).map_err(|error| wrong(&error.0))?;
        if id == hex(&found.id) { Ok(found) } else { Err(wrong("its id is that of another key")) }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id, eight hexadecimal digits.
    pub fn id(&self) -> String {
        hex(&self.id)
    }

    /// Whether `signature` is this key's over `message`.
    pub fn proves(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature).is_ok()
    }
}

/// The first four bytes of the SHA-256 of the name, a line break, the type and the key.
fn key_id(name: &str, key: &[u8; KEY_BYTES]) -> [u8; 4] {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', ED25519_TYPE]);
    hasher.update(key);
    let hash = hasher.finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes all");
    }
    text
}

/// A note with its signatures, none of them believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with the line break at its end.
    pub text: String,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// Whose a note is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// One of the keys signed it.
    By(PublicKey),
    /// It says that one of the keys signed it, and that is not so.
    Forged(PublicKey),
    /// Others signed it: their names with their keys' ids.
    ByOthers(Vec<String>),
}

impl Note {
    /// Reads one note.
    ///
    /// # Errors
    /// It is none; the sentence says what is missing.
    pub fn parse(note: &str) -> Result<Self, NotSigned> {
        let wrong = |why: &str| NotSigned(format!("it is no signed note: {why}"));
        let (text, lines) =
            note.split_once("\n\n").ok_or_else(|| wrong("no empty line before a signature"))?;
        let lines = lines.strip_suffix('\n').ok_or_else(|| wrong("it ends within a line"))?;
        let signatures = lines.split('\n').map(|line| {
            let line = line.strip_prefix(SIGNED_BY);
            let line = line.ok_or_else(|| wrong("a line that is no signature"))?;
            let (name, bytes) = line.split_once(' ').ok_or_else(|| wrong("half a signature"))?;
            let bytes = BASE64.decode(bytes).map_err(|_| wrong("a signature without base64"))?;
            match bytes.split_first_chunk::<4>() {
                Some((id, bytes)) => {
                    Ok(Signature { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
                }
                None => Err(wrong("a signature without a key's id")),
            }
        });
        let signatures = signatures.collect::<Result<_, NotSigned>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// Whether one of `keys` signed it. One right signature is enough, one wrong one is too much.
    pub fn signed(&self, keys: &[PublicKey]) -> Signed {
        let mut right = None;
        for signature in &self.signatures {
            let key = keys.iter().find(|key| key.name == signature.name && key.id == signature.id);
            let Some(key) = key else { continue };
            if !key.proves(self.text.as_bytes(), &signature.bytes) {
                return Signed::Forged(key.clone());
            }
            right = Some(key.clone());
        }
        let others = || {
            let names = self.signatures.iter();
            names.map(|one| format!("{} {}", one.name.escape_debug(), hex(&one.id))).collect()
        };
        right.map_or_else(|| Signed::ByOthers(others()), Signed::By)
    }
}

/// The notes of a list, one after the other with an empty line between them. Each is a text, an empty
/// line, and lines with signatures; what cannot be one is handed on as it stands, to be refused. Two
/// empty lines end whatever stands before them, so that half a note spoils no other.
pub fn split(list: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let (mut note, mut is_signed, mut empty) = (String::new(), false, 0);
    for line in list.split_inclusive('\n') {
        empty = if line == "\n" { empty + 1 } else { 0 };
        if (is_signed && !line.starts_with(SIGNED_BY)) || empty == 2 {
            notes.extend(Some(std::mem::take(&mut note)).filter(|it| !it.trim().is_empty()));
            is_signed = false;
        }
        if note.is_empty() && line == "\n" {
            continue;
        }
        is_signed = is_signed || line.starts_with(SIGNED_BY);
        note.push_str(line);
    }
    notes.extend(Some(note).filter(|it| !it.trim().is_empty()));
    notes
}

/// How many bytes of a list are whole notes: up to the end of its last line with a signature.
pub fn whole(list: &str) -> usize {
    let mut end = 0;
    let mut at = 0;
    for line in list.split_inclusive('\n') {
        at += line.len();
        if line.starts_with(SIGNED_BY) && line.ends_with('\n') {
            end = at;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of signed notes, which others made.
    const GOLANG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    /// A checkpoint of that log, as <https://github.com/golang/mod> has it in its tests.
    const OTHERS: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn keys_and_notes_of_others_are_read_and_proven() {
        let key = PublicKey::parse(GOLANG).unwrap();
        assert_eq!((key.name(), key.id().as_str()), ("sum.golang.org", "033de0ae"));
        assert_eq!(key.to_string(), GOLANG);
        let neumann = PublicKey::parse(NEUMANN).unwrap();
        let note = Note::parse(OTHERS).unwrap();
        assert_eq!(note.signed(&[key.clone(), neumann.clone()]), Signed::By(neumann.clone()));
        let changed = Note { text: note.text.replace("answer", "cause"), ..note.clone() };
        assert_eq!(changed.signed(std::slice::from_ref(&neumann)), Signed::Forged(neumann));
        let others = vec!["PeterNeumann c74f20a3".to_owned()];
        assert_eq!(note.signed(&[key]), Signed::ByOthers(others));
    }

    #[test]
    fn a_private_key_signs_what_its_public_half_proves_and_is_never_shown() {
        let key = SigningKey::of_seed("towpath-shop", [7; 32]).unwrap();
        let text = key.text();
        let again = SigningKey::parse(&text).unwrap();
        let note = Note::parse(&again.signed("a text\n")).unwrap();
        assert_eq!(note.text, "a text\n");
        assert_eq!(note.signed(&[key.public().clone()]), Signed::By(key.public().clone()));
        let shown = format!("{key:?}");
        let secret = text.trim_end().rsplit('+').next().unwrap();
        assert!(!shown.contains(secret) && shown.contains("towpath-shop"), "{shown}");
        for wrong in [text.replace("shop", "sold"), text.replace(PRIVATE, ""), secret.to_owned()] {
            let error = SigningKey::parse(&wrong).unwrap_err();
            assert!(!error.0.contains(secret), "{error}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_reason() {
        for (text, why) in [
            ("towpath", "a part is missing"),
            (&GOLANG.replace("033d", "033e"), "its id is that of another key"),
            (&GOLANG.replace("Ac4z", "Bc4z"), "another type than Ed25519"),
            ("a b+00000000+AQ==", "cannot be a key's name"),
        ] {
            let error = PublicKey::parse(text).unwrap_err();
            assert!(error.0.contains(why), "{error}");
        }
    }

    #[test]
    fn a_list_is_split_into_its_notes_and_a_broken_one_is_not_lost() {
        let key = SigningKey::of_seed("k", [1; 32]).unwrap();
        let (one, two) = (key.signed("a\nb\n"), key.signed("c\n"));
        assert_eq!(split(&format!("{one}\n{two}")), [one.clone(), two.clone()]);
        assert_eq!(split(&format!("{one}{two}")), [one.clone(), two]);
        assert_eq!(
            split(&format!("{one}\nhalf a note\n")),
            [one.clone(), "half a note\n".to_owned()]
        );
        let torn = format!("{one}\nhalf a no\n\n\n{one}");
        assert_eq!(split(&torn), [one.clone(), "half a no\n\n".to_owned(), one.clone()]);
        assert_eq!(whole(&torn), torn.len());
        assert_eq!(whole(&format!("{one}\nhalf")), one.len());
        assert!(split("\n\n").is_empty());
    }
}
