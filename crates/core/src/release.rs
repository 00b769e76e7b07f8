//! What is released: immutable, known by the digest of all it consists of. Keeps no bytes; those
//! are in the artefact store under their digests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, Name, Person, Version};
use crate::units::Timestamp;

/// One immutable release of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Release {
    /// What it is a release of.
    pub service: Name,
    /// What people call it.
    pub version: Version,
    /// Digest over artefacts, settings and migrations: two versions with the same content have the
    /// same digest, and share a quarantine.
    pub digest: Digest,
    /// What is deployed, by name.
    pub artifacts: BTreeMap<Name, Artifact>,
    /// Settings that come with the release; an environment's own value wins.
    pub settings: BTreeMap<String, String>,
    /// Changes of stored data that it brings, in order.
    pub migrations: Vec<Migration>,
    /// The commit it was built from.
    pub commit: Option<String>,
    /// The branch that was checked out when it was created, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Who wrote it.
    pub author: Option<Person>,
    /// What kind of change it is.
    pub change_type: ChangeType,
    /// By what it was found to be of that type; none where somebody said it, or nothing spoke for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_by: Option<String>,
    /// Files that it brings for whoever lets it in, such as the output of a plan, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<Name, Brought>,
    /// Taken from a working tree; enters development tiers only.
    pub snapshot: bool,
    /// Who created it here; set by the engine, whatever its author is said to be. Releases of older
    /// versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Person>,
    /// Who made the token by which it was created, where that is not who created it: it is theirs as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Person>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Release {
    /// The digest over what decides how a release behaves. Neither the version, nor who made it,
    /// nor when, is part of it.
    pub fn content_digest(
        artifacts: &BTreeMap<Name, Artifact>,
        settings: &BTreeMap<String, String>,
        migrations: &[Migration],
    ) -> Digest {
        Digest::of_json(&content(artifacts, settings, migrations))
    }

    /// What its digest is over: artefacts by name with their digests, settings, migrations. As JSON, its
    /// SHA-256 is that digest.
    pub fn content(&self) -> impl Serialize + '_ {
        content(&self.artifacts, &self.settings, &self.migrations)
    }

    /// Everybody whose work it is: its author, who created it, and who made the token by which that was
    /// done.
    pub fn makers(&self) -> impl Iterator<Item = &Person> {
        [&self.author, &self.created_by].into_iter().flatten().chain(&self.behind)
    }

    /// Whether going back from it would lose data.
    pub fn is_irreversible(&self) -> bool {
        self.migrations.iter().any(|migration| !migration.reversible)
    }
}

/// One deployable part of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Digest of its bytes; of an image, the digest of its manifest.
    pub digest: Digest,
    /// What its bytes are.
    pub form: ArtifactForm,
    /// Where it came from, for people.
    pub source: String,
    /// Size in bytes; 0 for an image that a registry keeps.
    pub size: u64,
}

/// A file that is kept with a release and is no part of what is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Brought {
    /// Digest of its bytes, under which the evidence of the journal has them.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// Where it came from, for people.
    pub source: String,
}

/// What an artefact's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactForm {
    /// One file.
    File,
    /// A folder, kept as a tar archive with sorted names and no times.
    Directory,
    /// An image in a registry, by digest.
    Image,
}

/// One change of stored data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Migration {
    /// Its name, in the order of application.
    pub name: String,
    /// Digest of its text.
    pub digest: Digest,
    /// Whether the release before it still works after it.
    pub reversible: bool,
}

/// What kind of change a release is (seed 004's approval matrix).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeType {
    /// New behaviour.
    #[default]
    Feature,
    /// Repaired behaviour.
    Fix,
    /// Repaired behaviour that cannot wait.
    Hotfix,
    /// What it runs on.
    Infrastructure,
    /// Settings alone.
    Configuration,
}

impl ChangeType {
    /// All of them, in the order of seed 004.
    pub const ALL: [Self; 5] =
        [Self::Feature, Self::Fix, Self::Hotfix, Self::Infrastructure, Self::Configuration];

    /// As written in the matrix and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Fix => "fix",
            Self::Hotfix => "hotfix",
            Self::Infrastructure => "infrastructure",
            Self::Configuration => "configuration",
        }
    }
}

fn content<'a>(
    artifacts: &'a BTreeMap<Name, Artifact>,
    settings: &'a BTreeMap<String, String>,
    migrations: &'a [Migration],
) -> impl Serialize + 'a {
    let artifacts: Vec<_> = artifacts.iter().map(|(name, kept)| (name, &kept.digest)).collect();
    (artifacts, settings, migrations)
}

/// A release as other records name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseRef {
    /// What people call it.
    pub version: Version,
    /// What it is.
    pub digest: Digest,
}

impl From<&Release> for ReleaseRef {
    fn from(release: &Release) -> Self {
        Self { version: release.version.clone(), digest: release.digest.clone() }
    }
}
