//! One file with what speaks for a release: what its checks read, and the signed account of each of its promotions
//! that has ended. Owns which pieces are put in; that they are true is for whoever opens it to check, by their digests
//! and the signatures.

use std::collections::BTreeSet;
use std::sync::Arc;

use towpath_audit::bundle::{self, Files};
use towpath_audit::statement::file_of;
use towpath_core::ids::{Digest, PromotionNumber};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::release::Release;
use towpath_ports::materials::Materials;

use crate::run_loop::Engine;
use crate::views::PromotionView;

/// Most bytes of one file: what a browser fetches and people send each other.
const LARGEST: usize = 64 * 1024 * 1024;
/// Most promotions of which it has the account: the newest.
const PROMOTIONS: usize = 50;

/// What stands in every one of them.
const README: &str = "\
What speaks for one release, by Towpath.

promotions/N/statement.dsse.json              what happened in promotion N, signed (in-toto in DSSE)
promotions/N/verification-summary.dsse.json   the same for tools of SLSA
evidence/sha256-...                           what its checks read, each named by the digest of its bytes
missing.txt                                   what is not here, and why; only where something is not

The names of the pieces stand in the statements. `towpath audit evidence N` makes a file of one promotion that
has its part of the journal as well, and how to check it without Towpath.
";

impl Engine {
    /// The file of these promotions, which are of one release, as a tar; the same promotions give the same bytes.
    /// What cannot be read or signed is named in it. It may have 64 MiB: hold a
    /// [place](Engine::place_for_bundle) meanwhile, and until they are sent.
    ///
    /// # Errors
    /// The refusal, where it would be larger than anybody should fetch at once.
    pub async fn release_bundle(&self, all: &[PromotionView]) -> Result<Vec<u8>, Box<Refusal>> {
        let mut files = Files::new();
        let (mut missing, mut wanted, mut last) = (Vec::new(), BTreeSet::new(), 0);
        files.insert(bundle::README.to_owned(), README.as_bytes().to_vec());
        let mut ended: Vec<&PromotionView> =
            all.iter().filter(|one| one.ended_at.is_some()).collect();
        ended.sort_by_key(|one| std::cmp::Reverse(one.number));
        for one in all {
            wanted.extend(
                one.checks.iter().flat_map(|check| &check.evidence).map(|it| it.digest.clone()),
            );
        }
        for one in ended.into_iter().take(PROMOTIONS) {
            let at: Option<jiff::Timestamp> = one.ended_at.as_ref().and_then(|at| at.parse().ok());
            last = last.max(at.map_or(0, jiff::Timestamp::as_second));
            match self.attest(PromotionNumber(one.number)).await {
                Ok(signed) => {
                    let place = |name: &str| format!("promotions/{}/{name}", one.number);
                    wanted.extend(signed.evidence);
                    files.insert(place(bundle::STATEMENT), signed.statement.into_bytes());
                    if let Some(summary) = signed.summary {
                        files.insert(place(bundle::SUMMARY), summary.into_bytes());
                    }
                }
                Err(why) => missing.push(format!("promotion {}: {}", one.number, told(&why))),
            }
        }
        let mut size: usize = files.values().map(Vec::len).sum();
        for digest in wanted {
            match self.evidence_bytes(&digest).await {
                Ok(Some(bytes)) => {
                    size = size.saturating_add(bytes.len());
                    if size > LARGEST {
                        return Err(Box::new(too_large()));
                    }
                    files.insert(file_of(&digest), bytes);
                }
                Ok(None) => missing.push(format!("{digest}: its bytes are not kept here")),
                Err(why) => missing.push(format!("{digest}: {why}")),
            }
        }
        if !missing.is_empty() {
            files.insert("missing.txt".to_owned(), (missing.join("\n") + "\n").into_bytes());
        }
        let pack = move || bundle::pack(&files, u64::try_from(last).unwrap_or(0));
        tokio::task::spawn_blocking(pack).await.map_err(|_| Box::new(not_packed()))
    }

    /// What the bills of materials say of a release: those that checks read for its promotions, and those that it brings;
    /// none where there is none, or nothing of it is kept.
    pub async fn materials(&self, release: &Release, all: &[PromotionView]) -> Option<Materials> {
        let read = all.iter().flat_map(|one| &one.checks).filter(|check| check.kind == BILL);
        let read = read.flat_map(|check| &check.evidence).map(|piece| piece.digest.clone());
        let brought = release.evidence.values().map(|one| one.digest.clone());
        let pieces: BTreeSet<Digest> = read.chain(brought).collect();
        let mut found: Option<Materials> = None;
        for digest in pieces {
            let _turn = self.shared.under_way.reading_bills.lock().await;
            let Ok(Some(bytes)) = self.evidence_bytes(&digest).await else { continue };
            let shared = Arc::clone(&self.shared);
            let read = move || shared.setup.adapters.materials(&bytes);
            if let Ok(Some(own)) = tokio::task::spawn_blocking(read).await {
                found.get_or_insert_default().join(own);
            }
        }
        found
    }
}

/// The kind of check that reads bills.
const BILL: &str = "cyclonedx";

fn told(why: &Refusal) -> String {
    let cause = why.cause.as_ref().map(|cause| format!(": {cause}"));
    format!("{}{}", why.message, cause.unwrap_or_default())
}

fn not_packed() -> Refusal {
    let message = "the evidence of the release could not be put into one file";
    Refusal::new(RefusalKind::Conflict, "not-packed", message, "the engine is stopping")
}

fn too_large() -> Refusal {
    let message = "the evidence of the release is too much for one file";
    let cause = format!("it is more than {} MiB", LARGEST >> 20);
    Refusal::new(RefusalKind::Usage, "too-large", message, cause)
        .next("towpath audit evidence NUMBER", "that of one promotion")
        .next("towpath evidence list", "the pieces, which are fetched one by one")
}
