//! Keys of ssh and what they sign, as OpenSSH's PROTOCOL.sshsig says. Owns no rule of whose words count.

use aws_lc_rs::digest::{SHA512, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::world::{As, World};

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [length.to_be_bytes().as_slice(), bytes].concat()
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(seed: u8) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(pair(seed).public_key().as_ref())].concat()
}

pub(crate) fn line(seed: u8) -> String {
    format!("ssh-ed25519 {}", STANDARD.encode(public(seed)))
}

/// What `ssh-keygen -Y sign` would print.
pub(crate) fn signature(seed: u8, namespace: &str, text: &str) -> String {
    let hash = digest(&SHA512, text.as_bytes());
    let about = [string(namespace.as_bytes()), string(b""), string(b"sha512")].concat();
    let data = [b"SSHSIG".as_slice(), &about, &string(hash.as_ref())].concat();
    let signed = pair(seed).sign(&data);
    let signed = [string(b"ssh-ed25519"), string(signed.as_ref())].concat();
    let version = 1_u32.to_be_bytes();
    let blob = [b"SSHSIG".as_slice(), &version, &string(&public(seed)), &about, &string(&signed)];
    let text = STANDARD.encode(blob.concat());
    let lines: Vec<_> =
        text.as_bytes().chunks(70).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

pub(crate) fn said(statement: &Value, seed: u8) -> Value {
    let text = statement.to_string();
    json!({ "statement": text, "signature": signature(seed, "towpath", &text) })
}

/// How the journal is called.
pub(crate) async fn journal(world: &World) -> Value {
    let name = world.get(&As::Person("lead"), "/v1/you").await.body["journal"].clone();
    assert!(name.as_str().unwrap().starts_with("towpath.dev/rehearsal-60x/project/"), "{name}");
    name
}
